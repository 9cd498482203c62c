"""grade_answers.py --pairs and what comes through its pipe; and a line that is larger than the memory."""

import json
import os
import resource
import subprocess
import sys

import pytest
from commands import ROOT
from hostile import REPEATABLE, settles
from hypothesis import given
from hypothesis import strategies as st
from in_process import run_script

from grade_answers import parse_pair
from openmath.files.rows import arriving_lines

PAIR = {"predicted_answer": "1/2", "expected_answer": "0.5"}


@REPEATABLE
@given(
    st.lists(st.binary(max_size=60) | st.just(json.dumps(PAIR).encode() + b"\n") | st.just(b"[" * 50_000), max_size=5)
)
def test_pairs_from_a_pipe(blocks):
    for number, line in enumerate((line for lines in arriving_lines(blocks, "stdin") for line in lines), start=1):
        found = settles(parse_pair, line, number)
        assert not isinstance(found, tuple) or (isinstance(found[0], str | None) and isinstance(found[1], str))


def test_pairs_are_graded_up_to_the_first_broken_one():
    odd = [
        PAIR,
        {**PAIR, "predicted_answer": "\ud800"},
        {**PAIR, "predicted_answer": [1]},
        {**PAIR, "predicted_answer": None},
    ]
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in odd)
    reply = run_script("grade_answers", "--pairs", "--processes", 1, stdin=lines)
    assert reply.returncode == 0
    assert [json.loads(line)["correct"] for line in reply.stdout.splitlines()] == [True, False, False, False]
    reply = run_script("grade_answers", "--pairs", "--processes", 1, stdin=b'{"expected_answer": 7}\n')
    assert reply.returncode == 2 and "stdin:1" in reply.stderr


@pytest.mark.slow
@pytest.mark.parametrize("how", ["file", "pairs"])
def test_a_line_of_a_gigabyte_is_not_read_whole(tmp_path, how):
    """With less memory than the line has: a sparse file costs no disk."""
    path = tmp_path / "output-greedy.jsonl"
    with open(path, "wb") as file:
        file.write(b'{"generation": "')
        file.truncate(2**30)
    script = [sys.executable, ROOT / "scripts/grade_answers.py", "--processes", "1"]
    options = ["--pairs"] if how == "pairs" else ["--samples", path, "--output", tmp_path / "x.parquet"]
    with open(path, "rb") as given:
        reply = subprocess.run(
            [*script, *options],
            stdin=given,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)),
        )
    assert reply.returncode == 2 and "A line is too long." in reply.stderr and ":1" in reply.stderr
