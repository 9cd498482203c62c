"""Trust on first use: what a benchmark without a registered hash was when it was first fetched, in a file of the user's.

`benchmarks.lock.json`, in the folder that the evaluation runs in, belongs under version control beside the configuration: with it a
colleague gets the same problems, or a message.
"""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import TypedDict

from openmath.errors import InputError
from openmath.files.json_files import read_json

LOCK = Path("benchmarks.lock.json")


class Pin(TypedDict):
    """problems_sha256: of problems and references in order (registry.py). source: with its commit. first_fetched: a day, UTC."""

    problems_sha256: str
    rows: int
    source: str
    first_fetched: str


def read_pins(path: Path = LOCK) -> dict[str, Pin]:
    return read_json(path, "the lock file of benchmarks") if path.exists() and path.stat().st_size else {}


def check_pin(name: str, problems_sha256: str, rows: int, source: str, path: Path = LOCK) -> bool:
    """Pin a benchmark that is seen for the first time; True if it was. Raises InputError where it is another than then."""
    with open(path, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # several benchmarks may be prepared at once
        pins = read_pins(path)
        if name not in pins:
            today = time.strftime("%Y-%m-%d", time.gmtime())
            pins[name] = Pin(problems_sha256=problems_sha256, rows=rows, source=source, first_fetched=today)
            file.seek(0)
            file.truncate()
            file.write(json.dumps(dict(sorted(pins.items())), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
            return True
    if pins[name]["problems_sha256"] != problems_sha256:
        raise InputError(
            "The problems or their references are not those that were fetched first.",
            where=f"{path}: {name}, fetched {pins[name]['first_fetched']} from {pins[name]['source']}",
            expected=f"problems_sha256 {pins[name]['problems_sha256']}, {pins[name]['rows']} rows",
            found=f"{problems_sha256}, {rows} rows, from {source}",
            hint="upstream has changed it. To evaluate on the new problems, give them a name of their own under benchmark_sources.",
        )
    return False
