"""The oldest Snakemake that the Snakefile accepts, in an environment of its own. Needs PyPI."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from conftest import ROOT, copy_workflow

LOWEST = re.search(r'min_version\("(.+)"\)', (ROOT / "Snakefile").read_text())[1]


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """An environment with the lowest Snakemake and the plugins that pip finds for it; all else is the tests' own."""
    folder = tmp_path_factory.mktemp("lowest")
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", f"snakemake=={LOWEST}.0"], check=True)
    paths = [sysconfig.get_path("purelib", vars={"base": str(folder)}), sysconfig.get_path("purelib")]
    Path(paths[0], "others.pth").write_text(paths[1] + "\n")  # after its own
    return python


def snakemake(python: Path, folder: Path, *options: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [python, "-m", "snakemake", "--cores", "2", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.mark.slow
def test_the_lowest_version_plans_refuses_and_runs(python, tmp_path):
    copy_workflow(tmp_path)
    assert snakemake(python, tmp_path, "--version").stdout.startswith(f"{LOWEST}.")
    demo = ("--configfile", "config/demo.yaml")
    for options in ((), ("--profile", "profiles/slurm")):
        plan = snakemake(python, tmp_path, "--dry-run", *demo, *options)
        assert plan.returncode == 0, plan.stderr
        assert "smollm2-135m: 180 samples" in plan.stdout, "no plan after the dry run"
    refused = snakemake(python, tmp_path, "--dry-run", *demo, "--config", "benchmarks=[gsm8]")
    assert refused.returncode == 1 and "Unknown benchmark" in refused.stdout, refused.stdout
    for target in ("plan", "data/arithmetic-mini.jsonl"):
        run = snakemake(python, tmp_path, target, *demo)
        assert run.returncode == 0, run.stderr
    assert "Nothing to be done" in snakemake(python, tmp_path, "--dry-run", "data/arithmetic-mini.jsonl", *demo).stdout
