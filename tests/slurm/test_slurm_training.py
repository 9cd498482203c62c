"""A training on a real Slurm, on one node and two: wall limit, preemption and a lost process cost no more than what was in flight,
and the curve stays what it was.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import Evaluation, details, jobs
from unit.test_train_model import PYTHON, Run, curve_of, training_files
from workflow.conftest import copy_workflow

from openmath.training.launch import TORCHRUN

STEPS = 100  # of two seconds, and a wall limit of three minutes
SETTINGS = {"steps": STEPS, "batch_size": 8, "micro_batch_size": 2, "save_steps": 20, "save_at": [20, STEPS]}
SETTINGS |= {"precision": "float32", "learning_rate": 0.001}
SLOWLY = Path(__file__).with_name("slow_training.py")
ON_NODES = Path(__file__).with_name("training_on_nodes.py")

pytestmark = [pytest.mark.crash, pytest.mark.skipif(not PYTHON.exists(), reason="needs `make env-train`")]


class Training(Evaluation):
    def num_staged(self) -> int:
        return len(curve_of(self.run_folder))

    @property
    def run_folder(self) -> Path:
        return self.folder / "training/r"

    def steps_saved(self) -> list[int]:
        folders = (self.run_folder / "checkpoints").glob("step-*")
        return sorted(int(folder.name.removeprefix("step-")) for folder in folders)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> Run:
    """The same training, in one go and without Slurm."""
    folder = tmp_path_factory.mktemp("unbroken")
    training_files(folder)
    run = Run(folder, "r", **SETTINGS)
    process = run.start()
    output = run.end(process)
    assert process.returncode == 0, output
    return run


def prepared(folder: Path, unbroken: Run, program: Path, **settings) -> Training:
    """The same training as a run of the workflow, by `program` in place of train_model.py."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {PYTHON} "$@"\nexec {PYTHON} {program} "$@"\n')
    python.chmod(0o755)
    files, folder = unbroken.output.parent, folder / "evaluation"
    folder.mkdir()
    copy_workflow(folder)
    run = {"base": "m", "dataset": str(files / "train.parquet"), "python": str(python), "threads": 1, "mem_mb": 4000}
    config = {
        "benchmarks": ["arithmetic-mini"],
        "models": {"m": {"path": str(files / "base")}},
        "training": {"r": run | SETTINGS | settings},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return Training(folder)


@pytest.fixture
def training(clean_cluster, unbroken, tmp_path) -> Training:
    training = prepared(tmp_path, unbroken, SLOWLY, gpus=0, runtime=3, tries=30)
    yield training
    training.stop()


@pytest.fixture
def on_two_nodes(clean_cluster, unbroken, tmp_path) -> Training:
    training = prepared(tmp_path, unbroken, ON_NODES, gpus=1, nodes=2, runtime=20, tries=3)
    yield training
    training.stop()


def check(training: Training, unbroken: Run) -> None:
    """The curve is that of the training in one go, and so are the weights."""
    assert curve_of(training.run_folder) == unbroken.curve()
    for step in SETTINGS["save_at"]:
        weights = Path("checkpoints", f"step-{step}", "model.safetensors")
        assert (training.run_folder / weights).read_bytes() == (unbroken.output / weights).read_bytes()


def check_two(training: Training, unbroken: Run, resumed_from: int) -> None:
    """Nothing is left, and the losses are those of one process in one go."""
    assert not processes_of_torchrun(training.run_folder)
    record = json.loads((training.run_folder / "training.json").read_text())
    assert record["devices"] == 2
    assert len(record["resumed_at"]) == 1 and record["resumed_at"][0] >= resumed_from
    curve, whole = curve_of(training.run_folder), unbroken.curve()
    assert [row[3] for row in curve] == [row[3] for row in whole]
    assert [float(row[1]) for row in curve] == pytest.approx([float(row[1]) for row in whole], abs=1e-3)


def test_a_wall_limit_is_no_end_of_a_training(training, unbroken):
    assert training.run("train") == 0, training.log
    assert "tried again:" in training.log, "three minutes were long enough: give it more steps"
    job_log = (training.folder / "logs/train_model/r.log").read_text()
    assert "starting at step 0" not in job_log
    check(training, unbroken)


def preempted(training: Training) -> None:
    """Run to the end, though somebody with priority wants both GPU nodes, for a few seconds."""
    partition = ("--default-resources", "slurm_partition=scavenge", "runtime=10")
    run = training.start("train", *partition, "--set-resources", "train_model_r:runtime=10", "--slurm-requeue")
    training.wait_until(lambda: training.num_staged() >= 25, "25 steps")
    [victim] = [job for job, rule in jobs("running").items() if "train_model" in rule]
    command = ["srun", "-p", "gpu", "-N", "2", "--exclusive", "--mem", "0", "sleep", "5"]
    assert training.end_of(subprocess.Popen(command)) == 0
    assert training.end_of(run) == 0, training.log
    assert details(victim)["Restarts"] == "1"
    assert "tried again:" not in training.log


def test_a_preempted_training_is_requeued_and_goes_on(training, unbroken):
    preempted(training)
    check(training, unbroken)


def test_a_training_on_two_nodes_saves_when_it_is_preempted(on_two_nodes, unbroken):
    preempted(on_two_nodes)
    check_two(on_two_nodes, unbroken, resumed_from=25)


def test_two_nodes_train_one_model_and_go_on_after_one_was_killed(on_two_nodes, unbroken):
    run = on_two_nodes.start("train")
    on_two_nodes.wait_until(lambda: on_two_nodes.num_staged() >= 25, "25 steps")
    ranks = processes_of_torchrun(on_two_nodes.run_folder)
    assert sorted(rank["SLURMD_NODENAME"] for rank in ranks.values()) == ["gpu1", "gpu2"]
    [victim] = [pid for pid, rank in ranks.items() if rank["RANK"] == "1"]
    os.kill(victim, signal.SIGKILL)
    assert on_two_nodes.end_of(run) == 0, on_two_nodes.log
    check_two(on_two_nodes, unbroken, resumed_from=20)


def processes_of_torchrun(run: Path) -> dict[int, dict[str, str]]:
    """Process -> its environment, of those that torchrun has started to train `run`."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            line, entries = Path(f"/proc/{parent}/cmdline").read_text(), (folder / "environ").read_text().split("\0")
            place = (folder / "cwd").readlink()
        except OSError:
            continue
        environment = dict(entry.split("=", 1) for entry in entries if "=" in entry)
        if TORCHRUN[2] in line and "RANK" in environment and place == run.parents[1]:
            found[int(folder.name)] = environment
    return found
