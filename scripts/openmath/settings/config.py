"""The workflow's configuration: checked against config/schema.yaml, defaults filled in, one message per mistake."""

import difflib
import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import yaml

from openmath.errors import InputError
from openmath.settings.engine_kinds import KINDS

SCHEMA = Path(__file__).parents[3] / "config" / "schema.yaml"
SOURCES = ("hf", "path", "pypi", "base_url", "samples")
JUDGE_SOURCES = ("model", "self_hosted")
OWN_KEYS = ("serve", "version", "health", "tokenizer", "extra_body", "gpu")  # of an engine of the user's own
PLACEHOLDERS = ("checkpoint", "port", "dtype", "tensor_parallel", "context_length")  # in its `serve`
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")  # not a brace of JSON
SECRET_PRONE = {  # a wrong value may be a secret: it is never repeated
    "api_key_env": "must be the name of an environment variable that holds the key (A-Z, 0-9 and _), not the key",
    "base_url": "must be http(s)://HOST/PATH, without a user or password",
}


def checked_config(config: dict) -> dict:
    """The config with defaults, or InputError listing every mistake with its key."""
    schema = yaml.safe_load(SCHEMA.read_text())
    config = _with_defaults(config, schema)
    validator = jsonschema.Draft202012Validator(schema)
    mistakes = [line for error in validator.iter_errors(config) for line in _explain(error)]
    mistakes = mistakes or [
        f"{': '.join(map(str, path))}: {value} is not a finite number" for path, value in _not_finite(config)
    ]
    mistakes = mistakes or list(_cross_checks(config))
    if mistakes:
        raise InputError(
            f"The configuration has {len(mistakes)} mistake{'s' * (len(mistakes) > 1)}.",
            found="\n    " + "\n    ".join(mistakes),
            hint="every key is explained in config/README.md.",
        )
    return config


def summary_config(config: dict, model: str, judge: str) -> dict:
    """The part of a checked configuration that one summary rests on; a valid configuration itself."""
    judges = {judge: config["judges"][judge]} if judge in config["judges"] else {}
    names = {model} | {settings["self_hosted"] for settings in judges.values() if "self_hosted" in settings}
    models = {name: settings for name, settings in config["models"].items() if name in names}
    used = {settings["engine"] for settings in models.values()}
    engines = {name: settings for name, settings in config["engines"].items() if name in used}
    return config | {"models": models, "judges": judges, "engines": engines, "compare": []}


def _with_defaults(value: object, schema: dict) -> object:
    """A copy with the schema's defaults put in; values of the wrong type are left for the validator."""
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for key, sub in schema.get("properties", {}).items():
        if key not in filled and "default" in sub:
            filled[key] = sub["default"]
        if key in filled:
            filled[key] = _with_defaults(filled[key], sub)
    other = schema.get("additionalProperties")
    if isinstance(other, dict):
        for key in filled.keys() - schema.get("properties", {}).keys():
            filled[key] = _with_defaults(filled[key] or {}, other) if other.get("type") == "object" else filled[key]
    return filled


def _not_finite(value: object, path: tuple = ()) -> Iterator[tuple[tuple, float]]:
    """(path, value) of each NaN and infinity: YAML can write them, limits of a schema let NaN pass, no setting means them."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path, value
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _not_finite(part, (*path, key))


def _explain(error: jsonschema.ValidationError) -> Iterator[str]:
    where = ": ".join(map(str, error.absolute_path)) or "(top level)"
    if error.validator == "additionalProperties" and error.schema.get("properties"):
        known = list(error.schema["properties"])
        for key in error.instance.keys() - set(known):
            near = difflib.get_close_matches(str(key), known, 1, 0.5)
            meant = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            yield f"{where}: unknown key {key!r}; {meant}"
    elif error.absolute_path and error.absolute_path[-1] in SECRET_PRONE:
        yield f"{where}: {SECRET_PRONE[error.absolute_path[-1]]}"
    else:
        yield f"{where}: {error.message}"


def _engine_checks(name: str, model: dict, engines: dict) -> Iterator[str]:
    engine = model["engine"]
    if engine not in KINDS and "serve" not in engines.get(engine, {}):
        known = [*KINDS, *(other for other in engines if other not in KINDS)]
        near = difflib.get_close_matches(engine, known, 1, 0.5)
        meant = f"did you mean {near[0]!r}?" if near else f"known engines: {', '.join(known)}"
        yield f"models: {name}: engine: no engine {engine!r}; {meant}"
    elif model["deterministic"] and (engine == "endpoint" or engine not in KINDS):
        yield f"models: {name}: deterministic: has no effect on engine {engine!r}; its server has to be started so"


def _own_engine_checks(name: str, engine: dict) -> Iterator[str]:
    """An engine that is none of ours is described whole; ours are not described at all."""
    own = [key for key in OWN_KEYS if key in engine]
    if name in KINDS:
        if own:
            yield f"engines: {name}: {own[0]} is for an engine of your own, under another name"
        return
    if missing := {"serve", "version"} - set(own):
        near = difflib.get_close_matches(name, KINDS, 1, 0.7)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        yield f"engines: {name}: an engine of your own needs serve and version; no {' and no '.join(sorted(missing))}{meant}"
        return
    for command in ("serve", "version"):
        try:
            shlex.split(engine[command])
        except ValueError as error:
            yield f"engines: {name}: {command}: {str(error).lower()}: {engine[command]}"
    named = set(PLACEHOLDER.findall(engine["serve"]))
    for word in sorted({"checkpoint", "port"} - named):
        yield f"engines: {name}: serve: has no place for {{{word}}}"
    for word in sorted(named - set(PLACEHOLDERS)):
        yield f"engines: {name}: serve: unknown {{{word}}}; known: {', '.join(PLACEHOLDERS)}"


def _cross_checks(config: dict) -> Iterator[str]:
    for name, model in config["models"].items():
        sources = [key for key in SOURCES if key in model]
        if len(sources) != 1:
            yield f"models: {name}: needs one source of {', '.join(SOURCES)}; found {', '.join(sources) or 'none'}"
        elif (sources[0] == "base_url") != (model["engine"] == "endpoint"):
            yield f"models: {name}: base_url and engine: endpoint go together"
        elif sources[0] == "base_url" and "served_model" not in model:
            yield f"models: {name}: an endpoint needs served_model, the name it knows the model by"
        if sources[:1] != ["samples"]:
            yield from _engine_checks(name, model, config["engines"])
    for name, engine in config["engines"].items():
        yield from _own_engine_checks(name, engine)
    for name in {name for pair in config["compare"] for name in pair} - config["models"].keys():
        yield f"compare: no model {name!r}; known models: {', '.join(config['models'])}"
    for name, judge in config["judges"].items():
        sources = [key for key in JUDGE_SOURCES if key in judge]
        if len(sources) != 1:
            yield f"judges: {name}: needs one of model (hosted) and self_hosted (a name under models)"
        elif "self_hosted" in judge and judge["self_hosted"] not in config["models"]:
            near = difflib.get_close_matches(judge["self_hosted"], config["models"], 1, 0.0)
            yield f"judges: {name}: self_hosted: no model {judge['self_hosted']!r}; did you mean {near[0]!r}?"
        elif "self_hosted" in judge and "samples" in config["models"][judge["self_hosted"]]:
            yield f"judges: {name}: self_hosted: {judge['self_hosted']!r} has only imported samples, no engine"
        elif "self_hosted" in judge and judge["mode"] == "batch":
            yield f"judges: {name}: mode: batch needs a hosted judge"
        if "budget_usd" in judge and "prices" not in judge:
            yield f"judges: {name}: budget_usd needs prices: {{input: ..., output: ...}}, USD per million tokens"
