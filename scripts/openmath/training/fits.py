"""Does a training fit into memory and onto the disk? Asked before anything runs, and again where it runs. Standard library only."""

from pathlib import Path

from openmath.errors import InputError
from openmath.files.disk import free_bytes
from openmath.training.memory import STATE_BYTES, Shape, disk_bytes, host_bytes, least_bytes, parameters
from openmath.training.recipe import Recipe


def gpu_problem(shape: Shape, recipe: Recipe, devices: int, memory: int, where: str) -> InputError | None:
    """devices: GPUs that train, over all nodes. memory: bytes of the smallest."""
    least = least_bytes(shape, recipe, devices)
    if least <= memory:
        return None
    state = STATE_BYTES * parameters(shape) / devices
    if state > memory / 2:
        hint = "more `gpus` or `nodes` share weights, gradients and optimizer; or train a smaller model."
    else:
        hint = "a smaller micro_batch_size or activation_checkpointing: true changes no result; max_length leaves rows out."
    return InputError(
        "The training does not fit into the memory of a GPU.",
        where=where,
        expected=f"at least {_gib(least)} a GPU: {_gib(state)} of weights, gradients and optimizer, the rest of "
        f"{recipe.micro_batch_size} rows of {recipe.max_length} tokens",
        found=f"{_gib(memory)} on each of {devices}",
        hint=hint,
    )


def host_problem(shape: Shape, recipe: Recipe, gpus: int, mem_mb: int, where: str) -> InputError | None:
    """gpus: of each node, 0 where the CPU trains. mem_mb: memory of each node that the job asks for."""
    least = host_bytes(shape) if gpus else least_bytes(shape, recipe, 1)
    if least <= mem_mb * 10**6:
        return None
    held = "the weights when they are read and written" if gpus else "weights, gradients, optimizer and activations"
    return InputError(
        "The training does not fit into the memory that its job asks for.",
        where=where,
        expected=f"at least {-(-least // 10**6)}, for {held}",
        found=mem_mb,
        hint="raise mem_mb" + ("." if gpus else ", or lower micro_batch_size or max_length."),
    )


def disk_left(shape: Shape, recipe: Recipe, run: Path) -> int:
    """Bytes that the checkpoints of a training will take, less those that lie there."""
    there = sum(path.stat().st_size for path in (run / "checkpoints").rglob("*") if path.is_file())
    return max(0, disk_bytes(shape, recipe) - there)


def disk_problem(shape: Shape, recipe: Recipe, run: Path) -> InputError | None:
    needed, free = disk_left(shape, recipe, run), free_bytes(run)
    if needed <= free:
        return None
    return InputError(
        "There is not enough disk space for the checkpoints of the training.",
        where=run,
        expected=f"{needed / 1e9:.1f} GB: weights of {len(recipe.kept())} steps, and three checkpoints with the optimizer's state",
        found=f"{free / 1e9:.1f} GB free",
        hint="free some space, put the folder `training` on a larger disk, or keep fewer steps (save_at).",
    )


def _gib(size: float) -> str:
    return f"{size / 2**30:.1f} GiB"
