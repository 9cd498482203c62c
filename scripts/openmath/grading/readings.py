r"""Ways to read an answer besides its primary key: what it leaves open, and the other answer of a pair may settle.

(1, 2) may be a point or an interval, 10% may be 10 or 0.1. Two answers are equal if another reading of one is the primary
key of the other, unless both have readings of that sort: 10% is 0.1 and is 10, but 10% is not 0.1%. Where `both_at_once` says
so, another reading of each may also meet: two answers are equal if these have a key in common.

docs/grading.md shows this table; tests/unit/test_readings.py holds it to that, and each example to the reading it stands for.
"""

from enum import Enum
from functools import cached_property


class Reading(Enum):
    """NAME = meaning, an example pair that is equal by this reading alone, with which readings it may meet."""

    # Lists, tuples and functions. Two vectors, or two chains, do not meet: a row is not a column, < is not <=.
    SEQUENCE = "a list, or values with names, as a tuple", ("3, 8", "(3, 8)"), ("SEQUENCE", "VECTOR", "CHAIN")
    RECORD = "values with names, in any order", ("(p, q) = (5, 6)", "(q, p) = (6, 5)"), ("RECORD",)
    VECTOR = "one row or column as a tuple", (r"\begin{pmatrix} 4 \\ 5 \end{pmatrix}", "(4, 5)"), ("SEQUENCE",)
    CHAIN = "the sides of a chain of inequalities as a tuple", ("a < b < c", "a, b, c"), ("SEQUENCE",)
    INTERVAL = "a pair in round brackets as an interval", ("(1, 2)", "1 < x < 2"), ("RANGE",)
    HALF_LINE = "an inequality between two letters as where one of them lies", ("x > a", r"(a, \infty)")
    RANGE = "the bounds of a quantity as an interval", (r"2 \le f(x) \le 5", "[2, 5]"), ("INTERVAL",)
    SIGNS_TOGETHER = "plus-minus signs that all change together", (r"(\pm 1, \pm 2)", r"\{(1, 2), (-1, -2)\}")
    FUNCTION_BODY = "the right side of f(t) = ... as it stands", (r"f(t) = \pm t", r"\pm t")
    FUNCTION = (
        "f(t) = ... with its arguments named by place",
        ("f(a,b,c,d) = a+bcd", "f(p,q,r,s) = p+qrs"),
        ("FUNCTION",),
    )
    FAMILY = (
        "f(x) = ... with its constants named by place, if the letters of the answers differ",
        ("f(x) = ax + b", "f(x) = cx + d"),
        ("FAMILY",),
    )
    # Equations and numbers
    EQUATION = "name = value as an equation up to a factor", ("y = 3x - 2", "3x - y = 2"), ("EQUATION",)
    BOTH_SIGNS = "the absolute value of a letter as both values of the letter", (r"\lvert x\rvert = 3", r"x = \pm 3")
    VALUE = "the value in an equation of a quantity or of ratios", (r"\sin A + \cos A = 1", "1")
    QUOTIENT = "a ratio of two as their quotient", ("12 : 1", "12")
    BARE_DIGITS = "a number without its base", ("3012_4", "3012")
    HUNDREDTHS = "a percent sign as 1/100", (r"10\%", "0.1")
    RADIANS = "a degree sign as pi/180", (r"180^\circ", r"\pi")
    COMMON_LOGARITHM = "a logarithm without a base as one to base 10", (r"\log 100", "2")
    DECIMAL_COMMA = "a comma as a decimal point", ("0,25", "0.25")
    COMMA_LIST = "groups of three digits as numbers of a list", ("143,110", "110,143"), ("COMMA_LIST",)
    CLOCK = "a time without a.m. or p.m. as one by 24 hours, a full hour as a number", ("09:30", "9:30 AM")
    RATIO = "a time of the day as a ratio", ("10:15", "2:3")
    RESIDUE = "a congruence as its residue, or as the numbers that satisfy it", (r"x \equiv 24 \pmod{25}", "24")
    DIGIT_GROUPS = "a list as one number in groups of two digits", ("12,34,567", "1234567")
    MIXED_NUMBER = "a whole number and a fraction as their sum", (r"2 \text{ and } \frac{3}{4}", r"\frac{11}{4}")
    UNIT_LETTER = "a letter behind a number and a space as its unit", ("5 m", "5 meters")
    ORDINAL = "a place in a row, in words or digits", ("third", "3rd"), ("ORDINAL",)
    COMBINATIONS = "C(n, k) as how many choices there are", ("C(5, 2)", "10")
    POINT = "a point with its name", ("A(3, 4)", "(3, 4)")
    QUANTITY = "a number with its unit as a measure in several units", ("1 hour 20 minutes", "80 minutes")
    DIRECTION = "a number without what it goes up, down or north by", (r"15\% \text{ increase}", r"15\%")
    # Words
    CHOICE = "a formula or small letter as a choice", ("E - 24", "E")
    CHOICE_CONTENT = "what the choice of a multiple-choice question says", ("(C) 11", "11")
    YES_NO = "a sentence as yes or no", ("There are no such integers n", "No solution"), ("YES_NO",)
    INFINITELY_MANY = (
        "a sentence as infinitely many",
        ("There are infinitely many such primes p", "There exist infinitely many primes with that property"),
        ("INFINITELY_MANY",),
    )
    STATED = "the formula that a sentence leads to", ("Yes, b > a", "a < b")
    UNQUANTIFIED = (
        "a statement without its quantifiers and lead-in",
        ("The solutions are all pairs, that is, (2, 3) and (3, 2)", "(3, 2), (2, 3)"),
        ("UNQUANTIFIED",),
    )

    def __init__(self, meaning: str, example: tuple[str, str], both_at_once: tuple[str, ...] = ()):
        self.meaning, self.example = meaning, example
        self._both_at_once = both_at_once

    __hash__ = object.__hash__  # Enum's own looks up the name each time

    @cached_property
    def both_at_once(self) -> tuple["Reading", ...]:
        """The readings of the other answer that this one may meet, besides the primary one."""
        return tuple(Reading[name] for name in self._both_at_once)
