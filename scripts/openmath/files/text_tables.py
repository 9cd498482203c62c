"""Rows of a table, one dict each, as Markdown and as CSV files."""

from collections.abc import Sequence
from pathlib import Path

import pandas

from openmath.files.rows import write_text


def markdown_table(rows: list[dict]) -> str:
    """A Markdown table; columns that are empty in all rows are left out."""
    names = [name for name in rows[0] if any(str(row.get(name, "")) for row in rows)]
    lines = [names, ["---"] * len(names), *([str(row.get(name, "")) for name in names] for row in rows)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def write_csv(path: Path, rows: list[dict], columns_if_empty: Sequence[str] = ()) -> None:
    """Write rows with their own columns; a file without rows still has a header."""
    frame = pandas.DataFrame(rows) if rows else pandas.DataFrame(columns=columns_if_empty)
    write_text(path, frame.to_csv(index=False))
