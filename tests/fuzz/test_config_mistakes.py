"""A hundred seeded mistakes in the shipped configurations: each message names the key, and for a typo the nearest known one."""

import copy
import json
import math
import random
import string

import pytest
import yaml
from workflow.conftest import ROOT, copy_workflow, snakemake

from openmath.errors import InputError
from openmath.settings.config import checked_config

SCHEMA = json.loads((ROOT / "config/schema.json").read_text())
CONFIGS = {name: yaml.safe_load((ROOT / "config" / name).read_text()) for name in ("config.yaml", "demo.yaml")}
WRONG = {
    "string": 7,
    "integer": "eight",
    "number": "much",
    "boolean": "yes please",
    "array": "one",
    "object": "text",
}
SEED, COUNT = 9, 100


def schema_of(schema: dict, key: str) -> dict:
    """Of the value of a key: a known one, or a name of the user's."""
    named = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties") or {}]
    found = schema.get("properties", {}).get(key) or named[0]
    return SCHEMA["$defs"][found["$ref"].rpartition("/")[2]] if "$ref" in found else found


def places(value: object, schema: dict, path: tuple = ()) -> list[tuple[tuple, dict, dict]]:
    """(path, schema of the value there, schema of what holds it) of every key of a configuration."""
    found = []
    for key, inner in value.items() if isinstance(value, dict) else ():
        of_key = schema_of(schema, key)
        found += [((*path, key), of_key, schema), *places(inner, of_key, (*path, key))]
    return found


def typo(key: str, dice: random.Random) -> str:
    """A letter too few, too many, or another one."""
    at = dice.randrange(1, len(key))
    letter = dice.choice(string.ascii_lowercase)
    return dice.choice([key[:at] + key[at + 1 :], key[:at] + letter + key[at:], key[:at] + letter + key[at + 1 :]])


def mistakes() -> list:
    """(configuration, words that its message must hold) by kind of mistake, in turn."""
    dice, made = random.Random(SEED), []
    kinds = ("typo", "type", "range", "name", "missing")
    while len(made) < COUNT:
        kind = kinds[len(made) % len(kinds)]
        name = dice.choice(list(CONFIGS))
        config = copy.deepcopy(CONFIGS[name])
        path, schema, holder = dice.choice(places(config, SCHEMA))
        parent = config
        for key in path[:-1]:
            parent = parent[key]
        key, where = path[-1], ": ".join(path)
        if kind == "typo" and key in holder.get("properties", {}) and len(key) > 3:
            wrong = typo(key, dice)
            if wrong in holder["properties"]:
                continue
            parent[wrong] = parent.pop(key)
            words = [f"unknown key '{wrong}'", "did you mean"]
        elif kind == "type" and str(schema.get("type")) in WRONG:
            parent[key] = WRONG[schema["type"]]
            words = [where]
        elif kind == "range" and (schema.keys() & {"minimum", "exclusiveMinimum"}):
            parent[key] = dice.choice([-5, -1000, math.nan, math.inf] if schema["type"] == "number" else [-5, -1000])
            words = [where]
        elif kind == "name" and "enum" in schema:
            parent[key] = "no-such-name"
            words = [where, "no-such-name"]
        elif kind == "missing" and key in holder.get("required", []):
            del parent[key]
            words = [f"'{key}' is a required property"]
        else:
            continue
        made.append(pytest.param(config, words, id=f"{len(made)}-{kind}-{'.'.join(path)}"))
    return made


MISTAKES = mistakes()


@pytest.mark.parametrize(("config", "words"), MISTAKES)
def test_the_message_names_the_key(config, words):
    with pytest.raises(InputError) as error:
        checked_config(config)
    said = str(error.value)
    assert all(word in said for word in words), said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize(("config", "words"), MISTAKES[:2])
def test_snakemake_says_the_same(tmp_path, config, words):
    copy_workflow(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    reply = snakemake(tmp_path, "--dry-run")
    said = reply.stdout + reply.stderr
    assert reply.returncode != 0
    assert all(word in said for word in words), said
    assert "Traceback" not in said


def test_snakemake_names_the_places(tmp_path):
    copy_workflow(tmp_path)
    text = (ROOT / "config/demo.yaml").read_text() + "policy: default\npolicy: fast\n"
    (tmp_path / "config.yaml").write_text(text)
    reply = snakemake(tmp_path, "--dry-run", "--config", "generation={sedes: 1}")
    said = reply.stdout + reply.stderr
    line = text.count("\n")
    assert f" config.yaml:{line}:1: policy: given twice, first in line {line - 1}\n" in said, said
    assert f" config.yaml:{line}:1: policy: 'fast' is not one of" in said, said
    assert " --config: generation: unknown key 'sedes'; did you mean 'seeds'?" in said, said
