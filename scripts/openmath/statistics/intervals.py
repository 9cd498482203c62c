"""95 % intervals of a mean over problems, each naming its method. Which one is used when, and why: docs/statistics.md.

The problem is the unit everywhere: n samples of N problems are N observations, never n * N. Sources: Wilson 1927; Clopper and
Pearson 1934; Rubin 1981 (Bayesian bootstrap); Miller 2024, arXiv 2411.00640; Bowyer et al. 2025, arXiv 2503.01747.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special  # not scipy.stats, whose import takes as long as a summary

LEVEL = 0.95
SIGNIFICANCE = 0.05  # of the tests beside them
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
SMALL = 300  # problems; below "a few hundred" normal approximations are too narrow (Bowyer et al.)
DRAWS = 10_000  # bootstrap resamples
SEED = 0  # of the resampling: the same scores give the same interval
BLOCK = 2_000_000  # resampled problems held in memory at once


class Interval(NamedTuple):
    """low, high: ends of the interval, in the unit of the scores; method names it; n: problems behind it."""

    low: float
    high: float
    method: str
    n: int


def interval(scores: np.ndarray, averaged: bool = False) -> Interval:
    """Interval of the mean of scores (N,) in [0, 1]. averaged: each score is already a mean over many samples."""
    n = len(scores)
    if np.isin(scores, (0.0, 1.0)).all():
        return binomial(int(scores.sum()), n)
    if averaged and n >= SMALL:
        return question_level(scores)
    return resampled(scores[:, None])[0]


def binomial(successes: int, n: int) -> Interval:
    """Of a proportion of problems that are simply right or wrong: Wilson's, and the exact one where n is small."""
    if n < SMALL:
        low = special.betaincinv(successes, n - successes + 1, TAILS[0]) if successes else 0.0
        high = special.betaincinv(successes + 1, n - successes, TAILS[1]) if successes < n else 1.0
        return Interval(float(low), float(high), "Clopper-Pearson", n)
    z = special.ndtri(TAILS[1])
    centre = (successes + z**2 / 2) / (n + z**2)
    half = z * np.sqrt(successes * (n - successes) / n + z**2 / 4) / (n + z**2)
    low, high = centre - half if successes else 0.0, centre + half if successes < n else 1.0
    return Interval(float(low), float(high), "Wilson", n)


def question_level(scores: np.ndarray) -> Interval:
    """Student's t on the problems' mean scores (N,): sqrt(sum (s_i - mean)^2 / (N (N - 1))) carries the sampling noise too."""
    n = len(scores)
    half = special.stdtrit(n - 1, TAILS[1]) * scores.std(ddof=1) / np.sqrt(n)
    return _clipped(scores.mean() - half, scores.mean() + half, "question-level t", n)


def clustered(scores: np.ndarray, clusters: Sequence[str] | np.ndarray) -> Interval:
    """Problems (N,) that come in groups, named by clusters (N,): sqrt(G/(G-1) sum_g (sum_i (s_i - mean))^2) / N; t with G - 1."""
    n = len(scores)
    _, group = np.unique(clusters, return_inverse=True)
    sums = np.bincount(group, scores - scores.mean())
    g = len(sums)
    if g < 2:
        return Interval(0.0, 1.0, "clustered t, one cluster: unknown", n)
    error = np.sqrt(g / (g - 1) * (sums**2).sum()) / n
    half = special.stdtrit(g - 1, TAILS[1]) * error
    return _clipped(scores.mean() - half, scores.mean() + half, f"clustered t, {g} clusters", n)


def resampled(scores: np.ndarray) -> list[Interval]:
    """Intervals of the means of scores (N, K) in [0, 1]; the K scores of a problem are drawn together.

    N >= SMALL: percentile bootstrap over problems. Fewer: Bayesian bootstrap with half a problem of score 0 and half
    of score 1 added, which for right-or-wrong scores is exactly Jeffreys' interval, and never has width 0. The mean itself is
    always inside: at 0 and 1 the added halves would leave it out.
    """
    n = len(scores)
    rng = np.random.default_rng(SEED)
    if n >= SMALL:
        method = f"bootstrap over problems, {DRAWS} draws"
        means = np.concatenate([weights @ scores for weights in _bootstrap_weights(rng, n)])
    else:
        method = f"Bayesian bootstrap over problems, {DRAWS} draws"
        ends = np.repeat([[0.0], [1.0]], scores.shape[1], axis=1)
        weights = rng.dirichlet([1.0] * n + [0.5, 0.5], size=DRAWS)
        means = weights @ np.concatenate([scores, ends])
    low, high = np.quantile(means, TAILS, axis=0)
    low, high = np.minimum(low, scores.mean(axis=0)), np.maximum(high, scores.mean(axis=0))
    return [_clipped(*ends, method, n) for ends in zip(low, high, strict=True)]


def _bootstrap_weights(rng: np.random.Generator, n: int):
    """Shares (draws, n) of each problem in DRAWS resamples of n problems, in blocks of bounded memory."""
    block = max(1, BLOCK // n)
    for start in range(0, DRAWS, block):
        draws = min(block, DRAWS - start)
        picked = rng.integers(n, size=(draws, n), dtype=np.int32)
        picked += np.arange(draws, dtype=np.int32)[:, None] * n  # < 2^31: BLOCK bounds draws * n
        yield np.bincount(picked.ravel(), minlength=draws * n).reshape(draws, n) / n


def _clipped(low: float, high: float, method: str, n: int) -> Interval:
    return Interval(float(max(0.0, low)), float(min(1.0, high)), method, n)
