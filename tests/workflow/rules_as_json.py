"""Prints what each rule of the workflow in this folder runs and rests on: name -> params, resources, shell. For tests.

python rules_as_json.py CONFIGFILE
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

WILDCARDS = SimpleNamespace(model="m", benchmark="b", judge="j")


def plain(value: object) -> object:
    """A value of a rule as JSON; what it is for WILDCARDS, where it is a function."""
    return (
        plain(value(WILDCARDS))
        if callable(value)
        else value
        if isinstance(value, str | int | list | None)
        else str(value)
    )


with SnakemakeApi(OutputSettings(stdout=False)) as api:
    config = ConfigSettings(configfiles=[Path(sys.argv[1])])
    loaded = api.workflow(ResourceSettings(cores=1), config, snakefile=Path("Snakefile"))._workflow
    rules = {
        rule.name: {
            "params": {name: plain(value) for name, value in rule.params.items()},
            "resources": sorted(rule.resources),
            "shell": rule.shellcmd or "",
        }
        for rule in loaded.rules
    }
print(json.dumps(rules))
