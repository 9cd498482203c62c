"""summarize_results.py on folders as they stand: what is skipped is named, what would be counted wrongly is refused."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest
from in_process import run_script

from openmath.files.rows import write_rows


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, grade: str = "is_correct", **more) -> None:
    """A right and a wrong answer, with their grades."""
    row = {"expected_answer": "1", "generation": "\\boxed{1}"} | more
    write_rows(path, [{"problem": f"p{n}", grade: n == 0} | row for n in range(2)])


def summarise(folder: str) -> CompletedProcess:
    """Under `paper`, where graded rows are not graded again."""
    return run_script("summarize_results", folder, "--policy", "paper")


@pytest.mark.parametrize(
    ("given", "name", "grade"),
    [
        ("m", "output-greedy.jsonl", "is_correct"),
        ("m/eval-results", "output.jsonl", "symbolic_correct"),
        ("m/eval-results/own", "output.jsonl", "is_correct"),
    ],
)
def test_a_folder_its_parent_or_one_benchmark(given, name, grade):
    write(f"m/eval-results/own/{name}", grade)
    reply = summarise(given)
    assert reply.returncode == 0 and "- own -" in reply.stdout and not reply.stderr
    assert "greedy          | 2           | 50.00" in reply.stdout


def test_what_is_not_read_is_named():
    for name in ("rs0.jsonl", "rs1.jsonl-async", "agg.jsonl", "rs0.jsonl.done", "rs0_chunk_0.jsonl"):
        write(f"m/eval-results/own/output-{name}")
    write("m/eval-results-judged/own/output-greedy.jsonl")
    write("m/eval-results/other/notes.jsonl")
    reply = summarise("m")
    assert reply.returncode == 0 and "majority@1" in reply.stdout
    for words in (
        "own/output-rs1.jsonl-async: unfinished",
        "own/output-agg.jsonl: majority answers",
        "own/output-rs0.jsonl.done: marks",
        "own/output-rs0_chunk_0.jsonl: chunks of a run that is there whole",
        "m/eval-results-judged: a folder beside",
        "m/eval-results/other: no file of a sample run in it",
    ):
        assert words in reply.stderr, reply.stderr


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        (["output-rs0.jsonl", "output-rs1.jsonl.gz"], {}, "import_samples.py"),
        (["output-rs0.jsonl", "output-rs1_chunk_0.jsonl"], {}, "in chunks"),
        (["output.jsonl", "output-greedy.jsonl"], {}, "Two files hold the same sample run."),
        (["output-rs0.jsonl", "output-rs1.jsonl"], {"majority_votes": 2}, "majority answers stands among sample runs"),
        ([], {}, "No sample files here."),
    ],
)
def test_what_would_be_counted_wrongly_is_refused(names, more, words):
    Path("m/own").mkdir(parents=True)
    for name in names:
        write(f"m/own/{name}", **more)
    reply = summarise("m")
    assert (reply.returncode, reply.stdout) == (2, "") and words in reply.stderr


def test_a_file_of_majority_answers_alone_is_the_recipes_majority_at_1():
    write("m/own/output-rs0.jsonl", majority_votes=2)
    assert summarise("m").returncode == 0


def test_ten_invented_problems_are_not_called_math_without_a_warning():
    write("m/math/output.jsonl")
    assert "warning: math: 2 problems, where MATH has 5,000" in summarise("m").stderr


def test_of_several_models_one_has_to_be_named():
    for model in ("a", "b"):
        write(f"all/{model}/eval-results/own/output.jsonl")
    reply = summarise("all")
    assert reply.returncode == 2 and "models: a, b" in reply.stderr and "all/a" in reply.stderr
    assert summarise("nowhere").returncode == 2
