"""The configuration as an option of a script: files as Snakemake merges them, or JSON from whoever has merged them already."""

import argparse
import json
import sys
from pathlib import Path

import yaml

from openmath.config import checked_config
from openmath.errors import InputError


def add_config_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--configfile", nargs="+", type=Path, help="later files override earlier ones, key by key")
    source.add_argument("--config-json", action="store_true", help="the configuration as JSON on standard input")


def read_config(options: argparse.Namespace) -> dict:
    """The checked configuration that the options name."""
    if options.config_json:
        try:
            return checked_config(json.load(sys.stdin))
        except ValueError as error:
            raise InputError("Cannot read the configuration.", where="standard input", found=error) from None
    config: dict = {}
    for path in options.configfile:
        try:
            config = _merged(config, yaml.safe_load(path.read_text()) or {})
        except (OSError, yaml.YAMLError, TypeError, AttributeError) as error:
            found = " ".join(str(error).split())
            raise InputError("Cannot read the configuration.", where=path, found=found) from None
    return checked_config(config)


def _merged(config: dict, changes: dict) -> dict:
    merged = dict(config)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if nested else value
    return merged
