"""The rules of equality, and what holds for every text: symmetry, reflexivity, bounded work, no code execution."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.grading_cases import PAPER, RULES
from unit.grading_corners import CORNERS
from unit.grading_measures import MEASURES
from unit.grading_near_misses import NEAR_MISSES
from unit.grading_notation import NOTATION
from unit.grading_siblings import SIBLINGS
from unit.grading_unseen import UNSEEN

from openmath.grading.compare import at_odds, grade, read, vote_class
from openmath.grading.language.units import unit_of

OWN = RULES + CORNERS + NOTATION + NEAR_MISSES + SIBLINGS + MEASURES + UNSEEN
ROOT = Path(__file__).parents[2]
PIECES = st.sampled_from(
    r"\frac \sqrt \pm \pi \infty \cup \in \le \text{and} \text{ cm} \left( \right) \{ \} \begin{pmatrix} \end{pmatrix} "
    r"\\ & \binom \sum_{k=1}^ \log \sin ^\circ \% ^ _ { } ( ) [ ] , ; : | ! + - * / = < > . 0 1 2 12 1,234 0.5 x y n e i "
    r"f(x) and or yes $ \boxed{ \, é ½ \overline no cm \mid (a) (B) 0.\overline{3} \mathbb{R} \text{for} \begin{cases} \end{cases} "
    r"\lim_{x\to \sin^{-1} > \ge not exist infinitely all".split(" ")
)
MANY = settings(max_examples=4 * settings.default.max_examples)
WRITTEN = st.sampled_from(sorted({text for _, one, other, _ in OWN for text in (one, other)}))
ANSWERS = (
    st.lists(PIECES, max_size=14).map(" ".join)
    | st.lists(PIECES, max_size=14).map("".join)
    | st.text(max_size=30)
    | WRITTEN
    | st.tuples(WRITTEN, PIECES).map(" ".join)
    | st.tuples(PIECES, WRITTEN).map("".join)
)


@pytest.mark.parametrize(("rule", "one", "other", "equal"), OWN, ids=[f"{r[0]}: {r[1]}"[:60] for r in OWN])
def test_rule(rule, one, other, equal):
    assert grade(one, other).correct is equal
    assert grade(other, one).correct is equal
    if not equal:
        assert vote_class(one) != vote_class(other) or at_odds(read(one), read(other))


@pytest.mark.parametrize(("rule", "one", "other", "equal"), PAPER, ids=[f"{r[0]}: {r[1]}"[:60] for r in PAPER])
def test_paper_policy(rule, one, other, equal):
    assert grade(one, other, "paper").correct is equal


@MANY
@given(ANSWERS)
def test_paper_policy_takes_any_text(answer):
    assert grade(answer, f"{answer} ", "paper").correct
    assert grade(answer, "5", "paper").status in ("ok", "too_large")  # 0!!! is too large a number


@MANY
@given(ANSWERS, ANSWERS)
def test_symmetric(one, other):
    assert grade(one, other) == grade(other, one)


@MANY
@given(ANSWERS)
def test_reflexive(answer):
    assert grade(answer, answer).correct
    assert grade(answer, f" {answer} ").correct or not answer.strip()
    assert isinstance(vote_class(answer), str)


@MANY
@given(ANSWERS, ANSWERS)
def test_same_class_means_equal(one, other):
    if vote_class(one) == vote_class(other):
        assert grade(one, other).correct or at_odds(read(one), read(other))


def test_no_answer():
    assert grade(None, "3") == (False, "no_answer")
    assert vote_class(None) is None
    assert grade("", "3").correct is False


@pytest.mark.parametrize(
    "answer",
    ["__import__('os').mkdir('CANARY')", "(lambda: open('CANARY','w'))()", r"\text{open('CANARY','w')}", "exit()"],
)
def test_no_code_runs(answer, tmp_path):
    answer = answer.replace("CANARY", str(tmp_path / "canary"))
    assert not grade(answer, "5").correct
    assert not grade("5", answer).correct
    assert not (tmp_path / "canary").exists()


def test_same_in_every_process():
    """Verdicts and classes depend neither on the process nor on the seed of Python's hashes."""
    program = (
        "import json; from unit.test_grading import OWN; from openmath.grading.compare import grade, vote_class; "
        "print(json.dumps([[grade(a, b).correct, vote_class(a), vote_class(b)] for _, a, b, _ in OWN]))"
    )
    environment = {"PYTHONHASHSEED": "12345", "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'tests'}"}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True)
    here = json.dumps([[grade(a, b).correct, vote_class(a), vote_class(b)] for _, a, b, _ in OWN])
    assert run.stdout.strip() == here


@pytest.mark.parametrize(
    "spellings",
    [
        ("5", "+5", "05", "5.", "5.0", "5.00", "$5$", r"\frac{10}{2}"),
        ("-3", "-3.0", "−3", "-03", "(-3)"),
        ("0", "-0", "+0", "0.0", "-0.0", "00"),
        ("0.5", "0.50", ".5", "1/2", r"\frac12"),
        ("-1.25", "-1.250", "-5/4"),
        ("1000", "1,000", "1000.0"),
    ],
)
def test_spellings_of_a_number_are_one_vote(spellings):
    assert len({vote_class(text) for text in spellings}) == 1, {text: vote_class(text) for text in spellings}


def test_a_number_of_ten_digits_is_a_number_and_many_groups_are_a_list():
    assert vote_class("1,234,567,890") == vote_class("1234567890")
    assert vote_class("110,143,164,198,242") != vote_class("110143164198242")


def test_an_answer_with_several_units_has_no_unit_of_its_own():
    assert unit_of("3 cm, 5 s", ["cm", "s"], None) == frozenset()
    assert unit_of("3 cm, 5 cm", ["cm", "cm"], None) == {"cm"}
