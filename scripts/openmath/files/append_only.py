"""Append-only files (finished samples, verdicts, records of jobs) as kills, full disks and power cuts leave them.

An unfinished last line is a write that was cut short, and is left out silently. Any other line that is not a row of its kind
(torn, NULs, bad UTF-8, wrong types) is damage: what is whole is kept, and the damage is counted and said. Who may write to a file
sets its damage aside, in NAME.damaged beside it; nothing of it is thrown away.

Standard library only: this module also runs inside engine containers.
"""

import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from openmath.errors import printable
from openmath.files.rows import atomic_write, parse_row, read_lines

ROW_START = re.compile(rb'\{"')
MOST_STARTS = 50  # of a damaged line: tried as the start of a whole row
SHOWN_LINES = 3  # in a message

IsRow = Callable[[dict], bool]


class _Line(NamedTuple):
    """number: from 1. row: None where nothing of the line is whole. damage: the bytes before the row. text: the row's own.
    start: where the line begins in the file, in bytes."""

    number: int
    start: int
    row: dict | None
    damage: bytes
    text: bytes


def kept_rows(path: str | Path, is_row: IsRow, damaged: list[int] | None = None) -> Iterator[dict]:
    """Yield the whole rows of an append-only file; nothing is written.

    is_row: whether an object has what a row of this file must have. damaged: gets the numbers of the damaged lines; without it
    they are told on stderr. Raises InputError where the file cannot be read.
    """
    found: list[int] = [] if damaged is None else damaged
    for line in _lines(path, is_row):
        if line.damage:
            found.append(line.number)
        if line.row is not None:
            yield line.row
    if found and damaged is None:
        tell_damage(path, found, "left out")


def kept_places(path: Path, is_row: IsRow) -> Iterator[tuple[dict, int, int]]:
    """(row, where its text begins, how long that is, both in bytes) of each whole row; damage is left out silently."""
    for line in _lines(path, is_row):
        if line.row is not None:
            yield line.row, line.start + len(line.damage), len(line.text)


def set_damage_aside(path: Path, is_row: IsRow) -> None:
    """Rewrite a file without its damage, which is added to NAME.damaged. For a file to which nobody appends now."""
    aside, damaged = path.with_name(f"{path.name}.damaged"), []
    with open(aside, "ab") as rest, atomic_write(path) as file:
        for line in _lines(path, is_row):
            if line.damage:
                damaged.append(line.number)
                rest.write(line.damage if line.damage.endswith(b"\n") else line.damage + b"\n")
            file.write(line.text)
        rest.flush()
        os.fsync(rest.fileno())  # before the rewritten file appears
    tell_damage(path, damaged, f"set aside in {aside.name}")


def tell_damage(path: str | Path, damaged: list[int], what: str) -> None:
    """Say on stderr which lines are damaged. what: what becomes of them."""
    shown = ", ".join(map(str, damaged[:SHOWN_LINES])) + (" ..." if len(damaged) > SHOWN_LINES else "")
    lines = "1 line" if len(damaged) == 1 else f"{len(damaged)} lines"
    text = f"warning: {path}: {lines} ({shown}) damaged and {what}; all others are kept."
    print(printable(text), file=sys.stderr, flush=True)


def _lines(path: str | Path, is_row: IsRow) -> Iterator[_Line]:
    start = 0
    for number, line in enumerate(read_lines(path), start=1):
        if not line.endswith(b"\n") and b"\0" not in line:
            # With NULs it is no unfinished line: a disk has lost what was there.
            return
        if line.strip():
            yield _parsed(number, start, line, is_row)
        start += len(line)


def _parsed(number: int, start: int, line: bytes, is_row: IsRow) -> _Line:
    """The line, or of a damaged one the whole row at its end: an append after a torn line shares that line."""
    later = (match.start() for match in ROW_START.finditer(line, 1))
    for place in itertools.chain([0], itertools.islice(later, MOST_STARTS)):
        row = parse_row(line[place:])
        if row is not None and is_row(row):
            return _Line(number, start, row, line[:place], line[place:])
    return _Line(number, start, None, line, b"")
