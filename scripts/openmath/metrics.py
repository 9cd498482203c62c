"""Estimates and intervals; pure functions on arrays. Formulas: Wilson 1927; Miller 2024 (arXiv 2411.00640)."""

import numpy as np

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution


def wilson(successes: float, n: int) -> tuple[float, float]:
    """95 % Wilson score interval of a proportion; for one answer per problem (greedy, majority)."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, Z95**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def question_level(scores: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of per-question scores (n,). The question is the unit: never pool n x seeds rows."""
    if len(scores) < 2:
        return 0.0, 1.0
    half = Z95 * scores.std(ddof=1) / np.sqrt(len(scores))
    return float(max(0.0, scores.mean() - half)), float(min(1.0, scores.mean() + half))


def cohen_kappa(a: np.ndarray, b: np.ndarray) -> float | None:
    """Chance-corrected agreement of two yes/no gradings (n,); None where one of them is constant."""
    expected = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    return None if expected == 1 else float(((a == b).mean() - expected) / (1 - expected))
