r"""Calculations in the text of a solution: `12 * 3 + 1 = 37`. Read and computed by the grader's exact arithmetic, never evaluated.

    >>> [side for chain in chains("So 2 + 3 * 4 = 14 apples.") for side in chain.sides]
    ['2 + 3 * 4', '14']
    >>> split_arithmetic("1+2+3=6")
    '1+2+3=3+3=6'

What may be more than a calculation (letters, percents, units that change the number) is not read at all.
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

_NUMBER = r"\d+(?:,\d{3}(?!\d))*(?:\.\d+)?|\.\d+"
_SIGN = r"\\(?:times|cdot|div)(?![A-Za-z])|[-+*/^()×÷·−]|\^\{\d+\}|\\(?:left|right)[()]"
_BLANK = r"[ \t&]|\\[,;:! ]|\\?\$(?=\d)"  # & aligns; $3 + $5 is money
_FRACTION = rf"\\[dt]?frac\{{(?:{_NUMBER})\}}\{{(?:{_NUMBER})\}}"
_RUN = re.compile(rf"(?:{_NUMBER}|{_SIGN}|{_FRACTION}|{_BLANK}|=)+")
_WRITTEN = {"×": r"\times ", "·": r"\cdot ", "÷": r"\div ", "−": "-", r"\left(": "(", r"\right)": ")"}
_SPELLING = re.compile("|".join(map(re.escape, _WRITTEN)))
_UNWRITTEN = re.compile(r"\\?\$|&")
_OPERATION = re.compile(r"[\d.)}]\s*(?:[-+*/^×÷·−]|\\(?:times|cdot|div|right\)))|\\[dt]?frac")
_ARITHMETIC = frozenset(("num", "add", "mul", "div", "neg", "pow"))  # tags of the grader's trees
_PLAIN = re.compile(_NUMBER)
_DECIMAL = re.compile(r"-?\d*\.(\d+)")
# A number here is a part of something more: x 2, f(2, \sqrt 2, 2x, 2!, 50%, 3.14.15, 5 mod 3, 2 hundred.
_OPEN_BEFORE = re.compile(
    r"(?:[A-Za-z0-9_^\\.,}\])!%°|]|(?<![A-Za-z])[A-Za-z]\s+|\\(?!implies|q?quad|to\b|Rightarrow)[A-Za-z]+\s*|[}\])!%°|]\s+)$"
)
_OPEN_AFTER = re.compile(
    r"[A-Za-z_{!%°^]|[.,]\d|\\(?!text|math|[)\]$\\,;:!]|end|q?quad|implies|Rightarrow)"
    r"|\s*(?:\\%|[%°!]|[b-zB-Z](?![A-Za-z])|\\(?:sqrt|frac|pi|log|sin|cos|tan|pmod|bmod|mod)"
    r"|(?:mod|percent|per\s?cent|dozens?|hundreds?|thousands?|millions?|billions?)\b)"
)


class Chain(NamedTuple):
    """A calculation: two sides or more with = between them. start, end: its place in the text."""

    start: int
    end: int
    sides: list[str]


def chains(text: str) -> Iterator[Chain]:
    """The calculations in a text, in order."""
    if "=" not in text:
        return
    for run in _RUN.finditer(text):
        if "=" not in run[0]:
            continue
        start, end = _without_brackets_of_the_sentence(text, *run.span())
        found = text[start:end]
        if len(found) > LONGEST or not _OPERATION.search(found):
            continue
        sides = [side.strip(" \t&") for side in found.split("=")]
        if all(sides) and not (_OPEN_BEFORE.search(text[max(0, start - 20) : start]) or _OPEN_AFTER.match(text, end)):
            yield Chain(start, end, sides)


def _without_brackets_of_the_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The same run without blanks at its ends, and without brackets that open or close around it."""
    while end > start and (text[end - 1] in " \t&" or text[start:end].count("(") < text[start:end].count(")")):
        if text[end - 1] not in " \t&)":
            break
        end -= 1
    while start < end and (text[start] in " \t&" or text[start:end].count("(") > text[start:end].count(")")):
        if text[start] not in " \t&(":
            break
        start += 1
    return start, end


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
    written = _SPELLING.sub(lambda sign: _WRITTEN[sign[0]], _UNWRITTEN.sub("", side))
    if _PLAIN.fullmatch(written):
        return _number(written)
    try:
        with budget():
            tree = Parser(tokenize(written)).parse()
            value = Evaluator().value(tree) if _is_plain(tree) else None
    except (NotMath, TooLarge, Unclear, ZeroDivisionError, RecursionError, OverflowError, ValueError):
        return None
    return value if isinstance(value, fmpq) else None


def _is_plain(tree: tuple) -> bool:
    if isinstance(tree, tuple) and tree and isinstance(tree[0], str):
        return tree[0] in _ARITHMETIC and all(_is_plain(part) for part in tree[1:] if isinstance(part, tuple))
    return all(_is_plain(part) for part in tree)


class _Step(NamedTuple):
    """A word of a calculation. text: as written; value: of a number, else None; blank: what follows it."""

    text: str
    value: fmpq | None
    blank: str


_WORD = re.compile(rf"({_NUMBER}|{_SIGN})((?:{_BLANK})*)")
_RANKS = {"^": 3, "*": 2, "/": 2, "+": 1, "-": 1}
_MEANING = {"\\times": "*", "\\cdot": "*", "×": "*", "·": "*", "\\div": "/", "÷": "/", "−": "-"}
MOST_STEPS, MOST_DIGITS, MOST_EXPONENT = 12, 15, 20


def split_arithmetic(text: str) -> str:
    """The text with each right calculation of several operations written one operation a step, where it has one `=`.

    What has powers in braces or fractions, or steps that are no short decimals, stays as it is.
    """
    parts, done = [], 0
    for chain in chains(text):
        if len(chain.sides) != 2 or (value := value_of(chain.sides[0])) is None or value != value_of(chain.sides[1]):
            continue
        found = text[chain.start : chain.end]
        left, _, right = found.partition("=")
        steps = _steps(left.rstrip(" \t&"))
        if steps:
            before = left[len(left.rstrip(" \t&")) :]
            after = right[: len(right) - len(right.lstrip(" \t&"))]
            equals = f"{before}={after}".replace("&", "")
            parts += [text[done : chain.start], left, "=", after, equals.join([*steps, right.strip(" \t")])]
            done = chain.end
    return "".join([*parts, text[done:]])


def _steps(side: str) -> list[str]:
    """What is left of a side after each of its operations but the last; [] where they cannot all be written."""
    words = _words(side)
    steps: list[str] = []
    grouped = "," in side
    while words and (place := _next_operation(words)) is not None:
        words = _done(words, place, grouped)
        if len(words) > 1:
            steps.append("".join(word.text + word.blank for word in words).strip())
        if len(steps) > MOST_STEPS:
            return []
    return steps if len(words) == 1 else []


def _words(side: str) -> list[_Step]:
    words, at = [], 0
    for match in _WORD.finditer(side):
        if match.start() != at:
            return []
        text, at = match[1], match.end()
        number = text[0].isdigit() or text[0] == "."
        words.append(_Step(text, _number(text) if number else None, match[2].replace("&", "")))
    return _signed(words) if at == len(side) else []


def _number(text: str) -> fmpq:
    whole, _, digits = text.replace(",", "").partition(".")
    return fmpq(int(whole + digits or "0"), 10 ** len(digits))


def _signed(words: list[_Step]) -> list[_Step]:
    """A minus that begins the side or follows a bracket belongs to its number."""
    signed: list[_Step] = []
    for word in words:
        before = signed[-2].text if len(signed) > 1 else "("
        if word.value is not None and signed and signed[-1].text in "-−" and before == "(":
            word = _Step(signed.pop().text + word.text, -word.value, word.blank)
        signed.append(word)
    return signed


def _next_operation(words: list[_Step]) -> int | None:
    """Index of the sign of the operation to do next: of the first innermost bracket, the first of the highest rank."""
    close = next((i for i, word in enumerate(words) if word.text == ")"), len(words))
    opened = next((i for i in range(close - 1, -1, -1) if words[i].text == "("), -1)
    best, rank = None, 0
    for i in range(opened + 2, close - 1):
        this = _RANKS.get(_MEANING.get(words[i].text, words[i].text), 0)
        if this > rank or (this == rank == 3):  # powers from the right
            best, rank = i, this
    return best


def _done(words: list[_Step], place: int, grouped: bool) -> list[_Step]:
    """The words with one operation done; [] where its result cannot be written."""
    first, sign, second = words[place - 1 : place + 2]
    if first.value is None or second.value is None:
        return []
    value = _result(first, _MEANING.get(sign.text, sign.text), second)
    written = None if value is None else _written(value, grouped)
    if value is None or written is None:
        return []
    before, after = words[: place - 1], words[place + 2 :]
    blank = second.blank
    if before and before[-1].text == "(" and after and after[0].text == ")" and (value >= 0 or len(before) == 1):
        blank, before, after = after[0].blank, before[:-1], after[1:]
    return [*before, _Step(written, value, blank), *after]


def _result(first: _Step, sign: str, second: _Step) -> fmpq | None:
    a, b = first.value, second.value
    assert a is not None and b is not None
    if sign == "^":
        if b.q != 1 or not 0 <= b <= MOST_EXPONENT or first.text[0] in "-−":  # -2^2 is -4
            return None
        return a ** int(b.p)
    if sign == "/":
        return a / b if b else None
    return {"*": a * b, "+": a + b, "-": a - b}[sign]


def _written(value: fmpq, grouped: bool) -> str | None:
    """A number as a short decimal; None where it is none."""
    for digits in range(7):
        scaled = value * 10**digits
        if scaled.q == 1:
            text = str(abs(int(scaled.p))).rjust(digits + 1, "0")
            whole, rest = text[: len(text) - digits], text[len(text) - digits :]
            if len(text) > MOST_DIGITS:
                return None
            shown = f"{int(whole):,}" if grouped else whole
            return ("-" if value < 0 else "") + shown + (f".{rest}" if rest else "")
    return None
