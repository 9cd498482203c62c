"""A cell of the tables: its value as the files hold it, and computed again from grades and verdicts.

A cell is BENCHMARK:MODE:COLUMN. Columns are those of tables.txt (`math:greedy:judge_correct`) and of metrics.json
(`math:majority@256:tie_rate`); the curves have the modes maj@k and pass@k with a `k=` and a grading: `math:maj@k=4:symbolic`.
"""

import csv
import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from openmath.errors import InputError
from openmath.files.json_files import read_json
from openmath.results.cut_short import WARNING
from openmath.results.grades import Benchmark, benchmarks_of_grades
from openmath.results.metrics import metrics_row
from openmath.results.modes import Mode, modes_of
from openmath.results.tables import curve_rows, format_table, table_row

TECHNICAL = ("ci95_", "ci_method_", "n_")  # columns that can be traced, but that no list has to name
GRADINGS = {"symbolic_correct": "symbolic", "judge_correct": "judge"}


@dataclass
class Cell:
    """reported: value by file name, as it is written there. details: what to say about it, for people and programs."""

    benchmark: str
    mode: str
    column: str
    reported: dict[str, object]
    details: dict[str, Any]


def read_cells(summary: Path) -> dict[tuple[str, str, str], dict[str, object]]:
    """(benchmark, mode, column) -> file name -> value, of every cell of tables.txt, metrics.json and curves.csv."""
    cells: dict[tuple[str, str, str], dict[str, object]] = {}
    for key, value in _cells_of_table((summary / "tables.txt").read_text()):
        cells.setdefault(key, {})["tables.txt"] = value
    for row in read_json(summary / "metrics.json", "the metrics"):
        for column, value in row.items():
            if column not in ("benchmark", "mode"):
                cells.setdefault((row["benchmark"], row["mode"], column), {})["metrics.json"] = value
    with open(summary / "curves.csv", newline="") as file:
        for row in csv.DictReader(file):
            cells.setdefault((row["benchmark"], f"{row['estimator']}={row['k']}", row["grading"]), {})["curves.csv"] = (
                row
            )
    return cells


def find_cell(name: str, cells: dict) -> tuple[str, str, str]:
    """The key of BENCHMARK:MODE:COLUMN; InputError with the known ones, the nearest first."""
    known = {":".join(key): key for key in cells}
    if name in known:
        return known[name]
    columns: dict[str, list[str]] = {}
    for benchmark, mode, column in cells:
        if not column.startswith(TECHNICAL):
            columns.setdefault(f"{benchmark}:{mode}", []).append(column)
    near = difflib.get_close_matches(name, known, 3, 0.5)
    raise InputError(
        "There is no such cell.",
        where=name,
        expected="".join(f"\n    {mode}:{{{', '.join(names)}}}" for mode, names in columns.items()),
        hint=f"did you mean {' or '.join(near)}?" if near else "BENCHMARK:MODE:COLUMN.",
    )


def _cells_of_table(text: str):
    """Every cell of tables.txt: ((benchmark, mode, column), text)."""
    benchmark = None
    names: list[str] = []
    for line in text.splitlines():
        if line.startswith("-"):
            benchmark, names = line.strip("-").strip(), []
        elif not names and line.strip():
            names = [cell.strip() for cell in line.split("|")]
        elif line.strip() and not line.startswith(WARNING):
            cells = [cell.strip() for cell in line.split("|")]
            for column, value in list(zip(names, cells, strict=True))[1:]:
                yield (benchmark, cells[0], column), value


def recompute(benchmark: Benchmark, policy: str, mode_name: str, column: str) -> Cell:
    """The cell from its grades and verdicts, by the functions that made the tables; values as each file holds them."""
    if "@k=" in mode_name:
        return _curve_cell(benchmark, policy, mode_name, column)
    modes = {mode.name: mode for mode in modes_of(benchmark, policy)}
    mode, reported = modes[mode_name], {}
    table = format_table(benchmark.name, [table_row(each, policy) for each in modes.values()])
    printed = dict(_cells_of_table(table))
    if (benchmark.name, mode_name, column) in printed:
        reported["tables.txt"] = printed[benchmark.name, mode_name, column]
    metrics = json.loads(json.dumps(metrics_row(benchmark.name, mode)))
    if column in metrics:
        reported["metrics.json"] = metrics[column]
    return Cell(benchmark.name, mode_name, column, reported, _details(mode, column, metrics, benchmark))


def _curve_cell(benchmark: Benchmark, policy: str, mode_name: str, grading: str) -> Cell:
    estimator, _, k = mode_name.partition("=")
    rows = curve_rows(benchmark.name, benchmark.sampled, policy) if benchmark.sampled else []
    [row] = [row for row in rows if (row["estimator"], row["k"], row["grading"]) == (estimator, int(k), grading)]
    reported: dict[str, object] = {"curves.csv": {name: str(value) for name, value in row.items()}}
    details = {"value": row["estimate"], "problems": row["n_items"], "samples": row["n_samples"]}
    interval = {"interval": [row["ci95_low"], row["ci95_high"]], "method": row["ci_method"]}
    return Cell(benchmark.name, mode_name, grading, reported, details | interval)


def _details(mode: Mode, column: str, metrics: dict, benchmark: Benchmark) -> dict:
    """n, and for an accuracy its interval and how many problems are right, wrong, and in between."""
    details = {"problems": metrics["n_items"], "samples": metrics["n_samples"]}
    grading = GRADINGS.get(column, column.removeprefix("accuracy_"))
    scores = mode.scores().get(grading)
    if scores is None:
        return details
    low, high, method = (metrics[f"{part}_{grading}"] for part in ("ci95_low", "ci95_high", "ci_method"))
    details |= {"value": float(scores.mean()), "interval": [low, high], "method": method}
    right, wrong = int((scores == 1).sum()), int((scores == 0).sum())
    details |= {"right": right, "wrong": wrong, "partly": len(scores) - right - wrong}
    judged = benchmark.judged.get(mode.name.partition("@")[0]) if grading == "judge" else None
    if judged is not None:
        names, counts = np.unique(judged.verdicts, return_counts=True)
        details["verdicts"] = dict(zip(names.tolist(), counts.tolist(), strict=True))
    return details


def read_benchmark(grades: Path, judged: list[Path]) -> Benchmark:
    """One benchmark as the summary has read it."""
    [benchmark] = benchmarks_of_grades([grades], judged)
    return benchmark
