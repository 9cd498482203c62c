r"""Calculations of several operations written one operation a step, where a text does several at once.

>>> split_arithmetic("1+2+3=6")
'1+2+3=3+3=6'
"""

import re
from typing import NamedTuple

from flint import fmpq

from openmath.dataset.arithmetic import BLANK, NUMBER, SIGN, chains, number_of, value_of

MOST_STEPS, MOST_DIGITS, MOST_EXPONENT = 12, 15, 20

_NUMBER = re.compile(NUMBER)
_WORD = re.compile(rf"({NUMBER}|{SIGN})((?:{BLANK})*)")
_RANKS = {"^": 3, "*": 2, "/": 2, "+": 1, "-": 1}
_MEANING = {"\\times": "*", "\\cdot": "*", "×": "*", "·": "*", "\\div": "/", "÷": "/", "−": "-"}


class _Step(NamedTuple):
    """A word of a calculation. text: as written; value: of a number; blank: what follows it; sign: of what is no number."""

    text: str
    value: fmpq | None
    blank: str
    sign: str = ""


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
    if len(_NUMBER.findall(side)) < 3:
        return []  # one operation, most often
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
        blank = match[2].replace("&", "")
        if text[0].isdigit() or text[0] == ".":
            words.append(_Step(text, number_of(text), blank))
        else:
            words.append(_Step(text, None, blank, _MEANING.get(text, text)))
    return _signed(words) if at == len(side) else []


def _signed(words: list[_Step]) -> list[_Step]:
    """A minus that begins the side or follows a bracket belongs to its number."""
    signed: list[_Step] = []
    for word in words:
        if (
            word.value is not None
            and signed
            and signed[-1].sign == "-"
            and (len(signed) == 1 or signed[-2].sign == "(")
        ):
            word = _Step(signed.pop().text + word.text, -word.value, word.blank)
        signed.append(word)
    return signed


def _next_operation(words: list[_Step]) -> int | None:
    """Index of the sign of the operation to do next: of the first innermost bracket, the first of the highest rank."""
    best, rank = None, 0
    for i, word in enumerate(words):
        if word.sign == "(":
            best, rank = None, 0
        elif word.sign == ")":
            break
        elif word.sign and ((this := _RANKS.get(word.sign, 0)) > rank or this == rank == 3):  # powers from the right
            best, rank = i, this
    return best


def _done(words: list[_Step], place: int, grouped: bool) -> list[_Step]:
    """The words with one operation done; [] where its result cannot be written."""
    if not 0 < place < len(words) - 1:
        return []
    first, sign, second = words[place - 1 : place + 2]
    if first.value is None or second.value is None:
        return []
    value = _result(first, sign.sign, second)
    written = None if value is None else _written(value, grouped)
    if value is None or written is None:
        return []
    before, after = words[: place - 1], words[place + 2 :]
    blank = second.blank
    if before and before[-1].sign == "(" and after and after[0].sign == ")" and (value >= 0 or len(before) == 1):
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
    if sign == "*":
        return a * b
    return a + b if sign == "+" else a - b


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
