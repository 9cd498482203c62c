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
from openmath.settings.sampling import OPTIONAL

GENERATION_VERSION = 1  # raised only when the same settings give other samples; also a param of the rules
COMMIT = re.compile(r"[0-9a-f]{40}")
ON_HUB = re.compile(
    r"[^/@.~][^/@]*/[^/@]+(@.+)?"
)  # ORG/REPO@REVISION; a folder begins with ./ or /, or has no such form
ENDPOINT_KEYS = ("base_url", "served_model", "api_key_env")
MODEL_KEYS = ("dtype", "tensor_parallel", "context_length")
SOURCE_KEYS = ("hf", "path", "pypi", "trained", "steps", "adapter")
BUILD_KEYS = ("max_input_len", "max_num_tokens", "max_batch_size")  # of a TensorRT-LLM engine
# Of an engine of the user's own: how it is started is part of what it is.
OWN_KEYS = ("serve", "version", "health", "tokenizer", "extra_body")
OWN_DEFAULTS: dict = {"health": defaults.HEALTH, "tokenizer": defaults.TOKENIZER, "extra_body": {}}
ONLY_WHERE_SET = (*OPTIONAL, "chat_template_kwargs")  # not in the settings of a sample where nothing says them
# What is written down only where it is something else.
UNWRITTEN = {"backend": "tensorrt", "pipeline_parallel": 1, "adapter": None}
COMPARED_BY_KEY = (
    "engine",
    "model",
    "settings",
    "adapter",
)  # other dicts are one value: the prompt, the body of a request


class SampleSettings(TypedDict):
    """settings.json: what can change a sample.

    engine: an EngineIdentity, or what is known of one. prompt: content of the prompt file, not its place.
    max_new_tokens: in tokens of the model. benchmark_sha256: of the prepared file. limit: first problems of it; None: all.
    chat_date: that prompts say; only where the chat template prints one. top_k and all after it: only where they are set.
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
    top_k: NotRequired[int]
    min_p: NotRequired[float]
    repetition_penalty: NotRequired[float]
    presence_penalty: NotRequired[float]
    reasoning_effort: NotRequired[str]
    chat_template_kwargs: NotRequired[dict]


def sample_settings(
    sampling: Mapping, *, engine: Mapping, prompt: dict, prompt_template: str, benchmark_sha256: str
) -> SampleSettings:
    """sampling: of sampling.TYPES those that are set; also `limit` and `chat_template_kwargs`."""
    settings: SampleSettings = {
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
    for key in ONLY_WHERE_SET:
        if sampling.get(key) is not None:
            settings[key] = sampling[key]  # type: ignore[literal-required]
    return settings


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
    if options.get("pipeline_parallel", 1) != 1:
        settings["pipeline_parallel"] = options["pipeline_parallel"]
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
    if settings.get("pipeline_parallel", 1) != 1:
        options["pipeline_parallel"] = settings["pipeline_parallel"]
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
    identity = {"source": manifest["source"], "revision": manifest["revision"], "files": files}
    return identity | ({"adapter": checkpoint_identity(manifest["adapter"])} if "adapter" in manifest else {})


def endpoint_identity(options: Mapping) -> dict:
    """`model` of engine.json where an endpoint serves it: all that can be known."""
    return {"source": options["base_url"], "revision": options["served_model"]}


def requested_checkpoint(source: Mapping) -> str:
    """Names what a checkpoint was asked for (SOURCE_KEYS) without saying it: a path may hold the name of a user."""
    return fingerprint({key: str(source[key]) for key in SOURCE_KEYS if source.get(key)})


def adapter_source(adapter: str) -> dict[str, str]:
    """`adapter` of a model as a source of its own: {"hf": ...} or {"path": ...}. Looks at no file."""
    return {"hf" if ON_HUB.fullmatch(adapter) else "path": adapter}


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
        pinned = "revision" in known and "revision" in known.get("adapter", known)
        if manifest and agrees(known, manifest):
            requested = requested_checkpoint(settings)
            if pinned or manifest.get("requested", requested) == requested:
                known = checkpoint_identity(manifest)
            else:  # another branch or folder: no sample can be of files that are not here yet
                known["files"] = None
    return {"engine": engine, "model": known, "settings": engine_settings(engine, engine_options(config, model))}


def _configured_checkpoint(settings: Mapping) -> dict:
    """Source and revision as the configuration has them; a branch or a folder has a revision only when it is fetched."""
    if "adapter" in settings:
        base = {key: value for key, value in settings.items() if key != "adapter"}
        return _configured_checkpoint(base) | {"adapter": _configured_checkpoint(adapter_source(settings["adapter"]))}
    if "path" in settings:
        return {"source": "path"}
    if "trained" in settings:
        return {"source": f"trained:{settings['trained']}"}
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
