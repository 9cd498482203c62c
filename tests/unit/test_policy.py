"""`--policy` on its way through every script: the same files, and another answer under each policy."""

import base64
import gzip
import json
import re
import sys
from pathlib import Path

import pandas
import pyarrow.parquet as parquet
import pytest
from unit.judge_server import judge_server
from unit.judging_cases import PROMPT, SECRET, write
from unit.test_summary import write_grades

import build_report
import fill_majority
import grade_answers
import judge_answers
import show_samples
import summarize_results
from openmath.files.rows import read_rows
from openmath.plan import make_plan
from openmath.report.figures import FIGURES
from openmath.settings.config import checked_config

PUBLISHED = PROMPT.parents[1] / "published.yaml"
POLICIES = ("default", "paper")
# By value 1/2 wins; by spelling 3 and 1/2 have two votes each, and 3 was there first.
ANSWERS = ("0.5", "3", "3", "1/2", "1/2")


def write_samples(folder: Path, answers: dict[str, str], expected: str) -> list[Path]:
    """One problem; run -> the answer given to it."""
    row = {"id": "b-0", "problem": "?", "expected_answer": expected}
    folder.mkdir(parents=True)
    return [
        write(
            folder / f"output-{run}.jsonl", [{**row, "generation": f"\\boxed{{{answer}}}", "num_generated_tokens": 5}]
        )
        for run, answer in answers.items()
    ]


@pytest.fixture
def graded(tmp_path) -> Path:
    """A folder of results with samples and grades; the vote is what depends on the policy."""
    answers = {f"rs{number}": answer for number, answer in enumerate(ANSWERS)}
    write_samples(tmp_path / "results/m/eval-results/b", answers, expected="0.5")
    grades = {run: [(answer, answer != "3")] for run, answer in answers.items()}
    table = parquet.read_table(write_grades(tmp_path / "results/m/grades/b.parquet", grades)).to_pandas()
    table["id"], table["vote_class"] = "b-0", table["vote_class"].replace("0.5", "1/2")
    table.to_parquet(tmp_path / "results/m/grades/b.parquet", index=False)
    return tmp_path / "results/m"


# Starting a grader takes a second: where it is not the grader of tests that are there anyway, only `paper` is asked.
def test_grading_of_files(tmp_path, call):
    files, output = write_samples(tmp_path / "b", {"greedy": "3100"}, expected="31"), tmp_path / "grades.parquet"
    call(grade_answers, "--samples", *files, "--output", output, "--policy", "paper", "--processes", 1)
    assert parquet.read_table(output)["is_correct"].to_pylist() == [True]
    assert parquet.read_schema(output).metadata[b"grading_policy"] == b"paper"
    assert json.loads(output.with_suffix(".manifest.json").read_text())["policy"] == "paper"


def test_grading_of_pairs(tmp_path, call, monkeypatch):
    with open(write(tmp_path / "pairs.jsonl", [{"predicted_answer": "3100", "expected_answer": "31"}])) as pairs:
        monkeypatch.setattr(sys, "stdin", pairs)
        said = call(grade_answers, "--pairs", "--policy", "paper", "--processes", 1)
    assert json.loads(said) == {"correct": True, "status": "ok"}


def test_votes(graded, tmp_path, call):
    votes = []
    for policy in POLICIES:
        output, samples = tmp_path / f"{policy}.jsonl", graded / "eval-results/b/output-rs0.jsonl"
        source = ("--grades", graded / "grades/b.parquet", "--samples", samples)
        call(fill_majority, *source, "--output", output, "--policy", policy)
        [row] = read_rows(output)
        votes.append((row["predicted_answer"], row["majority_votes"], row["tied"], row["is_correct"]))
        assert json.loads(output.with_suffix(".manifest.json").read_text())["policy"] == policy
    assert votes == [("0.5", 3, False, True), ("3", 2, True, False)]


def test_a_vote_is_correct_by_its_spelling(tmp_path, call):
    row = {"problem": "?", "expected_answer": "0.5", "predicted_answer": "1/2", "is_correct": True}
    samples = write(tmp_path / "output-rs0.jsonl", [row])
    call(fill_majority, "--samples", samples, "--output", tmp_path / "m.jsonl", "--policy", "paper")
    assert [row["is_correct"] for row in read_rows(tmp_path / "m.jsonl")] == [False]


def test_tables_and_curves(graded, tmp_path, call):
    found = []
    for policy in POLICIES:
        options = ("--grades", graded / "grades/b.parquet", "--output-dir", tmp_path / policy, "--policy", policy)
        call(summarize_results, *options)
        text = (tmp_path / policy / "tables.txt").read_text()
        curves = pandas.read_csv(tmp_path / policy / "curves.csv").set_index(["estimator", "k"])["estimate"]
        majority = next(line for line in text.splitlines() if line.startswith("majority@5"))
        found.append((majority.split("|")[2].strip(), curves["maj@k", 5], "pass@1[avg-of-5]" in text))
    assert found == [("100.00", 1.0, True), ("0.00", 0.5, False)]


def test_tables_of_a_folder_grade_and_read_judgements(tmp_path, call):
    (tmp_path / "b").mkdir()
    row = {"problem": "?", "expected_answer": "31", "predicted_answer": "3100", "judgement": "Judgement: yes."}
    write(tmp_path / "b/output-greedy.jsonl", [row])
    lines = call(summarize_results, tmp_path, "--policy", "paper").splitlines()
    [cells] = [[cell.strip() for cell in line.split("|")] for line in lines if line.startswith("greedy")]
    assert cells[2:4] == ["100.00", "0.00"]


def test_judging(tmp_path, call, monkeypatch):
    """A blank answer is one for the paper; its judge has a penalty, and `yes.` is read as no."""
    monkeypatch.setenv("JUDGE_KEY", SECRET)
    rows = [{"problem": "p", "predicted_answer": a, "expected_answer": "31"} for a in (" ", "3100", "7")]
    source, output = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    with judge_server(lambda question: "Judgement: yes.") as server:
        options = ("--input", source, "--output", output, "--judge", "j", "--store", tmp_path / "store")
        options += (
            "--prompt",
            PROMPT,
            "--model",
            "judge-1",
            "--api-key-env",
            "JUDGE_KEY",
            "--base-url",
            server.base_url,
        )
        call(judge_answers, *options, "--cascade", "--policy", "paper")
    assert [body["presence_penalty"] for body in server.bodies] == [1.0, 1.0]
    verdicts = [(row["judge_verdict"], row["judge_prefilled"]) for row in read_rows(output)]
    assert verdicts == [("no", None), ("yes", "symbolic"), ("no", None)]
    assert json.loads(output.with_suffix(".manifest.json").read_text())["policy"] == "paper"


def test_the_plan_counts_what_that_policy_will_ask(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.jsonl").write_text("{}\n")
    write_samples(tmp_path / "theirs/b", {"greedy": "1"}, expected="2")
    write(
        tmp_path / "theirs/b/output-greedy.jsonl", [{"problem": "?", "expected_answer": "2", "predicted_answer": " "}]
    )
    config = {"benchmarks": ["b"], "benchmark_sources": {"b": "b.jsonl"}, "judges": {"j": {"model": "judge-1"}}}
    config |= {"models": {"m": {"samples": "theirs", "seeds": 0}}, "generation": {}}
    calls = [make_plan(checked_config(config | {"policy": policy}))["judging"][0]["calls"] for policy in POLICIES]
    assert calls == [0, 1]


def votes_shown(page: Path) -> list:
    """[answer, votes] of the candidates of the first problem, most votes first."""
    block = re.search(r'data-block="[^"]+/b/texts-0">([A-Za-z0-9+/=]*)<', page.read_text())[1]
    return [
        candidate[:2] for candidate in json.loads(gzip.decompress(base64.b64decode(block)))[0]["votes"]["candidates"]
    ]


SHOWN = [[["0.5", 3], ["3", 2]], [["3", 2], ["1/2", 2], ["0.5", 1]]]


def test_the_samples_of_the_report(graded, tmp_path, call):
    summary = graded / "summary/none"
    options = ("--model", "m", "--published", PUBLISHED, "--output-dir", summary)
    call(summarize_results, "--grades", graded / "grades/b.parquet", *options)
    (summary / "figures").mkdir()
    for figure in FIGURES:
        (summary / f"figures/{figure.name}.svg").write_text("<svg/>")
        (summary / f"figures/{figure.name}.csv").write_text("a\n")
    for policy in POLICIES:
        made = ("--output", tmp_path / policy, "--page", tmp_path / f"{policy}-alone.html")
        call(show_samples, graded, "--policy", policy, *made)
        call(
            build_report,
            "--summaries",
            summary,
            "--samples",
            tmp_path / policy,
            "--output",
            tmp_path / f"{policy}.html",
        )
        assert votes_shown(tmp_path / f"{policy}.html") == votes_shown(tmp_path / f"{policy}-alone.html")
    assert [votes_shown(tmp_path / f"{policy}.html") for policy in POLICIES] == SHOWN
