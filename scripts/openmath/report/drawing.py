"""Drawing of the figures: colour-blind safe (Okabe and Ito's colours), told apart without colour too, the same bytes each time."""

from collections.abc import Callable, Iterable
from itertools import cycle, product
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter

from openmath.files.rows import atomic_write
from openmath.report.figure_tables import OUTCOMES, natural
from openmath.results.modes import GRADINGS
from openmath.statistics.estimates import ESTIMATORS

FORMATS = ("svg", "png", "pdf")
PANEL = 3.2, 2.5  # inches; three panels fill the width of a page
COLUMNS = 3
BINS = 24  # of a histogram
LABEL_LENGTH = 32
STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "figure.constrained_layout.hspace": 0.06,  # or a title touches the label above it
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "text.parse_math": False,  # names come from data: a $ is a $
    "svg.hashsalt": "openmath",  # else element names are random
}
NO_DATES = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
# Colour, line, marker of the curves: of each grading all estimators; from the first again where there are more.
CURVES = (
    ("#0072B2", "-", "o"),
    ("#009E73", "--", "s"),
    ("#D55E00", "-.", "^"),
    ("#E69F00", ":", "D"),
    ("#CC79A7", (0, (5, 1)), "v"),
    ("#56B4E9", (0, (3, 1, 1, 1)), "P"),
)
MODES = (("#0072B2", "o", "full"), ("#D55E00", "s", "none"))  # colour, marker, filling: greedy, majority
# Outcome -> colour, hatch
OUTCOME_STYLES = {
    "correct": ("#0072B2", ""),
    "wrong": ("#E69F00", "////"),
    "no answer": ("#FFFFFF", ".."),  # each dot is a path: twice as dense, they are half of the page's figures
    "unfinished": ("#CC79A7", "xxxx"),
    "cut off": ("#444444", ""),
}


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write name.svg, .png and .pdf; each appears complete."""
    with matplotlib.rc_context(STYLE):
        for extension in FORMATS:
            with atomic_write(folder / f"{name}.{extension}") as file:
                figure.savefig(file, format=extension, metadata=NO_DATES[extension])


def message(text: str) -> Figure:
    """In place of a figure: one line."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(PANEL[0] * 2, 0.5))
        figure.text(0.5, 0.5, text, ha="center", va="center")
        return figure


def panels(items: Iterable, draw: Callable[[Axes, object], None], height: float = PANEL[1]) -> Figure:
    """A figure with one panel per item, three a row, and one legend."""
    items = list(items)
    with matplotlib.rc_context(STYLE):
        columns = min(COLUMNS, len(items))
        rows = -(-len(items) // columns)
        size = PANEL[0] * max(columns, 1.5), height * rows + 0.4
        figure = Figure(figsize=size, layout="constrained")
        figure.subplots(rows, columns, squeeze=False)
        for axes, item in zip(figure.axes, items, strict=False):
            draw(axes, item)
        for axes in figure.axes[len(items) :]:
            axes.set_axis_off()
        entries: dict = {}
        for axes in figure.axes:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                entries.setdefault(label, handle)
        if entries:
            figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=len(entries))
        return figure


def label(text: object) -> str:
    """A name from data, short enough for a figure."""
    text = " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in str(text)).split())
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1] + "…"


def percent_axis(axis) -> None:
    axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))


def draw_curves(curves: pandas.DataFrame) -> Figure:
    """Each estimator against k with 95 % bands, one panel per benchmark. curves: curves.csv."""
    looks = dict(zip(product(GRADINGS, ESTIMATORS), cycle(CURVES), strict=False))

    def draw(axes: Axes, item) -> None:
        benchmark, rows = item
        for (estimator, grading), points in rows.groupby(["estimator", "grading"], sort=False):
            colour, line, marker = looks[grading, estimator]
            axes.fill_between(points["k"], points["ci95_low"], points["ci95_high"], color=colour, alpha=0.15, lw=0)
            axes.plot(
                points["k"], points["estimate"], linestyle=line, color=colour, marker=marker, ms=3.5, lw=1.3,
                label=f"{estimator}, {grading}",
            )  # fmt: skip
        ticks = sorted(set(rows["k"]))
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks[:: -(-len(ticks) // 7)], [str(k) for k in ticks[:: -(-len(ticks) // 7)]])
        axes.xaxis.set_minor_locator(NullLocator())
        percent_axis(axes.yaxis)
        axes.set(title=label(benchmark), xlabel="k, samples per problem", ylabel="problems solved")

    return panels(curves.groupby("benchmark", sort=False), draw)


def draw_groups(groups: pandas.DataFrame) -> Figure:
    """Accuracy with 95 % intervals by level, subject or difficulty, one panel per benchmark and field."""
    most = int(groups.groupby(["benchmark", "field"])["group"].nunique().max())

    def draw(axes: Axes, item) -> None:
        (benchmark, field), rows = item
        names = sorted(rows["group"].unique(), key=natural)
        position = {name: place for place, name in enumerate(names)}
        by_mode = list(rows.groupby("mode", sort=False))
        for number, (mode, points) in enumerate(by_mode):
            colour, marker, filling = MODES[number]
            places = points["group"].map(position) + 0.3 * (number - (len(by_mode) - 1) / 2)
            errors = points["accuracy"] - points["ci95_low"], points["ci95_high"] - points["accuracy"]
            axes.errorbar(
                points["accuracy"], places, xerr=np.maximum(0, errors), fmt=marker, color=colour, ms=4, lw=1,
                capsize=2, fillstyle=filling, label=f"{mode}, {points['grading'].iloc[0]}",
            )  # fmt: skip
        sizes = rows.drop_duplicates("group").set_index("group")["n_items"]
        axes.set_yticks(range(len(names)), [f"{label(name)} ({sizes[name]})" for name in names])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(-0.03, 1.03)  # markers at 0 and 1 stay whole
        percent_axis(axes.xaxis)
        axes.set(title=label(f"{benchmark}, by {field}"), xlabel="problems solved")

    height = max(PANEL[1], 0.6 + 0.26 * most)
    items = groups.groupby(["benchmark", "field"], sort=False)
    return panels(items, draw, height)


def draw_models(rows: pandas.DataFrame) -> Figure:
    """Models side by side, one panel per benchmark. rows: figure_tables.model_rows."""
    judges = rows["judge"].nunique()
    lines = rows[["model", "judge"]].drop_duplicates().apply(tuple, axis=1).tolist()
    names = [label(model if judges == 1 else f"{model}, {judge}") for model, judge in lines]

    def draw(axes: Axes, item) -> None:
        benchmark, of_benchmark = item
        for number, (kind, points) in enumerate(of_benchmark.groupby(of_benchmark["mode"].str.partition("@")[0])):
            colour, marker, filling = MODES[number]
            places = np.array([lines.index(line) for line in zip(points["model"], points["judge"], strict=True)])
            places = places + 0.3 * (number - 0.5)
            errors = points["accuracy"] - points["ci95_low"], points["ci95_high"] - points["accuracy"]
            axes.errorbar(
                points["accuracy"], places, xerr=np.maximum(0, errors), fmt=marker, color=colour, ms=4, lw=1,
                capsize=2, fillstyle=filling, label=kind,
            )  # fmt: skip
            theirs = points["published"].astype(float)
            if theirs.notna().any():
                axes.plot(theirs, places, linestyle="", marker="|", ms=9, mew=1.5, color="black", label="published")
        axes.set_yticks(range(len(names)), names if axes in axes.figure.axes[::COLUMNS] else [""] * len(names))
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(-0.03, 1.03)
        percent_axis(axes.xaxis)
        axes.set(title=label(f"{benchmark} ({of_benchmark['n_items'].max():,})"), xlabel="problems solved")

    return panels(rows.groupby("benchmark", sort=False), draw, max(PANEL[1], 0.6 + 0.26 * len(names)))


def draw_stages(steps: pandas.DataFrame) -> Figure:
    """What each step leaves, and beside it what it drops; a panel for new problems, and for the solutions of each source.

    steps: dataset.stages.Step.
    """

    def draw(axes: Axes, item) -> None:
        panel, rows = item
        places = np.arange(len(rows))
        style: Any = {"height": 0.7, "lw": 0.4, "edgecolor": "black"}
        colour, hatch = OUTCOME_STYLES["wrong"]
        axes.barh(places, rows["after"], color=OUTCOME_STYLES["correct"][0], label="left", **style)
        axes.barh(places, rows["dropped"], left=rows["after"], color=colour, hatch=hatch, label="dropped", **style)
        for place, (_, step) in enumerate(rows.iterrows()):
            ends = place in (0, len(rows) - 1)
            texts = [f"-{step['dropped']:,}"] * bool(step["dropped"]) + [f"{step['after']:,} left"] * ends
            axes.text(step["before"], place, f" {', '.join(texts)}", va="center")
        axes.set_yticks(places, [label(step) for step in rows["step"]])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, 1.45 * rows["before"].max())  # room for the numbers
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.grid(axis="y", visible=False)
        axes.set(title=label(panel))

    most = int(steps.groupby("panel")["step"].count().max())
    return panels(steps.groupby("panel", sort=False), draw, max(PANEL[1], 0.6 + 0.24 * most))


def draw_lengths(lengths: pandas.DataFrame) -> Figure:
    """Histograms of generated tokens, stacked by outcome, one panel per benchmark. lengths: figure_tables.sample_lengths."""

    def draw(axes: Axes, item) -> None:
        benchmark, samples = item
        low, high = max(1.0, samples["tokens"].min()), max(2.0, samples["tokens"].max())
        shown = np.geomspace(low, max(high, low * 1.5), BINS + 1)
        edges = np.concatenate([[0], shown[1:-1], [np.inf]])  # rounding must lose no sample
        bottom = np.zeros(BINS)
        for outcome in OUTCOMES:
            counts, _ = np.histogram(samples.loc[samples["outcome"] == outcome, "tokens"], edges)
            colour, hatch = OUTCOME_STYLES[outcome]
            share = counts / len(samples)
            axes.bar(
                shown[:-1], share, np.diff(shown), bottom, align="edge", color=colour, hatch=hatch, lw=0.4,
                edgecolor="black", label=outcome,
            )  # fmt: skip
            bottom += share
        axes.set_xscale("log")
        ticks = nice_ticks(shown[0], shown[-1])
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
        percent_axis(axes.yaxis)
        axes.grid(axis="x", visible=False)
        axes.set(title=label(benchmark), xlabel="generated tokens", ylabel="samples")

    return panels(lengths.groupby("benchmark", sort=False), draw)


def nice_ticks(low: float, high: float) -> list[int]:
    """Round numbers between low and high, six at most."""
    for multiples in (range(1, 10), (1, 2, 5), (1,)):
        ticks = [m * 10**e for e in range(7) for m in multiples if low <= m * 10**e <= high]
        if 0 < len(ticks) <= 6:
            return ticks
    return [round(high)]


def draw_matrix(matrix: pandas.DataFrame) -> Figure:
    """Counts of answers by symbolic grading and judge, one panel per benchmark and mode. matrix: figure_tables.matrix_table."""

    def draw(axes: Axes, item) -> None:
        (benchmark, mode), rows = item
        counts = rows.pivot(index="symbolic", columns="judge", values="answers")
        counts = counts.loc[["yes", "no"], ["yes", "no", "unparsed"]].to_numpy()
        shares = counts / counts.sum()
        axes.imshow(shares, cmap="Greys", vmin=0, vmax=1, aspect="auto")
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = f"{count:,}\n{100 * shares[row, column]:.1f} %"
            axes.text(column, row, text, ha="center", va="center", color=colour)
        axes.set_xticks(range(3), ["yes", "no", "unparsed"])
        axes.set_yticks(range(2), ["yes", "no"])
        axes.grid(visible=False)
        axes.set(title=label(f"{benchmark}, {mode}"), xlabel="judge", ylabel="symbolic")

    items = matrix.groupby(["benchmark", "mode"], sort=False)
    return panels(items, draw, 2.0)
