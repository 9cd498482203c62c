r"""Fine-tune a model on a training set: checkpoints, a curve of the loss, and a record of what went into it.

    python scripts/train_model.py --base models/smollm2-135m/checkpoint --dataset datasets/demo/train.parquet \
        --prompt config/prompts/math.yaml --prompt-template chat --output-dir training/demo --gpus 0 \
        --settings '{"steps": 20, "batch_size": 8, "save_steps": 10, "precision": "float32"}'

Runs on the CPU, on one GPU, or by --gpus and --nodes on several, where it starts itself by torchrun. Run the same command again
after any crash and it goes on from the newest whole checkpoint, with the rows that come next. SIGTERM saves one, and ends.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from openmath.arguments import day, json_object, whole
from openmath.errors import InputError, run_command
from openmath.generation.prompts import TEMPLATES

if TYPE_CHECKING:
    from accelerate import PartialState

    from openmath.training.checkpoints import Complete
    from openmath.training.recipe import Recipe
    from openmath.training.rows import Texts, Tokens

# Of a process for the first one, while that writes a checkpoint of 70B to a slow disk; ten minutes by torch's default.
LONGEST_WAIT = timedelta(hours=3)
HALF_WRITTEN = "checkpoint-*"  # as transformers' Trainer calls what it writes


def main() -> int:
    options = parse_arguments()
    from openmath.training.launch import launch_line, see_one_gpu
    from openmath.training.recipe import read_recipe

    recipe = read_recipe(options.settings)
    recipe.micro_batches(max(1, options.gpus * options.nodes))
    if options.gpus * options.nodes == 1:
        see_one_gpu()
    check_python(options.gpus)
    if line := launch_line(sys.argv, options.gpus, options.nodes):
        os.execvp(line[0], line)
    return train(options, recipe)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--base", required=True, type=Path, help="checkpoint folder to start from")
    add("--dataset", required=True, type=Path, help="train.parquet of pack_dataset.py")
    add("--prompt", required=True, help="prompt file, config/prompts/*.yaml, as in the evaluation")
    add("--prompt-template", choices=TEMPLATES, required=True)
    add("--system", help="in place of the prompt file's system turn")
    add("--chat-template-kwargs", type=json_object, help="JSON: values that the chat template asks for")
    add("--chat-date", type=day, help="that prompts say, where the chat template prints one")
    add(
        "--settings",
        required=True,
        type=json_object,
        help="JSON: steps, batch_size, learning_rate, ... (docs/training.md)",
    )
    add("--gpus", type=whole(0), default=1, help="of each node; 0: train on the CPU")
    add("--nodes", type=whole(1), default=1, help="of this Slurm job")
    add("--output-dir", required=True, type=Path, help="gets checkpoints/, curve.csv and, at the end, training.json")
    return parser.parse_args()


def check_python(gpus: int) -> None:
    """Raise InputError where this Python lacks a package, or its torch the GPUs: before torchrun starts a process for each."""
    from openmath.training.launch import PACKAGES

    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise InputError(
            "This Python lacks what training needs.",
            found=f"no {', '.join(missing)}",
            hint="`make env-train`, or --sdm conda.",
        )
    import torch

    if gpus and not torch.cuda.is_available():
        raise InputError(
            "The training wants GPUs, and torch sees none.",
            where="--gpus",
            found=f"torch {torch.__version__}, CUDA {torch.version.cuda}",
            hint="`gpus: 0` trains on the CPU; else see whether `nvidia-smi` answers, and whether torch is a build for its driver.",
        )


def train(options: argparse.Namespace, recipe: "Recipe") -> int:
    run = options.output_dir
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the rows' own processes are forked
    import torch
    from accelerate import PartialState
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    from openmath.training.checkpoints import TRAINER
    from openmath.training.curve import cut_curve
    from openmath.training.in_turn import first_process_first
    from openmath.training.manifest import note_start
    from openmath.training.rows import TrainingRows
    from openmath.training.trainer import Training, config_of

    disable_progress_bar()
    cpu = options.gpus == 0
    state = PartialState(cpu=cpu, timeout=LONGEST_WAIT)

    def say(text: str) -> None:
        if state.is_main_process:
            print(f"train_model: {text}", flush=True)

    base, arrow, texts, tokens, share, found = first_process_first(state, lambda: prepare(options, recipe, state, say))
    start, done = found or (base, {"step": 0, "tokens": 0, "seconds": 0.0, "files": {}})
    rows = TrainingRows(texts, tokens, steps=recipe.steps, batch_size=recipe.batch_size, seed=recipe.seed)
    if share:
        say(f"{share:.1%} of the first rows are longer than {recipe.max_length} tokens, and do not count")
    say(f"{len(texts):,} rows, {recipe.steps} steps of {recipe.batch_size}; starting at step {done['step']}")
    if state.is_main_process:
        cut_curve(run / "curve.csv", done["step"])
        note_start(run, done["step"])
    if done["step"] < recipe.steps:
        config = config_of(recipe, run, state.num_processes, cpu)
        model = AutoModelForCausalLM.from_pretrained(str(start), dtype=torch.float32, local_files_only=True)
        if recipe.compile:
            layers = model._no_split_modules or ()  # the name of their class, in any architecture
            for module in model.modules():
                if type(module).__name__ in layers:
                    module.compile(dynamic=True)  # rows of any length
        training = Training(
            rows=rows,
            run=run,
            recipe=recipe,
            tokens=done["tokens"],
            seconds=done["seconds"],
            model=model,
            args=config,
            processing_class=AutoTokenizer.from_pretrained(str(base), local_files_only=True),
        )
        try:
            training.train(resume_from_checkpoint=str(start / TRAINER) if found else None)
        except torch.OutOfMemoryError as error:
            raise InputError(
                "The training does not fit into the memory of a GPU.",
                where=f"{run}: step {training.state.global_step + 1}",
                found=str(error).partition(" If reserved")[0],
                hint="a smaller micro_batch_size, activation_checkpointing: true or more GPUs change no result.",
            ) from None
        if training.stop.received:
            say(f"terminated after step {training.state.global_step}; run the same command again")
            state.destroy_process_group()
            return 128 + training.stop.received
    if state.is_main_process:
        devices = state.num_processes
        write_record(options, recipe, rows=len(texts), too_long=share, devices=devices, gpus=0 if cpu else devices)
        arrow.unlink()
    state.destroy_process_group()
    return 0


class Prepared(NamedTuple):
    base: Path  # a folder that transformers reads
    arrow: Path  # the set's texts
    texts: "Texts"
    tokens: "Tokens"
    too_long: float  # share of the first rows
    found: "tuple[Path, Complete] | None"  # the checkpoint to go on from


def prepare(
    options: argparse.Namespace, recipe: "Recipe", state: "PartialState", say: Callable[[str], None]
) -> Prepared:
    """What a training reads, and whether it fits. Raises InputError. say: is told, in one line, of what was found there."""
    from transformers import AutoTokenizer

    from openmath.generation.prompts import CheckpointTokenizer, read_prompt
    from openmath.training.base import base_checkpoint
    from openmath.training.checkpoints import drop_unfinished, newest_complete
    from openmath.training.earlier import making_of, set_others_aside
    from openmath.training.lock import be_the_only_writer
    from openmath.training.rows import Texts, Tokens, all_too_long, kept_tokens_problem, lay_rows, too_long

    run, prompt = options.output_dir, read_prompt(options.prompt, options.system)

    def tokens_by(folder: Path) -> Tokens:
        tokenizer = CheckpointTokenizer(folder, options.chat_date, options.chat_template_kwargs)
        return Tokens(tokenizer, options.prompt_template, prompt, recipe.max_length)

    if state.is_main_process:
        check_room(options, recipe, state.num_processes)
        be_the_only_writer(run)
        set_others_aside(run, making_of(inputs_of(options), recipe), recipe, say)
        drop_unfinished(run, HALF_WRITTEN, say)
    base, arrow = base_checkpoint(options.base, run), lay_rows(options.dataset, run)
    texts, tokens = Texts(arrow), tokens_by(base)
    with tempfile.TemporaryDirectory() as folder:
        AutoTokenizer.from_pretrained(str(base), local_files_only=True).save_pretrained(folder)
        if problem := kept_tokens_problem(tokens, tokens_by(Path(folder)), texts, base):
            raise problem
    share = too_long(tokens, texts)
    if share == 1:
        raise all_too_long(recipe.max_length, "--settings: max_length")
    return Prepared(base, arrow, texts, tokens, share, newest_complete(run, say))


def check_room(options: argparse.Namespace, recipe: "Recipe", devices: int) -> None:
    """Raise InputError where the training fits neither this process's GPU nor the disk. devices: processes that train."""
    import torch

    from openmath.training.fits import disk_problem, gpu_problem
    from openmath.training.memory import shape_of_checkpoint

    shape = shape_of_checkpoint(options.base)
    if shape is None:
        return
    problem = disk_problem(shape, recipe, options.output_dir)
    if options.gpus and not problem:
        memory = torch.cuda.get_device_properties().total_memory
        problem = gpu_problem(shape, recipe, devices, memory, "--gpus")
    if problem:
        raise problem


def inputs_of(options: argparse.Namespace) -> dict:
    """Base, data and prompt, by their content."""
    from openmath.files.fingerprint import describe_files, sha256_file
    from openmath.generation.prompts import read_prompt

    return {
        "base": describe_files(options.base),
        "dataset": sha256_file(options.dataset),
        "prompt": read_prompt(options.prompt, options.system),
        "prompt_template": options.prompt_template,
        "chat_template_kwargs": options.chat_template_kwargs,
        "chat_date": options.chat_date.isoformat() if options.chat_date else None,
    }


def write_record(
    options: argparse.Namespace, recipe: "Recipe", *, rows: int, too_long: float, devices: int, gpus: int
) -> None:
    import json

    from openmath.files.fingerprint import sha256_file, write_manifest
    from openmath.provenance.public import check_no_secret, public
    from openmath.provenance.workflow import workflow_code
    from openmath.training.manifest import base_record, dataset_record, run_record

    record = {
        "base": base_record(options.base),
        "dataset": dataset_record(options.dataset, rows) | {"too_long": too_long},
        "prompt": {
            "file": options.prompt,
            "sha256": sha256_file(options.prompt),
            "template": options.prompt_template,
            "system": options.system,
            "chat_template_kwargs": options.chat_template_kwargs,
            "chat_date": options.chat_date.isoformat() if options.chat_date else None,
        },
        "workflow": workflow_code(),
        **run_record(options.output_dir, recipe, devices, gpus),
    }
    record = public(record)
    check_no_secret(json.dumps(record))
    write_manifest(options.output_dir / "training.json", record)


if __name__ == "__main__":
    run_command(main)
