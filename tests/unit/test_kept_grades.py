"""One more seed costs its own share: files that are unchanged since they were graded are not read again."""

import json
import os

import pyarrow.parquet as parquet
import pytest
from unit.judging_cases import write

import grade_answers
from openmath.files import known_files
from openmath.grading import kept, sample_files, table, worker

WORDS = "so many words of a thought that no other sample has them by chance, number "


class GraderHere:
    """The pool, without processes."""

    def __init__(self, processes, policy):
        self.policy = policy

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def grade_samples(self, pairs):
        return (worker.TASKS["sample"][0](*pair, self.policy) for pair in pairs)


@pytest.fixture
def samples(tmp_path):
    """Writes the file of a run, of three problems."""

    def samples(run, answers=("1", "2", None), **more):
        rows = [
            {"id": f"p-{n}", "problem": f"{n}?", "expected_answer": str(n), "generation": f"{WORDS}{run} {n}"}
            | {"predicted_answer": answer, "finish_reason": "stop", "num_generated_tokens": None if n else 50}
            | more
            for n, answer in enumerate(answers)
        ]
        return write(tmp_path / f"output-{run}.jsonl", rows)

    return samples


@pytest.fixture
def graded(tmp_path, call, monkeypatch):
    """Grades files, and again with --verify, which has to give the same; the names of those that were read at first."""

    def graded(files, *options):
        read: list[str] = []
        real = sample_files.read_rows
        with monkeypatch.context() as patch:
            patch.setattr(table, "GraderPool", GraderHere)
            patch.setattr(sample_files, "read_rows", lambda path, **more: read.append(path) or real(path, **more))
            grade(files, tmp_path / "grades.parquet", options)
            names = [str(path).rpartition("output-")[2].removesuffix(".jsonl") for path in read]
            read.clear()
            grade(files, tmp_path / "new/grades.parquet", [*options, "--verify"])
            assert set(map(str, files)) <= set(read)
        told, new = (json.loads((tmp_path / f"{name}.manifest.json").read_text()) for name in ("grades", "new/grades"))
        assert all(told[key] == new[key] for key in ("samples", "rows", "distinct_answers", "unsettled", "grades"))
        return names

    def grade(files, output, options):
        call(grade_answers, "--samples", *files, "--output", output, "--processes", 1, *options)

    return graded


def test_a_new_seed_is_read_alone(samples, graded, tmp_path):
    files = [samples("greedy"), samples("rs0", ("7", None, "2"), finish_reason="refused"), samples("rs2")]
    assert graded(files) == ["greedy", "rs0", "rs2"]
    (tmp_path / "grades.parquet").unlink()  # as Snakemake does before a job
    # Of its answers one is known and one is new.
    assert graded([*files, samples("rs1", ("1", "0.5", None))]) == ["rs1"]
    assert graded(files) == [], "fewer runs need none"
    assert parquet.read_table(tmp_path / "grades.parquet")["grade_status"].to_pylist().count("refused") == 1


def test_a_copy_of_a_kept_run_is_told(samples, graded, tmp_path):
    rows = [{"problem": f"{n}?", "expected_answer": "1", "generation": f"{WORDS}{n}{WORDS}"} for n in range(8)]
    files = [write(tmp_path / f"output-rs{seed}.jsonl", rows) for seed in range(2)]
    graded(files[:1])
    assert graded(files) == ["rs1"]
    assert b"copied_runs" in parquet.read_schema(tmp_path / "grades.parquet").metadata


def test_a_changed_file_is_read_again(samples, graded):
    files = [samples("greedy"), samples("rs0")]
    graded(files)
    for change in (
        lambda: samples("rs0", ("3", "2", None)),  # at another time
        lambda: samples("rs0", ("44", "2", None)),  # of another size
        lambda: os.utime(files[1], ns=(1, 1)),
    ):
        change()
        assert graded(files) == ["rs0"]
    state = files[1].stat()
    samples("rs0", ("55", "2", None))
    os.utime(files[1], ns=(state.st_atime_ns, state.st_mtime_ns))
    assert graded(files) == ["rs0"], "of the same size and time, but other bytes"


def test_a_file_that_changes_while_it_is_read_is_read_again(samples, graded, monkeypatch):
    files = [samples("greedy"), samples("rs0")]
    real = known_files.known_file
    monkeypatch.setattr(known_files, "known_file", lambda path, *rest: os.utime(path, ns=(5, 5)) or real(path, *rest))
    graded(files)
    monkeypatch.undo()
    assert graded(files) == ["greedy", "rs0"]


def test_grades_under_other_rules_are_not_reused(samples, graded, tmp_path, monkeypatch):
    files, everything = [samples("greedy"), samples("rs0")], ["greedy", "rs0"]
    rows = [{"id": f"p-{n}", "problem": f"{n}?", "expected_answer": str(n)} for n in range(3)]
    benchmark = write(tmp_path / "b.jsonl", rows)
    graded(files)
    assert graded(files, "--policy", "paper") == everything
    assert graded(files, "--policy", "paper") == []
    assert graded(files, "--policy", "paper", "--benchmark", benchmark) == everything
    assert graded(files, "--policy", "paper", "--benchmark", benchmark) == []
    write(benchmark, [row | {"expected_answer": "1"} for row in rows])
    assert graded(files, "--policy", "paper", "--benchmark", benchmark) == everything
    monkeypatch.setattr(kept, "GRADER_VERSION", kept.GRADER_VERSION + 1)
    assert graded(files, "--policy", "paper", "--benchmark", benchmark) == everything


def test_the_first_file_says_what_the_problems_are(samples, graded):
    files = [samples("greedy"), samples("rs0")]
    graded(files)
    samples("greedy", ("9", "9", "9"))
    assert graded(files) == ["greedy", "rs0"]
    assert graded(files[1:]) == ["rs0"], "and there is another first one now"


def test_damaged_kept_grades_are_made_anew(samples, graded, tmp_path):
    files, everything = [samples("greedy"), samples("rs0")], ["greedy", "rs0"]
    path = tmp_path / ".kept/grades.parquet"
    graded(files)
    whole = path.read_bytes()
    for damaged in (whole[:50] + bytes(50) + whole[100:], whole[:-9], b"", b"no parquet"):
        path.write_bytes(damaged)
        assert graded(files) == everything and path.read_bytes() == whole
