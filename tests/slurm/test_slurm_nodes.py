"""One model on two nodes of a real Slurm, with an imitation of vLLM: start, a part killed, a node lost, nothing left behind."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import CLUSTER, Evaluation, jobs
from tiny_checkpoints import tiny_safetensors
from unit.imitated_vllm import alive, assert_gone, describe_imitation, imitation_command, started
from unit.test_tokenizers import checkpoint
from workflow.conftest import copy_workflow

SAMPLES = "results/m/eval-results/arithmetic-mini/output-greedy.jsonl"


class OnTwoNodes(Evaluation):
    def num_staged(self) -> int:
        return sum(path.read_bytes().count(b"\n") for path in (self.folder / "results/m").glob(".staging/*/*/*.jsonl"))


@pytest.fixture
def evaluation(clean_cluster, tmp_path, monkeypatch) -> OnTwoNodes:
    monkeypatch.setenv("IMITATION", str(tmp_path))
    describe_imitation(tmp_path)
    checkpoint(tmp_path / "checkpoint")
    (tmp_path / "checkpoint/config.json").write_text("{}")
    tiny_safetensors(tmp_path / "checkpoint/model.safetensors")
    command = tmp_path / "vllm"
    command.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo 0.33.0 && exit\nexec {imitation_command(tmp_path)} "$@"\n'
    )
    command.chmod(0o755)
    folder = tmp_path / "evaluation"
    folder.mkdir()
    copy_workflow(folder)
    model = {"path": str(tmp_path / "checkpoint"), "pipeline_parallel": 2, "nodes": 2}
    config = {
        "benchmarks": ["arithmetic-mini"],
        "models": {"m": model},
        "generation": {"seeds": 0, "concurrency": 1, "mem_mb": 2000, "runtime": 10, "threads": 2, "gpu_model": "h100"},
        "engines": {"vllm": {"command": str(command)}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    evaluation = OnTwoNodes(folder)
    yield evaluation
    evaluation.stop()


def parts(evaluation: OnTwoNodes) -> dict[str, int]:
    """Number of each living part -> its process."""
    return {words[words.index("--node-rank") + 1]: pid for pid, _, _, words in started(here(evaluation)) if alive(pid)}


def here(evaluation: OnTwoNodes) -> Path:
    return evaluation.folder.parent


def environment_of(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


@pytest.mark.crash
def test_two_nodes_serve_one_model_and_neither_outlives_the_other(evaluation):
    run = evaluation.start(SAMPLES, "--retries", "2")
    evaluation.wait_for_samples(3)
    first = parts(evaluation)
    assert sorted(first) == ["0", "1"]
    seen = {rank: environment_of(pid) for rank, pid in first.items()}
    assert [seen[rank]["SLURMD_NODENAME"] for rank in "01"] == ["gpu1", "gpu2"]
    assert [len(seen[rank]["CUDA_VISIBLE_DEVICES"].split(",")) for rank in "01"] == [1, 1]
    assert "VLLM_API_KEY" in seen["0"] and "VLLM_API_KEY" not in seen["1"]
    [job] = [details for rule, details in evaluation.submitted().items() if "generate" in rule]
    assert (job["NumNodes"], job["TresPerNode"]) == ("2", "gres:gpu:h100:1")

    os.kill(first["1"], signal.SIGKILL)
    evaluation.wait_for_samples(evaluation.num_staged() + 3)
    second = parts(evaluation)
    assert sorted(second) == ["0", "1"] and not set(second.values()) & set(first.values())

    subprocess.run([CLUSTER, "lose", "gpu2"], check=True)
    try:
        evaluation.wait_until(lambda: not any(map(alive, second.values())), "end of the parts")
    finally:
        subprocess.run([CLUSTER, "return", "gpu2"], check=True)
    assert evaluation.end_of(run) == 0, evaluation.log
    assert (
        "engine died" in next((evaluation.folder / "logs").rglob("greedy.log")).read_text()
        or len(started(here(evaluation))) > 4
    )
    assert (evaluation.folder / SAMPLES).read_bytes().count(b"\n") == 60
    assert_gone(here(evaluation))
    assert not jobs("running,pending")


@pytest.mark.crash
def test_a_cancelled_job_leaves_no_part(evaluation):
    run = evaluation.start(SAMPLES, "--retries", "0")
    evaluation.wait_for_samples(3)
    subprocess.run(["scancel", *jobs("running")], check=True)
    assert evaluation.end_of(run) != 0
    assert_gone(here(evaluation))
