"""What makes a sample stale: all that can change its text is in `sample_settings`, and nothing else is.

Speed, node, job and the places of files are not in it. A generation job writes the settings beside its samples (settings.json) and
names their folder by their fingerprint; other settings are another folder, so that a stale sample is never reused.

`configured_engine` says the same of an engine before it is made, from the configuration: by it the plan finds stale samples.

Standard library only: this module also runs inside engine containers.
"""

import re
from collections.abc import Mapping
from typing import NotRequired, TypedDict

from openmath.files.fingerprint import fingerprint
from openmath.files.records import EngineIdentity
from openmath.settings import defaults
from openmath.settings.engine_kinds import KINDS, engine_kind
from openmath.settings.layout import Layout

GENERATION_VERSION = 1  # raised only when the same settings give other samples; also a param of the rules
COMMIT = re.compile(r"[0-9a-f]{40}")
ENDPOINT_KEYS = ("base_url", "served_model", "api_key_env")
MODEL_KEYS = ("dtype", "tensor_parallel", "context_length")
BUILD_KEYS = ("max_input_len", "max_num_tokens", "max_batch_size")  # of a TensorRT-LLM engine
# Of an engine of the user's own: how it is started is part of what it is.
OWN_KEYS = ("serve", "version", "health", "tokenizer", "extra_body")
OWN_DEFAULTS: dict = {"health": defaults.HEALTH, "tokenizer": defaults.TOKENIZER, "extra_body": {}}
UNWRITTEN = {"backend": "tensorrt"}  # settings that are written down only where they are another
COMPARED_BY_KEY = ("engine", "model", "settings")  # other dicts are one value: the prompt, the body of a request


class SampleSettings(TypedDict):
    """settings.json: what can change a sample.

    engine: an EngineIdentity, or what is known of one. prompt: content of the prompt file, not its place.
    max_new_tokens: in tokens of the model. benchmark_sha256: of the prepared file. limit: first problems of it; None: all.
    chat_date: that prompts say; only where the chat template prints one.
    """

    generation_version: int
    engine: Mapping
    prompt: dict
    prompt_template: str
    temperature: float
    top_p: float
    max_new_tokens: int
    benchmark_sha256: str
    limit: int | None
    chat_date: NotRequired[str]


def sample_settings(
    sampling: Mapping, *, engine: Mapping, prompt: dict, prompt_template: str, benchmark_sha256: str
) -> SampleSettings:
    """sampling: options of generate.py, or `generation` of the configuration."""
    return {
        "generation_version": GENERATION_VERSION,
        "engine": engine,
        "prompt": prompt,
        "prompt_template": prompt_template,
        "temperature": sampling["temperature"],
        "top_p": sampling["top_p"],
        "max_new_tokens": sampling["max_new_tokens"],
        "benchmark_sha256": benchmark_sha256,
        "limit": sampling["limit"],
    }


def engine_identity(description: Mapping) -> EngineIdentity:
    """The part of engine.json that can change answers. Raises KeyError where one is missing."""
    return {
        "engine": description["engine"],
        "version": description["version"],
        "model": description["model"],
        "settings": description["settings"],
    }


def engine_settings(engine: str, options: Mapping) -> dict:
    """`settings` of engine.json. options: of build_engine.py, or engine_options of the configuration."""
    if engine_kind(engine).hosted:
        return {key: options.get(key) for key in ENDPOINT_KEYS}
    settings = {key: options[key] for key in (*MODEL_KEYS, "deterministic")}
    if engine not in KINDS:
        settings |= {key: options.get(key, OWN_DEFAULTS.get(key)) for key in OWN_KEYS if key != "version"}
    if options.get("backend") == "pytorch":
        settings["backend"] = "pytorch"
    elif engine_kind(engine).builder:
        settings["build"] = {key: options[key] for key in BUILD_KEYS}
    return settings


def engine_options(config: dict, model: str) -> dict:
    """What a checked configuration says to build_engine.py about the engine of a model: option -> value."""
    settings = config["models"][model]
    engine = settings["engine"]
    if engine_kind(engine).hosted:
        return {key: settings[key] for key in ENDPOINT_KEYS if key in settings}
    options = {key: settings[key] for key in MODEL_KEYS}
    if engine not in KINDS:
        described = config["engines"][engine]
        options["tensor_parallel"] = Layout(config).gpus(model)
        options |= {key: described[key] for key in OWN_KEYS if key in described}
    if config["engines"].get(engine, {}).get("backend") == "pytorch":
        options["backend"] = "pytorch"
    elif engine_kind(engine).builder:
        options |= settings["build"]
    return options | {"deterministic": settings["deterministic"]}


def checkpoint_identity(manifest: Mapping) -> dict:
    """`model` of engine.json, from the manifest of the checkpoint. Raises KeyError where a part is missing."""
    files = fingerprint(manifest["files"])
    return {"source": manifest["source"], "revision": manifest["revision"], "files": files}


def endpoint_identity(options: Mapping) -> dict:
    """`model` of engine.json where an endpoint serves it: all that can be known."""
    return {"source": options["base_url"], "revision": options["served_model"]}


def requested_checkpoint(source: Mapping) -> str:
    """Names what a checkpoint was asked for (hf, path or pypi) without saying it: a path may hold the name of a user."""
    return fingerprint({key: str(source[key]) for key in ("hf", "path", "pypi") if source.get(key)})


def configured_engine(config: dict, model: str, manifest: Mapping | None) -> dict:
    """What is known of an engine's identity before it is made: all but its version, and what only a fetched checkpoint tells.

    manifest: of the checkpoint that is here now, if any; it counts if it is of the configured one.
    """
    settings = config["models"][model]
    engine = settings["engine"]
    if engine_kind(engine).hosted:
        known = endpoint_identity(settings)
    else:
        known = _configured_checkpoint(settings)
        pinned = "revision" in known
        if manifest and agrees(known, manifest):
            requested = requested_checkpoint(settings)
            if pinned or manifest.get("requested", requested) == requested:
                known = checkpoint_identity(manifest)
            else:  # another branch or folder: no sample can be of files that are not here yet
                known["files"] = None
    return {"engine": engine, "model": known, "settings": engine_settings(engine, engine_options(config, model))}


def _configured_checkpoint(settings: Mapping) -> dict:
    """Source and revision as the configuration has them; a branch or a folder has a revision only when it is fetched."""
    if "path" in settings:
        return {"source": "path"}
    if "pypi" in settings:
        name, _, version = settings["pypi"].partition("==")
        return {"source": f"pypi:{name}", "revision": version}
    repository, _, revision = settings["hf"].partition("@")
    return {"source": f"hf:{repository}"} | ({"revision": revision} if COMMIT.fullmatch(revision) else {})


def agrees(known: Mapping, written: Mapping) -> bool:
    """Whether settings that were written down are those known now. Keys that only one has are not compared, but UNWRITTEN."""
    for key in (known.keys() & written.keys()) | ((known.keys() | written.keys()) & UNWRITTEN.keys()):
        ours, theirs = (settings.get(key, UNWRITTEN.get(key)) for settings in (known, written))
        by_key = key in COMPARED_BY_KEY and isinstance(ours, dict) and isinstance(theirs, dict)
        if not (agrees(ours, theirs) if by_key else ours == theirs):
            return False
    return True
