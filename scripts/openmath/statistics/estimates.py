"""Estimates from graded samples: pass@k, curves, spread over seeds, agreement of two gradings. Pure functions on arrays."""

from collections.abc import Callable

import numpy as np

from openmath.statistics.maj_at_k import check_k, majority_at_k
from openmath.statistics.votes import Ballots


def pass_at_k(correct: np.ndarray, k: int) -> np.ndarray:
    """Unbiased pass@k of each problem (N,) from grades (N, n): 1 - C(n-c, k) / C(n, k). Chen et al. 2021, arXiv 2107.03374.

    Raises InputError unless 1 <= k <= n: a smaller n would need the biased "any of n".
    """
    n = correct.shape[1]
    check_k(k, n)
    wrong = n - np.arange(n + 1)[:, None] - np.arange(k)  # (c, i): wrong samples left when i of k were drawn
    all_wrong = np.prod(wrong / (n - np.arange(k)), axis=1)  # with fewer than k wrong, one of the factors is 0
    return (1.0 - all_wrong)[correct.sum(axis=1)]


def curve_points(n: int) -> list[int]:
    """k = 1, 2, 4, ... up to n, and n itself."""
    return sorted({2**i for i in range(n.bit_length())} | {n})


# The estimators of the curves: scores (N,) of the problems from grades (N, n), their ballots and k. A name ends in @k.
ESTIMATORS: dict[str, Callable[[np.ndarray, Ballots, int], np.ndarray]] = {
    "maj@k": lambda correct, ballots, k: majority_at_k(ballots, k),
    "pass@k": lambda correct, ballots, k: pass_at_k(correct, k),
}


def curves(correct: np.ndarray, ballots: Ballots, points: list[int]) -> dict[tuple[str, int], np.ndarray]:
    """(estimator, k) -> scores of the problems (N,), for each estimator at each of the points."""
    return {(name, k): scores(correct, ballots, k) for name, scores in ESTIMATORS.items() for k in points}


def seed_std(correct: np.ndarray) -> float | None:
    """Standard deviation (ddof 1) of the accuracies of the n runs of grades (N, n): how far a rerun would move."""
    return float(correct.mean(axis=0).std(ddof=1)) if correct.shape[1] > 1 else None


def cohen_kappa(a: np.ndarray, b: np.ndarray) -> float | None:
    """Chance-corrected agreement of two yes/no gradings (n,); None where both are constant. Cohen 1960."""
    if len(a) == 0:
        return None
    expected = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    return None if expected == 1 else float(((a == b).mean() - expected) / (1 - expected))
