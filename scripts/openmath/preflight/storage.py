"""Folders and disk space."""

import os
import shutil
from pathlib import Path

from openmath.errors import InputError
from openmath.files.disk import free_bytes, nearest
from openmath.plan.cost import make_plan
from openmath.preflight.needs import Needs

FOLDERS = (".snakemake", "data", "models", "results", "judgements", "datasets", "training", "logs")


def check_folders() -> list[InputError]:
    """Folders that jobs write to."""
    locked = [name for name in FOLDERS if not os.access(name if os.path.exists(name) else ".", os.W_OK)]
    if not locked:
        return []
    hint = "give yourself write access, or run in another folder (--directory)."
    return [
        InputError(
            "These folders cannot be written to.", where=", ".join(os.path.abspath(name) for name in locked), hint=hint
        )
    ]


def check_cache() -> list[InputError]:
    """The folder that Snakemake keeps copies of its own in: without it every command of Snakemake ends with a traceback."""
    from snakemake.common import get_appdirs

    folder = Path(get_appdirs().user_cache_dir)
    there = nearest(folder)
    writable = there.is_dir() and os.access(there, os.W_OK)
    if writable and free_bytes(there):
        return []
    return [
        InputError(
            "Snakemake's cache cannot be written to.",
            where=folder,
            found=f"no space on the disk of {there}" if writable else f"no folder to write to: {there}",
            hint="export XDG_CACHE_HOME=FOLDER, one that can be written to, on the compute nodes too.",
        )
    ]


def check_disk(needs: Needs) -> list[InputError]:
    """Space for the samples, judgements and checkpoints of trainings to come, as `plan` counts them."""
    if not needs.generating and not needs.drawing and not needs.judging and not needs.training:
        return []
    plan = make_plan(needs.config, due=needs.due, count_judge_calls=False)
    needed, free = plan["disk_bytes"], shutil.disk_usage(".").free
    if needed <= free:
        return []
    trained = sum(cost["disk_bytes"] or 0 for cost in plan.get("training", ()))
    parts, hints = [], ["free some space, or run in a folder on a larger disk (--directory)."]
    if needed > trained:
        parts.append(f"{(needed - trained) / 1e9:.1f} GB for samples and judgements")
        hints.append(
            "The size follows from the length of samples: generation: tokens_per_sample, until files have been measured."
        )
    if trained:
        parts.append(f"{trained / 1e9:.1f} GB for checkpoints of trainings")
        hints.append("A training keeps the weights of each step of save_at, or of every save_steps.")
    return [
        InputError(
            "There is not enough disk space for the missing files.",
            where=os.getcwd(),
            expected=", ".join(parts),
            found=f"{free / 1e9:.1f} GB free",
            hint=" ".join(hints),
        )
    ]
