import json
import subprocess
import sys
from pathlib import Path

import pytest

from openmath.samples import read_rows
from openmath.tables import format_table

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT.parent / "shared" / "reference" / "fixtures"


def run(script, *options):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), *map(str, options)], capture_output=True, text=True
    )


@pytest.mark.skipif(not FIXTURES.exists(), reason="reference outputs are not part of the repository")
@pytest.mark.parametrize("name", ["seed_tables", "majority_symbolic", "majority_judged"])
def test_paper_tables_equal_the_references_byte_for_byte(name):
    order = ["aime24", "gsm8k", "omni-math", "math", "amc23"]
    reply = run("summarize_results.py", FIXTURES / name, "--policy", "paper", "--order", *order)
    assert reply.stdout == (FIXTURES / name / "expected_seed_stdout.txt").read_text()


def test_layout():
    rows = [{"evaluation_mode": "greedy", "num_entries": 3, "symbolic_correct": 100 / 3, "no_answer": 0.0}]
    assert format_table("toy", rows) == (
        "--------------------------- toy ----------------------------\n"
        "evaluation_mode | num_entries | symbolic_correct | no_answer\n"
        "greedy          | 3           | 33.33            | 0.00     \n\n\n"
    )


def test_files_of_other_tools_are_voted_and_summarised_where_they_stand(tmp_path):
    folder = tmp_path / "eval-results" / "toy"
    folder.mkdir(parents=True)
    for seed, boxes in enumerate([("1/2", "7"), ("0.5", "8"), ("3", "8")]):
        rows = [
            {"problem": f"p{i}", "expected_answer": gold, "generation": f"so \\boxed{{{box}}}"}
            for i, (gold, box) in enumerate(zip(("\\frac12", 8), boxes, strict=True))
        ]
        (folder / f"output-rs{seed}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    reply = run("summarize_results.py", tmp_path)
    assert "majority@3       | 2           | 100.00" in reply.stdout, reply.stdout + reply.stderr
    reply = run("fill_majority.py", "--samples", *folder.iterdir(), "--output", tmp_path / "m.jsonl")
    assert reply.returncode == 0, reply.stderr
    rows = list(read_rows(tmp_path / "m.jsonl"))
    assert [(r["predicted_answer"], r["majority_votes"], r["is_correct"]) for r in rows] == [
        ("1/2", 2, True),
        ("8", 2, True),
    ]
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def test_an_empty_folder_is_one_message(tmp_path):
    reply = run("summarize_results.py", tmp_path)
    assert reply.returncode == 2 and "No sample files" in reply.stderr and "Traceback" not in reply.stderr
