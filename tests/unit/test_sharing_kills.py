"""SIGKILLs at random moments of a job with three engines on a GPU: of the job, a supervisor, or an engine. Nothing may be left."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from imitated_vllm import alive, assert_gone, describe_imitation, imitation_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
KILLS = int(os.environ.get("OPENMATH_TEST_KILLS", "10"))
SCRIPTS = Path(__file__).parents[2] / "scripts"

# Asks for ever; a request that fails ends it.
JOB = """
import asyncio, sys
from openmath.engines import running_engines
from openmath.engines.balance import BalancedClient

async def work(folder, command):
    running = running_engines(folder, 1, per_gpu=3, command=command, log=__import__("pathlib").Path(folder, "engine.log"))
    async with running as servers, BalancedClient(servers, request_seconds=60, most=4) as client:
        while True:
            await asyncio.gather(*(client.complete([1], {"max_tokens": 1}) for _ in range(12)))

asyncio.run(work(*sys.argv[1:]))
"""


def family(pid: int) -> list[int]:
    """A process and its descendants, parents first."""
    found, wave = [], [pid]
    while wave:
        found += wave
        wave = [int(child) for parent in wave for child in children(parent)]
    return found


def children(pid: int) -> list[str]:
    try:
        return [child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]
    except OSError:
        return []


def test_nothing_is_left_behind_after_kills(tmp_path):
    describe_imitation(tmp_path)
    chance, kills = random.Random(1), 0
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS), "IMITATION": str(tmp_path)}
    while kills < KILLS:
        command = [sys.executable, "-c", JOB, str(tmp_path), imitation_command(tmp_path)]
        job = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.5, 4.0))
        tree = family(job.pid)
        victim = chance.choice(tree)
        if alive(victim):
            os.kill(victim, signal.SIGKILL)
            kills += 1
        if victim != job.pid:  # what was killed is started again meanwhile
            time.sleep(chance.uniform(0.0, 2.0))
            tree += family(job.pid)
            job.kill()
            kills += 1
        job.wait()
        assert_gone(tmp_path)
        deadline = time.monotonic() + 60
        while left := [pid for pid in tree if alive(pid)]:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
