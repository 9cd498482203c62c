"""The configuration as an option of a script: files as Snakemake merges them, or JSON from whoever has merged them already."""

import argparse
import json
import sys

from openmath.errors import InputError
from openmath.settings.config import checked_config
from openmath.settings.config_files import read_config_files


def read_config(options: argparse.Namespace) -> dict:
    """The checked configuration that the options name."""
    if options.config_json:
        try:
            return checked_config(json.load(sys.stdin))
        except (ValueError, RecursionError) as error:
            raise InputError("Cannot read the configuration.", where="standard input", found=error) from None
    files = read_config_files(options.configfile)
    return checked_config(files.merged(), files)
