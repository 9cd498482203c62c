"""Majority votes over the sampled runs of each problem.

default: over canonical classes, so that 1/2, 0.5 and \\frac12 are one candidate; tied classes share the credit.
paper: over (answer string, verdict) pairs as the reference did; the first seen among tied pairs, in seed order, wins.
A missing answer draws but never votes.
"""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Vote:
    """The majority answer of one problem. credit: expected correctness under a random tie-break, 0 to 1."""

    answer: str | None
    votes: int
    total: int
    tied: bool
    credit: float


def majority_vote(answers: list[str | None], classes: list[str | None], correct: list[bool], policy: str) -> Vote:
    """Vote of one problem; the three lists are in seed order, one entry per sampled run.

    answers: as written; classes: canonical (None where there is no answer); correct: verdict of each answer.
    """
    if policy == "paper":
        candidates = [None if a is None else (a, c) for a, c in zip(answers, correct, strict=True)]
    else:
        candidates = classes
    counts = Counter(c for c in candidates if c is not None)  # insertion order = first seen
    if not counts:
        return Vote(None, 0, len(answers), False, 0.0)
    best = max(counts.values())
    winners = [c for c in counts if counts[c] == best]
    shown = candidates.index(winners[0])
    if policy == "paper":
        credit = float(correct[shown])
    else:
        credit = sum(correct[candidates.index(winner)] for winner in winners) / len(winners)
    return Vote(answers[shown], best, len(answers), len(winners) > 1, credit)
