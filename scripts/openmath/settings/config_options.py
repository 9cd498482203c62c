"""The configuration as an option of a script: files as Snakemake merges them, or JSON from whoever has merged them already."""

import argparse
import json
import sys
from pathlib import Path

from openmath.errors import InputError
from openmath.files.yaml_files import read_yaml
from openmath.settings.config import checked_config


def add_config_options(parser: argparse.ArgumentParser):
    """Options for read_config; returns their group, of which one has to be given."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--configfile", nargs="+", type=Path, help="later files override earlier ones, key by key")
    source.add_argument("--config-json", action="store_true", help="the configuration as JSON on standard input")
    return source


def read_config(options: argparse.Namespace) -> dict:
    """The checked configuration that the options name."""
    if options.config_json:
        try:
            return checked_config(json.load(sys.stdin))
        except (ValueError, RecursionError) as error:
            raise InputError("Cannot read the configuration.", where="standard input", found=error) from None
    config: dict = {}
    for path in options.configfile:
        changes = read_yaml(path, "the configuration") or {}
        if not isinstance(changes, dict):
            raise InputError("The configuration is not a list of keys.", where=path, found=f"{changes!r:.80}")
        config = _merged(config, changes)
    return checked_config(config)


def _merged(config: dict, changes: dict) -> dict:
    merged = dict(config)
    for key, value in changes.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if nested else value
    return merged
