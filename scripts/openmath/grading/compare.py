"""Are two answers the same? Symmetric, deterministic, bounded."""

import hashlib
from functools import lru_cache

from flint import acb, ctx

from openmath.grading import values
from openmath.grading.evaluate import Evaluator
from openmath.grading.lexer import NotMath
from openmath.grading.reading import Answer
from openmath.grading.trees import has_signs, infinity, value_of, walk
from openmath.grading.verdict import TooLarge, Verdict

CACHE_SIZE = 20_000  # answers kept read: the references of a benchmark and the answers they meet
MIN_DIGITS = 3  # significant digits before a decimal may stand for an exact irrational or repeating value

# Kinds of reading in which both answers may be read at once. The others need the other answer's primary reading, and
# not if it leaves the same thing open: 10% is 0.1 and is 10, but 10% is not 0.1%.
_MUTUAL = ("eq", "fun", "seq", "yesno", "empty", "groups", "clock", "head")


@lru_cache(CACHE_SIZE)
def read(text: str) -> Answer:
    return Answer(text)


def grade(predicted: str | None, expected: str, policy: str = "default") -> Verdict:
    """Is `predicted` the answer `expected`? None is no answer. Symmetric in two texts."""
    if predicted is None:
        return Verdict(False, "no_answer")
    if predicted == expected:
        return Verdict(True)
    a, b = read(predicted), read(expected)
    if same(a, b):
        return Verdict(True)
    return Verdict(False, "too_large" if a.too_large or b.too_large else "ok")


def vote_class(answer: str | None, policy: str = "default") -> str | None:
    """Canonical form: equal answers give the same string. None stays None."""
    return None if answer is None else read(answer).primary


def text_class(answer: str | None) -> str | None:
    """The class of an answer that could not be read within the limits: its own text."""
    if answer is None:
        return None
    return "text:" + hashlib.sha256("".join(answer.split()).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def same(a: Answer, b: Answer) -> bool:
    if a.primary == b.primary:
        return True
    if a.plain and b.plain:
        return False
    first, second = a.alternatives, b.alternatives
    if "rec" in first and "rec" in second and first["rec"] & second["rec"]:
        return True
    for own, other, primary in ((first, second, b.primary), (second, first, a.primary)):
        for kind, keys in own.items():
            if kind not in other and primary in keys:
                return True
    if any(kind in first and kind in second and first[kind] & second[kind] for kind in _MUTUAL):
        return True
    if "family" in first and "family" in second and a.constants != b.constants and first["family"] & second["family"]:
        return True  # arbitrary constants with other names; with the same names they are the problem's own
    return rounds_to(a, b)


def rounds_to(a: Answer, b: Answer) -> bool:
    """Is one a decimal rounding of the other's exact value, place by place?"""
    if a.tree is None or b.tree is None or a.too_large or b.too_large:
        return False
    try:
        return _rounds(a.tree, b.tree)
    except (NotMath, TooLarge, values.Unclear, ZeroDivisionError, RecursionError, OverflowError):
        return False


def _rounds(a: tuple, b: tuple) -> bool:
    if a[0] == b[0] == "group" and a[1] == b[1] and len(a[2]) == len(b[2]):
        return all(_rounds(x, y) for x, y in zip(a[2], b[2], strict=True))
    if a[0] == b[0] == "matrix" and [len(row) for row in a[1]] == [len(row) for row in b[1]]:
        return all(_rounds(x, y) for r, s in zip(a[1], b[1], strict=True) for x, y in zip(r, s, strict=True))
    if a[0] == b[0] == "rel" and a[1] == b[1] and len(a[2]) == len(b[2]):
        return all(_rounds(x, y) for x, y in zip(a[2], b[2], strict=True))
    if a[0] == b[0] == "list" and len(a[1]) == len(b[1]):
        return all(_rounds(x, y) for x, y in zip(a[1], b[1], strict=True))
    a, b = value_of(a), value_of(b)
    if has_signs(a) or has_signs(b) or infinity(a) or infinity(b):
        return False
    ctx.prec = values.PRECISIONS[0]
    first, second = Evaluator(), Evaluator()
    x, y = first.value(a), second.value(b)
    if values.key(x) == values.key(y):
        return True
    if ("decimal" in first.used) == ("decimal" in second.used):
        return False
    decimal, exact = (a, y) if "decimal" in first.used else (b, x)
    if _digits(decimal) < MIN_DIGITS or (not isinstance(exact, acb) and _terminates(exact)):
        return False
    rounded = Evaluator(rounded=True).value(decimal)
    return isinstance(rounded, acb) and rounded.overlaps(values.ball(exact))


def _terminates(value) -> bool:
    """Has this fraction a finite decimal expansion (then a rounding of it is another number)?"""
    rest = int(value.q)
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _digits(tree: tuple) -> int:
    """The fewest significant digits of a decimal in the tree."""
    return min(
        (
            len(node[1].partition("e")[0].replace(".", "").lstrip("0"))
            for node in walk(tree)
            if node[0] == "num" and "." in node[1]
        ),
        default=0,
    )
