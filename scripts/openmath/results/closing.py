"""What a finished run says last: the tables, how to read them, and where the report is."""

from collections.abc import Iterable
from pathlib import Path

MOST_TABLES = 4  # summaries; of more, the report's overview says more than a screen of tables
LEGEND = """\
Percent of problems solved. greedy: one run at temperature 0. Of n sampled runs: pass@1[avg-of-n] their mean, majority@n their vote,
pass@n any of them. no_answer: percent without an answer. Intervals and all other columns: tables.md beside each tables.txt.
"""


def closing_words(tables: Iterable[str], report: str) -> str:
    """Tables with their legend, then the report's path. tables: the tables.txt of each model and judge, all written."""
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
    return f"{text}Report: {report} (open it in a browser)\n" if Path(report).exists() else text
