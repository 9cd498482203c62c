"""How long the Slurm job of a training still lasts. Standard library only.

A training has to save before the end: a wall limit ends the shell around it as well, and Slurm then kills what is left.
"""

import os
import re
import subprocess
import time

from openmath.training.memory import OPTIMIZER_BYTES, WEIGHT_BYTES

SQUEUE_SECONDS = 30
SPARE_SECONDS = 30.0
BYTES_PER_SECOND = 5e8  # of a checkpoint, until one has been written


class TimeLeft:
    """parameters: of the model, whose checkpoint takes time. left: seconds until the job ends; None: it has no end."""

    def __init__(self, parameters: int, left: float | None):
        now = time.monotonic()
        self._end = None if left is None else now + left
        self._last_step, self._longest_step = now, 0.0
        self._save = parameters * (WEIGHT_BYTES + OPTIMIZER_BYTES) / BYTES_PER_SECOND

    def saved(self, seconds: float) -> None:
        """A checkpoint was written in this time, which is no part of a step."""
        self._save = seconds
        self._last_step += seconds

    def is_up(self) -> bool:
        """Asked after each step: whether another one, and a checkpoint, might not be done in time, each taking twice as long."""
        now = time.monotonic()
        self._longest_step = max(self._longest_step, now - self._last_step)
        self._last_step = now
        return self._end is not None and now + 2 * (self._longest_step + self._save) + SPARE_SECONDS > self._end


def seconds_left() -> float | None:
    """Of this Slurm job, as squeue says; None outside of one, without a limit, or where squeue does not answer."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return None
    command = ["squeue", "--noheader", "--jobs", job, "--format=%L"]
    try:
        reply = subprocess.run(command, capture_output=True, text=True, timeout=SQUEUE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", reply.stdout.strip())
    if not found:
        return None  # UNLIMITED, or an error
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
