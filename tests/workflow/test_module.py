"""The workflow as a module of another one, as docs/extending.md has it, and by the Snakefile where the catalog looks for it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, copy_workflow

pytestmark = pytest.mark.slow

OUTER = """
configfile: "evaluation.yaml"

rule all:
    input:
        "copied.txt"

module openmath:
    snakefile: "theirs/Snakefile"
    config: config["math"]

use rule * from openmath as openmath_*

rule copy:
    input:
        rules.openmath_fill_majority.output.answers.format(model="tiny", benchmark="arithmetic-mini")
    output:
        "copied.txt"
    localrule: True
    shell:
        "cp {input} {output}"

onstart:
    openmath.onstart()
"""
CONFIG = {
    "benchmarks": ["arithmetic-mini"],
    "models": {"tiny": {"path": "", "engine": "llamacpp", "prompt": "math-few-shot", "context_length": 512}},
    "generation": {
        "seeds": 1,
        "max_new_tokens": 8,
        "limit": 1,
        "concurrency": 2,
        "mem_mb": 1000,
        "threads": 2,
    },
    "judges": {},
}


@pytest.fixture
def outer(tmp_path, checkpoint) -> Path:
    """Another workflow, which has ours below theirs/ and no profile."""
    (tmp_path / "theirs").mkdir()
    copy_workflow(tmp_path / "theirs")
    shutil.copytree(ROOT / "workflow", tmp_path / "theirs/workflow")
    (tmp_path / "Snakefile").write_text(OUTER)
    CONFIG["models"]["tiny"]["path"] = str(checkpoint)
    (tmp_path / "evaluation.yaml").write_text(yaml.safe_dump({"math": CONFIG, "mine": 1}))
    return tmp_path


def snakemake(folder: Path, *options: str, program=("-m", "snakemake")) -> subprocess.CompletedProcess:
    path = f"{folder / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, *program, "--cores", "2", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path})


def test_another_workflow_makes_its_own_target_from_ours(outer):
    plan = snakemake(outer, "--dry-run")
    assert plan.returncode == 0, plan.stderr
    for rule in (
        "openmath_generate_tiny_greedy",
        "openmath_generate_tiny_rs0_to_rs0",
        "openmath_grade_answers",
        "copy",
    ):
        assert re.search(rf"^{rule} +1$", plan.stdout, re.MULTILINE), plan.stdout
    assert "openmath_all" not in plan.stdout, "our default target has taken the place of theirs"
    assert "tiny: 2 samples" in plan.stdout and "Traceback" not in plan.stderr, plan.stderr

    run = snakemake(outer)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "not present" not in run.stderr, "localrules of names that the other workflow has changed"
    assert '"total_votes": 1' in (outer / "copied.txt").read_text()
    again = snakemake(outer, "all", "openmath_plan")
    said = again.stdout + again.stderr
    assert again.returncode == 0 and re.search(r"^tiny +arithmetic-mini +2/0/0 +1/0/0 ", said, re.MULTILINE), said
    assert "openmath_generate_tiny" not in said, "finished samples were computed again"


def test_the_page_of_the_documentation_works(outer):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/extending.md").read_text(), re.DOTALL)
    [text] = [block for block in blocks if "module openmath:" in block]
    (outer / "Snakefile").write_text(text.replace("openmath-evaluation/", "theirs/").replace("/mine/", "/tiny/"))
    plan = snakemake(outer, "--dry-run")
    assert plan.returncode == 0 and re.search(r"^openmath_summarize_results +1$", plan.stdout, re.MULTILINE), (
        plan.stdout + plan.stderr
    )


def test_rules_that_need_a_network_are_not_submitted(outer):
    """With a cluster's executor they run where Snakemake does, under their new names too."""
    (outer / "bin").mkdir()
    (outer / "bin/sbatch").write_text("#!/bin/sh\necho no job must be submitted >&2\nexit 1\n")
    (outer / "bin/sbatch").chmod(0o755)
    options = ("--executor", "slurm", "--jobs", "2", "--slurm-init-seconds-before-status-checks", "1")
    files = ("data/arithmetic-mini.jsonl", "models/tiny/engine/engine.json")
    run = snakemake(outer, *options, *files, program=[ROOT / "tests/slurm/quick_snakemake.py"])
    assert run.returncode == 0, run.stdout + run.stderr


def test_their_start_is_checked_by_ours(outer):
    CONFIG["models"]["tiny"]["path"] = "nowhere"
    (outer / "evaluation.yaml").write_text(yaml.safe_dump({"math": CONFIG}))
    run = snakemake(outer)
    assert run.returncode != 0
    assert "There is no checkpoint in this folder." in run.stderr and not (outer / "data").exists(), run.stderr


@pytest.mark.parametrize("statement", ['prefix: "sub"', 'replace_prefix: {"results/": "sub/"}'])
def test_a_moved_module_is_refused(outer, statement):
    (outer / "Snakefile").write_text(OUTER.replace('config["math"]\n', f'config["math"]\n    {statement}\n'))
    run = snakemake(outer, "--dry-run")
    assert run.returncode != 0
    said = run.stdout + run.stderr
    assert "cannot be used with `prefix:`" in said and "module openmath" in said and "Hint:" in said, said
    assert "Traceback" not in said


def test_the_catalogs_snakefile_makes_everything(outer):
    (outer / "ours.yaml").write_text(yaml.safe_dump(CONFIG))
    run = snakemake(outer / "theirs", "--dry-run", "--snakefile", "workflow/Snakefile", "--configfile", "../ours.yaml")
    assert run.returncode == 0, run.stderr
    assert re.search(r"^build_report +1$", run.stdout, re.MULTILINE), run.stdout

    (outer / "Snakefile").write_text(OUTER.replace("theirs/Snakefile", "theirs/workflow/Snakefile"))
    run = snakemake(outer, "--dry-run")
    assert run.returncode == 0 and "openmath_fill_majority" in run.stdout, run.stdout
    assert "openmath_default" not in run.stdout, run.stdout
