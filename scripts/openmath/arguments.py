"""Options that several scripts share, and their types: numbers with their bounds, as `type=whole(1)`, and JSON.

Standard library only: this module also runs inside engine containers.
"""

import argparse
import json
import math
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Literal

# Of an endpoint, with no part in which a key could stand: addresses are written into results and messages.
ADDRESS = r"^https?://[^@?#\s]+$"
ADDRESS_WORDS = (
    "http(s)://HOST/PATH, without a user or password or a query (?...); a key goes into an environment variable"
)


def address(text: str) -> str:
    """Type of an option that takes the address of an endpoint; a wrong one may hold a secret and is not repeated."""
    if re.fullmatch(ADDRESS, text):
        return text
    raise argparse.ArgumentTypeError(f"must be {ADDRESS_WORDS}")


def whole(least: int) -> Callable[[str], int]:
    """Type of an option that takes a whole number of at least this."""

    def number(text: str) -> int:
        try:
            if (value := int(text)) >= least:
                return value
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, not {text!r:.80}")

    return number


def whole_or_auto(text: str) -> int | Literal["auto"]:
    """Type of an option that takes a whole number of at least 1, or `auto`."""
    return "auto" if text == "auto" else whole(1)(text)


def real(least: float, most: float = math.inf, *, above: bool = False) -> Callable[[str], float]:
    """Type of an option that takes a finite number from `least` to `most`; above: `least` itself is too little."""

    def number(text: str) -> float:
        try:
            value = float(text)
            if math.isfinite(value) and least <= value <= most and not (above and value == least):
                return value
        except ValueError:
            pass
        bounds = f"{'above' if above else 'of at least'} {least:g}" + (
            f" and at most {most:g}" if most < math.inf else ""
        )
        raise argparse.ArgumentTypeError(f"must be a number {bounds}, not {text!r:.80}")

    return number


def day(text: str) -> date:
    """Type of an option that takes a date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a day, YYYY-MM-DD, not {text!r:.80}") from None


def json_object(text: str) -> dict:
    """Type of an option that takes a JSON object."""
    try:
        if isinstance(value := json.loads(text), dict):
            return value
    except (ValueError, RecursionError):
        pass
    raise argparse.ArgumentTypeError(f"must be a JSON object, not {text!r:.80}")


def add_config_options(parser: argparse.ArgumentParser):
    """Options for settings/config_options.read_config; returns their group, of which one has to be given."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--configfile", nargs="+", type=Path, help="later files override earlier ones, key by key")
    source.add_argument("--config-json", action="store_true", help="the configuration as JSON on standard input")
    return source
