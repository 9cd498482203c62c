"""SIGKILL of the engine and of the job in mid-run, with an engine of your choice; by hand, since CI has no GPU.

    export OPENMATH_TEST_ENGINE=models/m/engine OPENMATH_TEST_BENCHMARK=data/gsm8k.jsonl   # more: tests/engines
    pytest -s tests/gpu

Prints what was in flight, what was computed again, how long the restarts took and what the GPU held afterwards.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from openmath.files.append_only import kept_rows
from openmath.files.rows import read_rows

ROOT = Path(__file__).parents[2]
ENGINE, BENCHMARK = os.environ.get("OPENMATH_TEST_ENGINE"), os.environ.get("OPENMATH_TEST_BENCHMARK")
PROBLEMS = int(os.environ.get("OPENMATH_TEST_PROBLEMS", "400"))
RUNS = [f"rs{seed}" for seed in range(int(os.environ.get("OPENMATH_TEST_RUNS", "8")))]
NODES = os.environ.get("OPENMATH_TEST_NODES", "1")
ENGINES_PER_GPU = os.environ.get("OPENMATH_TEST_ENGINES_PER_GPU", "1")
CONCURRENCY = 2048

pytestmark = [
    pytest.mark.skipif(not ENGINE or not BENCHMARK, reason="needs OPENMATH_TEST_ENGINE and ..._BENCHMARK"),
    pytest.mark.timeout(3600),  # several starts of an engine, minutes each
]


def start(folder: Path, log: str) -> subprocess.Popen:
    command = [sys.executable, ROOT / "scripts/generate.py", "--engine", ENGINE, "--benchmarks", BENCHMARK]
    command += ["--engine-command", os.environ.get("OPENMATH_TEST_ENGINE_COMMAND", "vllm serve")]
    command += [f"--engine-args={os.environ.get('OPENMATH_TEST_ENGINE_ARGS', '')}", "--limit", PROBLEMS]
    command += ["--sample-runs", *RUNS, "--prompt", ROOT / "config/prompts/math.yaml", "--prompt-template", "chat"]
    command += ["--max-new-tokens", "256", "--concurrency", CONCURRENCY, "--engines-per-gpu", ENGINES_PER_GPU]
    command += ["--nodes", NODES]
    command += ["--output-dir", folder / "out", "--staging", folder / "staging", "--log", folder / "engine.log"]
    with open(folder / log, "wb") as file:
        return subprocess.Popen(list(map(str, command)), stdout=file, stderr=file)


def staged(folder: Path) -> dict[tuple[str, str], str]:
    rows = {}
    for path in (folder / "staging").glob("*/*/output-*.jsonl"):
        for row in kept_rows(path, bool):
            assert (path.name, row["id"]) not in rows, "a sample was computed twice"
            rows[path.name, row["id"]] = row["generation"]
    return rows


def wait_for_samples(folder: Path, job: subprocess.Popen, count: int) -> None:
    deadline = time.monotonic() + 400
    while job.poll() is None and len(staged(folder)) < count:
        assert time.monotonic() < deadline, "".join(read(path)[-2000:].decode() for path in folder.glob("engine.log*"))
        time.sleep(0.2)


def gpu_mib() -> str:
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, timeout=30).stdout.strip()
    except OSError:
        return "no GPU"


def engine_processes(job: subprocess.Popen) -> list[int]:
    """The job's server and all that it started; without our two supervisors, which come first."""
    found, wave = [], [job.pid]
    while wave:
        files = (file for pid in wave for file in Path(f"/proc/{pid}/task").glob("*/children"))
        wave = [int(child) for file in files for child in read(file).split()]
        found += wave
    return [pid for pid in found if b"supervise.py" not in read(Path(f"/proc/{pid}/cmdline"))]


def alive(pid: int) -> bool:
    stat = read(Path(f"/proc/{pid}/stat"))
    return bool(stat) and stat.rpartition(b")")[2].split()[0] != b"Z"


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_killed_engine_and_a_killed_job_lose_nothing(tmp_path):
    total = PROBLEMS * len(RUNS)
    job = start(tmp_path, "first.log")
    wait_for_samples(tmp_path, job, total // 10)
    server = engine_processes(job)
    if NODES != "1":  # what is on the other nodes
        cores = [pid for pid in server if b"--headless" in read(Path(f"/proc/{pid}/cmdline"))]
    else:  # vLLM's EngineCore, by its name (cut to 15 letters); another engine is one process
        cores = [pid for pid in server if b"EngineCor" in read(Path(f"/proc/{pid}/comm"))] or server
    assert cores
    before, killed = staged(tmp_path), time.monotonic()
    for pid in cores:
        os.kill(pid, signal.SIGKILL)
    wait_for_samples(tmp_path, job, len(before) + total // 5)
    print(f"\nengine killed at {len(before)}/{total}; a fifth more was there {time.monotonic() - killed:.1f} s later")
    assert job.poll() is None and "starting it again" in (tmp_path / "first.log").read_text()

    server = engine_processes(job)
    job.send_signal(signal.SIGKILL)
    job.wait()
    killed = time.monotonic()
    while any(map(alive, server)):
        assert time.monotonic() - killed < 60, "an engine outlived its job"
        time.sleep(0.1)
    print(f"job killed; its engine was gone {time.monotonic() - killed:.1f} s later; the GPU holds {gpu_mib()}")
    kept = staged(tmp_path)

    job = start(tmp_path, "second.log")
    assert job.wait() == 0, (tmp_path / "second.log").read_text()
    said = (tmp_path / "second.log").read_text()
    computed = int(re.search(r"(\d+) to compute", said)[1])
    print(f"resumed: {len(kept)} kept, {computed} computed, of which at most {CONCURRENCY} had been in flight")
    assert computed == total - len(kept), "a finished sample was computed again"
    after = staged(tmp_path)
    assert len(after) == total and kept.items() <= after.items(), "a finished sample was lost or changed"
    print(f"the GPU holds {gpu_mib()}")
    for run in RUNS:
        ids = [row["id"] for row in read_rows(tmp_path / "out" / Path(BENCHMARK).stem / f"output-{run}.jsonl")]
        assert len(ids) == len(set(ids)) == PROBLEMS
