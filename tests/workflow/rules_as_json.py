"""Prints what each rule of the workflow in this folder runs and rests on: name -> params, resources, shell. For tests.

python rules_as_json.py CONFIGFILE
"""

import json
import sys
from inspect import signature
from pathlib import Path
from types import SimpleNamespace

from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

WILDCARDS = SimpleNamespace(model="m", benchmark="b", judge="j")


def plain(value: object) -> object:
    """A value of a rule as JSON: of a function what it gives for WILDCARDS, or its name where it asks for more than these."""
    if callable(value):
        return plain(value(WILDCARDS)) if len(signature(value).parameters) == 1 else value.__name__
    return value if isinstance(value, str | int | list | None) else str(value)


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
