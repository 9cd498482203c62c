"""Ctrl-C in a terminal, which interrupts Snakemake and all of its jobs at once."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import yaml
from conftest import copy_workflow
from unit.judge_server import judge_server

pytestmark = pytest.mark.slow

PROBLEMS = 100
LATENCY = 0.2


def start(folder: Path) -> subprocess.Popen:
    program = [sys.executable, "-m", "snakemake", "--configfile", "config.yaml", "--cores", "2", "tables"]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    heard = partial(
        signal.signal, signal.SIGINT, signal.SIG_DFL
    )  # a test run in the background hands on that it is ignored
    return subprocess.Popen(program, cwd=folder, env=environment, start_new_session=True, preexec_fn=heard, **streams)


def test_a_run_ends_with_one_line_and_goes_on_from_there(tmp_path):
    copy_workflow(tmp_path)
    rows = [f'{{"problem": "What is 1 + {i}?", "expected_answer": {i + 1}}}\n' for i in range(PROBLEMS)]
    (tmp_path / "own.jsonl").write_text("".join(rows))
    with judge_server(lambda question: "\\boxed{2}\nJudgement: Yes", latency=LATENCY) as server:
        config = {
            "benchmarks": ["own"],
            "benchmark_sources": {"own": "own.jsonl"},
            "models": {"m": {"base_url": server.base_url, "engine": "endpoint", "served_model": "m"}},
            "generation": {"seeds": 0, "concurrency": 4, "mem_mb": 1000, "threads": 1},
            "judges": {"j": {"base_url": server.base_url, "model": "j", "concurrency": 4}},
        }
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        for asked in (PROBLEMS // 4, PROBLEMS + 20):  # while it generates, and while it judges
            run = start(tmp_path)
            while len(server.bodies) < asked and run.poll() is None:
                time.sleep(0.01)
            time.sleep(2.5)  # samples are written each two seconds
            os.killpg(run.pid, signal.SIGINT)
            said = run.communicate(timeout=120)[0]
            assert run.returncode == 130, said
            kept = sum(
                path.read_bytes().count(b"\n") for path in tmp_path.glob("results/m/.staging/*/own/output-greedy.jsonl")
            )
            last = f"{kept} finished samples and all verdicts kept; run the same command again to go on."
            assert said.splitlines()[-1] == last, said
            for red in ("Error", "error", "Traceback", "RuleException", "Command"):
                assert red not in said, said
        assert 0 < kept
        run = start(tmp_path)
        said = run.communicate(timeout=300)[0]
        assert run.returncode == 0, said
        assert len(server.bodies) <= 2 * PROBLEMS + 2 * config["generation"]["concurrency"], (
            "finished requests were sent again"
        )
