"""Arrow columns made of bytes hold what pa.array would make, and grading with them imports no pandas."""

import os
import subprocess
import sys
from array import array
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from openmath.files.columns import bools, counts, numbers, one_number, one_text, strings, values_of
from openmath.files.rows import write_rows

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
TEXTS = [None, "", "4", "½ ◁", "\ud83d", None, "x" * 9, "\ud835\udfd8"]


@pytest.mark.parametrize("texts", [TEXTS, [], [None], ["a"], TEXTS * 3])
def test_texts(texts):
    replaced = {"\ud83d": "\ufffd", "\ud835\udfd8": "𝟘"}
    column = strings(texts)
    column.validate(full=True)
    assert column.to_pylist() == [replaced.get(text, text) for text in texts]


@pytest.mark.parametrize("values", [[], [5], [-1, 0, 7, -1, 2**31 - 1], [3, -1] * 20])
def test_numbers_and_bools_there_and_back(values):
    column, truth = numbers(array("i", values), pa.int32()), [value > 0 for value in values]
    assert column.to_pylist() == values_of(column).tolist() == values
    assert counts(array("i", values), -1).to_pylist() == [None if value == -1 else value for value in values]
    assert bools(truth).to_pylist() == truth
    for start in range(len(values)):
        assert values_of(column[start:]).tolist() == values[start:]
        assert values_of(bools(truth)[start:]).tolist() == truth[start:]


def test_single_values():
    assert one_number(-1).as_py() == -1 and one_text("ok").as_py() == "ok"
    assert numbers(np.array([1, 2**40]), pa.int64()).to_pylist() == [1, 2**40]


def test_grading_and_reading_grades_import_no_pandas(tmp_path):
    for run in range(2):
        write_rows(tmp_path / f"output-rs{run}.jsonl", [{"expected_answer": "4", "generation": f"\\boxed{{{run}}}"}])
    program = """
import sys
from pathlib import Path
from openmath.grading.table import grade_files
from openmath.results.grades import read_grades
folder = Path(sys.argv[1])
files = sorted(folder.glob("*.jsonl"))
for given in (files[:1], files):  # the second time one file is kept
    grade_files(given, folder / "grades.parquet", processes=1)
assert read_grades(folder / "grades.parquet").correct.shape == (1, 2)
print(sorted({"pandas", "flint"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", program, tmp_path]
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    assert subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout == "[]\n"
