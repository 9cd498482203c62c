"""SIGKILL of a generation job at random moments: nothing finished is lost, doubled or computed again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, run_script

from openmath.samples import read_rows

KILLS = 20
PROBLEMS = 30


def generation_command(folder: Path, name: str) -> list[str]:
    command = [sys.executable, ROOT / "scripts/generate.py", "--engine", folder / "engine", "--sample-runs", "greedy"]
    command += ["--benchmarks", folder / "mini.jsonl", "--prompt", ROOT / "config/prompts/math.yaml"]
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
    (folder / "mini.jsonl").write_text("".join(lines[:PROBLEMS]))
    return folder


def staged_bytes(folder: Path, name: str) -> bytes:
    files = list((folder / f"{name}.staging").glob("*/mini/output-greedy.jsonl"))
    return files[0].read_bytes() if files else b""


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


def test_twenty_kills_lose_nothing(folder):
    undisturbed = subprocess.run(generation_command(folder, "calm"), capture_output=True, text=True)
    assert undisturbed.returncode == 0, undisturbed.stderr

    moments = random.Random(20)
    kills, kept, finished, growths = 0, b"", False, 0
    while not finished:
        with open(folder / "job.log", "ab") as log:
            job = subprocess.Popen(generation_command(folder, "killed"), stdout=log, stderr=log)
        if kills < KILLS:
            time.sleep(moments.uniform(0.2, 4.0))
            job.send_signal(signal.SIGKILL)
            kills += 1
        finished = job.wait() == 0
        assert finished or job.returncode == -signal.SIGKILL, (folder / "job.log").read_text()[-2000:]
        now = staged_bytes(folder, "killed")
        whole = kept[: kept.rfind(b"\n") + 1]  # a line torn by the kill is dropped, whole lines stay as they are
        if not finished:
            assert now.startswith(whole), "a finished sample was changed or lost"
        growths += now.count(b"\n") > kept.count(b"\n")
        kept = now
    assert kills == KILLS and growths >= 3, "the kills fell outside of the work: change the moments"

    ids = [row["id"] for row in read_rows(folder / "killed/mini/output-greedy.jsonl")]
    assert len(ids) == len(set(ids)) == PROBLEMS
    assert (folder / "killed/mini/output-greedy.jsonl").read_bytes() == (
        folder / "calm/mini/output-greedy.jsonl"
    ).read_bytes()
    deadline = time.monotonic() + 15  # the supervisor gives an engine ten seconds
    while engines_running(folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not engines_running(folder), "an engine outlived its job"


def test_a_killed_engine_is_started_again_and_the_job_goes_on(folder):
    with open(folder / "engine-killed.log", "wb") as log:
        job = subprocess.Popen(generation_command(folder, "engine-killed"), stdout=log, stderr=log)
    while job.poll() is None and not staged_bytes(folder, "engine-killed"):
        time.sleep(0.1)
    servers = [
        pid for pid in engines_running(folder) if b"supervise.py" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert servers
    for pid in servers:
        os.kill(pid, signal.SIGKILL)
    assert job.wait() == 0, (folder / "engine-killed.log").read_text()
    assert "starting it again" in (folder / "engine-killed.log").read_text()
    calm = folder / "calm/mini/output-greedy.jsonl"
    assert (folder / "engine-killed/mini/output-greedy.jsonl").read_bytes() == calm.read_bytes()


def test_terminated_job_keeps_what_is_finished_and_says_so(folder):
    with open(folder / "terminated.log", "wb") as log:
        job = subprocess.Popen(generation_command(folder, "terminated"), stdout=log, stderr=log)
    while job.poll() is None and staged_bytes(folder, "terminated").count(b"\n") < 2:
        time.sleep(0.1)
    job.terminate()
    assert job.wait() == 128 + signal.SIGTERM
    said = (folder / "terminated.log").read_text()
    assert "finished samples are kept" in said and "Traceback" not in said
    assert staged_bytes(folder, "terminated").endswith(b"\n")
    assert not engines_running(folder)
