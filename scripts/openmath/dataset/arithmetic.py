r"""Calculations in the text of a solution: `12 * 3 + 1 = 37`. Read and computed exactly, never evaluated.

    >>> [side for chain in chains("So 2 + 3 * 4 = 14 apples.") for side in chain.sides]
    ['2 + 3 * 4', '14']
    >>> is_wrong("So 2 + 3 * 4 = 20 apples.")
    True

Most sides are numbers with + - * / between them, which are computed here; what has brackets, powers or fractions goes to the
grader, which would say the same of all. What may be more than a calculation (letters, percents, units that change the number) is
not read at all.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from flint import fmpq

from openmath.grading.language.lexer import NotMath, tokenize
from openmath.grading.language.parser import Parser
from openmath.grading.limits import TooLarge, budget
from openmath.grading.meaning.evaluate import Evaluator
from openmath.grading.meaning.values import Unclear

LONGEST = 300  # characters of a calculation; longer ones are not read
TOLERANCE = fmpq(1, 10_000)  # relative, of policy `paper`

NUMBER = r"\d+(?:,\d{3}(?!\d))*(?:\.\d+)?|\.\d+"
SIGN = r"\\(?:times|cdot|div)(?![A-Za-z])|\^\{\d+\}|[-+*/^()×÷·−]|\\(?:left|right)[()]"
BLANK = r"[ \t&]|\\[,;:! ]|\\?\$(?=\d)"  # & aligns; $3 + $5 is money
_FRACTION = rf"\\[dt]?frac\{{(?:{NUMBER})\}}\{{(?:{NUMBER})\}}"
# What a run may begin with is looked for first: nearly no character of a text does.
_RUN = re.compile(rf"(?=[-\d.\\$=+*/^()×÷·−])(?:{NUMBER}|{SIGN}|{_FRACTION}|{BLANK}|=)++")
_FLAT = re.compile(rf"-?(?:{NUMBER})(?:[ \t]*[-+*/][ \t]*(?:{NUMBER}))*")
_FLAT_PART = re.compile(rf"([-+*/]?)[ \t]*({NUMBER})")
_FLAT_SPELLING = {"\\times": "*", "\\cdot": "*", "\\div": "/", "×": "*", "·": "*", "÷": "/", "−": "-"}
_FLAT_SIGN = re.compile(r"\\(?:times|cdot|div)(?![A-Za-z])|[×·÷−]")
_WRITTEN = {"×": r"\times ", "·": r"\cdot ", "÷": r"\div ", "−": "-", r"\left(": "(", r"\right)": ")"}
_SPELLING = re.compile("|".join(map(re.escape, _WRITTEN)))
_UNWRITTEN = re.compile(r"\\?\$|&")
_OPERATION = re.compile(r"[\d.)}]\s*(?:[-+*/^×÷·−]|\\(?:times|cdot|div|right\)))|\\[dt]?frac")
_ARITHMETIC = frozenset(("num", "add", "mul", "div", "neg", "pow"))  # tags of the grader's trees
_DECIMAL = re.compile(r"-?\d*\.(\d+)")
# What stands beside a part of something more: x 2, f(2, \sqrt 2, 2x, 2!, 50%, 3.14.15, 6:30, 5 mod 3, 2 hundred, 2 and 1/3, 5 R 2,
# 10% of 150, day 2, 0.\overline{3}, and a sum that began on the line before.
_OPEN_BEFORE = re.compile(
    r"(?:[A-Za-z0-9_^\\.,}\])!%°|]|\d:|(?<![A-Za-z])[A-Za-z]\s+|\\(?!implies|q?quad|to\b|Rightarrow)[A-Za-z]+\s*"
    r"|[}\])!%°|]\s+|[-+*/=×÷·−]\s*\n\s*|[–—]\s*|%\s*of\s+|\b(?:[Ww]eek|[Dd]ay|[Mm]onth|[Yy]ear|[Ss]tep|[Cc]ase)\s+)$"
)
_OPEN_AFTER = re.compile(
    r"[A-Za-z_{!%°^]|[.,:]\d|,\\!\d|\\(?!text|math|[)\]$\\,;:!]|end|q?quad|implies|Rightarrow)"
    r"|\s*(?:\\%|[%°!…]|\.\.|\.?\s*\\(?:overline|[lc]?dots)|[b-zB-Z](?![A-Za-z])|\\text\s*\{\s*(?:R|rem)|\$?\s*remainder\b"
    r"|\\(?:sqrt|frac|pi|log|sin|cos|tan|pmod|bmod|mod)"
    r"|(?:mod|percent|per\s?cent|dozens?|hundreds?|thousands?|millions?|billions?)\b"
    r"|and\s+[($]*\d+/\d+(?!\s*[-+*/=]))"
)
# Sides that say more than one thing: a mixed number, 2 / 1/3.
_UNCLEAR = re.compile(rf"\d(?:[ \t]+|\s*\\[dt]?frac)[\d.{{]|/\s*(?:{NUMBER})\s*/")
_CENTS = re.compile(r"\s*cents?\b")  # of dollars
_HANGING = re.compile(r"\s*(?:[-−]\s|[+*/^×÷·]|\\(?:times|cdot|div))")  # begins with the sign of an operation


class Chain(NamedTuple):
    """A calculation: two sides or more with = between them. start, end: its place in the text."""

    start: int
    end: int
    sides: list[str]


@lru_cache(maxsize=1)  # one filter after the other asks for those of the same text
def chains(text: str) -> tuple[Chain, ...]:
    """The calculations in a text, in order. None goes over the end of a line."""
    return tuple(filter(None, (_chain(text, run) for line in _lines(text) for run in _RUN.finditer(text, *line))))


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the lines with an equals sign."""
    at = text.find("=")
    while at >= 0:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield text.rfind("\n", 0, at) + 1, end
        at = text.find("=", end)


def _chain(text: str, run: re.Match) -> Chain | None:
    """The calculation that a run of numbers and signs is; None if it is none, or a part of something more."""
    if "=" not in run[0] or len(run[0].strip(" \t&")) > LONGEST:
        return None
    start, end = _without_brackets_of_the_sentence(text, *run.span())
    found = text[start:end]
    if not _OPERATION.search(found):
        return None
    sides = [side.strip(" \t&") for side in found.split("=")]
    if (
        not all(sides)
        or _HANGING.match(found)
        or _OPEN_BEFORE.search(text[max(0, start - 20) : start])
        or _OPEN_AFTER.match(text, end)
        or ("$" in found and _CENTS.match(text, end))
    ):
        return None
    return Chain(start, end, sides)


def _without_brackets_of_the_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The same run without blanks at its ends, and without brackets that open or close around it."""
    while end > start and (text[end - 1] in " \t&" or (text[end - 1] == ")" and _opened(text, start, end) < 0)):
        end -= 1
    while start < end and (text[start] in " \t&" or (text[start] == "(" and _opened(text, start, end) > 0)):
        start += 1
    return start, end


def _opened(text: str, start: int, end: int) -> int:
    """Brackets that open, less those that close."""
    return text.count("(", start, end) - text.count(")", start, end)


def is_wrong(text: str, policy: str = "default") -> bool:
    """Whether a calculation in a text is wrong.

    default: a side differs from the first and is no decimal that the first rounds to. paper: the last side differs from the
    first by more than TOLERANCE.
    """
    return any(_wrong(chain.sides, policy) for chain in chains(text))


def _wrong(sides: list[str], policy: str) -> bool:
    values = [value for side in sides if (value := value_of(side)) is not None]
    if len(values) < len(sides):
        return False
    first, *others = values
    if policy == "paper":
        return abs(first - others[-1]) > TOLERANCE * max(abs(first), abs(others[-1]))
    return not all(_agrees(first, value, side) for value, side in zip(others, sides[1:], strict=True))


def _agrees(exact: fmpq, value: fmpq, side: str) -> bool:
    decimal = _DECIMAL.fullmatch(_UNWRITTEN.sub("", side).replace(",", "").strip())
    return value == exact or (decimal is not None and abs(exact - value) * 2 * 10 ** len(decimal[1]) <= 1)


@lru_cache(maxsize=100_000)  # the same small calculations come again and again
def value_of(side: str) -> fmpq | None:
    """The exact value of one side; None where it is not plain arithmetic or too large."""
    side = _UNWRITTEN.sub("", side)
    if _UNCLEAR.search(side):
        return None
    if _FLAT.fullmatch(flat := _FLAT_SIGN.sub(lambda sign: _FLAT_SPELLING[sign[0]], side)):
        return _flat_value(flat)
    written = _SPELLING.sub(lambda sign: _WRITTEN[sign[0]], side)
    try:
        with budget():
            tree = Parser(tokenize(written)).parse()
            value = Evaluator().value(tree) if _is_plain(tree) else None
    except (NotMath, TooLarge, Unclear, ZeroDivisionError, RecursionError, OverflowError, ValueError):
        return None
    return value if isinstance(value, fmpq) else None


def _flat_value(side: str) -> fmpq | None:
    """The value of numbers with + - * / between them; None where it divides by 0."""
    total = product = fmpq(0)
    for sign, number in _FLAT_PART.findall(side):
        value = number_of(number)
        if sign == "*":
            product *= value
        elif sign == "/":
            if not value:
                return None
            product /= value
        else:
            total += product
            product = -value if sign == "-" else value
    return total + product


def _is_plain(tree: tuple) -> bool:
    if isinstance(tree, tuple) and tree and isinstance(tree[0], str):
        return tree[0] in _ARITHMETIC and all(_is_plain(part) for part in tree[1:] if isinstance(part, tuple))
    return all(_is_plain(part) for part in tree)


def number_of(text: str) -> fmpq:
    if text.isdigit():
        return fmpq(int(text))
    whole, _, digits = text.replace(",", "").partition(".")
    return fmpq(int(whole + digits or "0"), 10 ** len(digits))
