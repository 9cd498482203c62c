"""The metrics: what metrics.json and metrics.csv say of a mode beside its accuracies, one entry each, in the order of the columns.

tables.md, the report and trace.py follow from the entries; docs/statistics.md lists them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from openmath.judging.wording import holds_judge_words, shortened
from openmath.results.modes import AGGREGATIONS, Mode
from openmath.statistics.estimates import cohen_kappa, seed_std

TEXTS: dict[str, Callable[[float], str]] = {  # a value of each unit, as people read it
    "proportion": lambda value: f"{100 * value:.2f}",
    "coefficient": lambda value: f"{value:.3f}",
    "count": lambda value: f"{value:,}",
}


@dataclass(frozen=True)
class Metric:
    """One column.

    value: of a mode; None where it is not known. It is asked for modes whose aggregation is among `aggregations`, and if
    `judged` for those with a judge's verdicts only; the others lack the column. unit: proportion (0 to 1, in percent where
    people read it), coefficient or count. shown: in tables.md and the report too. where: of which modes besides: tables without
    them stay as they were before there was this metric.
    """

    name: str
    meaning: str
    unit: str
    value: Callable[[Mode], float | int | None]
    aggregations: tuple[str, ...] = AGGREGATIONS
    judged: bool = False
    shown: bool = True
    where: Callable[[Mode], bool] = lambda mode: True

    @property
    def title(self) -> str:
        """Its heading where people read it."""
        return self.name.replace("_", " ")

    def text(self, value: float | int | None) -> str:
        """A value where people read it; '' for None."""
        return "" if value is None else TEXTS[self.unit](value)

    def belongs_to(self, mode: Mode) -> bool:
        """Whether a mode has this column."""
        in_general = mode.aggregation in self.aggregations and (mode.judge is not None or not self.judged)
        return in_general and self.where(mode)


def _parsed(mode: Mode) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which answers have a verdict of the judge; of these, the symbolic verdicts and the judge's. All bool."""
    correct, words = mode.compared
    parsed = words != "unparsed"
    return parsed, correct[parsed], words[parsed] == "yes"


def _agreement(mode: Mode) -> float | None:
    parsed, symbolic, judge = _parsed(mode)
    return (symbolic == judge).mean() if parsed.any() else None


def _agreement_asked(mode: Mode) -> float | None:
    if mode.judged is None or mode.judged.asked is None or mode.compared is None:
        return None
    correct, words = mode.compared
    compared = mode.judged.asked & (words != "unparsed")
    return (correct == (words == "yes"))[compared].mean() if compared.any() else None


def _truncated(mode: Mode) -> float | None:
    return None if mode.runs.truncated is None else mode.runs.truncated.mean()


def _unfinished(mode: Mode) -> float | None:
    return None if mode.runs.unfinished is None else mode.runs.unfinished.mean()


def _asked(mode: Mode) -> int | None:
    return None if mode.judged is None or mode.judged.asked is None else mode.judged.asked.sum()


def _without_reply(mode: Mode, outcomes: tuple[str, ...]) -> int | None:
    return (
        None if mode.judged is None or mode.judged.outcomes is None else np.isin(mode.judged.outcomes, outcomes).sum()
    )


def _talking(mode: Mode) -> int | None:
    return None if mode.judged is None else sum(holds_judge_words(shortened(a or "")) for a in mode.judged.answers)


def _refused(mode: Mode) -> float | None:
    return None if mode.runs.refused is None else mode.runs.refused.mean()


SAMPLED = ("greedy", "average")  # of samples as they stand
COMPARED = ("greedy", "average", "majority")  # both gradings were made of the same answers
JUDGED = ("greedy", "majority")  # with a file of judge_answers.py

METRICS = [
    Metric("both", "correct by both gradings", "proportion", lambda m: (m.pairs[0] & m.pairs[1]).mean(), judged=True),
    Metric("any", "correct by any of the two", "proportion", lambda m: (m.pairs[0] | m.pairs[1]).mean(), judged=True),
    Metric("no_answer", "without an answer", "proportion", lambda m: m.unanswered.mean()),
    Metric(
        "seed_std",
        "standard deviation (ddof 1) of the accuracies of single runs",
        "proportion",
        lambda m: seed_std(m.runs.correct),
        aggregations=("average",),
    ),
    Metric(
        "tie_rate",
        "problems whose vote was tied",
        "proportion",
        lambda m: m.tied.mean(),
        aggregations=("majority",),
    ),
    Metric("truncated", "samples that met the token limit", "proportion", _truncated, aggregations=SAMPLED),
    Metric("unfinished", "samples whose thought never ended", "proportion", _unfinished, aggregations=SAMPLED),
    Metric(
        "not_boxed",
        "samples whose answer stands outside a box, where there are any",
        "proportion",
        lambda m: m.runs.not_boxed.mean(),
        aggregations=SAMPLED,
        where=lambda m: m.runs.not_boxed is not None,
    ),
    Metric("refused", "samples without a generation", "proportion", _refused, aggregations=SAMPLED),
    Metric(
        "unparsed",
        "answers on which the judge said neither yes nor no",
        "proportion",
        lambda m: 1 - _parsed(m)[0].mean(),
        aggregations=COMPARED,
        judged=True,
    ),
    Metric("asked", "answers that the judge was asked about", "count", _asked, JUDGED, judged=True),
    Metric(
        "judge_refused",
        "of these, refused for good by the judge's service: counted in `unparsed`",
        "count",
        lambda m: _without_reply(m, ("refused",)),
        JUDGED,
        judged=True,
    ),
    Metric(
        "judge_cut",
        "of these, with a reply cut at the token limit or empty: counted in `unparsed`",
        "count",
        lambda m: _without_reply(m, ("cut", "empty")),
        JUDGED,
        judged=True,
    ),
    Metric("judge_words", "answers that hold words for a judge", "count", _talking, JUDGED, judged=True),
    Metric(
        "agreement",
        "answers on which the two gradings agree, of those with a verdict of the judge",
        "proportion",
        _agreement,
        aggregations=COMPARED,
        judged=True,
    ),
    Metric(
        "agreement_asked",
        "the same, of the answers that the judge was asked about: those equal to the reference as text say nothing about it",
        "proportion",
        _agreement_asked,
        JUDGED,
        judged=True,
    ),
    Metric(
        "kappa",
        "agreement corrected for chance (Cohen 1960)",
        "coefficient",
        lambda m: cohen_kappa(*_parsed(m)[1:]),
        aggregations=COMPARED,
        judged=True,
    ),
    Metric(
        "symbolic_only",
        "answers that only symbolic grading accepts",
        "count",
        lambda m: (_parsed(m)[1] & ~_parsed(m)[2]).sum(),
        aggregations=COMPARED,
        judged=True,
        shown=False,
    ),
    Metric(
        "judge_only",
        "answers that only the judge accepts",
        "count",
        lambda m: (~_parsed(m)[1] & _parsed(m)[2]).sum(),
        aggregations=COMPARED,
        judged=True,
        shown=False,
    ),
]


def metrics_row(benchmark: str, mode: Mode) -> dict:
    """Everything about one mode: accuracies 0 to 1, their 95 % intervals and how these were made; then its metrics."""
    row = {"benchmark": benchmark, "mode": mode.name, "n_items": len(mode.symbolic), "n_samples": mode.num_samples}
    for grading, bounds in mode.intervals().items():
        row |= {
            f"accuracy_{grading}": float(mode.scores()[grading].mean()),
            f"ci95_low_{grading}": bounds.low,
            f"ci95_high_{grading}": bounds.high,
            f"ci_method_{grading}": bounds.method,
        }
    for metric in METRICS:
        if metric.belongs_to(mode):
            value = metric.value(mode)
            number = int if metric.unit == "count" else float
            row[metric.name] = None if value is None else number(value)
    return row
