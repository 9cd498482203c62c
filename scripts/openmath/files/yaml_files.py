"""YAML files of people: whatever is in them, one message where they cannot be read."""

from pathlib import Path

import yaml

from openmath.errors import InputError


def read_yaml(path: str | Path, what: str) -> object:
    """The content of a YAML file. what: names it in the InputError, "the prompt file"."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (
        OSError,
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ) as error:  # ValueError: no UTF-8, or a date like 2026-99-99
        raise InputError(f"Cannot read {what}.", where=path, found=" ".join(str(error).split())[:500]) from None
