"""Labels of new problems, which have no reference: the answer that most of their solutions give.

default: equal answers are one candidate, and a problem whose first two candidates have as many votes gets no label.
paper: equal strings are one candidate, and the first seen of those with as many votes wins.
In both, an empty box is no answer.
"""

from collections.abc import Iterator
from typing import Literal, TypedDict

import numpy as np

from openmath.results.grades import Graded
from openmath.statistics.votes import NONE, count_votes, majority

Outcome = Literal["labelled", "no_answer", "tied", "few_votes"]


class Label(TypedDict):
    """A line of labels/{part}.jsonl. expected_answer: None without a label. sample_run: the first run that gave it.

    majority_votes: of the winning answer; total_votes: runs, those without an answer included.
    """

    id: str
    outcome: Outcome
    expected_answer: str | None
    majority_votes: int
    total_votes: int
    sample_run: str | None


def labels(graded: Graded, policy: str, min_votes: int = 0) -> Iterator[Label]:
    """The labels of all problems, in order. min_votes: fewer for the winner give no label."""
    answers, classes = _with_empty_as_none(graded)
    nothing = np.zeros(answers.shape, bool)  # nothing is graded: a vote is over answers alone
    vote = majority(count_votes(answers, classes, nothing, policy), policy)
    for number, identifier in enumerate(graded.ids):
        run, votes = int(vote.run[number]), int(vote.votes[number])
        outcome: Outcome
        if run == NONE:
            outcome = "no_answer"
        elif vote.tied[number] and policy != "paper":
            outcome = "tied"
        else:
            outcome = "few_votes" if votes < min_votes else "labelled"
        label = outcome == "labelled"
        yield {
            "id": identifier,
            "outcome": outcome,
            "expected_answer": graded.answer_of(number, run) if label else None,
            "majority_votes": votes,
            "total_votes": len(graded.runs),
            "sample_run": graded.runs[run] if label else None,
        }


def agreeing(graded: Graded, found: list[Label], policy: str) -> np.ndarray:
    """Whether each sample (N, n) gives the label of its problem."""
    answers, classes = _with_empty_as_none(graded)
    candidates = answers if policy == "paper" else classes
    runs = np.array(
        [NONE if label["sample_run"] is None else graded.runs.index(label["sample_run"]) for label in found]
    )
    winner = np.where(runs == NONE, NONE - 1, candidates[np.arange(len(found)), runs])
    return (candidates == winner[:, None]) & (answers != NONE)


def _with_empty_as_none(graded: Graded) -> tuple[np.ndarray, np.ndarray]:
    empty = np.array([not text.strip() for text in graded.texts] + [False])[graded.answers]
    return np.where(empty, NONE, graded.answers), np.where(empty, NONE, graded.classes)
