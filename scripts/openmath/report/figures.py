"""Figures of a summary, one entry each: files, rule outputs, page and docs/report.md follow from this list.

A figure is an entry here, a function that makes its rows (figure_tables.py) and one that draws them (drawing.py). Both are named
and imported when something is drawn: the rules read this list at each start, and pandas and matplotlib take a second.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sources:
    """What figures are made of. summary: the folder of summarize_results.py. grades: BENCHMARK.parquet, of all benchmarks.
    problems: their rows, in the same order; none where nobody has them."""

    summary: Path
    grades: list[Path]
    problems: list[Path]


@dataclass(frozen=True)
class Figure:
    """One figure.

    name: of its files, figures/NAME.svg, .png, .pdf. title, caption: on the page and in Snakemake's report. nothing: what it
    says where there are no rows to draw. rows: "module:function", Sources -> data frame. draw: the same, data frame -> matplotlib
    figure. summarised: the same, data frame -> the numbers behind the figure; None: its rows. numbers: the CSV of these, below
    the summary folder, where another script writes it; None: figures/NAME.csv. text_columns: so many of its first columns are text.
    """

    name: str
    title: str
    caption: str
    nothing: str
    rows: str
    draw: str
    text_columns: int
    summarised: str | None = None
    numbers: str | None = None

    @property
    def csv(self) -> str:
        """The numbers behind the figure, below the summary folder."""
        return self.numbers or f"figures/{self.name}.csv"


FIGURES = [
    Figure(
        name="curves",
        title="maj@k and pass@k",
        caption="Problems solved with k samples each: by their majority vote (maj@k), and by any of them (pass@k). "
        "Bands: 95 % intervals over problems.",
        nothing="No curves: there are no sampled runs.",
        rows="openmath.report.figure_tables:curve_points",
        draw="openmath.report.drawing:draw_curves",
        numbers="curves.csv",
        text_columns=3,
    ),
    Figure(
        name="groups",
        title="Accuracy by group",
        caption="Accuracy by level, subject or difficulty (number of problems). Bars: 95 % intervals.",
        nothing="No groups: no benchmark here has levels, subjects or difficulties.",
        rows="openmath.report.figure_tables:group_accuracies",
        draw="openmath.report.drawing:draw_groups",
        text_columns=5,
    ),
    Figure(
        name="lengths",
        title="Lengths of samples",
        caption="Generated tokens of all samples by outcome. Cut off: wrong, and stopped at the token limit; "
        "unfinished: in its thought. Where thoughts were counted, these and the answers behind them also apart.",
        nothing="No lengths: these samples do not say theirs.",
        rows="openmath.report.figure_tables:all_lengths",
        draw="openmath.report.drawing:draw_lengths",
        summarised="openmath.report.figure_tables:length_table",
        text_columns=2,
    ),
    Figure(
        name="matrix",
        title="Symbolic grading against the judge",
        caption="The same answers by both gradings. Unparsed: replies of the judge that say neither yes nor no.",
        nothing="No matrix: no judge has seen these answers.",
        rows="openmath.report.figure_tables:grading_matrix",
        draw="openmath.report.drawing:draw_matrix",
        text_columns=4,
    ),
]
