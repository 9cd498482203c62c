"""Names of sample runs: greedy, rs0, rs1, ... and of their files, output-greedy.jsonl (elsewhere output.jsonl), output-rs0.jsonl;
compressed ones with .zst behind it.

Standard library only: this module also runs inside engine containers.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from openmath.errors import InputError

SAMPLE_FILE = re.compile(r"^output(?:-(?P<run>greedy|rs(?P<seed>\d+)))?\.jsonl(?:\.zst)?$")


def sample_run_of(path: str | Path) -> str:
    """The sample run that a file name stands for: 'output-rs7.jsonl' -> 'rs7'."""
    match = SAMPLE_FILE.match(Path(path).name)
    if not match:
        raise InputError(
            "This file name does not say which sample run it holds.",
            where=path,
            expected="output-greedy.jsonl or output-rs<seed>.jsonl",
            hint="rename the file; the seed decides the order of runs in a majority vote.",
        )
    return match["run"] or "greedy"


def run_order(sample_run: str) -> int:
    """Sort key of sample runs: greedy first, then seeds by number (rs2 before rs10)."""
    return -1 if sample_run == "greedy" else int(sample_run.removeprefix("rs"))


def files_by_run(paths: Iterable[str | Path]) -> dict[str, str | Path]:
    """Sample run -> its file, in run order."""
    by_run: dict[str, str | Path] = {}
    for path in sorted(paths, key=lambda path: run_order(sample_run_of(path))):
        run = sample_run_of(path)
        if run in by_run:
            raise InputError("Two files hold the same sample run.", where=path, found=f"{run} also in {by_run[run]}")
        by_run[run] = path
    return by_run
