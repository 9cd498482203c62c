"""Local checkpoints: are they there, and do the model's settings fit them?"""

from collections.abc import Iterator
from pathlib import Path

from openmath.engines.adapter import Base, adapter_problem
from openmath.engines.architecture import check_architecture
from openmath.engines.checkpoint_files import checkpoint_problem
from openmath.errors import InputError, parts_of
from openmath.files.json_files import read_json
from openmath.generation.prompts import no_chat_template
from openmath.preflight.needs import Needs
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.sample_settings import adapter_source
from openmath.settings.sampling import configured_sampling

START_TOKEN = b"<|begin_of_text|>"  # of prompt_template: llama3-instruct


def check_checkpoints(needs: Needs) -> Iterator[InputError]:
    """Local checkpoints; settings of the models to run, as far as the checkpoint is here to compare with."""
    models, started = needs.config["models"], {*needs.engines, *needs.running}
    bases = [needs.config["training"][run]["base"] for run in needs.training]
    for model in dict.fromkeys([*needs.checkpoints, *needs.engines, *needs.running, *bases]):
        if engine_kind(models[model]["engine"]).hosted:
            continue
        if model not in needs.checkpoints:
            damage = list(check_link(model))
        else:
            damage = list(check_local_checkpoint(model, models[model].get("path")))
        yield from damage
        yield from check_adapter(needs, model, whole=not damage)
        if model in started:
            yield from check_settings(needs, model, whole=not damage)


def check_local_checkpoint(model: str, source: str | None) -> Iterator[InputError]:
    """A checkpoint that is to be linked, where it is a folder."""
    if source is None:
        return
    path = Path(source)
    if not (path / "config.json").is_file() and not list(path.glob("*.gguf")):
        yield InputError(
            "There is no checkpoint in this folder.",
            where=f"models: {model}: path: {path}",
            expected="config.json and weights, or a .gguf file",
            found="a folder without them" if path.is_dir() else "no such folder",
            hint="relative paths start where Snakemake runs; ~ and $NAME are taken as they stand: write the whole path.",
        )
    elif problem := checkpoint_problem(path, where=f"models: {model}: path: {path}"):
        yield problem


def check_link(model: str) -> Iterator[InputError]:
    """A checkpoint that was fetched before, often as a link, must still be there, and whole."""
    checkpoint = Path(f"models/{model}/checkpoint")
    if not checkpoint.exists():
        gone = f"a link to {checkpoint.readlink()}, which is gone" if checkpoint.is_symlink() else "no such folder"
        yield InputError(
            "The checkpoint is gone.",
            where=checkpoint,
            expected=f"what models/{model}/manifest.json lists",
            found=gone,
            hint=f"bring it back, or move models/{model}/manifest.json away to have it fetched again.",
        )
    elif problem := checkpoint_problem(checkpoint, where=checkpoint):
        yield problem


def check_adapter(needs: Needs, model: str, *, whole: bool) -> Iterator[InputError]:
    """A model's LoRA adapter, and whether it is made for the checkpoint, as far as both are here. whole: the checkpoint is."""
    settings = needs.config["models"][model]
    if "adapter" not in settings:
        return
    source, where = adapter_source(settings["adapter"]), f"models: {model}: adapter: {settings['adapter']}"
    if model not in needs.checkpoints:
        folder = Path(f"models/{model}/adapter")
    elif "path" in source:
        folder = Path(source["path"])
    elif Path(source["hf"]).is_dir():
        hint = f"a folder is written ./{source['hf']}; if the repository is meant, move that folder away."
        yield InputError("This names a repository on Hugging Face, and a folder here.", where=where, hint=hint)
        return
    else:
        return  # check_hub
    checkpoint = checkpoint_here(needs, model) if whole else None
    base = Base(checkpoint, settings.get("hf")) if checkpoint else None
    if problem := adapter_problem(folder, where=where, base=base):
        yield problem


def checkpoint_here(needs: Needs, model: str) -> Path | None:
    """The folder of a model's checkpoint, where it is here already."""
    settings = needs.config["models"][model]
    if model in needs.checkpoints and "path" not in settings:
        return None
    return Path(settings.get("path", f"models/{model}/checkpoint"))


def check_settings(needs: Needs, model: str, *, whole: bool) -> Iterator[InputError]:
    """A model's settings; where its checkpoint is here and whole, also against its config.json and tokenizer."""
    settings, where, longest = needs.config["models"][model], f"models: {model}", {}
    templates = {settings["prompt_template"]}
    folder = checkpoint_here(needs, model) if whole else None
    if model in needs.generating:
        try:
            drawn = configured_sampling(needs.config, model, folder)
            own = f"models: {model}: sampling" if "sampling" in settings else "generation"
            longest[f"{own}: max_new_tokens"] = drawn["max_new_tokens"]
        except InputError as problem:
            yield problem
    drawing = needs.drawing if model in needs.teaching else []
    for job in drawing:
        key = f"dataset: origins: {job.origin}: {job.stage.replace('-', '_')}: max_new_tokens"
        longest[key] = job.drawn["max_new_tokens"]
    for judge in needs.judging:
        if needs.config["judges"][judge].get("self_hosted") == model:
            longest[f"judges: {judge}: max_new_tokens"] = needs.config["judges"][judge]["max_new_tokens"]
    if drawing and len(longest) == len(drawing):  # the model is only a teacher: its own template is not used
        templates.clear()
    templates |= {job.drawn["prompt_template"] for job in drawing}
    for key, tokens in longest.items():
        if tokens >= settings["context_length"]:
            yield InputError(
                "The context leaves no room for the prompt.",
                where=f"{where}: context_length",
                expected=f"more than {key} ({tokens})",
                found=settings["context_length"],
                hint="context_length counts prompt and answer together.",
            )
    if not folder:
        return
    if (folder / "config.json").is_file():
        architecture = read_json(folder / "config.json", "the model's configuration")
        try:
            with parts_of("the configuration of a model", folder / "config.json"):
                sizes = {key: settings[key] for key in ("tensor_parallel", "context_length")}
                sizes["pipeline_parallel"] = settings.get("pipeline_parallel", 1)
                yield from list(check_architecture(where, architecture, **sizes))
        except InputError as problem:
            yield problem
    tokenizer = folder / "tokenizer.json"
    if "llama3-instruct" in templates and tokenizer.is_file() and START_TOKEN not in tokenizer.read_bytes():
        yield InputError(
            "The prompt template does not fit the model.",
            where=f"{where}: prompt_template: llama3-instruct",
            expected=f"{START_TOKEN.decode()} in {tokenizer}",
            hint="use `prompt_template: chat`, the checkpoint's own.",
        )
    if "chat" in templates and tokenizer.is_file() and not has_chat_template(folder):
        yield no_chat_template(f"{where}: prompt_template: chat", folder)


def has_chat_template(folder: Path) -> bool:
    config = folder / "tokenizer_config.json"
    return any(folder.glob("chat_template*")) or (config.is_file() and b'"chat_template"' in config.read_bytes())
