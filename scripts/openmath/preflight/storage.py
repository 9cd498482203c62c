"""Folders and disk space."""

import os
import shlex
from pathlib import Path

from openmath.errors import InputError
from openmath.files.disk import free_bytes, nearest
from openmath.plan.cost import make_plan
from openmath.plan.disks import larger_disk, too_small
from openmath.preflight.needs import Needs

FOLDERS = (".snakemake", "data", "models", "results", "judgements", "datasets", "training", "logs")


def check_folders() -> list[InputError]:
    """Folders that jobs write to."""
    if lost := [name for name in FOLDERS if os.path.islink(name) and not os.path.exists(name)]:
        return [
            InputError(
                "A folder is a link to one that is not there.",
                where=", ".join(os.path.abspath(name) for name in lost),
                expected=", ".join(os.path.realpath(name) for name in lost),
                hint=f"`mkdir -p {' '.join(shlex.quote(os.path.realpath(name)) for name in lost)}`, or mount its disk.",
            )
        ]
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
    """Space for the samples, judgements and checkpoints of trainings to come, as `plan` counts them, on each disk they go to."""
    if not needs.generating and not needs.drawing and not needs.judging and not needs.training:
        return []
    disks = make_plan(needs.config, due=needs.due, count_judge_calls=False)["disks"]
    return [_full(disk) for disk in too_small(disks)]


def _full(disk: dict) -> InputError:
    trained = sum(size for folder, size in disk["folders"].items() if folder.partition("/")[0] == "training")
    sampled = disk["disk_bytes"] - trained
    parts, hints = [], [f"free some space, or {larger_disk(disk)}."]
    if sampled:
        parts.append(f"{sampled / 1e9:.1f} GB for samples and judgements")
        hints.append(
            "The size follows from the length of samples: generation: tokens_per_sample, until files have been measured."
        )
    if trained:
        parts.append(f"{trained / 1e9:.1f} GB for checkpoints of trainings")
        hints.append("A training keeps the weights of each step of save_at, or of every save_steps.")
    return InputError(
        "There is not enough disk space for the missing files.",
        where=disk["name"] or disk["place"],
        expected=", ".join(parts),
        found=f"{disk['disk_free_bytes'] / 1e9:.1f} GB free",
        hint=" ".join(hints),
    )
