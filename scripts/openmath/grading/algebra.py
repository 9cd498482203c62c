r"""What exact arithmetic and intervals leave open goes to SymPy: the last resort, bounded, and imported only then.

Decided here: derivatives, integrals, sums, products and limits without a closed form of ours, where an inequality holds, and
(by exact arithmetic) families over the integers. SymPy works these out under a limit of steps; what it finds comes back as a
tree and is compared like every other answer.
"""

from functools import lru_cache
from types import ModuleType
from typing import Any

from openmath.grading import families
from openmath.grading.language.lexer import NotMath
from openmath.grading.language.trees import is_differentiation, letters, sign_of_infinity, walk
from openmath.grading.limits import TooLarge, budget
from openmath.grading.meaning.relations import ORDER
from openmath.grading.meaning.structure import Structure
from openmath.grading.meaning.values import Unclear
from openmath.grading.parsed_answer import ParsedAnswer, parse
from openmath.grading.readings import Reading
from openmath.grading.sympy_steps import within_steps
from openmath.grading.sympy_trees import Builder, holds_derivative, tree_of

MAX_STEPS = 3_000_000  # calls of functions inside SymPy for one answer: two or three seconds
_SETS = ("I", "cup{", "{", "ne{", "empty")  # how keys of sets of numbers begin
_ALGEBRAIC = frozenset("num sym const add mul div neg pow root abs rel".split())


def equal(a: ParsedAnswer, b: ParsedAnswer) -> bool:
    """Are two answers equal when what stands in them is worked out? Raises TooLarge where that takes too many steps."""
    try:
        return _equal(a, b)
    except (NotMath, Unclear, ZeroDivisionError, RecursionError, OverflowError):
        return False


def _equal(a: ParsedAnswer, b: ParsedAnswer) -> bool:
    if (a.tree is None and not _is_family(a)) or (b.tree is None and not _is_family(b)):
        return False
    # Two inequalities may be two statements: a^2 < a is not a^2 < a < 1/a, though both hold for 0 < a < 1.
    if (_is_open_inequality(a) and not _set_keys(b)) or (_is_open_inequality(b) and not _set_keys(a)):
        return False
    key, other = _worked_out(a, beside=b), _worked_out(b, beside=a)
    if key is None and other is None:
        return False
    return not ({key} if key else _set_keys(a) or {a.primary}).isdisjoint(
        {other} if other else _set_keys(b) or {b.primary}
    )


def _worked_out(answer: ParsedAnswer, beside: ParsedAnswer) -> str | None:
    """The key of an answer after the work; None if there is nothing to do, or it cannot be done. Raises TooLarge."""
    if _is_family(beside) and not _is_family(answer) and answer.tree is not None and not answer.too_large:
        with budget():
            return families.undeclared_key(answer.tree)
    found = None if answer.plain or answer.too_large else _outcome(answer)
    if isinstance(found, type):
        raise TooLarge
    return found


@lru_cache(5_000)
def _outcome(answer: ParsedAnswer) -> str | type[TooLarge] | None:
    """The same once for each answer, as a reference meets many others; TooLarge where that is raised."""
    try:
        return _work_out(answer)
    except TooLarge:
        return TooLarge


def _work_out(answer: ParsedAnswer) -> str | None:
    if _is_family(answer):
        with budget():
            return families.family_key(answer.tree, answer.text, parse)
    if answer.tree is not None and (_is_open_inequality(answer) or _holds_open_operation(_value(answer.tree))):
        found = within_steps(_Solution(answer.tree), MAX_STEPS)
        if found is not None and not sign_of_infinity(found):  # what diverges has no value
            with budget():
                return Structure().piece(found) if _is_open_inequality(answer) else Structure().key(found)
    return None


def simplify_to_zero(a: tuple, b: tuple) -> bool:
    """Does SymPy find that two formulas differ by nothing? As the recipe asked it. What takes too many steps does not."""

    def solve(sympy: ModuleType) -> bool:
        builder = Builder(sympy)
        return bool(sympy.simplify(builder.expression(a) - builder.expression(b)) == 0)

    try:
        return a == b or bool(within_steps(solve, MAX_STEPS))
    except TooLarge:
        return False


def _value(tree: tuple) -> tuple:
    """Of a chain of equations the last side."""
    return tree[2][-1] if tree[0] == "rel" and set(tree[1]) == {"="} else tree


def _set_keys(answer: ParsedAnswer) -> set[str]:
    """The keys of the set of numbers that the answer is, also of a point that may be an interval; empty for other answers."""
    intervals = answer.other_readings.get(Reading.INTERVAL, frozenset())
    return {key for key in (answer.primary, *intervals) if key.startswith(_SETS)}


def _is_family(answer: ParsedAnswer) -> bool:
    return answer.primary.endswith("| integer")


def _is_open_inequality(answer: ParsedAnswer) -> bool:
    """An algebraic inequality in one letter that is not an interval as it stands."""
    tree = answer.tree
    return (
        tree is not None
        and tree[0] == "rel"
        and set(tree[1]) <= ORDER
        and len(letters(tree)) == 1
        and not answer.primary.startswith(_SETS)
        and all(node[0] in _ALGEBRAIC and (node[0] != "pow" or not letters(node[2])) for node in walk(tree[2]))
    )


def _holds_open_operation(tree: tuple) -> bool:
    """Is there an integral, derivative, sum, product or limit without a value, and of something that is written out?"""
    if not any(node[0] == "big" or (node[0] == "div" and is_differentiation(*node[1:])) for node in walk(tree)):
        return False
    with budget():
        structure = Structure()
        structure.key(tree)
    if "open" not in structure.used:
        return False
    for node in walk(tree):
        if node[0] == "mul" and holds_derivative(node):
            return True
        if node[0] == "big":
            names, bound = letters(node[4]), letters(node[2])
            if node[1] == "int" or (
                bound & names and not any(name.partition("_")[2] in bound for name in names if "_" in name)
            ):
                return True
    return False


class _Solution:
    """Asks SymPy to work a tree out: a function of the module, for within_steps."""

    def __init__(self, tree: tuple):
        self.tree = tree

    def __call__(self, sympy: ModuleType) -> tuple | None:
        builder = Builder(sympy)
        if self.tree[0] == "rel" and set(self.tree[1]) <= ORDER:
            return tree_of(sympy, self._solution_set(builder))
        found = builder.expression(_value(self.tree))
        return tree_of(sympy, found) if builder.solved else None

    def _solution_set(self, builder: Builder) -> Any:
        """Where in the real numbers a chain of inequalities holds."""
        sympy = builder.sympy
        sides = [builder.expression(side) for side in self.tree[2]]
        (letter,) = set().union(*(side.free_symbols for side in sides))
        compare = {"<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge}
        found = sympy.S.Reals
        for sign, left, right in zip(self.tree[1], sides, sides[1:], strict=False):
            found &= sympy.solveset(compare[sign](left, right), letter, sympy.S.Reals)
        return found
