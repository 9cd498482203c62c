"""Folders and disk space."""

import os
import shutil

from openmath.errors import InputError
from openmath.plan.cost import make_plan
from openmath.preflight.needs import Needs

FOLDERS = ("data", "models", "results", "judgements", "logs")


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


def check_disk(needs: Needs) -> list[InputError]:
    """Space for the samples and judgements to come, as `plan` counts them."""
    if not needs.generating and not needs.drawing and not needs.judging:
        return []
    needed = make_plan(needs.config, due=needs.due, count_judge_calls=False)["disk_bytes"]
    free = shutil.disk_usage(".").free
    if needed <= free:
        return []
    return [
        InputError(
            "There is not enough disk space for the missing samples and judgements.",
            where=os.getcwd(),
            expected=f"{needed / 1e9:.1f} GB for samples and judgements",
            found=f"{free / 1e9:.1f} GB free",
            hint="free some space, or run in a folder on a larger disk (--directory). The size follows from the length of samples: "
            "generation: tokens_per_sample, until published files have been measured.",
        )
    ]
