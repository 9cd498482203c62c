"""Answers that stand outside a box are counted in a column of their own, which is there only where there are any."""

import json

import pandas
import pytest
from unit.judging_cases import write

import grade_answers
import summarize_results
from openmath.answers import not_boxed

BOXED = {"generation": r"\boxed{0}", "predicted_answer": "0", "finish_reason": "stop"}
BEHIND = {"generation": "Answer: 0", "predicted_answer": "0", "finish_reason": "stop", "extraction": "Answer:"}


def write_run(folder, run, rows):
    rows = [{"id": str(n), "problem": f"{n}?", "expected_answer": "0"} | row for n, row in enumerate(rows)]
    return write(folder / f"b/output-{run}.jsonl", rows)


@pytest.fixture
def run_files(tmp_path):
    (tmp_path / "theirs/b").mkdir(parents=True)
    runs = {"greedy": [BOXED, BOXED], "rs0": [BOXED, BEHIND], "rs1": [BEHIND, BEHIND]}
    return {run: write_run(tmp_path / "theirs", run, rows) for run, rows in runs.items()}


def test_in_grades_and_summary(tmp_path, call, run_files):
    def summary(files):
        grades, out = tmp_path / "b.parquet", tmp_path / "out"
        call(grade_answers, "--samples", *files, "--output", grades, "--processes", 1)
        call(summarize_results, "--grades", grades, "--output-dir", out)
        rows = json.loads((out / "metrics.json").read_text())
        return pandas.read_parquet(grades), {row["mode"]: row.get("not_boxed", "none") for row in rows}, out

    table, metrics, out = summary(run_files.values())
    assert table["extraction"].fillna("").tolist() == ["", "", "", "Answer:", "Answer:", "Answer:"]
    assert metrics == {"greedy": 0, "pass@1[avg-of-2]": 0.75, "majority@2": "none", "pass@2": "none"}
    assert "not boxed" in (out / "tables.md").read_text()
    again, *_ = summary(list(run_files.values())[:2])
    assert again["extraction"].fillna("").tolist() == ["", "", "", "Answer:"], "unchanged files are not read again"
    table, metrics, out = summary([run_files["greedy"]])
    assert "extraction" not in table and set(metrics.values()) == {"none"}
    assert "not_boxed" not in (out / "metrics.csv").read_text()


def test_of_sample_files_as_they_stand(tmp_path, call, run_files):
    out = tmp_path / "out"
    call(summarize_results, tmp_path / "theirs", "--output-dir", out)
    rows = json.loads((out / "metrics.json").read_text())
    assert [row["not_boxed"] for row in rows if "not_boxed" in row] == [0, 0.75]


@pytest.mark.parametrize(
    "row, policy, found",
    [
        (BEHIND, "default", "Answer:"),
        (BEHIND, "paper", "Answer:"),
        (BEHIND | {"answer_start": 0}, "paper", None),  # which reads the text again
        (BEHIND | {"predicted_answer": None}, "default", None),
        (BEHIND | {"extraction": ["Answer:"]}, "default", None),
        (BOXED, "default", None),
        ({"generation": "", "extraction": "Answer:"}, "default", None),  # it says no answer: it is read from the text
    ],
)
def test_what_counts(row, policy, found):
    assert not_boxed(row, policy) == found
