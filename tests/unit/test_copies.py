"""Sample runs that are copies of each other are told, wherever they come from."""

import json
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from in_process import run_script
from unit.judging_cases import write

from openmath.files.copies import LIKELY, SURE, are_copies, copied_runs, text_mark

TEXT = "Some words about the problem, as many as nobody writes twice by chance; the answer is \\boxed{7}."


def folder_of(folder: Path, texts: dict[str, list[str]], **more) -> Path:
    for run, of_run in texts.items():
        rows = [
            {"id": f"p-{n}", "problem": f"p {n}", "expected_answer": "7", "generation": text, **more}
            for n, text in enumerate(of_run)
        ]
        (folder / "b").mkdir(exist_ok=True)
        write(folder / f"b/output-{run}.jsonl", rows)
    return folder


def run_of(seed: object, problems: int = 8) -> list[str]:
    return [f"{n} {seed} {TEXT}" for n in range(problems)]


@pytest.mark.parametrize("more", [{}, {"num_generated_tokens": 60}, {"is_correct": True}], ids=str)
def test_four_identical_runs_are_told_by_every_script(tmp_path, more):
    folder_of(tmp_path, {f"rs{seed}": run_of("same") for seed in range(4)}, **more)
    reply = run_script("summarize_results", str(tmp_path), "--output-dir", str(tmp_path / "s"))
    assert reply.returncode == 0 and "majority@4" in (tmp_path / "s/tables.txt").read_text()
    told = "b: sample runs are copies of each other (rs1 of rs0, rs2 of rs0, rs3 of rs0)"
    assert f"warning: {told}" in reply.stderr and told in (tmp_path / "s/tables.md").read_text()
    files = [str(tmp_path / f"b/output-rs{seed}.jsonl") for seed in range(4)]
    grades = tmp_path / "b.parquet"
    reply = run_script("grade_answers", "--samples", *files, "--output", str(grades), "--processes", "1")
    assert reply.returncode == 0 and f"warning: {told}" in reply.stderr
    reply = run_script("summarize_results", "--grades", str(grades))
    assert f"warning: {told}" in reply.stderr


def test_runs_that_differ_are_told_nowhere_and_leave_no_trace(tmp_path):
    texts = {"greedy": run_of("rs0"), **{f"rs{seed}": run_of(f"rs{seed}") for seed in range(4)}}
    folder_of(tmp_path, texts)  # a copy of the greedy run is none: at a low temperature it happens
    reply = run_script("summarize_results", str(tmp_path), "--output-dir", str(tmp_path / "s"))
    assert "copies" not in reply.stderr and "Warning" not in (tmp_path / "s/tables.md").read_text()
    files = [str(tmp_path / f"b/output-{run}.jsonl") for run in texts]
    run_script("grade_answers", "--samples", *files, "--output", str(tmp_path / "b.parquet"), "--processes", "1")
    assert b"copied_runs" not in parquet.read_schema(tmp_path / "b.parquet").metadata


def test_short_texts_may_be_equal_by_chance(tmp_path):
    folder_of(tmp_path, {f"rs{seed}": ["\\boxed{7}"] * 50 for seed in range(4)})
    assert run_script("summarize_results", str(tmp_path)).stderr == ""
    folder_of(tmp_path, {f"rs{seed}": run_of("same") for seed in range(4)}, num_generated_tokens=23)
    assert run_script("summarize_results", str(tmp_path)).stderr == ""


def test_how_many_must_be_the_same():
    one = list(range(1, 101))
    assert are_copies(one, [*one[:95], *[-1] * 5], SURE) and not are_copies(one, [*one[:94], *[-1] * 6], SURE)
    assert not are_copies(one[:19], one[:19], SURE) and are_copies(one[:5], one[:5], LIKELY)
    assert not are_copies([0] * 100, [0] * 100, LIKELY)
    assert are_copies([*one[:40], *[0] * 60], [*one[:40], *[-1] * 60], SURE)  # of short ones nothing is known
    assert not are_copies(one[:10], [*one[:9], 0], LIKELY)
    marks = {"greedy": one, "rs0": one, "rs1": one[::-1], "rs2": one, "rs3": one[::-1]}
    assert copied_runs(marks) == {"rs2": "rs0", "rs3": "rs1"}
    assert (
        text_mark({"generation": None})
        == text_mark({"generation": "x" * 79})
        == 0
        != text_mark({"generation": "x" * 80})
    )


def test_what_a_stranger_writes_about_copies_stops_nobody(tmp_path):
    folder_of(tmp_path, {"rs0": run_of(0), "rs1": run_of(1)})
    files = [str(tmp_path / f"b/output-rs{seed}.jsonl") for seed in range(2)]
    grades = tmp_path / "b.parquet"
    run_script("grade_answers", "--samples", *files, "--output", str(grades), "--processes", "1")
    table = parquet.read_table(grades)
    for value in ("{", "[1]", json.dumps({"rs1": {}}), json.dumps({"rs9": "rs0"}), "\ud800".encode("utf-8", "replace")):
        parquet.write_table(table.replace_schema_metadata({"copied_runs": value}), grades, row_group_size=8)
        reply = run_script("summarize_results", "--grades", str(grades))
        assert reply.returncode == 0 and reply.stderr == "", (value, reply.stderr)
