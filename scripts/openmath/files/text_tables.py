"""Rows of a table, one dict each, as Markdown and as CSV files."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas

from openmath.files.rows import write_text

FORMULA_STARTS = (
    *"=+-@\t\n",
    *"\uff1d\uff0b\uff0d\uff20",
)  # and their full-width forms, which some spreadsheets take too
RETURN = re.compile(r"\r\n?")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def markdown_table(rows: list[dict]) -> str:
    """A Markdown table; columns that are empty in all rows are left out."""
    names = [name for name in rows[0] if any(str(row.get(name, "")) for row in rows)]
    lines = [names, ["---"] * len(names), *([str(row.get(name, "")) for name in names] for row in rows)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def write_csv(path: Path, rows: list[dict], columns_if_empty: Sequence[str] = ()) -> None:
    """Write rows with their own columns; a file without rows still has a header."""
    frame = pandas.DataFrame(rows) if rows else pandas.DataFrame(columns=columns_if_empty)
    write_text(path, csv_text(frame))


def csv_text(frame: pandas.DataFrame) -> str:
    """A table as CSV without formulas for spreadsheets: text that begins like one, and is no number, gets a ' in front."""
    texts = frame.select_dtypes(exclude=["number", "bool"]).columns
    frame = frame.assign(**{str(name): frame[name].map(_no_formula) for name in texts})
    return frame.rename(columns=_no_formula).to_csv(index=False)


def _no_formula(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    cell = RETURN.sub("\n", cell)  # a carriage return is not quoted, and would begin a row
    return f"'{cell}" if cell[:1] in FORMULA_STARTS and not NUMBER.fullmatch(cell) else cell
