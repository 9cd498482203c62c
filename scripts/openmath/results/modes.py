"""The modes of a benchmark: greedy, pass@1[avg-of-n], majority@n, pass@n, each with one score per problem.

A mode is all that tables, comparisons and published numbers need; what it rests on is not read again.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from openmath.errors import InputError
from openmath.results.grades import Benchmark, Graded, Judged
from openmath.statistics.intervals import Interval, interval
from openmath.statistics.votes import NONE, majority

GRADINGS = ("symbolic", "judge")
AGGREGATIONS = ("greedy", "average", "majority", "any")  # how the samples of a problem become its score


@dataclass
class Mode:
    """Scores (N,) in [0, 1] of one mode; None where that grading was not made.

    aggregation: one of AGGREGATIONS. num_samples: per problem. unanswered: bool per sample, or per problem (N,) where a mode
    has one answer of it. pairs: correct by symbolic grading and by the judge, two bool arrays, on the very same answers.

    Of some aggregations only, for the metrics (metrics.py): answers: the ones that the scores are about (greedy, majority).
    runs: the sample runs themselves (greedy, average). tied: bool per problem (majority). compared: correct by symbolic grading,
    and the judge's verdicts, yes | no | unparsed, on the same answers (all but any). judged: the file these are from (greedy,
    majority).
    """

    name: str
    aggregation: str
    num_samples: int
    symbolic: np.ndarray
    judge: np.ndarray | None
    unanswered: np.ndarray
    # Any: None in modes that have none; the metrics that ask for it say of which modes they are.
    pairs: Any = None
    answers: list[str | None] | None = None
    runs: Any = None
    tied: Any = None
    compared: Any = None
    judged: Judged | None = None

    def scores(self) -> dict[str, np.ndarray]:
        """Grading -> scores."""
        return {grading: values for grading in GRADINGS if (values := getattr(self, grading)) is not None}

    def intervals(self) -> dict[str, Interval]:
        """Grading -> interval of the mean score."""
        averaged = self.aggregation == "average"
        return {grading: interval(values, averaged) for grading, values in self.scores().items()}


def modes_of(benchmark: Benchmark, policy: str) -> list[Mode]:
    """All modes of one benchmark, in the order of the tables."""
    modes = []
    if benchmark.greedy:
        modes.append(_greedy(benchmark, benchmark.greedy))
    if benchmark.sampled:
        if policy == "default":
            modes.append(_average(benchmark.sampled))
        modes.append(_majority(benchmark, benchmark.sampled, policy))
        modes.append(_pass(benchmark.sampled))
    return modes


def _greedy(benchmark: Benchmark, run: Graded) -> Mode:
    judged = benchmark.judged.get("greedy")
    answers = [run.answer_of(problem, 0) for problem in range(len(run.ids))]
    if judged:
        _check_judged_answers("greedy", judged, answers, benchmark)
    verdicts = judged.verdicts if judged else None if run.judged is None else run.judged[:, 0]
    correct = run.correct[:, 0].astype(bool)
    judge = None if verdicts is None else verdicts == "yes"
    return Mode(
        "greedy",
        "greedy",
        num_samples=1,
        symbolic=correct.astype(float),
        judge=None if judge is None else judge.astype(float),
        unanswered=run.answers[:, 0] == NONE,
        pairs=None if judge is None else (correct, judge),
        answers=answers,
        runs=run,
        compared=None if verdicts is None else (correct, verdicts),
        judged=judged,
    )


def _average(runs: Graded) -> Mode:
    """Each problem's share of correct samples: needs no vote and no luck of a single run."""
    n = len(runs.runs)
    judge = None if runs.judged is None else runs.judged == "yes"
    return Mode(
        f"pass@1[avg-of-{n}]",
        "average",
        num_samples=n,
        symbolic=runs.correct.mean(axis=1),
        judge=None if judge is None else judge.mean(axis=1),
        unanswered=runs.answers == NONE,
        pairs=None if judge is None else (runs.correct, judge),
        runs=runs,
        compared=None if judge is None else (runs.correct, runs.judged),
    )


def _majority(benchmark: Benchmark, runs: Graded, policy: str) -> Mode:
    """The vote. A judge has seen one answer per problem, the first in seed order that won: ties share no judge credit.

    both, any and the agreement compare the two gradings of that answer. Where each sample is judged, as in files of other
    tools, the vote is made by either grading.
    """
    judged = benchmark.judged.get("majority")
    n, problems = len(runs.runs), range(len(runs.ids))
    vote = majority(runs.ballots(policy), policy)
    answers = [runs.answer_of(problem, vote.run[problem]) for problem in problems]
    answered = vote.run != NONE
    correct = answered & runs.correct[problems, vote.run]
    verdicts = judge = shown = None
    if judged:
        _check_judged_answers("majority", judged, answers, benchmark)
        verdicts = judged.verdicts
        shown = verdicts == "yes"
        judge = shown.astype(float)
    elif runs.judged is not None:
        judge = majority(runs.ballots(policy, runs.judged == "yes"), policy).credit
        verdicts = np.where(answered, runs.judged[problems, vote.run], "no")
        shown = verdicts == "yes"
    compared = None if verdicts is None else (correct, verdicts)
    if policy == "paper" and judge is not None:
        # Its two votes may show two answers; it compares what they are worth.
        correct, shown = vote.credit == 1, judge == 1
    return Mode(
        f"majority@{n}",
        "majority",
        num_samples=n,
        symbolic=vote.credit,
        judge=judge,
        unanswered=~answered,
        pairs=None if shown is None else (correct, shown),
        answers=answers,
        tied=vote.tied,
        compared=compared,
        judged=judged,
    )


def _pass(runs: Graded) -> Mode:
    """Whether any sample is correct: with k = n the unbiased pass@k is just that."""
    n = len(runs.runs)
    symbolic = np.asarray(runs.correct.any(axis=1))
    judge = None if runs.judged is None else (runs.judged == "yes").any(axis=1)
    return Mode(
        f"pass@{n}",
        "any",
        num_samples=n,
        symbolic=symbolic.astype(float),
        judge=None if judge is None else judge.astype(float),
        unanswered=(runs.answers == NONE).all(axis=1),
        pairs=None if judge is None else (symbolic, judge),
    )


def _check_judged_answers(mode: str, judged: Judged, answers: list[str | None], benchmark: Benchmark) -> None:
    """The judge must have seen the answers that were graded: other samples, votes or policies make other answers."""
    again = {
        "greedy": "grade and judge the same samples again: grade_answers.py and judge_answers.py.",
        "majority": "vote and judge again: fill_majority.py and judge_answers.py, with the same --policy.",
    }
    for number, (seen, graded) in enumerate(zip(judged.answers, answers, strict=True)):
        if seen != graded:
            raise InputError(
                f"The judge has seen a different {mode} answer than the grades give.",
                where=f"{benchmark.name}: {benchmark.ids[number]}",
                expected="no answer" if graded is None else graded,
                found="no answer" if seen is None else seen,
                hint=f"{again[mode]} Verdicts in the judge's store are not paid again.",
            )
