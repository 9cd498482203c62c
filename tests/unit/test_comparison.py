"""Paired comparisons against enumeration and textbook values."""

from itertools import product

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from openmath.errors import InputError
from openmath.results.comparison import compare, holm, mcnemar, paired, sign_flip_test


def scores(mode="greedy", symbolic=(1.0, 0.0), benchmark="math", judge=np.nan):
    ids = [f"p{i}" for i in range(len(symbolic))]
    columns = {"benchmark": benchmark, "mode": mode, "id": ids, "answer": "7", "symbolic": symbolic, "judge": judge}
    return pandas.DataFrame(columns)


def test_mcnemar_is_a_fair_coin_over_the_flips():
    a, b = np.zeros(100), np.zeros(100)
    a[:12], b[10:15] = 1, 1  # 10 only a, 3 only b, 2 both
    assert mcnemar(a, b) == pytest.approx(2 * stats.binom.cdf(3, 13, 0.5))
    assert mcnemar(a, a) == 1


def test_the_sign_flip_test_agrees_with_every_sign():
    difference = np.array([0.5, 0.25, -0.125, 0.75, 0.0, 0.5, 0.125, -0.25])
    sums = [abs(np.dot(signs, difference)) for signs in product((-1, 1), repeat=len(difference))]
    exact = np.mean(np.array(sums) >= abs(difference.sum()) - 1e-9)
    assert sign_flip_test(difference) == pytest.approx(exact, abs=0.02)
    assert sign_flip_test(np.zeros(5)) == 1
    assert sign_flip_test(np.ones(40)) == 1 / 10_001  # no test by draws proves p = 0


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=7), st.data())
def test_p_values_are_those_of_every_sign(first, data):
    """McNemar's and the sign flip test both ask: of all ways to swap the sides of each problem, how many differ as much?"""
    first = np.array(first)
    second = np.array(data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=len(first), max_size=len(first))))
    difference = first - second
    sums = np.array([np.dot(signs, difference) for signs in product((-1, 1), repeat=len(first))])
    assert sign_flip_test(difference) == pytest.approx(np.mean(np.abs(sums) >= abs(difference.sum()) - 1e-9), abs=0.03)
    a, b = (first > 0.4).astype(float), (second > 0.4).astype(float)
    sums = np.array([np.dot(signs, a - b) for signs in product((-1, 1), repeat=len(first))])
    assert mcnemar(a, b) == pytest.approx(np.mean(np.abs(sums) >= abs((a - b).sum())))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0.001, 0.999))
def test_holm_rejects_what_stepping_down_rejects(p_values, alpha):
    rejected = set()
    for left, number in zip(range(len(p_values), 0, -1), np.argsort(p_values, kind="stable"), strict=True):
        if p_values[number] * left > alpha:
            break
        rejected.add(number)
    assert {number for number, p in enumerate(holm(p_values)) if p <= alpha} == rejected


def test_holm_multiplies_by_what_is_left_and_never_decreases():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_the_difference_is_paired():
    rng = np.random.default_rng(0)
    hard = rng.random(1000)
    a, b = (rng.binomial(16, hard) / 16 for _ in range(2))
    row = paired(a, b)
    error = (a - b).std(ddof=1) / np.sqrt(1000)
    assert row["difference"] == pytest.approx((a - b).mean())
    half = stats.t.ppf(0.975, 999) * error
    assert (row["ci95_low"], row["ci95_high"]) == pytest.approx(((a - b).mean() - half, (a - b).mean() + half))
    assert row["detectable_difference"] == pytest.approx(2.8016 * error, rel=1e-3)  # z(0.975) + z(0.80)
    assert error < 0.5 * np.hypot(a.std(ddof=1), b.std(ddof=1)) / np.sqrt(1000)  # pairing is what makes it small


def test_few_problems_get_no_normal_interval_and_no_certainty():
    row = paired(np.array([1.0] * 3 + [0.0] * 27), np.array([1.0] * 3 + [0.0] * 27))
    assert "Bayesian bootstrap" in row["ci_method"] and row["p_value"] == 1 and row["detectable_difference"] is None
    assert row["ci95_low"] < 0 < row["ci95_high"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("n", "method"), [(299, "paired, Bayesian bootstrap"), (300, "paired, question-level t")])
def test_few_hundred_problems_are_where_the_interval_changes(n, method):
    assert paired(np.arange(n) % 2 / 1.0, np.zeros(n))["ci_method"].startswith(method)


def test_one_problem_shows_nothing_and_half_a_problem_has_flipped():
    row = paired(np.array([0.4]), np.array([0.5]))
    assert (row["only_first"], row["only_second"], row["detectable_difference"]) == (0, 1, None)
    assert row["p_value"] == 1


def test_modes_and_benchmarks_are_matched_and_flips_listed():
    first = pandas.concat([scores(symbolic=(1.0, 0.0, 1.0)), scores("pass@1[avg-of-8]", (0.9, 0.2, 0.6))])
    second = pandas.concat(
        [
            scores(symbolic=(0.0, 0.0, 1.0)),
            scores("pass@1[avg-of-256]", (0.4, 0.3, 0.5)),
            scores("majority@256", (1.0, 0.0, 1.0)),
        ]
    )
    rows, flips, unmatched = compare(first, second)
    assert [(row["mode"], row["only_first"], row["only_second"]) for row in rows] == [
        ("greedy", 1, 0),
        ("pass@1[avg]", 1, 0),
    ]
    assert [(flip["mode"], flip["id"]) for flip in flips] == [("greedy", "p0"), ("pass@1[avg]", "p0")]
    assert unmatched == ["math majority@256"]
    assert {row["grading"] for row in rows} == {"symbolic"}  # no judge on either side


def test_holm_is_over_the_benchmarks_of_one_mode():
    a, b = np.zeros(400), np.zeros(400)
    a[:6] = 1
    first = pandas.concat([scores(symbolic=a, benchmark=name) for name in ("x", "y", "z")])
    second = pandas.concat([scores(symbolic=b, benchmark=name) for name in ("x", "y", "z")])
    rows, _, _ = compare(first, second)
    assert [row["p_value"] for row in rows] == pytest.approx([2 / 64] * 3)
    assert [row["p_holm"] for row in rows] == pytest.approx([6 / 64] * 3)
    assert {row["verdict"] for row in rows} == {"no difference shown"}


def test_the_two_gradings_are_corrected_apart_and_each_needs_both_sides():
    a, b = np.zeros(400), np.zeros(400)
    a[:8] = 1
    rows, _, _ = compare(scores(symbolic=a, judge=a), scores(symbolic=b, judge=b))
    assert [row["grading"] for row in rows] == ["symbolic", "judge"]
    assert [row["p_holm"] for row in rows] == [row["p_value"] for row in rows] == pytest.approx([2 / 256] * 2)
    assert {row["verdict"] for row in rows} == {"higher"}
    rows, _, _ = compare(scores(symbolic=b, judge=b), scores(symbolic=a))  # no judge on the second side
    assert [(row["grading"], row["verdict"]) for row in rows] == [("symbolic", "lower")]


def test_other_problems_or_nothing_in_common_is_one_message():
    with pytest.raises(InputError, match="not hold the same problems"):
        compare(scores(), scores(symbolic=(1.0, 0.0, 0.0)))
    with pytest.raises(InputError, match="not hold the same problems"):
        compare(scores(), scores().replace("p1", "p2"))
    with pytest.raises(InputError, match="in common"):
        compare(scores(), scores("majority@8"))
