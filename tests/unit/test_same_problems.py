"""Folders made elsewhere that contradict themselves: one message that names both places, from every script that reads them."""

import json
from pathlib import Path

import pytest
from in_process import run_script
from unit.judging_cases import PROMPT, write

RUNS = ("greedy", "rs0", "rs1")


def rows(count: int = 4) -> list[dict]:
    return [
        {
            "id": f"p-{n}",
            "problem": f"What is {n} + 1?",
            "expected_answer": str(n + 1),
            "generation": f"\\boxed{{{n + 1}}}",
        }
        for n in range(count)
    ]


def twice(found: list[dict]) -> None:
    found[3]["id"] = "p-1"


def reference(found: list[dict]) -> None:
    found[2]["expected_answer"] = "77"


def problem(found: list[dict]) -> None:
    found[2]["problem"] = "What is 2 + 2?"


def problem_without_ids(found: list[dict]) -> None:
    problem(found)
    for row in found:
        del row["id"]


def order(found: list[dict]) -> None:
    found[1], found[2] = found[2], found[1]


def unknown(found: list[dict]) -> None:
    found[1]["id"] = "q-1"


def fewer(found: list[dict]) -> None:
    del found[3]


def more(found: list[dict]) -> None:
    found.append(rows(5)[4])


CONTRADICTIONS = {
    twice: ("An id stands twice", "output-rs1.jsonl:4 and {folder}/output-rs1.jsonl:2"),
    reference: ("different references", "output-rs1.jsonl:3 and {folder}/output-{first}.jsonl:3"),
    problem: ("different problems", "output-rs1.jsonl:3 and {folder}/output-{first}.jsonl:3"),
    problem_without_ids: ("different problems", "output-rs1.jsonl:3 and {folder}/output-{first}.jsonl:3"),
    order: ("another order", "output-rs1.jsonl:2 and {folder}/output-{first}.jsonl:2"),
    unknown: ("does not know", "output-rs1.jsonl:2 and {folder}/output-{first}.jsonl:2"),
    fewer: ("differ in their number", "output-rs1.jsonl and {folder}/output-{first}.jsonl"),
    more: ("differ in their number", "output-rs1.jsonl and {folder}/output-{first}.jsonl"),
}


def folder_with(folder: Path, change=None) -> Path:
    """A folder of three runs; the last is changed."""
    for run in RUNS:
        found = rows()
        if change and run == "rs1":
            change(found)
        write(folder / f"b/output-{run}.jsonl", found)
    return folder / "b"


@pytest.mark.parametrize("script", ["grade_answers", "fill_majority", "summarize_results"])
@pytest.mark.parametrize("change", CONTRADICTIONS, ids=lambda change: change.__name__)
def test_files_that_contradict_each_other(tmp_path, script, change):
    (tmp_path / "b").mkdir()
    folder = folder_with(tmp_path, change)
    runs = RUNS if script == "grade_answers" else RUNS[1:]
    samples = [folder / f"output-{run}.jsonl" for run in runs]
    options = {
        "grade_answers": ["--samples", *samples, "--output", tmp_path / "g.parquet", "--processes", 1],
        "fill_majority": ["--samples", *samples, "--output", tmp_path / "m.jsonl"],
        "summarize_results": [tmp_path],
    }[script]
    reply = run_script(script, *map(str, options))
    what, where = CONTRADICTIONS[change]
    first = "rs0" if script == "fill_majority" else "greedy"
    assert reply.returncode == 2, reply.stdout
    assert what in reply.stderr and where.format(folder=folder, first=first) in reply.stderr
    assert "Traceback" not in reply.stderr


@pytest.mark.parametrize("change", [twice, problem], ids=lambda change: change.__name__)
def test_samples_of_another_benchmark_than_the_given_one(tmp_path, change):
    (tmp_path / "b").mkdir()
    folder, benchmark = folder_with(tmp_path, change), write(tmp_path / "data.jsonl", rows())
    options = ["--benchmark", benchmark, "--samples", folder / "output-rs1.jsonl", "--output", tmp_path / "g.parquet"]
    reply = run_script("grade_answers", *map(str, options), "--processes", "1")
    assert reply.returncode == 2 and CONTRADICTIONS[change][0] in reply.stderr
    reference(changed := rows())  # a benchmark that is given may have better references
    options[3] = write(tmp_path / "output-rs1.jsonl", changed)
    assert run_script("grade_answers", *map(str, options), "--processes", "1").returncode == 0


def test_rows_without_ids_and_white_space_do_not_contradict(tmp_path):
    (tmp_path / "b").mkdir()
    folder = folder_with(tmp_path)
    anonymous = [{**row, "id": None, "problem": row["problem"] + " \n"} for row in rows()]
    write(folder / "output-rs1.jsonl", anonymous)
    reply = run_script("summarize_results", str(tmp_path))
    assert reply.returncode == 0 and "majority@2" in reply.stdout, reply.stderr


def judge(folder: Path, *files: Path):
    outputs = [folder / f"judged-{n}.jsonl" for n in range(len(files))]
    options = ["--input", *files, "--output", *outputs, "--judge", "j", "--store", folder / "store", "--prompt", PROMPT]
    return run_script("judge_answers", *map(str, options), "--model", "judge-1", "--replay")


def test_answers_for_a_judge(tmp_path):
    reference(contradicting := rows())
    one, two = write(tmp_path / "greedy.jsonl", rows()), write(tmp_path / "majority.jsonl", contradicting)
    reply = judge(tmp_path, one, two)
    assert reply.returncode == 2 and f"{two}:3 and {one}:3" in reply.stderr
    twice(repeated := rows())
    two = write(tmp_path / "majority.jsonl", repeated)
    reply = judge(tmp_path, two)
    assert reply.returncode == 2 and f"{two}:4 and {two}:2" in reply.stderr
    others = [{**row, "problem": "another benchmark", "expected_answer": "1"} for row in rows()]
    reply = judge(tmp_path, one, write(tmp_path / "others.jsonl", others[:1]))  # the same ids
    assert reply.returncode == 0, reply.stderr


def test_grades_are_voted_on_with_their_own_problems(tmp_path):
    (tmp_path / "b").mkdir()
    folder = folder_with(tmp_path)
    samples = [str(folder / f"output-{run}.jsonl") for run in RUNS]
    run_script("grade_answers", "--samples", *samples, "--output", str(tmp_path / "g.parquet"), "--processes", "1")
    order(others := rows())
    options = ["--benchmark", str(write(tmp_path / "data.jsonl", others)), "--output", str(tmp_path / "m.jsonl")]
    reply = run_script("fill_majority", "--grades", str(tmp_path / "g.parquet"), *options)
    assert reply.returncode == 2 and "data.jsonl" in reply.stderr and "g.parquet" in reply.stderr
    assert not (tmp_path / "m.jsonl").exists()
    assert json.loads((tmp_path / "data.jsonl").read_text().splitlines()[1])["id"] == "p-2"
