"""A training by its steps: loss, learning rate, tokens a second, memory."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from openmath.report.drawing import CURVES, message, panels
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
