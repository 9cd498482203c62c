"""Two models, engines or judges on the same problems: what differs, by how much, and whether chance explains it.

Everything is paired: the difference of each problem is the observation. Sources: McNemar 1947; Holm 1979; Miller 2024,
arXiv 2411.00640 (paired differences and power).
"""

import numpy as np
import pandas
from scipy import stats

from openmath.errors import InputError
from openmath.results.modes import GRADINGS
from openmath.statistics.intervals import DRAWS, SEED, SIGNIFICANCE, SMALL, Interval, question_level, resampled

POWER_Z = stats.norm.ppf(1 - SIGNIFICANCE / 2) + stats.norm.ppf(0.8)  # 80 % power
SIGN_BLOCK = 500  # sign flips of all problems held in memory at once
FLIP = 0.5  # a problem has flipped where one side's score reaches this and the other's does not


def compare(first: pandas.DataFrame, second: pandas.DataFrame) -> tuple[list[dict], list[dict], list[str]]:
    """Rows of differences (first - second), rows of flipped problems, and what only one side has.

    first, second: tables.problem_scores of each side. Holm's correction is over the benchmarks of one mode and grading.
    """
    sides = [_by_mode(table) for table in (first, second)]
    common = [key for key in sides[0] if key in sides[1]]
    unmatched = [" ".join(key) for side, other in (sides, sides[::-1]) for key in side if key not in other]
    if not common:
        raise InputError(
            "The two sides have no benchmark and mode in common.",
            found=", ".join(unmatched),
            hint="majority and pass need the same number of sampled runs on both sides.",
        )
    rows, flips = [], []
    for benchmark, mode in common:
        a, b = (side[benchmark, mode] for side in sides)
        if a.id.tolist() != b.id.tolist():
            raise InputError(
                "The two sides do not hold the same problems.",
                where=benchmark,
                found=f"{len(a)} and {len(b)} problems",
            )
        for grading in GRADINGS:
            if a[grading].notna().all() and b[grading].notna().all():
                what = {"benchmark": benchmark, "mode": mode, "grading": grading}
                rows.append(what | paired(a[grading].to_numpy(), b[grading].to_numpy()))
                flips += [what | flip for flip in _flipped(a, b, grading)]
    for family in {(row["mode"], row["grading"]) for row in rows}:
        members = [row for row in rows if (row["mode"], row["grading"]) == family]
        for row, p in zip(members, holm([row["p_value"] for row in members]), strict=True):
            row["p_holm"] = p
            row["verdict"] = (
                "no difference shown" if p >= SIGNIFICANCE else "higher" if row["difference"] > 0 else "lower"
            )
    return rows, flips, unmatched


def paired(a: np.ndarray, b: np.ndarray) -> dict:
    """Mean difference a - b of paired scores (N,) in [0, 1], its interval, a test, and the smallest detectable difference."""
    difference = a - b
    n = len(difference)
    bounds = _difference_interval(difference)
    error = difference.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    binary = np.isin(np.concatenate([a, b]), (0.0, 1.0)).all()
    return {
        "n_items": n,
        "first": float(a.mean()),
        "second": float(b.mean()),
        "difference": float(difference.mean()),
        "ci95_low": bounds.low,
        "ci95_high": bounds.high,
        "ci_method": bounds.method,
        "only_first": int(((a >= FLIP) & (b < FLIP)).sum()),
        "only_second": int(((a < FLIP) & (b >= FLIP)).sum()),
        "test": "McNemar, exact" if binary else f"sign flips, {DRAWS} draws",
        "p_value": mcnemar(a, b) if binary else sign_flip_test(difference),
        "detectable_difference": float(POWER_Z * error) if error > 0 else None,
    }


def _difference_interval(difference: np.ndarray) -> Interval:
    """The intervals of one sample, on differences moved from [-1, 1] to [0, 1] and back."""
    moved = (difference + 1) / 2
    bounds = question_level(moved) if len(moved) >= SMALL else resampled(moved[:, None])[0]
    return Interval(2 * bounds.low - 1, 2 * bounds.high - 1, f"paired, {bounds.method}", bounds.n)


def mcnemar(a: np.ndarray, b: np.ndarray) -> float:
    """Exact two-sided p of right-or-wrong scores (N,): are the problems that only one side solves split by a fair coin?"""
    only_a, only_b = int((a > b).sum()), int((b > a).sum())
    return float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def sign_flip_test(difference: np.ndarray) -> float:
    """Two-sided p of paired differences (N,): how often random signs give as large a mean. Seeded."""
    rng, observed, extreme = np.random.default_rng(SEED), abs(difference.sum()), 0
    moving = difference[difference != 0]
    for start in range(0, DRAWS, SIGN_BLOCK):
        signs = rng.integers(0, 2, size=(min(SIGN_BLOCK, DRAWS - start), len(moving)), dtype=np.int8) * 2.0 - 1.0
        extreme += int((np.abs(signs @ moving) >= observed - 1e-9).sum())
    return (extreme + 1) / (DRAWS + 1)


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down correction: each p against the number of hypotheses not yet rejected, never decreasing."""
    order = np.argsort(p_values)
    corrected = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(corrected))
    return adjusted.tolist()


def _by_mode(table: pandas.DataFrame) -> dict[tuple[str, str], pandas.DataFrame]:
    """(benchmark, mode) -> its rows; averages over different numbers of seeds estimate the same thing."""
    mode = table["mode"].where(~table["mode"].str.startswith("pass@1["), "pass@1[avg]")
    return dict(iter(table.groupby([table.benchmark, mode], sort=False)))


def _flipped(a: pandas.DataFrame, b: pandas.DataFrame, grading: str) -> list[dict]:
    flipped = (a[grading].to_numpy() >= FLIP) != (b[grading].to_numpy() >= FLIP)
    return [
        {
            "id": one.id,
            "first": getattr(one, grading),
            "second": getattr(two, grading),
            "answer_first": one.answer,
            "answer_second": two.answer,
        }
        for one, two in zip(a[flipped].itertuples(), b[flipped].itertuples(), strict=True)
    ]
