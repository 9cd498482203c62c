"""The disks that missing files go to: `results`, `datasets`, `training` or a folder in them may be a link to another one."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from openmath.files.disk import free_bytes, nearest
from openmath.plan.table import size_text

# How less is written, by the first part of a folder's name.
LESS = {
    "results": "draw fewer samples (generation: seeds)",
    "datasets": "draw fewer solutions (dataset: origins: seeds)",
    "training": "keep fewer checkpoints (training: save_at)",
}


def disks_of(sizes: Mapping[str, int]) -> list[dict]:
    """sizes: folder, from the run's own -> bytes to come. Of each disk that they go to: folders (as far up as they lie on it ->
    bytes), disk_bytes, disk_free_bytes, place (the run's folder, where that lies on it; else where the first of folders is), and
    name ('results, training on the disk of /scratch/me'; '' where all goes to the disk of the run's folder: none is to be told
    from another)."""
    by_device: dict[int, Counter[str]] = {}
    for folder, size in sizes.items():
        if size:
            by_device.setdefault(_device(folder), Counter())[_outermost(folder)] += size
    here = _device(".")
    disks = []
    for device, folders in by_device.items():
        there = next(iter(folders))
        place = os.getcwd() if device == here else str(nearest(there))
        disks.append(
            {
                "name": "" if by_device.keys() == {here} else f"{', '.join(folders)} on the disk of {place}",
                "place": place,
                "folders": dict(folders),
                "disk_bytes": folders.total(),
                "disk_free_bytes": free_bytes(there),
            }
        )
    return disks


def too_small(disks: list[dict]) -> list[dict]:
    return [disk for disk in disks if disk["disk_bytes"] > disk["disk_free_bytes"]]


def larger_disk(disk: dict) -> str:
    """How a run gets one, in words."""
    return (
        f"run in a folder on a larger disk (--directory) or make a folder a link to one ({', '.join(disk['folders'])})"
    )


def disk_warnings(disks: list[dict]) -> Iterator[str]:
    """What to change where a disk is too small."""
    for disk in too_small(disks):
        name = f"{disk['name']}: " if disk["name"] else ""
        sizes = f"{size_text(disk['disk_bytes'])} of disk needed, {size_text(disk['disk_free_bytes'])} free"
        less = dict.fromkeys(LESS[folder.partition("/")[0]] for folder in disk["folders"])
        yield f"{name}{sizes}. Free some, {larger_disk(disk)}, or {' or '.join(less)}"


def _device(folder: str) -> int:
    return nearest(folder).stat().st_dev


def _outermost(folder: str) -> str:
    """'results' of 'results/MODEL', unless that is a link to another disk."""
    above = [folder, *map(str, Path(folder).parents)][:-1]  # without "."
    return next(path for path in reversed(above) if _device(path) == _device(folder))
