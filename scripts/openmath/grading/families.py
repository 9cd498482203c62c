r"""Families over the integers: 5pi/4 + k pi and pi/4 + n pi are one set of numbers, and so are k pi/2 and {n pi, pi/2 + n pi}."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

from flint import ctx, fmpq

from openmath.grading.language import domains, statements
from openmath.grading.language.trees import expand, letters, value_of
from openmath.grading.limits import spend
from openmath.grading.meaning import values
from openmath.grading.meaning.evaluate import Evaluator
from openmath.grading.meaning.values import Unclear, Value

MAX_RESIDUES = 1_000  # numbers of the set within one period
MAX_FORMULAS = 40
WHOLE = frozenset("jklmn")  # letters that stand for whole numbers where nothing is said


def family_key(tree: tuple | None, text: str, parse: Callable[[str], tuple]) -> str | None:
    """The key of the set of all a + b k with whole k: formulas with "k in Z" (tree), or "a + bk for some integer k" (text, which
    `parse` reads). None of anything else. Raises NotMath."""
    if tree is not None and tree[0] == "list":
        *formulas, domain = tree[1]
        return _set_key([value_of(formula) for formula in formulas], domain[2][0][1])
    formula, condition = statements.conditional(text) or ("", "")
    found = domains.parameter(condition)
    if not found:
        return None
    tree, _ = parse(formula)
    return _set_key([value_of(item) for item in (tree[1] if tree[0] == "list" else (tree,))], found[0])


def undeclared_key(tree: tuple) -> str | None:
    """The same key of formulas that do not say that their letter is whole: pi/4 + n pi, to compare with an answer that says so."""
    formulas = [value_of(item) for item in (tree[1] if tree[0] == "list" else (tree,))]
    names = set().union(*map(letters, formulas))
    return _set_key(formulas, names.pop()) if len(names) == 1 and names <= WHOLE else None


def _set_key(formulas: list[tuple], name: str) -> str | None:
    """The key of the numbers that the formulas give for whole values of the letter; None if they are not all steps alike."""
    formulas = [one for formula in formulas for one in expand(formula)]
    if len(formulas) > MAX_FORMULAS or not all(name in letters(formula) for formula in formulas):
        return None
    ctx.prec = values.PRECISIONS[0]
    try:
        progressions = [_progression(formula, name) for formula in formulas]
        step = progressions[0][1]
        # In units of the first step: (first, step) of each formula.
        scaled = [(_fraction(first / step), abs(_fraction(other / step))) for first, other in progressions]
    except (Unclear, ZeroDivisionError):
        return None
    period = Fraction(
        math.lcm(*(other.numerator for _, other in scaled)), math.gcd(*(other.denominator for _, other in scaled))
    )
    counts = [int(period / other) for _, other in scaled]
    spend(sum(counts))
    if sum(counts) > MAX_RESIDUES:
        return None
    residues = {
        (first + other * turn) % period
        for (first, other), count in zip(scaled, counts, strict=True)
        for turn in range(count)
    }
    period = _smallest_period(residues, period)
    parts = sorted({residue % period / period for residue in residues})
    return f"steps of {values.key(_times(step, period))} from {', '.join(map(str, parts))}"


def _progression(formula: tuple, name: str) -> tuple[Value, Value]:
    """a and b of a + b k. Raises Unclear for other formulas."""
    found = []
    for number in range(4):
        evaluator = Evaluator()
        evaluator.bound[name] = fmpq(number)
        found.append(evaluator.value(formula))
    steps = [after - before for before, after in itertools.pairwise(found)]
    if len({values.key(step) for step in steps}) > 1:
        raise Unclear
    return found[0], steps[0]


def _fraction(value: Value) -> Fraction:
    """Raises Unclear for what is not rational."""
    try:
        return Fraction(values.key(value))
    except ValueError:
        raise Unclear from None


def _times(step: Value, period: Fraction) -> Value:
    """Their product, positive if it is real."""
    product = step * fmpq(period.numerator, period.denominator)
    negative = product < 0 if isinstance(product, fmpq) else product.real < 0
    return -product if negative else product


def _smallest_period(residues: set[Fraction], period: Fraction) -> Fraction:
    """The smallest part of the period that leaves the residues in place."""
    for parts in range(len(residues), 1, -1):
        if len(residues) % parts == 0 and {(residue + period / parts) % period for residue in residues} == residues:
            return period / parts
    return period
