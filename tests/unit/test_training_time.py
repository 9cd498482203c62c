"""A training saves before its Slurm job ends."""

import os

import pytest

from openmath.training import time_left
from openmath.training.time_left import TimeLeft, seconds_left


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2:00", 120.0),
        ("1:02:03", 3723.0),
        ("2-00:00:10", 172_810.0),
        ("UNLIMITED", None),
        ("slurm_load_jobs error: Invalid job id", None),
        ("", None),
    ],
)
def test_what_squeue_says(tmp_path, monkeypatch, said, seconds):
    squeue = tmp_path / "squeue"
    squeue.write_text(f'#!/bin/sh\n[ "$3" = 7 ] && echo "{said}"\n')
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert seconds_left() == seconds


def test_outside_of_slurm_there_is_no_end(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert seconds_left() is None
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("PATH", "")
    assert seconds_left() is None


class Clock:
    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(time_left.time, "monotonic", lambda: self.now)


def test_time_is_up_when_a_step_and_a_checkpoint_might_not_be_done(monkeypatch):
    clock = Clock(monkeypatch)
    left = TimeLeft(0, 200.0)
    clock.now += 10.0  # a step
    assert not left.is_up()
    clock.now += 20.0  # a checkpoint, which is no step
    left.saved(20.0)
    for _ in range(8):
        clock.now += 10.0
        assert not left.is_up()
    clock.now += 1.0
    assert left.is_up(), "89 seconds are left; 2 x (10 + 20) + 30 may be needed"


def test_a_first_checkpoint_takes_as_long_as_its_bytes(monkeypatch):
    Clock(monkeypatch)
    assert not TimeLeft(8_000_000_000, 500.0).is_up()
    assert TimeLeft(8_000_000_000, 400.0).is_up(), "96 GB at 0.5 GB/s, twice, and 30 seconds"
    assert not TimeLeft(8_000_000_000, None).is_up()
