"""The workflow as a module of another one, as docs/extending.md has it, and by the Snakefile where the catalog looks for it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, WORKFLOW

OUTER = re.search(r"```python\n(.*?)```", (ROOT / "docs/extending.md").read_text(), re.DOTALL)[1]
CONFIG = {"benchmarks": ["own"], "models": {"imported": {"samples": "samples", "seeds": 1}}, "generation": {}}


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_another_workflow_uses_the_rules_with_its_own_configuration(tmp_path, snakefile):
    (tmp_path / "theirs").mkdir()
    for name in (*WORKFLOW, "workflow"):
        source, target = ROOT / name, tmp_path / "theirs" / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    (tmp_path / "Snakefile").write_text(OUTER.replace("openmath-evaluation/Snakefile", f"theirs/{snakefile}"))
    (tmp_path / "evaluation.yaml").write_text(yaml.safe_dump(CONFIG))
    (tmp_path / "samples/own").mkdir(parents=True)
    row = {"problem": "p", "expected_answer": "1/2", "generation": "\\boxed{0.5}"}
    for run in ("greedy", "rs0"):
        (tmp_path / f"samples/own/output-{run}.jsonl").write_text(json.dumps(row) + "\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "openmath_tables"]
    if snakefile != "Snakefile":
        command.append("--dry-run")
    reply = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert "openmath_summarize_results" in reply.stdout + reply.stderr
    tables = tmp_path / "results/imported/summary/none/tables.txt"
    assert tables.exists() == (snakefile == "Snakefile")
    if tables.exists():
        assert "greedy           | 1           | 100.00" in tables.read_text()
