"""maj@k for any k <= n: the exact expectation of a majority vote over k of n samples, ties sharing the credit.

A problem's answers fall into classes of m_1, ..., m_A votes and z samples without an answer. Of all C(n, k) subsets,

    maj@k = 1/C(n,k) * sum over t >= 1 and sets T of classes of  (share of correct classes in T)
            * [x^k] (1+x)^z * prod_{a in T} C(m_a,t) x^t * prod_{a not in T} sum_{s<t} C(m_a,s) x^s

where T are the classes tied at t votes. Three exact steps make this cheap. Each correct class is taken alone, the others
being its rivals; where j rivals tie with it, its credit is 1/(1+j), the integral of u^j over [0, 1], so that the sum over T
becomes a product over rivals, integrated over u by Gauss-Legendre nodes (exact for polynomials). Drawing k of n is the same
as drawing each sample with probability k/n, given that k were drawn: binomial probabilities replace huge binomial
coefficients. [x^k] of the product is read from its values on the unit circle. Exact to about 1e-13.
"""

from functools import cache, lru_cache
from itertools import groupby

import numpy as np
from scipy.stats import binom

from openmath.errors import InputError
from openmath.statistics.votes import Ballots

NEGLIGIBLE = 1e-17  # probabilities below this, relative to the result's scale, are left out
CACHED_PATTERNS = 100_000  # patterns of votes; easy problems repeat a few of them


def majority_at_k(ballots: Ballots, k: int) -> np.ndarray:
    """maj@k of each problem (N,), 0 to 1. Raises InputError unless 1 <= k <= n."""
    check_k(k, ballots.runs)
    credit = np.zeros(ballots.problems)
    edges = np.searchsorted(ballots.problem, np.arange(ballots.problems + 1))
    drawn = np.bincount(ballots.problem, ballots.votes, ballots.problems).astype(int)
    for entry in np.nonzero(ballots.correct > 0)[0]:
        problem = ballots.problem[entry]
        votes = ballots.votes[edges[problem] : edges[problem + 1]]
        rivals = np.sort(np.delete(votes, entry - edges[problem]))
        silent = ballots.runs - int(drawn[problem])
        won = _wins(ballots.runs, k, int(ballots.votes[entry]), tuple(rivals.tolist()), silent)
        credit[problem] += ballots.correct[entry] * won
    return np.clip(credit, 0.0, 1.0)


def check_k(k: int, n: int) -> None:
    """Raise InputError where k samples cannot be drawn from n."""
    if not 1 <= k <= n:
        raise InputError(
            f"{k} samples cannot be drawn from {n}.",
            expected=f"k from 1 to {n}",
            found=k,
            hint="a larger k needs more sampled runs (seeds); nothing is extrapolated.",
        )


@lru_cache(CACHED_PATTERNS)
def _wins(n: int, k: int, votes: int, rivals: tuple[int, ...], silent: int) -> float:
    """Expected credit of one class with `votes` of n samples against its rivals' votes (ascending), k samples drawn."""
    if k == 1:
        return votes / n
    if k == n:
        best = max(rivals, default=0)
        return 0.0 if best > votes else 1.0 / (1 + rivals.count(votes))
    draw = _draw(n, k)
    sizes = np.array(rivals, dtype=int)
    below = np.concatenate([[0], np.cumsum(sizes)])  # votes of the i smallest rivals
    groups = [(size, len(list(same))) for size, same in groupby(rivals)]
    values = np.zeros(len(draw.circle), complex)
    low, end = draw.likely[votes]
    while low < end:  # blocks of t in [low, high): the more votes win, the fewer rivals can tie
        high = min(2 * low, end)
        beaten = np.searchsorted(sizes, np.arange(low, high))  # rivals too small to reach t
        most_ties = min(len(sizes) - int(beaten[0]), k // low - 1)
        u, weights = _nodes(most_ties // 2 + 1)
        product = draw.exactly(votes)[low:high] * draw.anything[silent + below[beaten]]
        product = np.repeat(product[None], len(u), axis=0)  # (u, t, points of the circle)
        for size, count in groups:
            if size >= low:
                top = min(size + 1, high)
                factor = draw.fewer(size)[low:top] + u * draw.exactly(size)[low:top]
                product[:, : top - low] *= factor if count == 1 else _power(factor, count)
        values += weights @ product.sum(axis=1)
        low = high
    return float((values @ draw.coefficient).real)


class _Draw:
    """What all problems share for one (n, k): generating functions on the unit circle, evaluated at `circle`."""

    def __init__(self, n: int, k: int):
        p = k / n
        self._k, draws = k, np.arange(k + 1)
        self._pmf = binom.pmf(draws, np.arange(n + 1)[:, None], p)  # (votes, drawn of them)
        all_drawn = self._pmf[n, k]
        # So many points that what they alias, totals a whole turn away from k, is negligible.
        turn = np.arange(1, n + 2)
        aliased = binom.sf(k + turn - 1, n, p) + binom.cdf(k - turn, n, p)
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
        plausible = self._pmf * self._pmf[::-1, ::-1] / all_drawn > NEGLIGIBLE
        plausible[:, 0] = False
        first, last = plausible.argmax(axis=1), k + 1 - plausible[:, ::-1].argmax(axis=1)
        self.likely = [(int(a), int(b)) for a, b in zip(first, last, strict=True)]
        self.exactly, self.fewer = cache(self._exactly), cache(self._fewer)

    def _exactly(self, votes: int) -> np.ndarray:
        """Generating function of drawing exactly t of `votes`, for t = 0, 1, ... (t, points)."""
        t = min(votes, self._k) + 1
        return self._pmf[votes, :t, None] * self._powers[:t]

    def _fewer(self, votes: int) -> np.ndarray:
        """The same of drawing fewer than t."""
        exactly = self.exactly(votes)
        return np.cumsum(exactly, axis=0) - exactly


@lru_cache(16)  # one per k of a curve
def _draw(n: int, k: int) -> _Draw:
    return _Draw(n, k)


@cache
def _nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes (count, 1, 1) and weights of the integral over [0, 1], exact for polynomials of degree < 2 * count."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return ((nodes + 1) / 2)[:, None, None], weights / 2


def _power(base: np.ndarray, exponent: int) -> np.ndarray:
    """Repeated squaring: numpy's power of complex numbers goes through logarithms."""
    result = np.ones_like(base)
    while exponent:
        if exponent & 1:
            result = result * base
        exponent >>= 1
        base = base * base if exponent else base
    return result
