"""Checkpoints of a training: checkpoints/step-N holds a HF checkpoint and, in trainer/, what is needed to go on from there.

A folder of this name is whole: it was written under another name, and complete.json in it says how long each file is. Those of
steps that are averaged later stay; the others go when newer ones are there. Standard library only.
"""

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypedDict

from openmath.errors import InputError, parts_of
from openmath.files.fingerprint import write_manifest
from openmath.files.json_files import read_json

COMPLETE = "complete.json"
TRAINER = "trainer"  # folder of the optimizer's state and the like
RESUMABLE = 2  # newest checkpoints that keep it: one more, in case the disk has damaged the newest
NAME = re.compile(r"step-(\d+)")


class Complete(TypedDict):
    """complete.json"""

    step: int
    tokens: int  # that the model was trained on until then, prompts included
    seconds: float  # of training, starts of the program left out
    files: dict[str, int]  # path within the folder -> bytes


def step_of(folder: Path) -> int | None:
    """The step of a checkpoint's folder, by its name; None where it has another."""
    found = NAME.fullmatch(folder.name)
    return int(found[1]) if found else None


def steps_saved(run: Path) -> dict[int, Path]:
    """Step -> folder, newest first."""
    found = {step: folder for folder in (run / "checkpoints").glob("step-*") if (step := step_of(folder)) is not None}
    return dict(sorted(found.items(), reverse=True))


def newest_complete(run: Path, say: Callable[[str], None]) -> tuple[Path, Complete] | None:
    """The checkpoint to go on from, with its record. say: is told, in one line, of each that is damaged and left out."""
    for folder in steps_saved(run).values():
        try:
            complete = read_complete(folder)
            damaged = list(_damage(folder, complete))
        except InputError as error:
            damaged = [str(error.what)]
        else:
            if not damaged:
                return folder, complete
            if not (folder / TRAINER).exists():  # its turn is over: kept for its weights
                continue
        say(f"{folder} is damaged and left out ({damaged[0]}); going on from an older one")
    return None


def read_complete(folder: Path) -> Complete:
    record = read_json(folder / COMPLETE, "the record of a checkpoint")
    with parts_of("the record of a checkpoint", folder / COMPLETE):
        files = {str(name): int(size) for name, size in record["files"].items()}
        return {
            "step": int(record["step"]),
            "tokens": int(record["tokens"]),
            "seconds": float(record["seconds"]),
            "files": files,
        }


def _damage(folder: Path, complete: Complete) -> Iterator[str]:
    for name, size in complete["files"].items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else None
        if found != size:
            yield f"{name}: {'missing' if found is None else f'{found} bytes'}, not {size} bytes"


def finish(unfinished: Path, step: int, tokens: int, seconds: float) -> Path:
    """Give a folder that is written its name, once all of it is on the disk."""
    files = sorted(path for path in unfinished.rglob("*") if path.is_file())
    for path in files:
        _sync(path)
    sizes = {str(path.relative_to(unfinished)): path.stat().st_size for path in files}
    complete: Complete = {"step": step, "tokens": tokens, "seconds": seconds, "files": sizes}
    write_manifest(unfinished / COMPLETE, complete)
    folder = unfinished.with_name(f"step-{step}")
    if folder.exists():  # a damaged one, which was left out
        shutil.rmtree(folder)
    unfinished.rename(folder)
    _sync(folder.parent)
    return folder


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def drop_old(run: Path, kept: Collection[int]) -> None:
    """Of all but the newest, remove what nobody needs: the trainer's state, and those of other steps than `kept`."""
    for step, folder in list(steps_saved(run).items())[RESUMABLE:]:
        if step not in kept:
            shutil.rmtree(folder)
        elif (folder / TRAINER).exists():
            shutil.rmtree(folder / TRAINER)


def drop_unfinished(run: Path, unfinished: str, say: Callable[[str], None]) -> None:
    """Remove what a killed run was writing. unfinished: pattern of such folders' names."""
    for folder in (run / "checkpoints").glob(unfinished):
        say(f"{folder} was half-written when the run ended, and is made again")
        shutil.rmtree(folder)
