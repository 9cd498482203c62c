"""What no key of `training` shows alone: see config.py."""

import re
from collections.abc import Iterator

from openmath.settings.config_mistakes import Mistake, meant
from openmath.settings.dataset_layout import DatasetLayout
from openmath.settings.training_layout import PROMPT, TrainingLayout

SUBSET = re.compile(r"train_\d+[KM]?\.parquet")
CHECKPOINTS = ("hf", "path", "pypi", "trained")  # sources of a model whose weights we have


def training_checks(config: dict) -> Iterator[Mistake]:
    """Mistakes of trainings, and of the models that come out of them."""
    models, layout = config["models"], TrainingLayout(config)
    for run, settings in layout.runs.items():
        yield from _run_checks(("training", run), settings, config, layout)
    for model in layout.models:
        path, run = ("models", model, "trained"), models[model]["trained"]
        if run not in layout.runs:
            yield Mistake(path, f"no training {run!r}; {meant(run, layout.runs, 'trainings', 0.0)}")
        else:
            yield from _model_checks(model, models, layout)
    for model, settings in models.items():
        if "steps" in settings and "trained" not in settings:
            yield Mistake(("models", model, "steps"), "goes with `trained`")


def _run_checks(path: tuple, run: dict, config: dict, layout: TrainingLayout) -> Iterator[Mistake]:
    models, base = config["models"], run["base"]
    if base not in models:
        yield Mistake((*path, "base"), f"no model {base!r}; {meant(base, models, 'models', 0.0)}")
    elif not any(source in models[base] for source in CHECKPOINTS):
        yield Mistake((*path, "base"), f"{base!r} has no checkpoint to start from")
    elif "adapter" in models[base]:
        yield Mistake((*path, "base"), f"{base!r} is a base with an adapter; weights are trained, not adapters")
    elif path[1] in trainings_before(base, config):
        yield Mistake((*path, "base"), f"{base!r} comes out of this training itself")
    if "dataset" not in run and "dataset" not in config:
        yield Mistake(path, "needs `dataset`: a parquet file here, or the section of that name")
    elif "dataset" in config and (text := _not_packed(layout.data_file(path[1]), config)):
        yield Mistake((*path, "dataset"), text)
    for step in run["save_at"]:
        if step > run["steps"]:
            yield Mistake((*path, "save_at"), f"step {step} is after the last one, {run['steps']}")
    rows = run["micro_batch_size"] * max(run["gpus"], 1) * run["nodes"]
    if run["batch_size"] % rows:
        text = f"{run['batch_size']} rows cannot be dealt evenly; expected a multiple of {rows}, micro_batch_size x devices"
        yield Mistake((*path, "batch_size"), text)
    if run["nodes"] > 1 and not run["gpus"]:
        yield Mistake((*path, "nodes"), "several nodes need GPUs")
    if "chat_template_kwargs" in run and run["prompt_template"] != "chat":
        yield Mistake((*path, "chat_template_kwargs"), "has an effect with prompt_template: chat only")


def _not_packed(path: str, config: dict) -> str | None:
    """What is wrong with a file of the configuration's own set that packing does not make: one of that name is an earlier set's."""
    dataset = DatasetLayout(config)
    folder, _, name = path.rpartition("/")
    if folder != dataset.folder or path in dataset.packed_files or not SUBSET.fullmatch(name):
        return None
    made = ", ".join(one.rpartition("/")[2] for one in dataset.packed_files if one.endswith(".parquet"))
    return f"{name} is no part of the set; `dataset: subsets` asks for {made}"


def trainings_before(model: str, config: dict) -> set[str]:
    """All trainings that a model's weights have gone through."""
    runs, found = config.get("training", {}), set()
    while (run := config["models"].get(model, {}).get("trained")) in runs and run not in found:
        found.add(run)
        model = runs[run]["base"]
    return found


def _model_checks(model: str, models: dict, layout: TrainingLayout) -> Iterator[Mistake]:
    settings = models[model]
    run = layout.runs[settings["trained"]]
    for key in PROMPT:
        if settings.get(key) != run.get(key):
            text = f"the training has {run.get(key)!r}; a model is asked as it was trained"
            yield Mistake(("models", model, key), text)
    kept = layout.kept(settings["trained"])
    for step in settings.get("steps", ()):
        if step not in kept:
            known = ", ".join(map(str, kept[:8])) + (", ..." if len(kept) > 8 else "")
            yield Mistake(("models", model, "steps"), f"step {step} is not kept; kept are {known}")
    base = models.get(run["base"], {})
    if settings["engine"] == "llamacpp" and base.get("engine") != "llamacpp" and "pypi" not in base:
        yield Mistake(
            ("models", model, "engine"), f"llama.cpp takes GGUF files, and {run['base']!r} is none to make one after"
        )
    if "adapter" in settings:
        yield Mistake(("models", model, "adapter"), "a trained model takes none")
