"""What a finished run says last: the tables, how to read them, and where the report is."""

import textwrap
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

MOST_TABLES = 4  # summaries; of more, the report's overview says more than a screen of tables
LEGEND = """\
Percent of problems solved; no_answer: without an answer. greedy: one run at temperature 0.
Of n sampled runs: pass@1[avg-of-n] their mean, majority@n their vote, pass@n any of them.
Intervals and all other columns: tables.md beside each tables.txt.
"""


def closing_words(tables: Iterable[str], report: str, columns: int | None = None) -> str:
    """Tables with their legend, then the report's path.

    tables: the tables.txt of each model and judge, all written. columns: of the terminal; None: tables as they are.
    """
    paths = [Path(path) for path in tables]
    text = ""
    if len(paths) <= MOST_TABLES:
        for path in paths:
            model, judge = path.parents[2].name, path.parent.name
            text += (
                f"\n{model}{'' if judge == 'none' else f', judged by {judge}'}: {path}\n\n{path.read_text().rstrip()}\n"
            )
        text += f"\n{LEGEND}"
    else:
        text += f"\nTables: {len(paths)} files, results/MODEL/summary/JUDGE/tables.txt\n"
    if Path(report).exists():
        text += f"Report: {report} (open it in a browser)\n"
    return text if columns is None else narrow(text, columns)


def narrow(text: str, columns: int) -> str:
    """Tables without lines between their columns, heads in two rows, and text in lines that fit."""
    lines: list[str] = []
    for is_table, group in groupby(text.splitlines(), key=lambda line: " | " in line):
        if is_table:
            lines += _narrow_table([[cell.strip() for cell in line.split("|")] for line in group])
        else:
            lines += [short for line in group for short in _narrow_line(line, columns)]
    return "\n".join(lines) + "\n"


def _narrow_line(line: str, columns: int) -> list[str]:
    if line.startswith("---"):  # the name of a benchmark, filled up to the width of its table
        return [f"--- {line.strip('- ')} ---"]
    return textwrap.wrap(line, columns, break_long_words=False, break_on_hyphens=False) or [""]


def _narrow_table(rows: list[list[str]]) -> list[str]:
    heads = [head.rpartition("_") for head in rows[0]]
    rows = [[above for above, _, _ in heads], [below for _, _, below in heads], *rows[1:]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
