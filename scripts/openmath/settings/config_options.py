"""The configuration as an option of a script: files as Snakemake merges them, or JSON from whoever has merged them already."""

import argparse
import json
import sys
from pathlib import Path

from openmath.errors import InputError


def add_config_options(parser: argparse.ArgumentParser):
    """Options for read_config; returns their group, of which one has to be given."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--configfile", nargs="+", type=Path, help="later files override earlier ones, key by key")
    source.add_argument("--config-json", action="store_true", help="the configuration as JSON on standard input")
    return source


def read_config(options: argparse.Namespace) -> dict:
    """The checked configuration that the options name."""
    from openmath.settings.config import checked_config  # not above: --help does not wait for pydantic
    from openmath.settings.config_files import read_config_files

    if options.config_json:
        try:
            return checked_config(json.load(sys.stdin))
        except (ValueError, RecursionError) as error:
            raise InputError("Cannot read the configuration.", where="standard input", found=error) from None
    files = read_config_files(options.configfile)
    return checked_config(files.merged(), files)
