"""A training has one writer at a time: a second one is refused, and what a dead one held is taken over."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openmath.errors import InputError
from openmath.generation.locks import RunLocks
from openmath.training.lock import LOCKS

SCRIPTS = Path(__file__).parents[2] / "scripts"
WRITER = """
import sys
from pathlib import Path
from openmath.training import lock
lock.BEAT_SECONDS = 0.05
lock.be_the_only_writer(Path(sys.argv[1]))
print("alone", flush=True)
sys.stdin.read()
"""


def writer(run: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, run]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(SCRIPTS)}, **pipes)
    while (line := process.stdout.readline()) != "alone\n":
        assert line, process.communicate("")
    return process


def locks(run: Path) -> RunLocks:
    return RunLocks(run / LOCKS, what="training")


def test_a_second_writer_is_refused_until_the_first_has_ended(tmp_path):
    first = writer(tmp_path / "r")
    with pytest.raises(InputError, match="Another job is working on this training"):
        locks(tmp_path / "r").acquire(["r"])
    first.communicate("")
    assert first.returncode == 0
    assert list((tmp_path / "r" / LOCKS).iterdir()) == []


def test_a_killed_writer_is_followed_at_once(tmp_path):
    first = writer(tmp_path / "r")
    first.kill()
    first.wait()
    writer(tmp_path / "r").communicate("")


def test_a_writer_whose_place_was_taken_ends_at_once(tmp_path):
    first = writer(tmp_path / "r")
    (tmp_path / "r" / LOCKS / "r.lock").write_text("another")
    assert first.wait(timeout=120) == 2
    assert "taken over this training" in first.stderr.read()
