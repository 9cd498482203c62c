"""Majority votes over the sampled runs of each problem.

default: over canonical classes, so that 1/2, 0.5 and \\frac12 are one candidate; tied candidates share the credit.
paper: over (answer string, grade) pairs as the reference did; the first seen of tied candidates, in seed order, wins.
In both a missing answer takes up a draw but never votes, and a problem without any answer is wrong.
"""

from dataclasses import dataclass

import numpy as np

NONE = -1  # code of a missing answer, and "no run" where nothing was voted


@dataclass(frozen=True)
class Ballots:
    """Votes of all problems: one entry per (problem, candidate), by problem, then by first vote.

    problems: N; runs: n, the draws per problem. Per entry (E,): problem; votes >= 1; correct, the share of these votes
    that were graded correct (0 or 1 unless equal answers were graded differently); first_run, who voted for it first.
    """

    problems: int
    runs: int
    problem: np.ndarray
    votes: np.ndarray
    correct: np.ndarray
    first_run: np.ndarray


@dataclass(frozen=True)
class Majority:
    """The vote of each problem (N,). run: the first one that gave the winning answer, NONE without any answer.

    votes: for that answer; tied: others had as many. credit: expected correctness, 0 to 1.
    """

    run: np.ndarray
    votes: np.ndarray
    tied: np.ndarray
    credit: np.ndarray


def count_votes(answers: np.ndarray, classes: np.ndarray, correct: np.ndarray, policy: str) -> Ballots:
    """Ballots of codes (N, n) in seed order. answers, classes: NONE where there is none; correct: grades, bool."""
    correct = correct.astype(bool)
    candidates = answers.astype(np.int64) * 2 + correct if policy == "paper" else classes.astype(np.int64)
    voted = answers != NONE
    problem, run = np.nonzero(voted)  # by problem, then in seed order
    keys = problem * (candidates.max(initial=0) + 1) + candidates[voted]
    _, first, inverse, votes = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    share = np.bincount(inverse, weights=correct[voted]) / votes
    order = np.argsort(first)  # keys sort candidates by code; `first` sorts them by problem and first vote
    problems, runs = answers.shape
    return Ballots(problems, runs, problem[first][order], votes[order], share[order], run[first][order])


def majority(ballots: Ballots, policy: str) -> Majority:
    """The plain vote over all runs."""
    most = np.zeros(ballots.problems, int)
    np.maximum.at(most, ballots.problem, ballots.votes)
    winners = np.nonzero(ballots.votes == most[ballots.problem])[0]
    problem, first, tied = np.unique(ballots.problem[winners], return_index=True, return_counts=True)
    shown = winners[first]
    run = np.full(ballots.problems, NONE)
    run[problem] = ballots.first_run[shown]
    several = np.zeros(ballots.problems, bool)
    several[problem] = tied > 1
    credit = np.zeros(ballots.problems)
    if policy == "paper":
        credit[problem] = ballots.correct[shown]
    else:
        credit[problem] = np.bincount(ballots.problem[winners], ballots.correct[winners])[problem] / tied
    return Majority(run, most, several, credit)
