"""The workflow's configuration: checked against config_model.py, defaults filled in, one message for all mistakes."""

import difflib
import re
import shlex
from collections.abc import Iterator
from typing import Any

from pydantic import MISSING, BaseModel, ValidationError

from openmath.errors import InputError
from openmath.settings.benchmark_names import without_groups
from openmath.settings.config_files import ConfigFiles
from openmath.settings.config_mistakes import Mistake, meant, mistake
from openmath.settings.config_model import Configuration
from openmath.settings.dataset_checks import dataset_checks, same_problem_checks
from openmath.settings.engine_kinds import KINDS, SELDOM_TAKEN, STORED, engine_kind, gpus_of
from openmath.settings.sampling import EFFORT, FROM_CHECKPOINT, NO_EFFORT_HERE
from openmath.settings.training_checks import training_checks, trainings_before
from openmath.settings.training_layout import TrainingLayout

SOURCES = ("hf", "path", "pypi", "trained", "base_url", "samples")
JUDGE_SOURCES = ("model", "self_hosted")
NOT_OF_RESULTS = ("export", "publisher", "contamination", "dataset", "training")  # no summary rests on them
OWN_KEYS = ("serve", "version", "health", "tokenizer", "extra_body", "gpu")  # of an engine of the user's own
PLACEHOLDERS = ("checkpoint", "port", "dtype", "tensor_parallel", "context_length")  # in its `serve`
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")  # not a brace of JSON


def checked_config(config: dict, files: ConfigFiles | None = None) -> dict:
    """The configuration with defaults, or InputError listing every mistake with its key and, in these files, its place.

    What is given stays as it is, in its order; defaults come after it.
    """
    files = files or ConfigFiles()
    lines = [
        f"{key.place}: {': '.join(map(str, key.path))}: given twice, first in line {key.first_line}"
        for key in files.repeated()
    ]
    lines += [
        f"{number.place}: {': '.join(map(str, number.path))}: {number.text} is {number.value} to YAML; write a plain number, "
        "or quotes around a text"
        for number in files.misread()
    ]
    try:
        checked = _plain(Configuration.model_validate(config), config)
        lines += [mistake.line(files) for mistake in _cross_checks(checked)]
    except ValidationError as error:
        lines += [mistake(found, config).line(files) for found in error.errors(include_url=False)]
    if lines:
        raise InputError(
            f"The configuration has {len(lines)} mistake{'s' * (len(lines) > 1)}.",
            found="\n    " + "\n    ".join(lines),
            hint="every key is explained in config/README.md.",
        )
    return checked | {"benchmarks": without_groups(checked["benchmarks"], checked["benchmark_sources"])}


def summary_config(config: dict, model: str, judge: str) -> dict:
    """The part of a checked configuration that one summary rests on; a valid configuration itself."""
    judges = {judge: config["judges"][judge]} if judge in config["judges"] else {}
    names = {model} | {settings["self_hosted"] for settings in judges.values() if "self_hosted" in settings}
    runs = {run for name in names for run in trainings_before(name, config)}
    names |= {config["training"][run]["base"] for run in runs}
    models = {name: settings for name, settings in config["models"].items() if name in names}
    used = {settings["engine"] for settings in models.values()}
    engines = {name: settings for name, settings in config["engines"].items() if name in used}
    kept = {key: value for key, value in config.items() if key not in NOT_OF_RESULTS}
    if runs:
        data_file = TrainingLayout(config).data_file
        kept["training"] = {run: config["training"][run] | {"dataset": data_file(run)} for run in sorted(runs)}
    return kept | {"models": models, "judges": judges, "engines": engines, "compare": []}


def _plain(value: object, given: Any) -> Any:
    """A checked value as plain Python, but for defaults the same as `given`; None: nothing is given."""
    if not isinstance(value, BaseModel | dict):
        return value if given is None else given
    given, parts = given or {}, dict(value)
    names = [*given, *(name for name in parts if name not in given)]
    return {name: _plain(parts[name], given.get(name)) for name in names if parts[name] is not MISSING}


def _cross_checks(config: dict) -> Iterator[Mistake]:
    """What no key shows alone."""
    models, engines = config["models"], config["engines"]
    for name, model in models.items():
        yield from _source_checks(("models", name), model)
        if "thinking" in model and "samples" in model:
            text = "is for samples made here; those made elsewhere are read by the usual marks, or say their predicted_answer"
            yield Mistake(("models", name, "thinking"), text)
        if "samples" not in model:
            yield from _engine_checks(("models", name), model, engines)
            yield from _node_checks(("models", name), model, config["generation"], config["engines"])
            yield from _sampling_checks(("models", name), model, engines)
    for name, engine in engines.items():
        yield from _own_engine_checks(("engines", name), name, engine)
    if "dataset" in config:
        yield from dataset_checks(config)
    yield from same_problem_checks(config)
    yield from training_checks(config)
    for name in dict.fromkeys(name for pair in config["compare"] for name in pair if name not in models):
        yield Mistake(("compare",), f"no model {name!r}; known models: {', '.join(models)}")
    for name, judge in config["judges"].items():
        yield from _judge_checks(("judges", name), judge, models)


def _source_checks(path: tuple, model: dict) -> Iterator[Mistake]:
    sources = [key for key in SOURCES if key in model]
    if len(sources) != 1:
        yield Mistake(path, f"needs one source of {', '.join(SOURCES)}; found {', '.join(sources) or 'none'}")
    elif (sources[0] == "base_url") != engine_kind(model["engine"]).hosted:
        yield Mistake(path, "base_url and engine: endpoint go together")
    elif sources[0] == "base_url" and "served_model" not in model:
        yield Mistake(path, "an endpoint needs served_model, the name it knows the model by")


def _engine_checks(path: tuple, model: dict, engines: dict) -> Iterator[Mistake]:
    engine = model["engine"]
    if engine not in KINDS and "serve" not in engines.get(engine, {}):
        known = [*KINDS, *(other for other in engines if other not in KINDS)]
        yield Mistake((*path, "engine"), f"no engine {engine!r}; {meant(engine, known, 'engines')}")
    elif model.get("engines_per_gpu", 1) not in (1, "auto") and not engine_kind(engine).memory_flag:
        yield Mistake((*path, "engines_per_gpu"), f"engine {engine!r} cannot be told its share of a GPU; vllm can")
    elif foreign := [key for key in SELDOM_TAKEN if key in model and key not in engine_kind(engine).takes]:
        able = ", ".join(name for name, kind in KINDS.items() if foreign[0] in kind.takes)
        yield Mistake((*path, foreign[0]), f"engine {engine!r} cannot do that; {able} can")
    elif model["dtype"] in STORED and model["dtype"] != engine_kind(engine).stores:
        able = ", ".join(name for name, kind in KINDS.items() if kind.stores == model["dtype"])
        yield Mistake((*path, "dtype"), f"engine {engine!r} cannot do that; {able} can")
    elif model["deterministic"] and not engine_kind(engine, engines.get(engine, {}).get("backend")).deterministic:
        text = f"has no effect on engine {engine!r}; its server has to be started so"
        yield Mistake((*path, "deterministic"), text)


def _node_checks(path: tuple, model: dict, generation: dict, engines: dict) -> Iterator[Mistake]:
    """A copy of the model on several nodes has the same number of GPUs on each, and the job to itself."""
    nodes, gpus = model.get("nodes", 1), gpus_of(model)
    if nodes == 1:
        return
    if gpus % nodes:
        text = f"{gpus} GPUs (tensor_parallel x pipeline_parallel) cannot be dealt evenly to {nodes} nodes"
        yield Mistake((*path, "nodes"), text)
    if "-m" in (engines.get(model["engine"], {}).get("command") or "").split():
        text = f"a part on another node needs `{engine_kind(model['engine']).program}`; python -m starts a whole server there"
        yield Mistake((*path, "nodes"), text)
    for key, number in (
        ("engines_per_gpu", model.get("engines_per_gpu", 1)),
        ("engines_per_job", generation["engines_per_job"]),
    ):
        if number not in (1, "auto"):
            yield Mistake(
                (*path, "nodes"), f"one copy of the model has {nodes} nodes; {key}: {number} asks for more copies"
            )


def _sampling_checks(path: tuple, model: dict, engines: dict) -> Iterator[Mistake]:
    if model.get("sampling") == FROM_CHECKPOINT and engine_kind(model["engine"]).hosted:
        yield Mistake((*path, "sampling"), "an endpoint shows no checkpoint; write the values: {temperature: ...}")
    if EFFORT in model.get("sampling", {}) and not engine_kind(model["engine"]).hosted:
        yield Mistake((*path, "sampling", EFFORT), NO_EFFORT_HERE)
    marks = model.get("thinking")
    if isinstance(marks, dict) and marks["start"] == marks["end"]:
        yield Mistake((*path, "thinking"), "start and end are the same mark, so that none ends a thought")
    if "chat_template_kwargs" in model and model["prompt_template"] != "chat":
        yield Mistake((*path, "chat_template_kwargs"), "has an effect with prompt_template: chat only")
    always = engines.get(model["engine"], {}).get("extra_body", {}) if "sampling" in model else {}
    for key in ("temperature", "top_p", "max_tokens"):
        if key in always:
            text = f"stands in every request to engine {model['engine']!r} already (extra_body: {key})"
            yield Mistake((*path, "sampling"), text)


def _own_engine_checks(path: tuple, name: str, engine: dict) -> Iterator[Mistake]:
    """An engine that is none of ours is described whole; ours are not described at all."""
    own = [key for key in OWN_KEYS if key in engine]
    if "backend" in engine and name != "trtllm":
        yield Mistake((*path, "backend"), "is for trtllm")
    if name in KINDS:
        if own:
            yield Mistake(path, f"{own[0]} is for an engine of your own, under another name", (own[0],))
        return
    if missing := {"serve", "version"} - set(own):
        near = difflib.get_close_matches(name, KINDS, 1, 0.7)
        also = f"; did you mean {near[0]!r}?" if near else ""
        text = f"an engine of your own needs serve and version; no {' and no '.join(sorted(missing))}{also}"
        yield Mistake(path, text)
        return
    for command in ("serve", "version"):
        try:
            shlex.split(engine[command])
        except ValueError as error:
            yield Mistake((*path, command), f"{str(error).lower()}: {engine[command]}")
    named = set(PLACEHOLDER.findall(engine["serve"]))
    for word in sorted({"checkpoint", "port"} - named):
        yield Mistake((*path, "serve"), f"has no place for {{{word}}}")
    for word in sorted(named - set(PLACEHOLDERS)):
        yield Mistake((*path, "serve"), f"unknown {{{word}}}; known: {', '.join(PLACEHOLDERS)}")


def _judge_checks(path: tuple, judge: dict, models: dict) -> Iterator[Mistake]:
    hosts = judge.get("self_hosted")
    if len([key for key in JUDGE_SOURCES if key in judge]) != 1:
        yield Mistake(path, "needs one of model (hosted) and self_hosted (a name under models)")
    elif hosts is not None and hosts not in models:
        yield Mistake((*path, "self_hosted"), f"no model {hosts!r}; {meant(hosts, models, 'models', 0.0)}")
    elif hosts is not None and "samples" in models[hosts]:
        yield Mistake((*path, "self_hosted"), f"{hosts!r} has only imported samples, no engine")
    elif hosts is not None and judge["mode"] == "batch":
        yield Mistake((*path, "mode"), "batch needs a hosted judge")
    if "budget_usd" in judge and "prices" not in judge:
        text = "budget_usd needs prices: {input: ..., output: ...}, USD per million tokens"
        yield Mistake(path, text, ("budget_usd",))
