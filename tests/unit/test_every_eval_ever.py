"""The record of Every Eval Ever under its own validator, and our lm-evaluation-harness file under its own reader of that.

The package wants Python 3.12 and an older huggingface_hub than ours, so it is in no environment of this project: its wheel is
fetched and unpacked for this test alone. What it imports here, the environment has.
"""

import json
import os
import subprocess
import sys
import zipfile

import pytest
from in_process import run_script
from unit.finished_results import PROBLEMS, RIGHT, write_results

pytestmark = pytest.mark.slow

WHEEL = "every-eval-ever==0.3.0 --hash=sha256:564b8bc624c1f822f749a769dc69dc058a736e83d920cbeb147c3a30d3152317"
PROGRAM = """
import json, sys
from pathlib import Path
from every_eval_ever.converters.lm_eval.adapter import LMEvalAdapter
from every_eval_ever.validator.validation_core import validate_aggregate
record, results = sys.argv[1:]
report = validate_aggregate(Path(record), repo_path=record, run_semantic_checks=True)
logs = LMEvalAdapter().transform_from_file(results, {"source_organization_name": "us"})
found = {f"{r.evaluation_name} {r.metric_config.metric_name}": r.score_details.score for r in logs[0].evaluation_results}
print(json.dumps({"valid": report.valid, "said": report.errors + report.warnings, "found": found}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eee")
    (folder / "wanted.txt").write_text(WHEEL)
    options = ("--no-deps", "--only-binary=:all:", "--python-version=3.12", "--require-hashes", "--quiet")
    command = [sys.executable, "-m", "pip", "download", *options, "-r", "wanted.txt", "-d", "."]
    reply = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if "hash" in reply.stderr.lower():
        pytest.fail(reply.stderr)
    if reply.returncode:
        pytest.skip(f"the package index is not reached: {reply.stderr[-300:]}")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "package")
    return folder / "package"


@pytest.mark.parametrize("judges", [("alice", "bob"), ("none",)])
def test_its_own_validator_and_reader_take_what_we_write(package, tmp_path, judges):
    summaries = write_results(tmp_path / "results", judges=judges)
    reply = run_script("export_metrics.py", *summaries, "--output", tmp_path / "records")
    assert reply.returncode == 0, reply.stderr
    root = tmp_path / "records/eee"
    [record] = root.glob("data/*/*/*/*.json")
    results = tmp_path / "records/lm-eval/results_m.json"
    command = [sys.executable, "-c", PROGRAM, record.relative_to(root), results]
    reply = subprocess.run(
        command, cwd=root, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(package)}
    )
    assert reply.returncode == 0, reply.stderr
    said = json.loads(reply.stdout)
    assert said["valid"] and said["said"] == []
    assert said["found"]["gsm8k/greedy exact_match"] == RIGHT["greedy"] / PROBLEMS
    assert len(said["found"]) == len(RIGHT) * (1 if judges == ("none",) else 3)
