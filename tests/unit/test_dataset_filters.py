"""The filters of a training set, each against a hand-made table of cases."""

import multiprocessing
import re
from dataclasses import replace

import pytest
from hypothesis import given, strategies

from openmath.dataset import arithmetic, filtering
from openmath.dataset.arithmetic import chains, is_wrong
from openmath.dataset.filtering import Filtering, Rules
from openmath.dataset.filters import (
    Lengths,
    Solution,
    filters_of,
    first_of_each,
    lengths,
    several_boxes,
    through,
    trim_prefix,
    trim_solution,
)
from openmath.dataset.splitting import split_arithmetic


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (r"So \boxed{1}.", True),
        (r"So \boxed{\frac{1}{2}}.", True),
        (r"no box", True),
        (r"\boxed{1} and \boxed{2}", False),
        (r"\boxed{1}, again \boxed{1}", False),
        (r"\boxed {1}. Problem: ... \boxed{2}", False),
        (r"\boxed{x = \boxed{3}}", False),
        (r"\fbox{1} and \boxed{2}", False),
        (r"\boxed 7 and \boxed 8", False),
        (r"\boxed 7", True),
        (r"\framebox[2cm]{7} or \boxed\frac12", False),
        (r"We put it in a \boxed: \boxed{7}", True),
        (r"\boxedtext{1} \boxed{2}", True),
    ],
)
def test_several_boxes(text, kept):
    assert (several_boxes(Solution("p", text)) is not None) == kept


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My solution:\nWe add.", "We add."),
        ("\nMy solution: \nWe add.", "We add."),
        ("My solution:\r\nWe add.", "We add."),
        ("My solution: we add.", "My solution: we add."),
        ("First.\nMy solution:\nWe add.", "First.\nMy solution:\nWe add."),
    ],
)
def test_trim_prefix(text, left):
    assert trim_prefix(Solution("p", text)).text == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("So \\boxed{4}.", "So \\boxed{4}."),
        ("So \\boxed{4}. Done.\nLet me check.\nYes.", "So \\boxed{4}. Done."),
        ("\\[\n\\boxed{4}\n\\]\nmore", "\\[\n\\boxed{4}\n\\]"),
        ("$$\n\\boxed{4}\n$$ so\nmore", "$$\n\\boxed{4}\n$$ so"),
        ("\\begin{align}\nx &= \\boxed{4}\n\\end{align}\nmore", "\\begin{align}\nx &= \\boxed{4}\n\\end{align}"),
        (
            "\\boxed{\\begin{matrix} 1 \\\\\n 2 \\end{matrix}} is it\nmore",
            "\\boxed{\\begin{matrix} 1 \\\\\n 2 \\end{matrix}} is it",
        ),
        ("\\boxed{4}\nand $x$", "\\boxed{4}"),
        ("\\boxed{4}.\r\nmore\r\n", "\\boxed{4}."),
        ("\\[\r\n\\boxed{4}\r\n\\]\r\nmore", "\\[\r\n\\boxed{4}\r\n\\]"),
        ("It is \\fbox{4}.\nmore", "It is \\fbox{4}."),
        ("It is \\boxed 7 of them.\nmore", "It is \\boxed 7 of them."),
        ("\\boxed{x = \\boxed{3}}\nmore", "\\boxed{x = \\boxed{3}}"),
        ("no box  \n\n", "no box"),
        ("never closed \\boxed{4\nmore", "never closed \\boxed{4\nmore"),
    ],
)
def test_trim_solution(text, left):
    assert trim_solution(Solution("p", text)).text == left


# (text, wrong by default, wrong under `paper`)
CALCULATIONS = [
    ("So 2 + 3 * 4 = 14 apples.", False, False),
    ("2+2=5", True, True),
    ("2*3=6, then 4*5=21.", True, True),
    ("$2+2=5$ dollars", True, True),
    (r"\$5 + \$3 = \$9.", True, True),
    (r"\boxed{2+3=6}", True, True),
    (r"12 \times 3 \div 4 = 8", True, True),
    (r"12 × 3 ÷ 4 = 9", False, False),
    (r"\left(1 + 2\right) \cdot 3 = 9", False, False),
    (r"\frac{1}{2} + \frac{1}{3} = \frac{5}{6}", False, False),
    (r"2^{10} - 1 = 1023", False, False),
    (r"2^{10} - 1 = 1024", True, True),
    (r"So \(2 + 3 = 6\).", True, True),
    ("2 + 3 = 6\r\nDone.", True, True),
    ("First\r\n2 + 3 = 6", True, True),
    ("8 − 3 = 4", True, True),  # a minus sign, no hyphen
    ("−8 + 3 = −5", False, False),
    ("8 - (-3) = 11", False, False),
    ("(1 + 2) * (3 + 4) = 22", True, True),
    ("0.1 + 0.2 = 0.3", False, False),
    (".5 * 4 = 2", False, False),
    ("12,000 / 4 = 3,000", False, False),
    ("10 / 4 = 2.5 = 5 / 2", False, False),
    ("6 = 2 * 3", False, False),
    ("10000 * 1 = 10001", True, False),  # 1e-4 apart, which is just within it
    ("10000 * 1 = 10002", True, True),
    ("1,200 + 300 = 1,500", False, False),
    ("5 - 7 = -2", False, False),
    ("2+3 &= 6 \\\\", True, True),
    ("(so 2+3=5)", False, False),
    ("Step 1. 3 * 4 = 12. Step 2.", False, False),
    ("7/2 = 4", True, True),  # no decimal: nothing is rounded
    ("10/3 = 3.33", False, True),  # a right rounding, but not within 1e-4
    ("10/3 = 3.34", True, True),
    ("20000/3 = 6666.6", True, False),  # no right rounding, but within 1e-4
    ("2 * 3 = 7 = 6", True, False),  # `paper` looks at both ends only
    # More than a calculation of numbers: not read.
    ("x + 3 = 5", False, False),
    ("2x = 3 + 4 = 8", False, False),
    ("3 + 4 = 8x", False, False),
    ("f(2) = 3 + 4 = 8", False, False),
    ("50% * 3 = 4", False, False),
    ("5! + 3 = 8", False, False),
    (r"\sqrt 2 + 3 = 4", False, False),
    (r"3 + 4 = 8 \sqrt{2}", False, False),
    ("17 + 3 = 2 mod 6", False, False),
    ("2 * 50 = 1 hundred", False, False),
    ("30 minutes = 60 / 2 + 1 minutes", False, False),
    ("1) 3 + 4 = 8", False, False),
    (r"3 + 4.\overline{1} = 8", False, False),
    (r"\frac{1}{3} = 0.\overline{3}", False, False),
    ("1/3 = 0.333...", False, False),
    (r"1/7 = 0.1428\ldots", False, False),
    (r"90^3=729,\!000", False, False),
    ("the ratio is 1:2 * 2 = 1:4", False, False),
    ("at 6:00+48=6:48 PM", False, False),
    (r"100 \div 12 = 8 \text{ R}4", False, False),
    ("100 / 12 = 8 R4", False, False),
    ("$1000 \\div 9 = 111$ remainder 1", False, False),
    ("17/3 = 5 and 2/3 loads", False, False),
    ("14 * 1 1/2 = 21", False, False),
    (r"1029+51\frac{9}{10}=1080\frac{9}{10}", False, False),
    ("25 / 1/3 = 75", False, False),
    ("75 + 10% of 150 = 75 + 15 = 90", False, False),
    ("$2.50 - $2.24 = 26 cents", False, False),
    ("10 points + 14 + 6 = 30", False, False),
    ("A cost of - 4 - 5 = 8", False, False),
    ("5/5 – 1/5 = 4/5", False, False),
    ("Week 1 + Week 2 = 35 + 35 = 70", False, False),
    ("1^2 +\n2^2 + 3^2 = 14", False, False),
    ("1/0 = 5", False, False),
    (r"3 \div 0 = 5 - 5 + 0", False, False),
    ("1/(2-2) = 1", False, False),
    ("9^99999999 = 1 + 1", False, False),
    (r"2^{99999999} = 1 + 1", False, False),
    ("9^9^9^9 = 1", False, False),
    ("5 = 6", False, False),
]


@pytest.mark.parametrize(("text", "wrong", "wrong_in_paper"), CALCULATIONS)
def test_wrong_arithmetic(text, wrong, wrong_in_paper):
    assert (is_wrong(text), is_wrong(text, "paper")) == (wrong, wrong_in_paper)


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("1+2+3=6", "1+2+3=3+3=6"),
        ("1 + 2 + 3 = 6", "1 + 2 + 3 = 3 + 3 = 6"),
        ("2+3*4=14", "2+3*4=2+12=14"),
        ("(2+3)*(4+1)=25", "(2+3)*(4+1)=5*(4+1)=5*5=25"),
        ("((1+2)*3)*2=18", "((1+2)*3)*2=(3*3)*2=9*2=18"),
        ("10-2-3=5", "10-2-3=8-3=5"),
        ("2^3^1+1=9", "2^3^1+1=2^3+1=8+1=9"),
        ("-2+5+1=4", "-2+5+1=3+1=4"),
        (r"So 2 \times 3 + 4 = 10 apples", r"So 2 \times 3 + 4 = 6 + 4 = 10 apples"),
        ("1,200+300+500=2,000", "1,200+300+500=1,500+500=2,000"),
        ("2+2+2=6 and 1+1+1=3", "2+2+2=4+2=6 and 1+1+1=2+1=3"),
        ("3+4=7", "3+4=7"),  # one operation
        ("1+2+3=7", "1+2+3=7"),  # wrong
        ("10/3*3=10", "10/3*3=10"),  # a step that is no short decimal
        ("2*(1-3)=-4", "2*(1-3)=-4"),
        ("-2^2+1=-3", "-2^2+1=-3"),
        ("1+2+3=6=6", "1+2+3=6=6"),  # more than one =
        ("x+1+2+3=6", "x+1+2+3=6"),
        ("Total:32+8+25=65", "Total:32+8+25=40+25=65"),
        ("8 − 3 − 2 = 3", "8 − 3 − 2 = 5 − 2 = 3"),
        ("1+2+3=6\r\n", "1+2+3=3+3=6\r\n"),
        ("6/(3-3)+1=1", "6/(3-3)+1=1"),
        ("2^99999*1*0=0", "2^99999*1*0=0"),
        ("1+2*\\left(3+4\\right)=15", "1+2*\\left(3+4\\right)=15"),
    ],
)
def test_split_arithmetic(text, split):
    assert split_arithmetic(text) == split
    assert not any(is_wrong(step) for step in (text, split) if text != "1+2+3=7")


def test_hostile_calculations_take_no_time():
    for text in ("1+" * 50_000 + "1=1", "(" * 50_000 + "=1", "9^" * 100 + "9=1", "= " * 50_000, "1=" * 50_000 + "1"):
        assert not is_wrong(text)
        assert split_arithmetic(text) == text
    assert not list(chains("\\$" * 100_000 + "="))


@pytest.mark.parametrize(
    ("solution", "kept"),
    [
        (Solution("p", "x" * 10, 5, 5), True),
        (Solution("p", "x" * 9, 5, 5), False),
        (Solution("p", "x" * 10, 6, 5), False),
        (Solution("p", "x" * 10, 5, 6), False),
        (Solution("p", "x" * 10, None, None), True),  # nobody has counted
    ],
)
def test_lengths_as_the_engine_counts(solution, kept):
    assert (lengths(Lengths(10, 5, 5))(solution) is not None) == kept


def test_lengths_of_a_named_tokenizer_go_over_the_engines():
    words = lengths(Lengths(1, 3, 2, count=lambda text: len(text.split())))
    assert words(Solution("a b", "1 2 3", 99, 99)) is not None
    assert words(Solution("a b", "1 2 3 4", 1, 1)) is None
    assert words(Solution("a b c", "1 2 3", 1, 1)) is None


def test_duplicates_are_the_same_text_to_the_same_problem():
    is_new = first_of_each()
    given = [("p", "a"), ("p", "b"), ("q", "a"), ("p", "a"), ("p", "a "), ("p", "\ud800")]
    assert [is_new(Solution(*one)) is not None for one in given] == [True, True, True, False, True, True]


def test_each_filter_counts_what_it_was_given_let_through_and_changed():
    filters = filters_of(["several_boxes", "trim_solution", "duplicates"], Lengths(0, 1, 1), "default")
    texts = [r"\boxed{1}", "\\boxed{1}\nmore", r"\boxed{1}\boxed{2}", r"\boxed{2}"]
    left = [through(filters, Solution("p", text)) for text in texts]
    assert [one and one.text for one in left] == [r"\boxed{1}", None, None, r"\boxed{2}"]
    assert [tuple(one.counts.values()) for one in filters] == [(4, 3, 0), (3, 3, 1), (3, 2, 0)]


NUMBERS = strategies.one_of(
    strategies.integers(0, 9999).map(str), strategies.sampled_from(["1,200", "0.5", ".25", "3.10"])
)
SIGNS = strategies.sampled_from(["+", " - ", "*", "/", r" \cdot ", r"\times ", r" \div ", "×", "÷", "−"])


@given(strategies.sampled_from(["", "-"]), NUMBERS, strategies.lists(strategies.tuples(SIGNS, NUMBERS), max_size=5))
def test_numbers_between_signs_have_the_value_that_the_grader_gives_them(minus, first, others):
    side = minus + first + "".join(sign + number for sign, number in others)
    arithmetic.value_of.cache_clear()
    here = arithmetic.value_of(side)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arithmetic, "_FLAT", re.compile("(?!)"))
        arithmetic.value_of.cache_clear()
        assert here == arithmetic.value_of(side)
    arithmetic.value_of.cache_clear()


NAMES = ["several_boxes", "trim_prefix", "trim_solution", "wrong_arithmetic", "split_arithmetic", "lengths"]
RULES = Rules(NAMES, 5, 100, 100, None, "default")


def texts() -> list[str]:
    """Texts of which each filter drops or changes some; every seventh is there twice."""
    found = []
    for n in range(120):
        box = rf"\boxed{{{n}}}"
        kinds = [
            box,
            f"My solution:\nSo {box}",
            f"So {box}\nmore",
            f"{n} + 1 = {n} so {box}",
            f"1 + {n} + 2 = {n + 3}, {box}",
        ]
        found.append([*kinds, box * 2, rf"We get \boxed{{{n % 7}}}."][n % 7])
    return found


@pytest.mark.parametrize("at", [0, 3, 6])
@pytest.mark.parametrize("killed", [False, True])
def test_processes_leave_the_same_in_the_same_order(at, killed, monkeypatch):
    rules = replace(RULES, names=[*NAMES[:at], "duplicates", *NAMES[at:]])
    solutions = [(n, Solution("p", text, 1, 10)) for n, text in enumerate(texts())]
    batches = [solutions[start : start + 7] for start in range(0, len(solutions), 7)]
    one, two = Filtering(rules), Filtering(rules, 2)
    expected = list(one.left(batches))
    if killed:
        started = filtering._started
        connections = []

        def kills_the_first(*options):
            connections.append(started(*options))
            if len(connections) == 2:
                multiprocessing.active_children()[0].kill()
            return connections[-1]

        monkeypatch.setattr(filtering, "_started", kills_the_first)
    assert list(two.left(iter(batches))) == expected
    assert two.counts == one.counts
    assert bool(two._killed) == killed
    assert sum(map(len, expected)) == one.counts[-1]["after"] < one.counts[0]["before"] == 120
    assert all(
        known["before"] > known["after"] or known["changed"] for known in one.counts if known["filter"] != "lengths"
    )
    for process in multiprocessing.active_children():
        process.join(30)
    assert not multiprocessing.active_children()
