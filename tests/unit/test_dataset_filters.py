"""The filters of a training set, each against a hand-made table of cases."""

import pytest

from openmath.dataset.arithmetic import chains, is_wrong, split_arithmetic
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
    ],
)
def test_several_boxes(text, kept):
    assert (several_boxes(Solution("p", text)) is not None) == kept


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My solution:\nWe add.", "We add."),
        ("\nMy solution: \nWe add.", "We add."),
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
    ("1/0 = 5", False, False),
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
