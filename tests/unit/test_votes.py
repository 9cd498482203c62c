"""Votes and maj@k against direct enumeration of every subset, by hypothesis."""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmath.errors import InputError
from openmath.statistics.maj_at_k import majority_at_k
from openmath.statistics.votes import NONE, Ballots, count_votes, majority


def vote_by_hand(classes, correct):
    """Expected correctness of one problem's vote, a random tied class winning and a random of its members shown."""
    votes = defaultdict(list)
    for candidate, right in zip(classes, correct, strict=True):
        if candidate != NONE:
            votes[candidate].append(right)
    most = max(map(len, votes.values()), default=0)
    winners = [right for right in votes.values() if len(right) == most]
    return np.mean([np.mean(right) for right in winners]) if winners else 0.0


@st.composite
def problems(draw, most_runs=9):
    """Class codes (N, n) with NONE, and verdicts: mostly one per class, now and then mixed."""
    n = draw(st.integers(1, most_runs))
    rows = draw(st.lists(st.lists(st.integers(NONE, 4), min_size=n, max_size=n), min_size=1, max_size=4))
    classes = np.array(rows)
    right = draw(st.sets(st.integers(0, 4), max_size=2))
    return classes, np.isin(classes, list(right))


@given(problems())
def test_majority_at_k_is_the_mean_over_every_subset(problem):
    classes, correct = problem
    ballots = count_votes(classes, classes, correct, "default")
    for k in range(1, classes.shape[1] + 1):
        subsets = [list(chosen) for chosen in combinations(range(classes.shape[1]), k)]
        by_hand = [
            np.mean([vote_by_hand(row[chosen], right[chosen]) for chosen in subsets])
            for row, right in zip(classes, correct, strict=True)
        ]
        credit = majority_at_k(ballots, k)
        np.testing.assert_allclose(credit, by_hand, atol=1e-12)
        assert credit.min() >= 0 and credit.max() <= 1  # exactly: what follows takes 0 and 1 for right-or-wrong


def ballots_of(n, *problems):
    """Ballots of problems given by their classes' votes; the first class of each is correct."""
    votes = np.array([votes for classes in problems for votes in classes])
    problem = np.repeat(np.arange(len(problems)), [len(classes) for classes in problems])
    correct = np.array([float(not number) for classes in problems for number in range(len(classes))])
    return Ballots(len(problems), n, problem, votes, correct, np.zeros_like(problem))


def credit_by_formula(n, k, votes, rivals):
    """Expected credit of one class, by whole numbers: ways[drawn, ties] of the rivals for each t the class may draw."""
    silent, total = n - votes - sum(rivals), Fraction(0)
    for t in range(1, min(votes, k) + 1):
        ways = Counter({(t, 0): comb(votes, t)})
        for size in rivals:
            added = Counter()
            for (drawn, ties), count in ways.items():
                for s in range(min(t, size, k - drawn) + 1):
                    added[drawn + s, ties + (s == t)] += count * comb(size, s)
            ways = added
        total += sum(Fraction(count, 1 + ties) * comb(silent, k - drawn) for (drawn, ties), count in ways.items())
    return float(total / comb(n, k))


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=8), min_size=1, max_size=5), st.integers(0, 6), st.data()
)
def test_problems_of_all_shapes_together_equal_the_formula_alone(shapes, silent, data):
    """Many equal rivals, none, and more ties than can be drawn: whatever stands beside a problem changes nothing."""
    n = max(map(sum, shapes)) + silent
    k = data.draw(st.integers(1, n))
    expected = [credit_by_formula(n, k, votes, rivals) for votes, *rivals in shapes]
    np.testing.assert_allclose(majority_at_k(ballots_of(n, *shapes), k), expected, atol=1e-12)


def test_blocks_of_any_size_give_the_same(monkeypatch):
    shapes = [[1 + i % 7, *[1 + i % 3] * (i % 9)] for i in range(60)]
    whole = majority_at_k(ballots_of(40, *shapes), 6)
    monkeypatch.setattr("openmath.statistics.maj_at_k.BLOCK", 50)
    np.testing.assert_allclose(majority_at_k(ballots_of(40, *shapes), 6), whole, atol=1e-13)


def test_no_correct_class_is_never_right():
    assert majority_at_k(Ballots(2, 4, *(np.array([], int) for _ in range(4))), 2).tolist() == [0, 0]


@given(problems(most_runs=40))
def test_its_ends_are_the_mean_of_the_samples_and_the_plain_vote(problem):
    classes, correct = problem
    ballots = count_votes(classes, classes, correct, "default")
    np.testing.assert_allclose(majority_at_k(ballots, 1), correct.mean(axis=1), atol=1e-12)
    plain = majority(ballots, "default")
    np.testing.assert_allclose(majority_at_k(ballots, classes.shape[1]), plain.credit, atol=1e-12)
    np.testing.assert_allclose(plain.credit, [vote_by_hand(*p) for p in zip(classes, correct, strict=True)])


@pytest.mark.parametrize("policy", ["default", "paper"])
@given(problems(most_runs=12), st.data())
def test_the_vote_shows_the_first_seen_of_the_most_common(policy, problem, data):
    """The default counts classes; the paper counts (answer, verdict), and one answer of a class may be graded differently."""
    classes, correct = problem
    spelling = data.draw(st.lists(st.integers(0, 1), min_size=classes.size, max_size=classes.size))
    answers = np.where(classes == NONE, NONE, 2 * classes + np.reshape(spelling, classes.shape))
    vote = majority(count_votes(answers, classes, correct, policy), policy)
    for number, (row, names, right) in enumerate(zip(answers, classes, correct, strict=True)):
        pairs = [(int(a), bool(r)) if policy == "paper" else int(c) for a, c, r in zip(row, names, right, strict=True)]
        voted = [run for run, answer in enumerate(row) if answer != NONE]
        counted = Counter(pairs[run] for run in voted).most_common()  # equal counts in the order first seen
        if not counted:
            assert (vote.run[number], vote.votes[number], vote.credit[number]) == (NONE, 0, 0)
            continue
        winner, most = counted[0]
        assert vote.run[number] == next(run for run in voted if pairs[run] == winner)
        assert vote.votes[number] == most
        assert vote.tied[number] == (sum(votes == most for _, votes in counted) > 1)
        if policy == "paper":
            assert vote.credit[number] == winner[1]


def test_answers_of_one_class_graded_differently_count_by_their_share():
    classes, correct = np.array([[0, 0, 0, 1]]), np.array([[True, False, True, False]])
    ballots = count_votes(np.array([[0, 1, 2, 3]]), classes, correct, "default")
    assert majority(ballots, "default").credit[0] == pytest.approx(2 / 3)
    assert majority_at_k(ballots, 1)[0] == pytest.approx(correct.mean())


@pytest.mark.parametrize("k", [2, 8, 64, 128, 200, 255])
def test_many_samples_agree_with_simulation(k):
    votes = np.array([70, 60, 25, 25, 10, *[1] * 50, 16])  # the last: samples without an answer
    expected = majority_at_k(ballots_of(256, votes[:-1]), k)[0]
    drawn = np.random.default_rng(3).multivariate_hypergeometric(votes, k, size=40_000)[:, :-1]
    winners = drawn == drawn.max(axis=1, keepdims=True)
    credit = winners[:, 0] / winners.sum(axis=1) * (drawn.max(axis=1) > 0)
    assert abs(credit.mean() - expected) < 5 * credit.std() / np.sqrt(len(credit)) + 1e-12


def test_all_classes_together_win_exactly_when_anything_votes():
    """The credits of all classes add up to the chance that at least one of k samples has an answer."""
    votes, silent, n = [400, 300, 299, 7, 7, 1, 1, 1], 8, 1024
    for k in (1, 3, 100, 512, 1000):
        first = [[vote, *votes[:i], *votes[i + 1 :]] for i, vote in enumerate(votes)]
        total = majority_at_k(ballots_of(n, *first), k).sum()
        nothing = np.prod([max(0, silent - i) / (n - i) for i in range(k)])
        assert total == pytest.approx(1 - nothing, abs=1e-12)


@pytest.mark.parametrize("k", [0, 4])
def test_more_samples_than_there_are_is_one_message(k):
    codes = np.zeros((2, 3), int)
    with pytest.raises(InputError, match=r"(?s)cannot be drawn from 3.*from 1 to 3.*Hint"):
        majority_at_k(count_votes(codes, codes, codes, "default"), k)


def test_votes_merge_equal_answers_and_share_ties():
    # "1/2", "0.5", "3" and none; the first two are one class
    answers, classes = np.array([[0, 1, 2, NONE]]), np.array([[0, 0, 1, NONE]])
    correct = np.array([[True, True, False, False]])
    vote = majority(count_votes(answers, classes, correct, "default"), "default")
    assert (vote.run[0], vote.votes[0], vote.tied[0], vote.credit[0]) == (0, 2, False, 1.0)
    paper = majority(count_votes(answers, classes, correct, "paper"), "paper")
    assert (paper.run[0], paper.votes[0], paper.tied[0], paper.credit[0]) == (0, 1, True, 1.0)
    one_each = np.array([[0, 1]])
    tie = majority(count_votes(one_each, one_each, np.array([[False, True]]), "default"), "default")
    assert (tie.run[0], tie.tied[0], tie.credit[0]) == (0, True, 0.5)


def test_the_paper_counts_pairs_and_the_first_seen_wins():
    answers = np.array([[1, 0, 0, 1], [0, 0, 1, 1]])  # codes in any order: the run decides, not the code
    correct = np.array([[False, True, True, False], [True, False, False, False]])
    vote = majority(count_votes(answers, answers, correct, "paper"), "paper")
    assert vote.run.tolist() == [0, 2] and vote.votes.tolist() == [2, 2]
    assert vote.credit.tolist() == [0.0, 0.0] and vote.tied.tolist() == [True, False]


@pytest.mark.parametrize("policy", ["default", "paper"])
def test_no_answer_at_all_is_never_correct(policy):
    codes = np.full((1, 3), NONE)
    vote = majority(count_votes(codes, codes, np.ones((1, 3), bool), policy), policy)
    assert (vote.run[0], vote.votes[0], vote.tied[0], vote.credit[0]) == (NONE, 0, False, 0.0)
