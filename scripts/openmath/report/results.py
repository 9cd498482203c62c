"""Sections of results: the overview, one per model and judge, the comparisons of models, links to pages of samples."""

import os
import re
from pathlib import Path
from typing import Any

from markupsafe import Markup

from openmath.report.figures import FIGURES, Figure
from openmath.report.page import percent, render, with_interval
from openmath.report.section import Section
from openmath.report.summaries import Summary, read_csv
from openmath.results.cut_short import WARNING
from openmath.results.metrics import METRICS
from openmath.results.modes import GRADINGS

# Columns of the tables behind figures that are proportions too.
PROPORTIONS = {"estimate", "accuracy", "ci95_low", "ci95_high", "share"}
ANCHOR = re.compile(r"[^A-Za-z0-9._-]+")


def overview_section(summaries: list[Summary]) -> Section:
    """Greedy and majority of every model and judge, one column per benchmark."""
    benchmarks = list(dict.fromkeys(row["benchmark"] for summary in summaries for row in summary.metrics))
    rows = []
    for summary in summaries:
        cells: dict[tuple[str, str], dict[str, str]] = {}
        for row in summary.metrics:
            if row["mode"] == "greedy" or row["mode"].startswith("majority@"):
                grading = "judge" if "accuracy_judge" in row else "symbolic"
                graded_by = summary.judge if grading == "judge" else "symbolic"
                cells.setdefault((row["mode"], graded_by), {})[row["benchmark"]] = accuracy(row, grading)
        rows += [[summary.model, *key, *(found.get(name, "") for name in benchmarks)] for key, found in cells.items()]
    return Section(
        "overview", "Overview", render("overview.html", header=["model", "mode", "graded by", *benchmarks], rows=rows)
    )


def accuracy(row: dict, grading: str) -> Markup | str:
    """Accuracy of a row of the metrics with its interval; '' where this grading was not made."""
    if f"accuracy_{grading}" not in row:
        return ""
    return with_interval(row[f"accuracy_{grading}"], row[f"ci95_low_{grading}"], row[f"ci95_high_{grading}"])


def model_section(summary: Summary) -> Section:
    """Everything about one model under one judge."""
    known = [
        metric
        for metric in METRICS
        if metric.shown and any(row.get(metric.name) is not None for row in summary.metrics)
    ]
    gradings = [grading for grading in GRADINGS if any(f"accuracy_{grading}" in row for row in summary.metrics)]
    rows = [
        [row["benchmark"], row["mode"], f"{row['n_items']:,}"]
        + [accuracy(row, grading) for grading in gradings]
        + [metric.text(row.get(metric.name)) for metric in known]
        for row in summary.metrics
    ]
    header = ["benchmark", "mode", "n", *gradings, *(metric.title for metric in known)]
    judged = "symbolic grading" if summary.judge == "none" else f"judged by {summary.judge}"
    html = render(
        "model.html",
        accuracy_header=header,
        accuracy_rows=rows,
        published_header=["set", "benchmark", "mode", "grading", "ours", "published", "verdict", "remarks"],
        published_rows=[published_cells(row) for row in summary.published],
        figures=[shown_figure(summary, figure) for figure in FIGURES if summary.figure_tables[figure.name]],
        tables=summary.tables,
        warnings=[line for line in summary.tables.splitlines() if line.startswith(WARNING)],
    )
    return Section(ANCHOR.sub("-", f"model-{summary.model}-{summary.judge}"), f"{summary.model}, {judged}", html)


def published_cells(row: dict) -> list:
    ours = with_interval(row["ours"] / 100, row["ci95_low"] / 100, row["ci95_high"] / 100)
    return [*(row[name] for name in ("set", "benchmark", "mode", "grading")), ours] + [
        row[name] for name in ("published_text", "verdict", "remarks")
    ]


def shown_figure(summary: Summary, figure: Figure) -> dict:
    """What model.html shows of a figure."""
    rows = summary.figure_tables[figure.name]
    return {
        "title": figure.title,
        "caption": figure.caption,
        "image": summary.figures[figure.name],
        "header": [column.replace("_", " ") for column in rows[0]],
        "rows": [[number(column, value) for column, value in row.items()] for row in rows],
        "text_columns": figure.text_columns,
    }


def number(name: str, value: Any) -> str:
    """A cell of the column `name` of a table behind a figure: proportions in percent, counts with commas."""
    if value is None or value != value:
        return ""
    if name in PROPORTIONS:
        return percent(value)
    return f"{value:,.0f}" if isinstance(value, (int, float)) and name != "group" else str(value)


def comparison_section(paths: list[Path]) -> Section:
    """Paired differences. paths: results/compare/{model}-vs-{other}/{judge}/comparison.csv."""
    header = ["benchmark", "mode", "grading", "n", "first", "second", "difference", "only first / second", "p Holm"]
    pairs = []
    for path in paths:
        judge = path.parent.name
        title = path.parents[1].name.replace("-vs-", " against ") + ("" if judge == "none" else f", judged by {judge}")
        pairs.append({"title": title, "rows": [comparison_cells(row) for row in read_csv(path)]})
    html = render("comparisons.html", header=[*header, "verdict"], pairs=pairs)
    return Section("comparisons", "Model against model", html)


def comparison_cells(row: dict) -> list:
    difference = f"{100 * row['difference']:+.2f}"
    bounds = f"[{100 * row['ci95_low']:+.1f}, {100 * row['ci95_high']:+.1f}]"
    return [
        *(row[name] for name in ("benchmark", "mode", "grading", "n_items")),
        percent(row["first"]),
        percent(row["second"]),
        Markup('{} <span class="interval">{}</span>').format(difference, bounds),
        f"{row['only_first']} / {row['only_second']}",
        f"{row['p_holm']:.2g}",
        row["verdict"],
    ]


def sample_links_section(pages: list[Path], report: Path) -> Section:
    """Links to pages of samples, MODEL.html each. report: where the page will lie that holds the links."""
    links = [{"model": page.stem, "address": os.path.relpath(page, report.parent)} for page in pages]
    return Section("samples", "Samples", render("sample_links.html", links=links))
