"""From modes to the tables that people and programs read: the recipe's layout, Markdown, and data frames."""

from collections.abc import Iterable

import numpy as np
import pandas

from openmath.files.text_tables import markdown_table
from openmath.judging.wording import holds_judge_words, shortened
from openmath.results.grades import Benchmark, Graded
from openmath.results.metrics import METRICS
from openmath.results.modes import GRADINGS, Mode
from openmath.statistics.estimates import curve_points, curves
from openmath.statistics.intervals import resampled

COLUMNS = ("symbolic_correct", "judge_correct", "both_correct", "any_correct")


def table_row(mode: Mode, policy: str) -> dict:
    """The recipe's columns of one mode, in percent; only those of gradings that were made."""
    problems = len(mode.symbolic)
    row = {"evaluation_mode": mode.name, "num_entries": problems}
    row |= {f"{grading}_correct": _percent(scores.sum(), problems) for grading, scores in mode.scores().items()}
    if mode.pairs:
        a, b = mode.pairs
        row |= {"both_correct": _percent((a & b).sum(), a.size), "any_correct": _percent((a | b).sum(), a.size)}
    # The reference counts an unanswered problem of a judged majority twice, once in each grading.
    twice = policy == "paper" and mode.aggregation == "majority" and mode.judge is not None
    row["no_answer"] = _percent(mode.unanswered.sum() * (1 + twice), mode.unanswered.size)
    return row


def _percent(part: float, whole: int) -> float:
    return 100.0 * float(part) / whole


def format_table(benchmark: str, rows: list[dict]) -> str:
    """One table in the recipe's layout, its trailing padding and two empty lines included."""
    names = ["evaluation_mode", "num_entries", *(c for c in COLUMNS if any(c in row for row in rows)), "no_answer"]
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[i]) for line in cells)) for i, name in enumerate(names)]
    lines = [f" {benchmark} ".center(sum(widths) + 3 * (len(widths) - 1), "-")]
    lines += [
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in [names, *cells]
    ]
    return "\n".join(lines) + "\n\n\n"


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def curve_rows(benchmark: str, runs: Graded, policy: str, points: list[int] | None = None) -> list[dict]:
    """maj@k and pass@k of one benchmark at k = 1, 2, 4, ..., n (or at `points`), for each grading that was made of all samples."""
    n = len(runs.runs)
    points = points or curve_points(n)
    correct_by = {"symbolic": runs.correct}
    if runs.judged is not None:
        correct_by["judge"] = runs.judged == "yes"
    scores = {
        (grading, *key): values
        for grading, correct in correct_by.items()
        for key, values in curves(correct, runs.ballots(policy, correct), points).items()
    }
    bounds = resampled(np.stack(list(scores.values()), axis=1))
    return [
        {
            "benchmark": benchmark,
            "estimator": estimator,
            "grading": grading,
            "k": k,
            "estimate": float(values.mean()),
            "ci95_low": bound.low,
            "ci95_high": bound.high,
            "ci_method": bound.method,
            "n_items": bound.n,
            "n_samples": n,
        }
        for ((grading, estimator, k), values), bound in zip(scores.items(), bounds, strict=True)
    ]


def problem_scores(benchmark: Benchmark, modes: list[Mode]) -> pandas.DataFrame:
    """One row per (mode, problem): the scores behind every mean, for comparisons and plots."""
    return pandas.concat(
        [
            pandas.DataFrame(
                {
                    "benchmark": benchmark.name,
                    "mode": mode.name,
                    "id": benchmark.ids,
                    "answer": mode.answers or [None] * len(benchmark.ids),
                    "symbolic": mode.symbolic,
                    "judge": np.full(len(benchmark.ids), np.nan) if mode.judge is None else mode.judge,
                }
            )
            for mode in modes
        ],
        ignore_index=True,
    )


def disagreements(benchmark: Benchmark, modes: list[Mode]) -> list[dict]:
    """Answers on which symbolic grading and judge differ, or where the judge said neither: for people to read.

    judge_words marks those that hold words for a judge: where only the judge says yes, it may have been talked into it.
    """
    rows = []
    for mode in modes:
        judged = benchmark.judged.get(mode.name.partition("@")[0])
        if judged is None or mode.pairs is None:
            continue
        for number, verdict in enumerate(judged.verdicts):
            correct = bool(mode.pairs[0][number])
            if correct != (verdict == "yes") or verdict == "unparsed":
                rows.append(
                    {
                        "benchmark": benchmark.name,
                        "mode": mode.name,
                        "id": benchmark.ids[number],
                        "predicted_answer": judged.answers[number],
                        "expected_answer": judged.expected[number],
                        "symbolic": "yes" if correct else "no",
                        "judge": str(verdict),
                        "judge_words": "yes" if holds_judge_words(shortened(judged.answers[number] or "")) else "",
                    }
                )
    return rows


def markdown(title: str, metrics: list[dict], curve: list[dict], warnings: Iterable[str] = ()) -> str:
    """The tables of all benchmarks in Markdown: accuracies with intervals, what stands behind them, and the curves."""
    text = f"# {title}\n\nPercent, with 95 % intervals. How each is made: docs/statistics.md.\n"
    text += "".join(f"\n**Warning:** {warning}\n" for warning in warnings)
    for benchmark in dict.fromkeys(row["benchmark"] for row in metrics):
        rows = [row for row in metrics if row["benchmark"] == benchmark]
        text += f"\n## {benchmark}\n\n" + markdown_table([_accuracy_cells(row) for row in rows])
        methods = sorted(
            {row[f"ci_method_{grading}"] for row in rows for grading in GRADINGS if f"ci_method_{grading}" in row}
        )
        text += f"\nn = {rows[0]['n_items']} problems. Intervals: {'; '.join(methods)}.\n"
        points = [row for row in curve if row["benchmark"] == benchmark]
        if points:
            text += "\n" + markdown_table(_curve_cells(points))
            text += f"\nExpected over all subsets of k of {points[0]['n_samples']} samples. Intervals: {points[0]['ci_method']}.\n"
    return text


def _accuracy_cells(row: dict) -> dict:
    cells = {"mode": row["mode"]}
    for grading in GRADINGS:
        if f"accuracy_{grading}" in row:
            cells[grading] = _with_interval(
                row[f"accuracy_{grading}"], row[f"ci95_low_{grading}"], row[f"ci95_high_{grading}"]
            )
    return cells | {metric.title: metric.text(row.get(metric.name)) for metric in METRICS if metric.shown}


def _curve_cells(points: list[dict]) -> list[dict]:
    rows: dict[int, dict] = {}
    for point in points:
        name = f"{point['estimator']} {point['grading']}"
        cell = _with_interval(point["estimate"], point["ci95_low"], point["ci95_high"])
        rows.setdefault(point["k"], {"k": point["k"]})[name] = cell
    return list(rows.values())


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{100 * value:.2f} [{100 * low:.1f}, {100 * high:.1f}]"
