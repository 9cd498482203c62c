"""Estimators against enumeration, intervals against published values, other libraries, and their coverage."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from openmath.errors import InputError
from openmath.statistics import intervals
from openmath.statistics.estimates import cohen_kappa, curve_points, pass_at_k, seed_std

rng = np.random.default_rng


@given(st.integers(1, 10), st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_correct_sample(n, data):
    correct = np.array(data.draw(st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1, max_size=4)))
    for k in range(1, n + 1):
        by_hand = [np.mean([row[list(chosen)].any() for chosen in combinations(range(n), k)]) for row in correct]
        np.testing.assert_allclose(pass_at_k(correct, k), by_hand, atol=1e-12)


def test_pass_at_more_than_there_is_refused():
    with pytest.raises(InputError, match="5 samples cannot be drawn from 4"):
        pass_at_k(np.ones((3, 4), bool), 5)


def test_curves_end_at_n():
    assert curve_points(1) == [1] and curve_points(8) == [1, 2, 4, 8] and curve_points(12) == [1, 2, 4, 8, 12]


def test_single_proportions_against_published_values():
    # Wilson of 3/30 and 16/40, as the field prints them; Clopper-Pearson from the beta distribution.
    wilson = stats.binomtest(3, 30).proportion_ci(method="wilson")
    assert [round(100 * x, 1) for x in wilson] == [3.5, 25.6]
    small = intervals.binomial(3, 30)
    assert small[:2] == pytest.approx((stats.beta.ppf(0.025, 3, 28), stats.beta.ppf(0.975, 4, 27)))
    assert (small.method, small.n) == ("Clopper-Pearson", 30)
    large = intervals.binomial(3405, 5000)
    z, p, n = 1.959964, 3405 / 5000, 5000
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    assert large[:2] == pytest.approx((centre - half, centre + half), abs=1e-6) and large.method == "Wilson"


@pytest.mark.parametrize(
    ("n", "values", "averaged", "method"),
    [
        (299, (0, 1), False, "Clopper-Pearson"),
        (300, (0, 1), False, "Wilson"),
        (300, (0, 1), True, "Wilson"),
        (299, (0, 0.5), False, "Bayesian bootstrap over problems, 10000 draws"),
        (299, (0, 0.5), True, "Bayesian bootstrap over problems, 10000 draws"),
        (300, (0, 0.5), False, "bootstrap over problems, 10000 draws"),
        (300, (0, 0.5), True, "question-level t"),
    ],
)
def test_which_interval_is_used_when(n, values, averaged, method):
    assert intervals.interval(np.resize(values, n), averaged).method == method


def test_no_interval_leaves_0_to_1():
    scores = np.array([1.0] * 399 + [0.9])
    assert intervals.question_level(scores).high == 1 and intervals.question_level(1 - scores).low == 0


def test_the_problem_is_the_unit_not_the_sample():
    scores = rng(0).random(1319)
    bounds = intervals.interval(scores, averaged=True)
    half = stats.t.ppf(0.975, 1318) * stats.sem(scores)
    assert bounds[:2] == pytest.approx((scores.mean() - half, scores.mean() + half))
    assert (bounds.method, bounds.n) == ("question-level t", 1319)


def test_clusters_of_one_are_no_clusters_and_copies_add_nothing():
    scores = rng(1).random(400)
    alone = intervals.clustered(scores, np.arange(400))
    assert alone[:2] == pytest.approx(intervals.question_level(scores)[:2])
    copied = intervals.clustered(np.repeat(scores, 3), np.repeat(np.arange(400), 3))
    assert copied[:2] == pytest.approx(alone[:2], abs=1e-9)
    assert "400 clusters" in copied.method


def test_the_bootstrap_is_seeded_and_agrees_with_the_normal_interval_where_that_is_right():
    scores = rng(2).random((2000, 2))
    first, second = intervals.resampled(scores), intervals.resampled(scores)
    assert first == second and "bootstrap" in first[0].method
    assert first[0][:2] == pytest.approx(intervals.question_level(scores[:, 0])[:2], abs=1e-3)


@pytest.mark.parametrize(("n", "low", "high"), [(10, 0.22255179, 0.69958687), (400, 0.45875, 0.53875)])
def test_a_published_interval_comes_out_the_same_for_ever(n, low, high):
    """Of fixed scores: another seed or number of draws would move every interval that somebody has already printed."""
    [found] = intervals.resampled((np.arange(n) % 3 / 2)[:, None])
    assert found[:2] == pytest.approx((low, high), abs=1e-7)


def test_the_small_interval_is_jeffreys_for_right_or_wrong_scores():
    scores = (np.arange(30) < 3).astype(float)
    bounds = intervals.resampled(scores[:, None])[0]
    assert bounds[:2] == pytest.approx(stats.beta.ppf([0.025, 0.975], 3.5, 27.5), abs=0.01)
    nothing_solved = intervals.resampled(np.zeros((30, 1)))[0]
    assert nothing_solved.low < 0.001 and 0.05 < nothing_solved.high < 0.1


@pytest.mark.parametrize("n", [1, 3, 30, 300, 500])
@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_a_mean_is_inside_its_interval_also_where_nothing_or_all_is_solved(n, score):
    [bounds] = intervals.resampled(np.full((n, 1), score))
    assert 0 <= bounds.low <= score <= bounds.high <= 1


@pytest.mark.parametrize("n", [20, 30, 40])
def test_small_intervals_hold_what_they_promise(n, monkeypatch):
    """Averages over 8 samples of problems whose difficulty varies: near 95 % of intervals hold the true mean; the CLT's do not."""
    monkeypatch.setattr(intervals, "DRAWS", 500)
    random, held, normal = rng(n), 0, 0
    for _ in range(600):
        scores = random.binomial(8, random.beta(0.2, 1.8, size=n)) / 8  # mean 0.1, as on AIME
        low, high, *_ = intervals.resampled(scores[:, None])[0]
        held += low <= 0.1 <= high
        normal += abs(scores.mean() - 0.1) <= 1.96 * scores.std(ddof=1) / np.sqrt(n)
    assert 0.92 < held / 600 <= 0.99
    assert normal < held


def test_the_spread_over_seeds_is_the_sample_standard_deviation():
    correct = np.array([[True, False, True], [False, False, True]])
    assert seed_std(correct) == pytest.approx(np.std([0.5, 0.0, 1.0], ddof=1))
    assert seed_std(correct[:, :1]) is None


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_kappa_compares_with_all_pairs_drawn_at_random(pairs):
    a, b = np.array(pairs).T
    chance = np.mean([one == other for one in a for other in b])
    observed = np.mean(a == b)
    if chance == 1:
        assert cohen_kappa(a, b) is None
    else:
        assert cohen_kappa(a, b) == pytest.approx((observed - chance) / (1 - chance))


@given(st.lists(st.integers(0, 4), min_size=4, max_size=60), st.data())
def test_the_clustered_error_adds_all_pairs_within_a_group(clusters, data):
    """Cameron and Miller: the variance of a mean of grouped scores is the sum of residual products within groups."""
    scores = np.array(data.draw(st.lists(st.floats(0, 1), min_size=len(clusters), max_size=len(clusters))))
    groups, n = len(set(clusters)), len(scores)
    bounds = intervals.clustered(scores, np.array(clusters))
    if groups == 1:
        assert bounds[:2] == (0, 1)
        return
    residuals = scores - scores.mean()
    pairs = [residuals[i] * residuals[j] for i in range(n) for j in range(n) if clusters[i] == clusters[j]]
    half = stats.t.ppf(0.975, groups - 1) * np.sqrt(max(0, sum(pairs)) * groups / (groups - 1)) / n
    low, high = max(0, scores.mean() - half), min(1, scores.mean() + half)
    assert bounds[:2] == pytest.approx((low, high), abs=1e-6)


@given(st.integers(1, 400), st.data())
def test_exact_and_wilson_intervals_invert_their_tests(n, data):
    """The ends are the proportions at which so few, or so many, successes would just have the probability of a tail."""
    successes = data.draw(st.integers(0, n))
    low, high, method, _ = intervals.binomial(successes, n)
    if method == "Clopper-Pearson":
        assert low == 0 if successes == 0 else stats.binom.sf(successes - 1, n, low) == pytest.approx(0.025)
        assert high == 1 if successes == n else stats.binom.cdf(successes, n, high) == pytest.approx(0.025)
    else:
        for end in (low, high):
            error = np.sqrt(end * (1 - end) / n)
            assert abs(successes / n - end) == pytest.approx(1.959964 * error, abs=1e-6)


def test_bootstrap_weights_are_whole_draws_of_all_problems(monkeypatch):
    monkeypatch.setattr(intervals, "BLOCK", 33 * 700)  # the last block is a smaller one
    weights = np.concatenate(list(intervals._bootstrap_weights(rng(0), 700)))
    assert weights.shape == (intervals.DRAWS, 700)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights * 700, np.round(weights * 700), atol=1e-9)
    assert (weights * 700).var() == pytest.approx(1 - 1 / 700, rel=0.01)  # of a binomial with n = 700, p = 1/700


def test_kappa():
    a, b = np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool)
    assert cohen_kappa(a, b) == pytest.approx(0.5)
    assert cohen_kappa(a, a) == 1 and cohen_kappa(a | True, a | True) is None and cohen_kappa(a[:0], b[:0]) is None
