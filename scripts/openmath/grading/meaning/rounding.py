"""Is one answer a decimal rounding of the other's exact value? 0.667 is 2/3, and 3.142 is pi; 0.126 is not 1/8."""

from flint import acb, ctx

from openmath.grading.language.lexer import NotMath
from openmath.grading.language.trees import has_signs, sign_of_infinity, value_of, walk
from openmath.grading.limits import TooLarge, budget
from openmath.grading.meaning import values
from openmath.grading.meaning.evaluate import Evaluator
from openmath.grading.meaning.values import Unclear, Value, is_integer

MIN_DIGITS = 3  # significant digits before a decimal may stand for an exact irrational or repeating value


def rounds_to(a: tuple, b: tuple, *, cut_off: bool = False) -> bool:
    """Are the trees the same place by place, up to roundings of exact values? Two decimals must be equal.

    cut_off: the decimal goes on, as 2.236...: it is within one unit of its last digit, not within half of one.
    """
    try:
        with budget():
            return _rounds(a, b, cut_off=cut_off)
    except (NotMath, TooLarge, Unclear, ZeroDivisionError, RecursionError, OverflowError):
        return False


def _rounds(a: tuple, b: tuple, *, cut_off: bool = False) -> bool:
    if a[0] == b[0] and a[0] in ("group", "rel") and a[1] == b[1]:
        return _all_round(a[2], b[2])
    if a[0] == b[0] == "list" and a[2:] == b[2:]:
        return _all_round(a[1], b[1])
    if a[0] == b[0] == "matrix" and len(a[1]) == len(b[1]):
        return all(_all_round(row, other) for row, other in zip(a[1], b[1], strict=True))
    a, b = value_of(a), value_of(b)
    if has_signs(a) or has_signs(b) or sign_of_infinity(a) or sign_of_infinity(b):
        return False
    ctx.prec = values.PRECISIONS[0]
    first, second = Evaluator(), Evaluator()
    x, y = first.value(a), second.value(b)
    if values.key(x) == values.key(y):
        return True
    if ("decimal" in first.used) == ("decimal" in second.used):
        return False
    decimal, exact = (a, y) if "decimal" in first.used else (b, x)
    if (
        _digits(decimal) < MIN_DIGITS
        or is_integer(x if decimal is a else y)
        or (not isinstance(exact, acb) and _terminates(exact))
    ):
        return False
    # arccos(1/9) is an angle in radians, and 83.62 degrees are about that; but 33.3 degrees are 100/3
    radians = isinstance(exact, acb) and (a[0] == "deg") != (b[0] == "deg")
    rounded = Evaluator(rounded=True, cut_off=cut_off, radians=radians).value(decimal)
    return isinstance(rounded, acb) and rounded.overlaps(values.ball(exact))


def _all_round(items: tuple, others: tuple) -> bool:
    return len(items) == len(others) and all(_rounds(a, b) for a, b in zip(items, others, strict=True))


def _terminates(value: Value) -> bool:
    """Has this fraction a finite decimal expansion (then a rounding of it is another number)?"""
    rest = int(value.q)
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _digits(tree: tuple) -> int:
    """The fewest significant digits of a decimal in the tree."""
    decimals = [node[1].partition("e")[0] for node in walk(tree) if node[0] == "num" and "." in node[1]]
    return min((len(text.replace(".", "").lstrip("0")) for text in decimals), default=0)
