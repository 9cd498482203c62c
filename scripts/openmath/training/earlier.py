"""What an earlier training of the same name has left: gone on from where it was of the same making, else set aside, never mixed in.

Standard library only.
"""

import dataclasses
from collections.abc import Callable
from itertools import count
from pathlib import Path

from openmath.files.fingerprint import fingerprint, write_manifest
from openmath.files.json_files import read_json
from openmath.training.checkpoints import steps_saved
from openmath.training.lock import LOCKS
from openmath.training.recipe import Recipe

MADE_FROM = "made_from.json"
EARLIER = "earlier"
# They change no weight of a step: how long, what is kept of it, and speed.
NOT_OF_A_STEP = (
    "steps",
    "save_steps",
    "save_at",
    "micro_batch_size",
    "activation_checkpointing",
    "compile",
    "report_to",
)


def making_of(inputs: dict, recipe: Recipe) -> dict:
    """All that the weights after a step follow from. inputs: base, data and prompt, by their content."""
    return inputs | {"recipe": of_a_step(recipe)}


def of_a_step(recipe: Recipe) -> dict:
    """The settings that change the weights after a step."""
    return {key: value for key, value in dataclasses.asdict(recipe).items() if key not in NOT_OF_A_STEP}


def set_others_aside(run: Path, making: dict, recipe: Recipe, say: Callable[[str], None]) -> None:
    """Move what a run has left below earlier/, unless this training can go on from it; note what this one is made from.

    What was set aside comes back where a training is of its making again.
    """
    note = run / MADE_FROM
    before = read_json(note, "what a training is made from") if note.exists() else None
    saved, gone = steps_saved(run), _gone(run, recipe)
    if before == making and not gone:
        return
    if before is not None or saved:
        why = (
            f"without the checkpoint of step {gone[0]}"
            if before == making
            else f"of another {_changed(before or {}, making)}"
        )
        name = fingerprint(before)
        # Not how many there are: of two of one making the first may have come back.
        aside = next(path for number in count() if not (path := run / EARLIER / f"{name}-{number}").exists())
        aside.mkdir(parents=True)
        for path in [path for path in run.iterdir() if path.name not in (EARLIER, LOCKS)]:
            path.rename(aside / path.name)
        say(f"what was here is {why}; it lies in {aside} now")
    run.mkdir(parents=True, exist_ok=True)
    fitting = [folder for folder in run.glob(f"{EARLIER}/{fingerprint(making)}-*") if not _gone(folder, recipe)]
    back = max(fitting, key=lambda folder: max(steps_saved(folder), default=0), default=None)
    if back and steps_saved(back):
        for path in back.iterdir():
            path.rename(run / path.name)
        back.rmdir()
        say(f"what was trained so before is back from {back}")
    write_manifest(note, making)


def _gone(run: Path, recipe: Recipe) -> list[int]:
    """Steps to be kept that a run has gone past and whose weights it has not kept."""
    saved = steps_saved(run)
    return [step for step in recipe.kept() if step <= max(saved, default=0) and step not in saved]


def _changed(before: dict, now: dict) -> str:
    return ", ".join(key for key in now if before.get(key) != now[key])
