r"""What do the tests see? Makes one small mistake after another in a copy of the repository and runs the tests on it.

    python tests/mutants/run.py                      all of mutants.yaml: the nearest tests first, then all unit tests
    python tests/mutants/run.py --nearest money      only the nearest tests; only kinds, files or reasons that match `money`

A mutant is killed where a test fails that passes without it, or where the tests do not end. Survivors are listed at the end with
the share that was killed; the exit status is 1 below 95 %. A mutant whose old text does not stand exactly once in its file is an
error: keep the table current.
"""

import argparse
import ast
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("mutants.yaml")
WANTED = 0.95
LOG = "pytest.log"
RING = ["tests/unit"]
NEAREST_SECONDS, RING_SECONDS = 300, 1800  # on a loaded machine; the tests have limits of their own
# Imported once: each run is a fork that has them, and imports only what is ours.
PRELOADED = (
    "pytest",
    "hypothesis",
    "numpy",
    "pandas",
    "scipy.stats",
    "pyarrow.parquet",
    "openai",
    "jsonschema",
    "sympy",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "pattern", nargs="?", default="", help="only mutants whose kind, file or reason holds this text"
    )
    parser.add_argument("--table", type=Path, default=TABLE, help="other mutants than mutants.yaml")
    parser.add_argument("--nearest", action="store_true", help="only the nearest tests of each mutant")
    options = parser.parse_args()
    mutants = [mutant for mutant in read_table(options.table) if options.pattern in " ".join(map(str, mutant.values()))]
    for name in PRELOADED:
        __import__(name)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        copy_repository(copy)
        sound: set[str] = set()
        outcomes = [judged(copy, mutant, options.nearest, sound) for mutant in mutants]
    return report(mutants, outcomes)


def read_table(path: Path) -> list[dict]:
    """file, old, new, why, tests (nearest test files or functions) and kind of each mutant. Exits naming those out of date."""
    table = yaml.safe_load(path.read_text())
    mutants = [{**mutant, "kind": kind} for kind, mutants in table.items() for mutant in mutants]
    counts = [(ROOT / m["file"]).read_text().count(m["old"]) if (ROOT / m["file"]).exists() else 0 for m in mutants]
    stale = [f"{m['file']}: {n} times {m['old']!r}" for m, n in zip(mutants, counts, strict=True) if n != 1]
    stale += [f"{m['file']}: nothing changes: {m['old']!r}" for m in mutants if m["old"] == m["new"]]
    for mutant in () if stale else mutants:
        if mutant["file"].endswith(".py"):  # one that cannot even be read is killed by any test
            ast.parse((ROOT / mutant["file"]).read_text().replace(mutant["old"], mutant["new"]))
    if stale:
        sys.exit(
            f"error: {path.name} is not current.\n  expected: each old text once in its file\n  " + "\n  ".join(stale)
        )
    return mutants


def copy_repository(folder: Path) -> None:
    """Tracked files and new ones, as they stand."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)


def tests_of(mutant: dict) -> list[str]:
    return [f"tests/{test}" for test in mutant["tests"].split()]


def judged(copy: Path, mutant: dict, nearest: bool, sound: set[str]) -> str:
    """What killed the mutant; "" if it survived. sound: tests that are known to pass without any mutant."""
    path, began = copy / mutant["file"], time.monotonic()
    text = path.read_text()
    write_source(path, text.replace(mutant["old"], mutant["new"]))
    try:
        outcome = run_tests(copy, tests_of(mutant), NEAREST_SECONDS)
        if not outcome and not nearest:
            outcome = run_tests(copy, RING, RING_SECONDS)
    finally:
        write_source(path, text)
    killer = outcome.partition("[")[0]
    if killer.startswith("tests/") and killer not in sound:
        if run_tests(copy, [killer], RING_SECONDS):
            sys.exit(f"error: {killer} fails without any mutant.\n{(copy / LOG).read_text()[-4000:]}")
        sound.add(killer)
    place = f"{mutant['file'].removeprefix('scripts/')}: {mutant['why']}"
    print(f"{'killed  ' if outcome else 'SURVIVED'} {time.monotonic() - began:5.1f} s  {place}  {outcome}", flush=True)
    return outcome


def write_source(path: Path, text: str) -> None:
    """Write a file; what Python has compiled of it goes, since a change within one second would not be noticed."""
    path.write_text(text)
    if path.suffix == ".py":
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def run_tests(folder: Path, tests: list[str], seconds: float) -> str:
    """The first test that fails, or why there is none to name; "" if all pass."""
    log = folder / LOG
    child = os.fork()
    if not child:
        os.setsid()  # to be killed with all that it starts
        os.chdir(folder)
        with open(log, "wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        import pytest

        status = 70
        with contextlib.suppress(BaseException):
            status = int(pytest.main(["-x", "-q", "--tb=short", "-p", "no:cacheprovider", *tests]))
        sys.stdout.flush()
        os._exit(status)
    deadline = time.monotonic() + seconds
    try:
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > deadline:
                return "does not end"
            time.sleep(0.02)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # and what the tests left running
    status = os.waitstatus_to_exitcode(ended[1])
    failed = [
        line.split()[1]
        for line in log.read_text(errors="replace").splitlines()
        if line.startswith(("FAILED tests/", "ERROR tests/"))
    ]
    return "" if status == 0 else failed[0] if failed else f"pytest ended with {status}"


def report(mutants: list[dict], outcomes: list[str]) -> int:
    killed = Counter(mutant["kind"] for mutant, outcome in zip(mutants, outcomes, strict=True) if outcome)
    print("\nkilled of all, by kind:")
    for kind, number in Counter(mutant["kind"] for mutant in mutants).items():
        print(f"  {killed[kind]:3} of {number:3}  {kind}")
    survivors = [mutant for mutant, outcome in zip(mutants, outcomes, strict=True) if not outcome]
    for mutant in survivors:
        print(f"survived: {mutant['file']}: {mutant['why']}\n    - {mutant['old']!r}\n    + {mutant['new']!r}")
    share = 1 - len(survivors) / max(1, len(mutants))
    print(f"{share:.1%} of {len(mutants)} mutants killed; wanted: {WANTED:.0%}")
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
