"""Workers, the command, and the table: limits hold, order is kept, what a user sees on bad input."""

import bisect
import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from in_process import run_script
from unit.grading_work import exponentials, sines

from openmath.grading import compare
from openmath.grading.compare import grade, vote_class
from openmath.grading.grades import GRADER_VERSION
from openmath.grading.pool import GraderPool

SCRIPT = Path(__file__).parents[2] / "scripts" / "grade_answers.py"
PAIRS = [(str(n), str(n // 2 * 2)) for n in range(700)] + [(None, "1"), (r"\frac{1}{2}", "0.5")]
HOSTILE = [
    ("9^{9^{9^9}}", "1"),
    ("(" * 3000, "1"),
    ("1" * 100_000, "2"),
    (r"\pm 1 " * 16, "0"),
    ("10!!!!!!", "3"),
    ("5", "5"),
]


def run(*arguments, stdin=""):
    return run_script("grade_answers.py", *arguments, stdin=stdin)


def rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_pool_agrees_with_one_process_and_keeps_order():
    with GraderPool(2) as pool:
        assert list(pool.grade_pairs(PAIRS)) == [grade(*pair) for pair in PAIRS]
        assert [sample.vote_class for sample in pool.grade_samples(PAIRS)] == [vote_class(one) for one, _ in PAIRS]


def _spin():
    while True:
        pass


@contextlib.contextmanager
def loaded_machine():
    """Two other processes that compute all the time."""
    others = [multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(2)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.join()


def test_hostile_pairs_and_a_loaded_machine():
    with GraderPool(2) as pool:
        idle = list(pool.grade_pairs(HOSTILE))
        with loaded_machine():
            assert list(pool.grade_pairs(HOSTILE)) == idle
    assert [grade.correct for grade in idle] == [False] * 5 + [True]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pairs_at_the_border_of_the_work_have_one_grade():
    """20 times: with one process and with two, on an idle machine and on a loaded one."""
    pairs = []
    for make in (exponentials, sines):
        last = bisect.bisect(range(3_000), False, key=lambda n: grade(*make(n)).status == "too_large") - 1
        pairs += [make(last), make(last + 1)]
    grades = [grade(*pair) for pair in pairs]
    assert [(one.correct, one.status) for one in grades] == [(True, "ok"), (False, "too_large")] * 2
    for load in (contextlib.nullcontext, loaded_machine):
        for processes in (1, 2):
            with load(), GraderPool(processes) as pool:
                for _ in range(5):
                    assert list(pool.grade_pairs(pairs)) == grades


def test_killed_worker_loses_nothing():
    with GraderPool(1) as pool:
        grades = pool.grade_pairs(PAIRS * 4)
        first = next(grades)
        os.kill(pool._workers[0].process.pid, signal.SIGKILL)
        assert [first, *grades] == [grade(*pair) for pair in PAIRS * 4]


def run_pool(folder, grade, program):
    """What `program` prints when compare.grade is `grade`, source that may call the real one, in the workers too."""
    script = folder / "program.py"
    script.write_text(
        f"""
import os, pathlib, signal, sys
from openmath.grading import compare, pool, worker
real = compare.grade
{grade}
compare.grade, worker.CPU_LIMIT_S, pool.KILL_PAUSE_S, pool.MAX_KILLS_ALONE, pool.MAX_IDLE_DEATHS = grade, 0.5, 0, 3, 1
def again():
    marks = pathlib.Path({str(folder)!r}, "marks")
    with marks.open("a") as file:
        file.write("x")
    return len(marks.read_text())
if __name__ == "__main__":
    {program}
"""
    )
    environment = {"PYTHONPATH": str(SCRIPT.parent)}
    return subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=60)


def grade_with(body):
    """A grader that does `body` to one pair, the culprit."""
    return f"""
def grade(predicted, expected, policy="default"):
    if predicted == "culprit":
        {body}
    return real(predicted, expected, policy)
"""


@pytest.mark.parametrize(
    ("culprit", "status"),
    [("while True: pass", "timeout"), ("bytearray(4 * 2**30)", "too_large"), ("os.abort()", "too_large")],
)
def test_limits(culprit, status, tmp_path):
    """A job stuck in Python meets the soft limit; one that eats memory the memory limit; one that breaks workers is let go.
    The rest is graded."""
    pairs = '[("1", "1"), ("culprit", "1"), ("2", "2")]'
    result = run_pool(
        tmp_path,
        grade_with(culprit),
        f"with pool.GraderPool(1) as workers: print([(*s.grade, s.vote_class) for s in workers.grade_samples({pairs})])",
    )
    expected = [(True, "ok", "1"), (False, status, compare.text_class("culprit")), (True, "ok", "2")]
    assert result.stdout.strip() == str(expected), result.stderr  # what no grader has read still has its vote


@pytest.mark.parametrize(
    ("body", "tries", "status"),
    [
        (
            "if again() <= 3: os.kill(os.getpid(), signal.SIGKILL)",
            4,
            "ok",
        ),  # the system was out of memory, and chose this one
        ("if again() <= 2: os.abort()", 3, "ok"),  # once beside others, once alone
        ("again(); os.abort()", 3, "too_large"),
        ("again(); os.kill(os.getpid(), signal.SIGKILL)", 4, "too_large"),  # whoever holds it is killed, always
    ],
)
def test_a_death_is_held_against_a_pair_only_when_it_is_alone(body, tries, status, tmp_path):
    pairs = '[("1", "1"), ("culprit", "culprit "), ("2", "2")]'
    result = run_pool(
        tmp_path, grade_with(body), f"with pool.GraderPool(2) as w: print([g.status for g in w.grade_pairs({pairs})])"
    )
    assert result.stdout.strip() == str(["ok", status, "ok"]), result.stderr
    assert len((tmp_path / "marks").read_text()) == tries


def test_workers_killed_before_they_grade_do_not_end_the_run(tmp_path):
    """But a worker that can never start does."""
    start = """
def grade(predicted, expected, policy="default"):
    if (predicted, expected) == ("1", "2") and {}: {}
    return real(predicted, expected, policy)
"""
    program = 'with pool.GraderPool(1) as w: print([g.status for g in w.grade_pairs([("5", "5")])])'
    killed = run_pool(tmp_path, start.format("again() <= 2", "os.kill(os.getpid(), signal.SIGKILL)"), program)
    assert killed.stdout.strip() == "['ok']", killed.stderr
    broken = run_pool(tmp_path, start.format("True", "os._exit(3)"), program)
    assert "exit code 3" in broken.stderr


def test_stream_answers_each_line_at_once():
    process = subprocess.Popen(
        [sys.executable, SCRIPT, "--pairs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for predicted, correct in (("0.5", True), ("0.6", False)):
        process.stdin.write(json.dumps({"predicted_answer": predicted, "expected_answer": "1/2"}) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"correct": correct, "status": "ok"}
    process.stdin.close()
    assert process.wait() == 0


def test_stream_refuses_other_lines():
    """Only when all lines before it have their verdicts."""
    pair = '{"predicted_answer": "1", "expected_answer": "1"}\n'
    result = run("--pairs", "--processes", 1, stdin=pair * 58 + '{"predicted_answer": "1"}\n' + pair)
    assert result.returncode == 2
    assert result.stdout.splitlines() == ['{"correct": true, "status": "ok"}'] * 58
    assert "stdin:59" in result.stderr and "Traceback" not in result.stderr


def test_table(tmp_path):
    benchmark = [{"id": f"p{n}", "problem": f"What is {n}?", "expected_answer": str(n)} for n in range(3)]

    def samples(name, answers):
        return rows(
            tmp_path / name,
            [
                {
                    **row,
                    "generation": f"so \\boxed{{{answer}}}" if answer else "?",
                    "finish_reason": "stop",
                    "num_generated_tokens": 7,
                }
                for row, answer in zip(benchmark, answers, strict=True)
            ],
        )

    files = [
        samples("output-rs10.jsonl", ["0", "1", "2"]),
        samples("output-rs2.jsonl", ["0.0", "5", None]),
        samples("output-greedy.jsonl", [r"\frac{0}{3}", "x=1", "2"]),
    ]
    output = tmp_path / "grades.parquet"
    result = run(
        "--benchmark", rows(tmp_path / "b.jsonl", benchmark), "--samples", *files, "--output", output, "--processes", 1
    )
    assert result.returncode == 0, result.stderr
    table = pq.read_table(output)
    assert table.schema.metadata[b"grader_version"] == str(GRADER_VERSION).encode()
    assert table.column_names == [
        "id", "sample_run", "predicted_answer", "vote_class", "is_correct", "grade_status", "finish_reason",
        "num_generated_tokens",
    ]  # fmt: skip
    got = table.to_pydict()
    assert got["sample_run"] == ["greedy"] * 3 + ["rs2"] * 3 + ["rs10"] * 3
    assert got["id"] == ["p0", "p1", "p2"] * 3
    assert got["is_correct"] == [True] * 3 + [True, False, False] + [True] * 3
    assert got["grade_status"] == ["ok"] * 5 + ["no_answer"] + ["ok"] * 3
    assert got["predicted_answer"][5] is None and got["vote_class"][5] is None
    assert got["vote_class"][0] == got["vote_class"][3] == got["vote_class"][6] == "0"
    assert set(got["num_generated_tokens"]) == {7}


def test_table_of_other_tools_rows(tmp_path):
    file = rows(
        tmp_path / "output-rs0.jsonl",
        [
            {"problem": "a", "expected_answer": 27.0, "predicted_answer": "27", "is_correct": False},
            {"problem": "b", "expected_answer": 3, "predicted_answer": None},
            {"problem": "c", "expected_answer": 10**23 + 1, "predicted_answer": 10**23 + 1},
            {"problem": "d", "expected_answer": 10**23 + 1, "predicted_answer": 10**23, "finish_reason": "\ud800"},
        ],
    )
    output = tmp_path / "grades.parquet"
    assert run("--samples", file, "--output", output).returncode == 0
    got = pq.read_table(output).to_pydict()
    assert got["id"] == ["0", "1", "2", "3"]
    assert got["is_correct"] == [True, False, True, False]
    assert got["finish_reason"] == [None, None, None, "\ufffd"] and got["num_generated_tokens"] == [None] * 4


def test_a_refused_sample_has_a_status_of_its_own(tmp_path):
    said = [
        ("", "refused"),
        ("", "prompt_too_long"),
        ("?", "stop"),
        ("\\boxed{1}", "refused"),
    ]  # the last: of another tool
    file = rows(
        tmp_path / "output-rs0.jsonl",
        [
            {"problem": "?", "expected_answer": "1", "generation": text, "finish_reason": reason}
            for text, reason in said
        ],
    )
    assert run("--samples", file, "--output", tmp_path / "grades.parquet").returncode == 0
    got = pq.read_table(tmp_path / "grades.parquet").to_pydict()
    assert got["grade_status"] == ["refused", "refused", "no_answer", "ok"]
    assert got["is_correct"] == [False, False, False, True]


@pytest.mark.parametrize("ids", [["p1", "p0"], ["p0"], ["p0", "p1", "p2"], ["p0", "p0"]])
def test_table_refuses_other_ids(tmp_path, ids):
    benchmark = rows(tmp_path / "b.jsonl", [{"id": f"p{n}", "problem": "?", "expected_answer": "1"} for n in range(2)])
    file = rows(tmp_path / "output-rs0.jsonl", [{"id": i, "problem": "?", "generation": ""} for i in ids])
    result = run("--benchmark", benchmark, "--samples", file, "--output", tmp_path / "grades.parquet")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr and "output-rs0.jsonl" in result.stderr
    assert not (tmp_path / "grades.parquet").exists()


def test_unreadable_answers_are_classed_by_their_text():
    assert compare.text_class(None) is None
    assert compare.text_class("a" * 500) == compare.text_class("a" * 500)
    assert compare.text_class("a" * 500 + "b") != compare.text_class("a" * 500 + "c")
