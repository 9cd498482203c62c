"""CSV files: no cell is a formula to a spreadsheet, and numbers stay numbers."""

import csv
import io

import pandas
import pytest

from openmath.files.text_tables import csv_text, write_csv


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("-1/2", "'-1/2"),  # a date to some
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\n=1"),
        ("x\r=1\r\n=2\n=3", "x\n=1\n=2\n=3"),
        ("\uff1d1", "'\uff1d1"),
        ("-3", "-3"),
        ("+1.5e-3", "+1.5e-3"),
        ("-.5", "-.5"),
        ("x=1", "x=1"),
        ("'quoted", "'quoted"),
        ("", ""),
        (-2, "-2"),
        (-0.5, "-0.5"),
        (None, ""),
        (True, "True"),
    ],
)
def test_a_cell_is_no_formula(tmp_path, cell, written):
    write_csv(tmp_path / "a.csv", [{"mode": "greedy", "cell": cell, "-name": 1}])
    [header, row] = csv.reader((tmp_path / "a.csv").open(newline=""))
    assert header == ["mode", "cell", "'-name"] and row == ["greedy", written, "1"]


def test_a_table_without_text_and_one_without_rows():
    assert csv_text(pandas.DataFrame({"n": [-1, 2]})) == "n\n-1\n2\n"
    assert list(csv.reader(io.StringIO(csv_text(pandas.DataFrame(columns=["a", "b"]))))) == [["a", "b"]]
