"""One warning where many samples met the token limit or never ended their thought: an accuracy then says as much of the limit."""

from collections.abc import Iterable

import numpy as np

from openmath.results.grades import Benchmark, Graded

MANY = 0.05  # of the samples of a run
SHOWN = 3  # runs of a benchmark that are named
WARNING = "warning: "  # begins its line below the tables


def cut_short_warning(benchmarks: Iterable[tuple[str, list[tuple[str, float]]]]) -> str | None:
    """One sentence; None where nothing has to be said. benchmarks: (name, runs_cut_short of it)."""
    places = [f"{name} ({_runs(runs)})" for name, runs in benchmarks if runs]
    if not places:
        return None
    return (
        f"more than {MANY:.0%} of the samples met the token limit or never ended their thought: {'; '.join(places)}. They have no "
        "answer, or one that was cut. If the model needs more room, raise `sampling: max_new_tokens` of the model, or that of "
        "`generation`, and `context_length` with it."
    )


def runs_cut_short(benchmark: Benchmark) -> list[tuple[str, float]]:
    """(sample run, its share of samples cut short) of the runs in which these are many, greedy first."""
    runs = []
    for graded in filter(None, (benchmark.greedy, benchmark.sampled)):
        runs += [(run, float(share)) for run, share in zip(graded.runs, _shares(graded), strict=True) if share > MANY]
    return runs


def _shares(graded: Graded) -> np.ndarray:
    """Of each run (n,)."""
    cut = np.zeros(graded.answers.shape, bool)
    for marked in (graded.truncated, graded.unfinished):
        cut |= False if marked is None else marked
    return cut.mean(axis=0)


def _runs(runs: list[tuple[str, float]]) -> str:
    """'greedy 12 %, rs0 9 %, rs1 8 % and 5 more runs'."""
    shown = ", ".join(f"{run} {share:.0%}" for run, share in runs[:SHOWN])
    return shown + (f" and {len(runs) - SHOWN} more runs" if len(runs) > SHOWN else "")
