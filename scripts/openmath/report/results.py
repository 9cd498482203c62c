"""Sections of results: one per model and judge, the comparisons of models. The first: overview.py."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup

from openmath.report import meanings
from openmath.report.figures import FIGURES, Figure
from openmath.report.overview import accuracy
from openmath.report.page import percent, render, with_interval
from openmath.report.section import Section
from openmath.report.summaries import Summary, read_csv
from openmath.results.metrics import METRICS
from openmath.results.modes import GRADINGS

# Columns of the tables behind figures that are proportions too.
PROPORTIONS = {"estimate", "accuracy", "ci95_low", "ci95_high", "share"}


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
    html = render(
        "model.html",
        accuracy_header=header,
        accuracy_rows=rows,
        meanings={name: meanings.MODEL[name] for name in header if name in meanings.MODEL}
        | {metric.title: metric.meaning + ", percent" * (metric.unit == "proportion") for metric in known},
        **published_table(summary.published),
        figures=[shown_figure(summary, figure) for figure in FIGURES if summary.figure_tables[figure.name]],
        tables=summary.tables,
    )
    return Section(summary.anchor, summary.title, html)


def published_table(published: list[dict]) -> dict:
    """Each benchmark and mode once; of each grading ours, and beside it each set's number and verdict. Remarks are footnotes."""
    columns: dict[str, str] = {}  # head -> what it means
    lines: dict[tuple[str, str], dict[str, Markup]] = {}
    for row in sorted(published, key=lambda row: GRADINGS.index(row["grading"])):
        ours, theirs = f"ours, {row['grading']}", f"{row['set']}, {row['grading']}"
        columns |= {ours: meanings.MODEL[row["grading"]], theirs: meanings.PUBLISHED}
        line = lines.setdefault((row["benchmark"], row["mode"]), {})
        line[ours] = with_interval(row["ours"] / 100, row["ci95_low"] / 100, row["ci95_high"] / 100)
        line[theirs] = Markup('{} <span class="note" title="{}">{}{}</span>').format(
            row["published_text"], row["remarks"], row["verdict"], "*" * bool(row["remarks"])
        )
    return {
        "published_header": ["benchmark", "mode", *columns],
        "published_rows": [[*key, *(line.get(head, "") for head in columns)] for key, line in lines.items()],
        "published_meanings": {"mode": meanings.MODE} | columns,
        "published_remarks": list(dict.fromkeys(row["remarks"] for row in published if row["remarks"])),
    }


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


def comparison_section(paths: list[Path], linked: bool = False) -> Section:
    """Paired differences. paths: results/compare/{model}-vs-{other}/{judge}/comparison.csv. linked: the page has samples."""
    pairs = []
    for path in paths:
        judge = path.parent.name
        first, _, second = path.parents[1].name.partition("-vs-")
        title = f"{first} against {second}" + ("" if judge == "none" else f", judged by {judge}")
        only = f"only {first} / only {second} solves"
        header = ["benchmark", "mode", "grading", "n", first, second, "difference", only, "p Holm", "verdict"]
        cells = [
            comparison_cells(row, flipped_addresses(row, first, second, judge) if linked else [])
            for row in read_csv(path)
        ]
        pairs.append({"title": title, "header": header, "rows": cells})
    html = render("comparisons.html", pairs=pairs, linked=linked, meanings=meanings.COMPARISON)
    return Section("comparisons", "Model against model", html)


def flipped_addresses(row: dict, first: str, second: str, judge: str) -> list[str]:
    """Where the viewer shows the problems that only the first, and only the second model solves; [] of modes without one answer.

    As viewer_address.js reads them.
    """
    answer = row["mode"].partition("@")[0]
    if answer not in ("greedy", "majority"):
        return []
    chosen = {"answer": answer, "against": second} | ({"by": judge} if row["grading"] == "judge" else {})
    problems = f"#sample={quote(first, safe='')}/{quote(row['benchmark'], safe='')}/"
    return [f"{problems}&{urlencode(chosen | {'show': show}, quote_via=quote)}" for show in ("first", "second")]


def comparison_cells(row: dict, addresses: list[str]) -> list:
    """A row of the table. addresses: of the problems that only one solves, as flipped_addresses gives them."""
    only = [row["only_first"], row["only_second"]]
    if addresses:
        only = [Markup('<a href="{}">{}</a>').format(*one) for one in zip(addresses, only, strict=True)]
    difference = f"{100 * row['difference']:+.2f}"
    bounds = f"[{100 * row['ci95_low']:+.1f}, {100 * row['ci95_high']:+.1f}]"
    return [
        *(row[name] for name in ("benchmark", "mode", "grading", "n_items")),
        percent(row["first"]),
        percent(row["second"]),
        Markup('{} <span class="interval">{}</span>').format(difference, bounds),
        Markup("{} / {}").format(*only),
        f"{row['p_holm']:.2g}",
        row["verdict"],
    ]
