"""A training by its steps: loss, learning rate, tokens a second, memory; and what the model solves after some of them."""

from collections.abc import Sequence
from itertools import cycle

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from openmath.report.drawing import CURVES, label, message, panels, percent_axis
from openmath.training.curve import Point

SHOWN = {
    "loss": "loss, a token of a solution",
    "learning_rate": "learning rate",
    "tokens_per_second": "tokens a second",
    "memory_gib": "GiB of one device, at most",
}


def draw_training(points: Sequence[Point]) -> Figure:
    """One panel for each of SHOWN, against steps."""
    if not points:
        return message("No step has ended yet.")
    colour, line, _ = CURVES[0]

    def draw(axes: Axes, name) -> None:
        axes.plot([p.step for p in points], [getattr(p, name) for p in points], linestyle=line, color=colour, lw=1.3)
        axes.set(xlabel="step", ylabel=SHOWN[name])
        if name != "loss":
            axes.set_ylim(bottom=0)

    return panels(SHOWN, draw)


def draw_learning(rows: pandas.DataFrame) -> Figure:
    """Problems solved after single steps, with 95 % intervals, one panel per benchmark.

    rows: figure_tables.model_rows with a column `step`.
    """
    looks = dict(zip(dict.fromkeys(zip(rows["judge"], rows["mode"], strict=True)), cycle(CURVES), strict=False))

    def draw(axes: Axes, item) -> None:
        benchmark, of_benchmark = item
        for (judge, mode), points in of_benchmark.groupby(["judge", "mode"], sort=False):
            colour, line, marker = looks[judge, mode]
            points = points.sort_values("step")
            reach = points["accuracy"] - points["ci95_low"], points["ci95_high"] - points["accuracy"]
            name = mode if judge == "none" else label(f"{mode}, {judge}")
            axes.errorbar(
                points["step"], points["accuracy"], yerr=[side.clip(lower=0) for side in reach], linestyle=line,
                color=colour, marker=marker, ms=4, lw=1.3, capsize=2, label=name,
            )  # fmt: skip
        percent_axis(axes.yaxis)
        axes.set(title=label(benchmark), xlabel="step", ylabel="problems solved")

    return panels(rows.groupby("benchmark", sort=False), draw)
