"""maj@k for any k <= n: the exact expectation of a majority vote over k of n samples, ties sharing the credit.

A problem's answers fall into classes of m_1, ..., m_A votes and z samples without an answer. Of all C(n, k) subsets,

    maj@k = 1/C(n,k) * sum over t >= 1 and sets T of classes of  (share of correct classes in T)
            * [x^k] (1+x)^z * prod_{a in T} C(m_a,t) x^t * prod_{a not in T} sum_{s<t} C(m_a,s) x^s

where T are the classes tied at t votes. Three exact steps make this cheap. Each correct class is taken alone, the others
being its rivals; where j rivals tie with it, its credit is 1/(1+j), the integral of u^j over [0, 1], so that the sum over T
becomes a product over rivals, integrated over u by Gauss-Legendre nodes (exact for polynomials). Drawing k of n is the same
as drawing each sample with probability k/n, given that k were drawn: binomial probabilities replace huge binomial
coefficients. [x^k] of the product is read from its values on the unit circle. Exact to about 1e-13.

All problems are computed together, one t after the other: numpy's calls would cost more than their work on one problem.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

from openmath.errors import InputError
from openmath.statistics.votes import Ballots

NEGLIGIBLE = 1e-17  # probabilities below this, relative to the result's scale, are left out
BLOCK = 30_000  # values of a product held at once: they stay in the processor's cache


class Patterns(NamedTuple):
    """P classes, each with what it meets in its problem; rivals in G groups of equal size, largest first."""

    votes: np.ndarray  # (P,) of the class
    silent: np.ndarray  # (P,) samples without an answer
    sizes: np.ndarray  # (P, G) votes of each rival of a group; 0 fills the row
    counts: np.ndarray  # (P, G) rivals in it; may be 0


def majority_at_k(ballots: Ballots, k: int) -> np.ndarray:
    """maj@k of each problem (N,), 0 to 1. Raises InputError unless 1 <= k <= n."""
    check_k(k, ballots.runs)
    entries = np.nonzero(ballots.correct > 0)[0]
    patterns = _patterns(ballots, entries)
    # Easy problems repeat a few patterns.
    rows, pattern = np.unique(np.column_stack(patterns), axis=0, return_inverse=True)
    groups = patterns.sizes.shape[1]
    distinct = Patterns(rows[:, 0], rows[:, 1], rows[:, 2 : 2 + groups], rows[:, 2 + groups :])
    won = _wins(ballots.runs, k, distinct)[pattern.ravel()]
    credit = np.bincount(ballots.problem[entries], ballots.correct[entries] * won, ballots.problems)
    return np.clip(credit, 0.0, 1.0)


def _patterns(ballots: Ballots, entries: np.ndarray) -> Patterns:
    """The pattern of each of these entries of the ballots."""
    drawn = np.bincount(ballots.problem, ballots.votes, ballots.problems).astype(int)
    # Groups of classes with equal votes: by problem, then largest first.
    by_problem = np.column_stack([ballots.problem, -ballots.votes.astype(int)])
    groups, count = np.unique(by_problem, axis=0, return_counts=True)
    problem, size = groups[:, 0], -groups[:, 1]
    place = np.arange(len(problem)) - np.searchsorted(problem, problem)
    sizes = np.zeros((ballots.problems, place.max(initial=-1) + 1), int)
    counts = np.zeros_like(sizes)
    sizes[problem, place], counts[problem, place] = size, count
    mine, votes = ballots.problem[entries], ballots.votes[entries].astype(int)
    rivals = counts[mine] - (sizes[mine] == votes[:, None])  # a class is no rival of itself
    return Patterns(votes, ballots.runs - drawn[mine], sizes[mine], rivals)


def check_k(k: int, n: int) -> None:
    """Raise InputError where k samples cannot be drawn from n."""
    if not 1 <= k <= n:
        raise InputError(
            f"{k} samples cannot be drawn from {n}.",
            expected=f"k from 1 to {n}",
            found=k,
            hint="a larger k needs more sampled runs (seeds); nothing is extrapolated.",
        )


def _wins(n: int, k: int, patterns: Patterns) -> np.ndarray:
    """Expected credit (P,) of each pattern's class, k of n samples drawn."""
    votes, silent, sizes, counts = patterns
    if k == 1:
        return votes / n
    if k == n:
        beaten = ((sizes > votes[:, None]) & (counts > 0)).any(axis=1)
        tied = np.where(sizes == votes[:, None], counts, 0).sum(axis=1)
        return np.where(beaten, 0.0, 1.0 / (1 + tied))
    draw = _draw(n, k)
    won = np.zeros(len(votes))
    for t, exactly, fewer in draw.by_votes():
        rows = np.nonzero(draw.likely[votes, t])[0]
        reach = np.where(sizes[rows] >= t, counts[rows], 0)
        free = silent[rows] + (sizes[rows] * (counts[rows] - reach)).sum(axis=1)  # samples that cannot make t votes
        ties = np.minimum(reach.sum(axis=1), k // t - 1)  # the more votes win, the fewer rivals can tie
        order = np.argsort(-ties, kind="stable")
        start = 0
        while start < len(order):
            u, weights = _nodes(int(ties[order[start]]) // 2 + 1)
            block = order[start : start + max(1, BLOCK // (len(u) * len(draw.circle)))]
            tied = _rivals(exactly, fewer, u, sizes[rows[block]], reach[block])
            chosen = rows[block]
            values = (weights @ tied) * exactly[votes[chosen]] * draw.anything[free[block]]
            won[chosen] += (values @ draw.coefficient).real
            start += len(block)
    return won


def _rivals(exactly: np.ndarray, fewer: np.ndarray, u: np.ndarray, sizes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Product over the rivals of each pattern of (fewer + u * exactly), (P, u, points)."""
    product = np.ones((len(sizes), len(u), exactly.shape[1]), complex)
    for size, count in zip(sizes.T, counts.T, strict=True):
        left = np.nonzero(count)[0]
        power, count = fewer[size[left], None] + u * exactly[size[left], None], count[left]
        while len(left):  # repeated squaring: numpy's power of complex numbers goes through logarithms
            odd = count % 2 == 1
            product[left[odd]] *= power[odd]
            more = count > 1
            left, count, power = left[more], count[more] // 2, power[more] ** 2
    return product


class _Draw:
    """What all problems share for one (n, k): generating functions on the unit circle, evaluated at `circle`."""

    def __init__(self, n: int, k: int):
        p = k / n
        self._k, draws = k, np.arange(k + 1)
        self._pmf = _binomial(n, k, p)  # (votes, drawn of them)
        all_drawn = self._pmf[n, k]
        # So many points that what they alias, totals a whole turn away from k, is negligible.
        turn = np.arange(1, n + 2)
        above = special.bdtrc(np.minimum(k + turn - 1, n), n, p)
        below = np.where(turn <= k, special.bdtr(np.maximum(k - turn, 0), n, p), 0.0)
        aliased = above + below
        points = int(turn[np.argmax(aliased < NEGLIGIBLE * all_drawn)])
        self.circle = np.exp(-2j * np.pi * np.arange(points // 2 + 1) / points)  # the other half is conjugate
        self._powers = self.circle ** draws[:, None]
        twice = np.full(len(self.circle), 2.0)
        twice[0] = 1.0
        if points % 2 == 0:
            twice[-1] = 1.0
        self.coefficient = twice * self._powers[k].conj() / (points * all_drawn)  # values @ this = [x^k], given k drawn
        self.anything = (1 - p + p * self.circle) ** np.arange(n + 1)[:, None]  # by number of votes
        # Which t >= 1 a class of so many votes may plausibly draw, by the hypergeometric distribution.
        self.likely = self._pmf * self._pmf[::-1, ::-1] / all_drawn > NEGLIGIBLE  # (votes, t)

    def by_votes(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """t = 1, ..., k with the generating functions of drawing exactly t, and fewer, of so many votes: (votes, points)."""
        exactly = fewer = np.zeros((len(self._pmf), len(self.circle)), complex)
        for t in range(self._k + 1):
            fewer = fewer + exactly
            exactly = self._pmf[:, t, None] * self._powers[t]
            if t:
                yield t, exactly, fewer


@lru_cache(16)  # one per k of a curve
def _draw(n: int, k: int) -> _Draw:
    return _Draw(n, k)


@cache
def _nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (count, 1) and weights of the integral over [0, 1], exact for polynomials of degree < 2 * count."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return ((nodes + 1) / 2)[:, None], weights / 2


def _binomial(n: int, k: int, p: float) -> np.ndarray:
    """Probability (n + 1, k + 1) to draw so many of so many votes, each with probability p."""
    drawn = np.zeros((n + 1, k + 1))
    drawn[0, 0] = 1.0
    for votes in range(n):  # one more is drawn or not: sums of positive numbers, which lose nothing
        drawn[votes + 1] = (1 - p) * drawn[votes]
        drawn[votes + 1, 1:] += p * drawn[votes, :-1]
    return drawn
