"""curve.csv: loss, speed and memory of each step, appended as it is known. Standard library only."""

import csv
from pathlib import Path
from typing import NamedTuple

from openmath.errors import InputError, parts_of
from openmath.files.rows import write_text


class Point(NamedTuple):
    step: int
    loss: float  # mean over the solutions' tokens of the step
    learning_rate: float
    tokens: int  # since the start of the training, prompts included
    tokens_per_second: float  # of this step, all devices together
    memory_gib: float  # most that one device has held
    seconds: float  # of training, since its start


def read_curve(path: Path) -> list[Point]:
    """The points of a curve, by step. A last line that is cut off, of a run that still writes or was killed, is left out."""
    try:
        lines = path.read_text().splitlines(keepends=True)
    except OSError as error:
        raise InputError(f"Cannot read the curve ({error.strerror}).", where=path) from None
    rows = csv.DictReader(line for line in lines if line.endswith("\n"))
    with parts_of("a training curve", path):
        return [Point(*(kind(row[name]) for name, kind in Point.__annotations__.items())) for row in rows]


def cut_curve(path: Path, step: int) -> None:
    """Let a curve end at this step, from which the training goes on."""
    points = [point for point in read_curve(path) if point.step <= step] if path.exists() else []
    write_text(path, "".join(map(_line, [Point._fields, *points])))


def append(path: Path, point: Point) -> None:
    with open(path, "a") as file:
        file.write(_line(point))


def _line(cells: tuple) -> str:
    return ",".join(map(str, cells)) + "\n"
