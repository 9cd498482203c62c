"""Checkpoints: can they be had, and do the model's settings fit them?"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from openmath.client.http import TransportError
from openmath.engines.architecture import check_architecture
from openmath.errors import InputError, parts_of
from openmath.files.json_files import read_json
from openmath.generation.prompts import no_chat_template, read_prompt
from openmath.preflight.needs import Needs
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.layout import prompt_file

HUB_SECONDS = 10.0  # a request to the Hub
REQUESTS = 8  # at the same time
IGNORED = (".pth", ".bin")  # second copies of the weights, not downloaded; as in download_checkpoint.py
START_TOKEN = b"<|begin_of_text|>"  # of prompt_template: llama3-instruct


def check_checkpoints(needs: Needs) -> list[InputError]:
    """Sources of the checkpoints to fetch; settings of the models to run, as far as the checkpoint is here to compare with."""
    models = needs.config["models"]
    problems = []
    for model in needs.checkpoints:
        if "path" in models[model]:
            problems += check_local_checkpoint(model, Path(models[model]["path"]))
    hub = [model for model in needs.checkpoints if "hf" in models[model]]
    with ThreadPoolExecutor(REQUESTS) as pool:
        problems += filter(None, pool.map(lambda model: check_hub_checkpoint(model, models[model]["hf"]), hub))
    for model in dict.fromkeys([*needs.engines, *needs.running]):
        problems += check_settings(needs, model)
    return problems


def check_local_checkpoint(model: str, path: Path) -> Iterator[InputError]:
    if not (path / "config.json").is_file() and not list(path.glob("*.gguf")):
        yield InputError(
            "There is no checkpoint in this folder.",
            where=f"models: {model}: path: {path}",
            expected="config.json and weights, or a .gguf file",
            found="a folder without them" if path.is_dir() else "no such folder",
            hint="relative paths start where Snakemake runs.",
        )


def check_hub_checkpoint(model: str, source: str) -> InputError | None:
    """Whether a Hub snapshot is in the cache, or may be downloaded and fits on the disk. One request, none if HF_HUB_OFFLINE."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    repo, _, revision = source.partition("@")
    where = f"models: {model}: hf: {source}"
    if in_hub_cache(repo, revision):
        return None
    fetch = "run `snakemake fetch` where there is a network (same HF_HOME), or give a local folder (path:)."
    if constants.HF_HUB_OFFLINE:
        return InputError("The checkpoint is not in the cache, and HF_HUB_OFFLINE is set.", where=where, hint=fetch)
    api = HfApi()
    try:
        info = api.model_info(repo, revision=revision or None, timeout=HUB_SECONDS, files_metadata=True)
        if info.gated:  # what is in it may be seen by all, fetched by some
            api.auth_check(repo)
    except GatedRepoError:
        hint = f"accept its licence at huggingface.co/{repo} and export HF_TOKEN."
        return InputError("The repository is gated, and this token has no access.", where=where, hint=hint)
    except RevisionNotFoundError:
        return InputError(
            "The repository has no such revision.", where=where, hint="a branch, a tag or a commit of it."
        )
    except RepositoryNotFoundError:
        hint = "check the name; private repositories need HF_TOKEN."
        return InputError("No such repository, or no access to it.", where=where, hint=hint)
    except (HfHubHTTPError, TransportError, OSError) as error:
        found = str(error).splitlines()[0][:200]
        return InputError(
            "The Hub cannot be reached, and the checkpoint is not in the cache.", where=where, found=found, hint=fetch
        )
    size = sum(file.size or 0 for file in info.siblings or [] if not file.rfilename.endswith(IGNORED))
    cache = next(p for p in (Path(constants.HF_HUB_CACHE), *Path(constants.HF_HUB_CACHE).parents) if p.exists())
    free = shutil.disk_usage(cache).free
    if size > free:
        found = f"{free / 1e9:.1f} GB free in {cache}"
        hint = "set HF_HOME to a folder on a larger disk."
        return InputError(
            "There is not enough disk space for the checkpoint.",
            where=where,
            expected=f"{size / 1e9:.1f} GB",
            found=found,
            hint=hint,
        )
    return None


def in_hub_cache(repo: str, revision: str) -> bool:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        snapshot_download(repo, revision=revision or None, local_files_only=True, cache_dir=constants.HF_HUB_CACHE)
    except LocalEntryNotFoundError:
        return False
    return True


def check_settings(needs: Needs, model: str) -> Iterator[InputError]:
    """A model's settings against its checkpoint's config.json and tokenizer, where they are here."""
    settings, generation = needs.config["models"][model], needs.config["generation"]
    where = f"models: {model}"
    if engine_kind(settings["engine"]).hosted:
        return
    longest = {"generation: max_new_tokens": generation["max_new_tokens"]} if model in needs.generating else {}
    for judge in needs.judging:
        if needs.config["judges"][judge].get("self_hosted") == model:
            longest[f"judges: {judge}: max_new_tokens"] = needs.config["judges"][judge]["max_new_tokens"]
    for key, tokens in longest.items():
        if tokens >= settings["context_length"]:
            yield InputError(
                "The context leaves no room for the prompt.",
                where=f"{where}: context_length",
                expected=f"more than {key} ({tokens})",
                found=settings["context_length"],
                hint="context_length counts prompt and answer together.",
            )
    if model in needs.generating:
        try:
            read_prompt(prompt_file(settings["prompt"]))
        except InputError as problem:
            yield problem
    folder = Path(settings.get("path", f"models/{model}/checkpoint"))
    if f"models/{model}/manifest.json" in needs.due and "path" not in settings:
        return  # not here yet
    if (folder / "config.json").is_file():
        try:
            hint = "copy or fetch the checkpoint again."
            architecture = read_json(folder / "config.json", "the model's configuration", hint=hint)
            with parts_of("the configuration of a model", folder / "config.json"):
                sizes = {key: settings[key] for key in ("tensor_parallel", "context_length")}
                yield from list(check_architecture(where, architecture, **sizes))
        except InputError as problem:
            yield problem
    tokenizer = folder / "tokenizer.json"
    if (
        settings["prompt_template"] == "llama3-instruct"
        and tokenizer.is_file()
        and START_TOKEN not in tokenizer.read_bytes()
    ):
        yield InputError(
            "The prompt template does not fit the model.",
            where=f"{where}: prompt_template: llama3-instruct",
            expected=f"{START_TOKEN.decode()} in {tokenizer}",
            hint="use `prompt_template: chat`, the checkpoint's own.",
        )
    if settings["prompt_template"] == "chat" and tokenizer.is_file() and not has_chat_template(folder):
        yield no_chat_template(f"{where}: prompt_template: chat", folder)


def has_chat_template(folder: Path) -> bool:
    config = folder / "tokenizer_config.json"
    return any(folder.glob("chat_template*")) or (config.is_file() and b'"chat_template"' in config.read_bytes())
