"""Trainings: do set, base and tokenizer fit the recipe, and is there what trains?"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from openmath.engines.checkpoint_files import checkpoint_problem
from openmath.engines.weights import read_gguf
from openmath.errors import InputError
from openmath.files.json_files import read_json
from openmath.generation.prompts import CheckpointTokenizer, messages_of, no_chat_template, read_prompt, token_ids
from openmath.plan.training import base_shape, recipe_of
from openmath.preflight.checkpoints import checkpoint_here
from openmath.preflight.needs import Needs
from openmath.settings.layout import prompt_file
from openmath.settings.training_layout import TrainingLayout
from openmath.training.fits import gpu_problem, host_problem
from openmath.training.launch import PACKAGES

# Prints which of the packages are missing, and the memory of the GPUs where they are wanted.
LOOK = """
import importlib.util, json, sys
missing = [name for name in sys.argv[2:] if importlib.util.find_spec(name) is None]
gpus = []
if sys.argv[1] != "0" and not missing:
    import torch
    gpus = [torch.cuda.get_device_properties(n).total_memory for n in range(torch.cuda.device_count())]
print(json.dumps([missing, gpus]))
"""
LOOK_SECONDS = 300  # to load torch from a slow disk
INSTALL = "`make env-train`, then `python: .venv-train/bin/python`; with --sdm conda Snakemake installs it."
END = "<|eot_id|>"  # of an answer, with prompt_template: llama3-instruct


def check_trainings(needs: Needs) -> Iterator[InputError]:
    """Sets, and as far as they are here the bases, of the trainings to run."""
    yield from check_sets(needs)
    if not needs.training:
        return
    from openmath.training.rows import set_problem  # takes a third of a second to import

    layout = TrainingLayout(needs.config)
    for run in needs.training:
        settings, where = layout.runs[run], f"training: {run}"
        folder = checkpoint_here(needs, settings["base"])
        if folder is None or not folder.is_dir() or checkpoint_problem(folder, where=folder):
            continue  # not here yet, or check_checkpoints names what is wrong
        shape = base_shape(needs.config, settings["base"])
        if shape:
            recipe, place = recipe_of(layout, run), f"{where}: mem_mb"
            if problem := host_problem(shape, recipe, settings["gpus"], settings["mem_mb"], place):
                yield problem
        yield from check_rows(folder, settings, where)
        try:
            path = layout.data_file(run)
            damage = [*check_tokenizer(folder, settings, where)]
            yield from damage
            if not damage and path not in needs.due and not set_problem(Path(path), path):
                yield from check_lengths(folder, Path(path), settings, where)
        except InputError as problem:
            yield problem


def check_sets(needs: Needs) -> Iterator[InputError]:
    """Training sets that are not about to be made."""
    if not needs.training:
        return
    from openmath.training.rows import set_problem  # takes a third of a second to import

    layout = TrainingLayout(needs.config)
    for run in needs.training:
        path = layout.data_file(run)
        if path not in needs.due and (problem := set_problem(Path(path), f"training: {run}: dataset: {path}")):
            yield problem


def check_rows(folder: Path, settings: dict, where: str) -> Iterator[InputError]:
    """Whether the model has a position for each token of a row."""
    config = folder / "config.json"
    architecture = read_json(config, "the model's configuration") if config.is_file() else {}
    longest = architecture.get("max_position_embeddings")
    if isinstance(longest, int) and settings["max_length"] > longest:
        yield InputError(
            "Rows may be longer than the model supports.",
            where=f"{where}: max_length",
            expected=f"at most {longest} (max_position_embeddings of {config})",
            found=settings["max_length"],
            hint=f"max_length: {longest}; longer rows do not count then.",
        )


def check_tokenizer(folder: Path, settings: dict, where: str) -> Iterator[InputError]:
    """Whether the base's tokenizer renders a prompt, knows an end of an answer, and only tokens that the model has."""
    place = f"{where}: prompt_template: {settings['prompt_template']}"
    if not (folder / "config.json").is_file():  # GGUF: its tokenizer is made in the training's own environment
        metadata = read_gguf(next(folder.glob("*.gguf"))).metadata
        if settings["prompt_template"] == "chat" and not metadata.get("tokenizer.chat_template"):
            yield no_chat_template(place, folder)
        return
    from openmath.training.rows import end_of_answer

    tokenizer = CheckpointTokenizer(folder, variables=settings.get("chat_template_kwargs"))
    if settings["prompt_template"] == "llama3-instruct" and len(tokenizer.encode(END)) != 1:
        yield InputError(
            "The prompt template does not fit the model: it would learn to end an answer by a text of several tokens.",
            where=place,
            expected=f"{END} as one token of {folder}",
            hint="use `prompt_template: chat`, the checkpoint's own.",
        )
        return
    prompt = read_prompt(prompt_file(settings["prompt"]), settings.get("system"))
    ids = token_ids(tokenizer, settings["prompt_template"], messages_of(prompt, "1 + 1"))
    highest = max([*ids, end_of_answer(tokenizer, settings["prompt_template"])])
    known = read_json(folder / "config.json", "the model's configuration").get("vocab_size")
    if isinstance(known, int) and highest >= known:
        yield InputError(
            "The prompt has tokens that the model does not know: its tokenizer is another model's.",
            where=place,
            expected=f"ids below {known} (vocab_size of {folder / 'config.json'})",
            found=highest,
            hint="put the tokenizer beside the weights that it came with.",
        )


def check_lengths(folder: Path, dataset: Path, settings: dict, where: str) -> Iterator[InputError]:
    """Whether any row is short enough to count. Of a GGUF base the job itself looks."""
    if not (folder / "config.json").is_file():
        return
    from openmath.training.rows import Tokens, all_too_long, first_rows, too_long

    tokenizer = CheckpointTokenizer(folder, variables=settings.get("chat_template_kwargs"))
    prompt = read_prompt(prompt_file(settings["prompt"]), settings.get("system"))
    tokens = Tokens(tokenizer, settings["prompt_template"], prompt, settings["max_length"])
    if too_long(tokens, first_rows(dataset)) == 1:
        yield all_too_long(settings["max_length"], f"{where}: max_length")


def check_trainers(needs: Needs, *, conda: bool) -> Iterator[InputError]:
    """The Python that trains, its packages and its GPUs, where jobs run on this machine. conda: it brings the packages."""
    layout = TrainingLayout(needs.config)
    for run in needs.training:
        settings, where = layout.runs[run], f"training: {run}"
        python, gpus = settings["python"], settings["gpus"]
        if conda and python == "python":
            continue  # there is none before the job
        look = _look(python, gpus)
        if isinstance(look, str):
            yield InputError(
                "The Python of the training does not run, or lacks what training needs.",
                where=f"{where}: python: {python}",
                expected=f"a Python with {', '.join(PACKAGES)}",
                found=look,
                hint=INSTALL,
            )
        elif len(look) < gpus:
            yield InputError(
                "The training wants GPUs that this machine does not have.",
                where=f"{where}: gpus",
                expected=gpus,
                found=len(look),
                hint="`gpus: 0` trains on the CPU; for a cluster's GPUs name its profile (docs/cluster.md).",
            )
        elif gpus and (shape := base_shape(needs.config, settings["base"])):
            devices = gpus * settings["nodes"]
            if problem := gpu_problem(shape, recipe_of(layout, run), devices, min(look), f"{where}: gpus"):
                yield problem


def _look(python: str, gpus: int) -> list[int] | str:
    """Bytes of memory of each GPU, empty where gpus is 0; or what is wrong, in words."""
    if not shutil.which(python):
        return "no such program"
    try:
        command = [python, "-c", LOOK, str(gpus), *PACKAGES]
        reply = subprocess.run(command, capture_output=True, text=True, timeout=LOOK_SECONDS)
        missing, memory = json.loads(reply.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return "a program that does not answer as Python does"
    return f"no {', '.join(missing)}" if missing else memory
