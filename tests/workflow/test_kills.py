"""SIGKILL of a generation job at random moments: nothing finished is lost, doubled or computed again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT, run_script

from openmath.files.rows import read_rows

PROBLEMS = 24  # for many kills
FEW = 8  # for one
PATIENCE = 300.0  # seconds without progress after which a test gives up


def generation_command(folder: Path, name: str, problems: int) -> list[str]:
    command = [sys.executable, ROOT / "scripts/generate.py", "--engine", folder / "engine", "--sample-runs", "greedy"]
    command += ["--benchmarks", folder / f"{problems}/mini.jsonl", "--prompt", ROOT / "config/prompts/math.yaml"]
    command += ["--prompt-template", "chat", "--max-new-tokens", "16", "--concurrency", "4"]
    command += ["--output-dir", folder / name, "--staging", folder / f"{name}.staging", "--log", folder / "engine.log"]
    return list(map(str, command))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, checkpoint) -> Path:
    """An engine with repeatable bits, and some problems."""
    folder = tmp_path_factory.mktemp("kills")
    options = ("--engine", "llamacpp", "--checkpoint", checkpoint, "--manifest", checkpoint.with_name("manifest.json"))
    reply = run_script(
        "build_engine.py", *options, "--deterministic", "--context-length", 512, "--output", folder / "engine"
    )
    assert reply.returncode == 0, reply.stderr
    lines = (ROOT / "config/benchmarks/arithmetic-mini.jsonl").read_text().splitlines(keepends=True)
    for problems in (FEW, PROBLEMS):
        (folder / str(problems)).mkdir()
        (folder / f"{problems}/mini.jsonl").write_text("".join(lines[:problems]))
    return folder


@pytest.fixture(scope="module")
def calm(folder) -> Callable[[int], bytes]:
    """What the job writes for so many problems if nothing disturbs it."""

    @cache
    def undisturbed(problems: int) -> bytes:
        command = generation_command(folder, f"calm-{problems}", problems)
        reply = subprocess.run(command, capture_output=True, text=True)
        assert reply.returncode == 0, reply.stderr
        return (folder / f"calm-{problems}/mini/output-greedy.jsonl").read_bytes()

    return undisturbed


def staged_bytes(folder: Path, name: str) -> bytes:
    files = list((folder / f"{name}.staging").glob("*/mini/output-greedy.jsonl"))
    return files[0].read_bytes() if files else b""


def whole_lines(folder: Path, name: str) -> list[bytes]:
    """Finished samples in staging; a line that a kill tore is not one."""
    return [line for line in staged_bytes(folder, name).splitlines(keepends=True) if line.endswith(b"\n")]


def engines_running(folder: Path) -> list[int]:
    """Processes whose command line names our checkpoint's engine log folder or model."""
    model = json.loads((folder / "engine/engine.json").read_text())["checkpoint"]
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if model.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue  # it has ended meanwhile
    return found


def wait_for(condition: Callable[[], bool], job: subprocess.Popen) -> None:
    """Return when the condition holds or the job has ended; a slow machine only takes longer."""
    deadline = time.monotonic() + PATIENCE
    while job.poll() is None and not condition():
        assert time.monotonic() < deadline, "the job made no progress"
        time.sleep(0.02)


# New samples to wait for before each kill; 0: a moment in the start of job or engine. By progress, so that the kills fall into the
# work on any machine.
@pytest.mark.parametrize("progress", [[1], pytest.param([0] * 6 + [1] * 12 + [2] * 2, marks=pytest.mark.slow)], ids=len)
def test_kills_lose_nothing(folder, calm, progress):
    problems = FEW if len(progress) == 1 else PROBLEMS
    random_kills, kills = random.Random(20), len(progress)
    progress = random_kills.sample(progress, kills)
    passes = 0
    while progress:  # a machine may be so fast that a pass ends before all kills are done: then another begins
        name = f"killed-{kills}-{passes}"
        kill_until_finished(folder, name, problems, progress, random_kills)
        ids = [row["id"] for row in read_rows(folder / name / "mini/output-greedy.jsonl")]
        assert len(ids) == len(set(ids)) == problems
        assert (folder / name / "mini/output-greedy.jsonl").read_bytes() == calm(problems)
        passes += 1
    deadline = time.monotonic() + PATIENCE  # the supervisor gives an engine ten seconds
    while engines_running(folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not engines_running(folder), "an engine outlived its job"


def kill_until_finished(
    folder: Path, name: str, problems: int, progress: list[int], random_kills: random.Random
) -> None:
    """Run one evaluation to its end, killing its jobs while there is something left in `progress`."""
    kept, finished = [], False
    while not finished:
        with open(folder / f"{name}.log", "wb") as log:
            job = subprocess.Popen(generation_command(folder, name, problems), stdout=log, stderr=log)
        if progress:
            wanted = len(kept) + progress[0]
            if progress[0]:
                wait_for(lambda wanted=wanted: len(whole_lines(folder, name)) >= wanted, job)
            else:
                time.sleep(random_kills.uniform(0.0, 1.5))
            job.send_signal(signal.SIGKILL)
        finished = job.wait() == 0
        said = (folder / f"{name}.log").read_text()
        assert finished or job.returncode == -signal.SIGKILL, said[-2000:]
        if f"{problems} samples, " in said:  # else it was killed before it looked
            assert f"{problems} samples, {len(kept)} kept" in said, "a finished sample was computed again"
        if not finished:
            progress.pop(0)
            before, kept = kept, whole_lines(folder, name)
            assert set(before) <= set(kept), "a finished sample was changed or lost"


@pytest.mark.slow
def test_a_killed_engine_is_started_again_and_the_job_goes_on(folder, calm):
    with open(folder / "engine-killed.log", "wb") as log:
        job = subprocess.Popen(generation_command(folder, "engine-killed", PROBLEMS), stdout=log, stderr=log)
    wait_for(lambda: bool(staged_bytes(folder, "engine-killed")), job)
    servers = [
        pid for pid in engines_running(folder) if b"supervise.py" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert servers
    for pid in servers:
        os.kill(pid, signal.SIGKILL)
    assert job.wait() == 0, (folder / "engine-killed.log").read_text()
    assert "starting it again" in (folder / "engine-killed.log").read_text()
    assert (folder / "engine-killed/mini/output-greedy.jsonl").read_bytes() == calm(PROBLEMS)


@pytest.mark.slow
def test_terminated_job_keeps_what_is_finished_and_says_so(folder):
    with open(folder / "terminated.log", "wb") as log:
        job = subprocess.Popen(generation_command(folder, "terminated", PROBLEMS), stdout=log, stderr=log)
    wait_for(lambda: len(whole_lines(folder, "terminated")) >= 2, job)
    job.terminate()
    assert job.wait() == 128 + signal.SIGTERM
    said = (folder / "terminated.log").read_text()
    assert "finished samples kept; run the same command again" in said and "Traceback" not in said
    assert staged_bytes(folder, "terminated").endswith(b"\n")
    assert not engines_running(folder)
