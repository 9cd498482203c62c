"""A training on a real Slurm: wall limit and preemption cost no more than what was in flight, and the curve stays what it was."""

import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import Evaluation, details, jobs
from unit.test_train_model import PYTHON, Run, curve_of, training_files
from workflow.conftest import copy_workflow

STEPS = 100  # of two seconds, and a wall limit of three minutes
SETTINGS = {"steps": STEPS, "batch_size": 8, "micro_batch_size": 2, "save_steps": 20, "save_at": [20, STEPS]}
SETTINGS |= {"precision": "float32", "learning_rate": 0.001}
SLOWLY = Path(__file__).with_name("slow_training.py")

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


@pytest.fixture
def training(clean_cluster, unbroken, tmp_path) -> Training:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {PYTHON} "$@"\nexec {PYTHON} {SLOWLY} "$@"\n')
    python.chmod(0o755)
    folder, files = tmp_path / "evaluation", unbroken.output.parent
    folder.mkdir()
    copy_workflow(folder)
    run = {"base": "m", "dataset": str(files / "train.parquet"), "python": str(python)}
    run |= {"gpus": 0, "threads": 1, "mem_mb": 4000, "runtime": 3, "tries": 30}
    model = {"path": str(files / "base")}
    config = {"benchmarks": ["arithmetic-mini"], "models": {"m": model}, "training": {"r": run | SETTINGS}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    training = Training(folder)
    yield training
    training.stop()


def check(training: Training, unbroken: Run) -> None:
    """The curve is that of the training in one go, and so are the weights."""
    assert curve_of(training.run_folder) == unbroken.curve()
    for step in SETTINGS["save_at"]:
        weights = Path("checkpoints", f"step-{step}", "model.safetensors")
        assert (training.run_folder / weights).read_bytes() == (unbroken.output / weights).read_bytes()


def test_a_wall_limit_is_no_end_of_a_training(training, unbroken):
    assert training.run("train") == 0, training.log
    assert "tried again:" in training.log, "three minutes were long enough: give it more steps"
    job_log = (training.folder / "logs/train_model/r.log").read_text()
    assert "starting at step 0" not in job_log
    check(training, unbroken)


def test_a_preempted_training_is_requeued_and_goes_on(training, unbroken):
    partition = ("--default-resources", "slurm_partition=scavenge", "runtime=10")
    run = training.start("train", *partition, "--set-resources", "train_model_r:runtime=10", "--slurm-requeue")
    training.wait_until(lambda: training.num_staged() >= 25, "25 steps")
    [victim] = [job for job, rule in jobs("running").items() if "train_model" in rule]
    # Somebody with priority wants both GPU nodes, for a few seconds.
    command = ["srun", "-p", "gpu", "-N", "2", "--exclusive", "--mem", "0", "sleep", "5"]
    assert training.end_of(subprocess.Popen(command)) == 0
    assert training.end_of(run) == 0, training.log
    assert details(victim)["Restarts"] == "1"
    assert "tried again:" not in training.log
    check(training, unbroken)
