"""grade_answers.py on files that say more than one thing: whose reference counts, which row is whose, what a number means."""

import json

import pyarrow.parquet as parquet
import pytest
from unit.judging_cases import write

import grade_answers
from openmath.errors import InputError


@pytest.fixture
def grade(tmp_path, call):
    """Grade one greedy file; its grades, as columns."""

    def grade(rows, *options):
        path, output = write(tmp_path / "output-greedy.jsonl", rows), tmp_path / "grades.parquet"
        call(grade_answers, "--samples", path, "--output", output, "--processes", 1, *options)
        return parquet.read_table(output).to_pydict()

    return grade


def test_the_benchmarks_reference_counts_not_the_samples(grade, tmp_path):
    benchmark = write(tmp_path / "b.jsonl", [{"id": "b-0", "problem": "?", "expected_answer": "2"}])
    rows = [
        {"id": "b-0", "problem": "?", "expected_answer": "1", "generation": "\\boxed{1}", "num_generated_tokens": 0}
    ]
    graded = grade(rows, "--benchmark", benchmark)
    assert graded["is_correct"] == [False]
    assert graded["num_generated_tokens"] == [0], "none at all is a number too"
    manifest = json.loads((tmp_path / "grades.manifest.json").read_text())
    assert manifest["problems"]["bytes"] == benchmark.stat().st_size and list(manifest["samples"]) == ["greedy"]


def test_a_row_about_another_problem_is_refused(grade, tmp_path):
    benchmark = write(tmp_path / "b.jsonl", [{"id": "b-0", "problem": "1 + 1?", "expected_answer": "2"}])
    with pytest.raises(InputError, match=r"different problem[\s\S]*output-greedy\.jsonl:1[\s\S]*1 \+ 1[\s\S]*2 \+ 2"):
        grade([{"problem": "2 + 2?", "generation": "\\boxed{2}"}], "--benchmark", benchmark)
    assert not (tmp_path / "grades.parquet").exists()
