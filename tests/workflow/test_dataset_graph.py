"""A training set by a real model: kills lose nothing, a second run has nothing to do, more seeds draw only what is new."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import yaml
from conftest import copy_workflow, planned_jobs, snakemake

pytestmark = pytest.mark.slow
SET = Path("datasets/d")
DRAWN = {"seeds": 2, "prompt": "arithmetic-solutions", "temperature": 0.7, "max_new_tokens": 40}
# A kill as soon as one of these is there.
STAGES = [
    ".staging/solutions/*/*/*/output-rs*.jsonl",
    ".staging/problems/*/*/*/output-rs*.jsonl",
    "new-problems/*.jsonl",
    "clean-problems/*.jsonl",
    ".staging/new-solutions/*/*/*/output-rs*.jsonl",
    "labels/*.jsonl",
    "kept/*/*.parquet",
]


def configure(folder: Path, checkpoint: Path, **seeds: int) -> None:
    rows = (folder / "config/benchmarks/arithmetic-train.jsonl").read_text().splitlines(keepends=True)
    (folder / "some.jsonl").write_text("".join(rows[:6]))
    stages = {
        "solutions": DRAWN,
        "problems": DRAWN | {"seeds": 1, "prompt": "arithmetic-problems"},
        "new_solutions": DRAWN,
    }
    origin = {stage: drawn | ({"seeds": seeds[stage]} if stage in seeds else {}) for stage, drawn in stages.items()}
    config = {
        "benchmarks": ["arithmetic-mini"],
        "benchmark_sources": {"some": "some.jsonl"},
        "models": {"tiny": {"path": str(checkpoint), "engine": "llamacpp", "context_length": 512}},
        "generation": {"seeds": 1, "seeds_per_job": 2, "concurrency": 4, "mem_mb": 1000, "threads": 2},
        "engines": {"llamacpp": {"args": "--slots 4"}},
        "dataset": {
            "name": "d",
            "teacher": "tiny",
            "origins": {"some": origin},
            "decontamination": {"embedder": "ngrams"},
            "min_solution_characters": 1,
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def kill_when(folder: Path, there: Callable[[], bool]) -> None:
    """Run until something is there, then SIGKILL all of it."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "config.yaml", "--cores", "2", "--rerun-incomplete"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with open(folder / "killed.log", "ab") as log:
        run = subprocess.Popen(
            [*command, "dataset"], cwd=folder, stdout=log, stderr=log, env=environment, start_new_session=True
        )
        while run.poll() is None and not there():
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert there(), (folder / "killed.log").read_text()
    assert snakemake(folder, "--unlock", "dataset").returncode == 0


def staged(folder: Path) -> dict[str, set[str]]:
    """Finished samples by stage and run, as whole lines."""
    found: dict[str, set[str]] = {}
    for path in (folder / SET).glob(".staging/*/*/*/*/output-rs*.jsonl"):
        lines = path.read_text().splitlines(keepends=True)
        stage, part = path.parts[-5], path.parts[-2]
        found[f"{stage}/{part}/{path.name}"] = {line for line in lines if line.endswith("\n")}
    return found


def computed(folder: Path, stage: str) -> int:
    """Samples that all jobs of a stage have asked the teacher for, as far as these jobs ended."""
    path = folder / SET / ".staging" / stage / "some/jobs.jsonl"
    return sum(json.loads(line)["samples"] for line in path.read_text().splitlines())


def test_from_problems_to_a_packed_set_through_kills_and_further_seeds(tmp_path, checkpoint):
    copy_workflow(tmp_path)
    configure(tmp_path, checkpoint)
    kept: dict[str, set[str]] = {}
    for stage in STAGES:
        kill_when(tmp_path, lambda stage=stage: any((tmp_path / SET).glob(stage)))
        now = staged(tmp_path)
        assert all(lines <= now[run] for run, lines in kept.items()), stage
        kept = now
    reply = snakemake(tmp_path, "--rerun-incomplete", "dataset")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    now = staged(tmp_path)
    assert all(lines <= now[run] for run, lines in kept.items())
    counts = json.loads((tmp_path / SET / "counts.json").read_text())
    assert counts["sets"]["train"] == sum(part["kept"] for part in counts["parts"]) > 0
    assert counts["parts"][0]["samples"] == 12
    packed = parquet.read_table(tmp_path / SET / "train.parquet")
    assert packed.num_rows == counts["sets"]["train"]
    assert "Nothing to be done" in snakemake(tmp_path, "dataset").stderr

    before = {path: path.read_bytes() for path in (tmp_path / SET).glob("*solutions/*/output-rs*.jsonl")}
    asked = computed(tmp_path, "solutions")
    configure(tmp_path, checkpoint, solutions=3, new_solutions=3)
    jobs = planned_jobs(tmp_path, target="dataset")
    assert sorted(job for job in jobs if job.startswith("generate")) == [
        "generate_new-solutions_of_some_rs2_to_rs2",
        "generate_solutions_of_some_rs2_to_rs2",
    ]
    reply = snakemake(tmp_path, "dataset")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert {path: path.read_bytes() for path in before} == before
    more = json.loads((tmp_path / SET / "counts.json").read_text())
    assert more["parts"][0]["samples"] == 18
    assert computed(tmp_path, "solutions") == asked + 6  # one more run of six problems


def test_the_papers_set_is_planned_and_priced_for_slurm(tmp_path):
    copy_workflow(tmp_path)
    (tmp_path / "config.yaml").write_bytes((tmp_path / "config/openmathinstruct2.yaml").read_bytes())
    dry_run = ("--dry-run", "--profile", "profiles/slurm", "dataset")
    reply = snakemake(tmp_path, *dry_run)
    assert reply.returncode != 0 and "The embedder was not found." in reply.stdout + reply.stderr
    (tmp_path / "models/multi-qa-MiniLM-L6-cos-v1").mkdir(parents=True)
    (tmp_path / "models/multi-qa-MiniLM-L6-cos-v1/modules.json").write_text("[]")
    reply = snakemake(tmp_path, *dry_run)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert re.search(r"^judge_similar +90$", reply.stdout, re.MULTILINE)
    # 80 x 7,500 + 10 x 7,473 new problems, five pairs of each, in both orders
    assert "judge llama-3.1-405b-instruct, judge-same-problem: 6,747,300 calls left" in reply.stdout + reply.stderr
