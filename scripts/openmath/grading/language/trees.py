"""Questions about trees: their letters, plus-minus signs, and whether a side of a relation is only a label."""

import itertools
from collections.abc import Iterator
from typing import Any

from openmath.grading.language.lexer import FUNCTIONS
from openmath.grading.limits import TooLarge, spend

MAX_SIGNS = 6  # plus-minus signs in one formula: each doubles the answers it stands for
MAX_EXPONENT_DIGITS = 100  # of the x^2 in a root
DIFFERENTIALS = (("sym", "d"), ("sym", "\\partial"))  # the d of dx
STRUCTURED = {"list", "group", "set", "rel", "union", "matrix", "cases", "ratio", "infty"}  # not numbers


def is_unknown_function(tree: tuple) -> bool:
    """Is this f(x) or P(x, y), a function that the problem asks for?"""
    return tree[0] == "call" and tree[1] not in FUNCTIONS and all(argument[0] == "sym" for argument in tree[2])


def argument_names(function: tuple, body: tuple) -> dict[str, str]:
    """f(n) = n^2 is f(x) = x^2: the usual names for the arguments, unless the body uses those for something else."""
    if not is_unknown_function(function):
        return {}
    names = dict(zip((argument[1] for argument in function[2]), "xyz", strict=False))
    others = letters(body) - set(names)
    return {} if others & set("xyz") or len(names) < len(function[2]) else names


def is_differentiation(above: tuple, below: tuple) -> bool:
    """Is this fraction d/dx, d^2/dx^2 or the like, and not one of two numbers?"""
    if below[0] != "mul" or below[1] not in DIFFERENTIALS:
        return False
    return above == below[1] or (above[0] == below[2][0] == "pow" and above[1] == below[1] and above[2] == below[2][2])


def strip_label_of_first(items: tuple) -> list[tuple]:
    """x = 1, 2, 3: the label stands for all of them."""
    first = items[0]
    if len(items) > 1 and label_of(first) and not any(item[0] == "rel" for item in items[1:]):
        return [first[2][-1], *items[1:]]
    return list(items)


def records_of(items: tuple) -> tuple | None:
    """x = 1, y = 2, x = 2, y = 1 as the tuples (1, 2), (2, 1); None where the names do not come again in the same order."""
    names = [label_of(item) for item in items]
    if None in names or len(set(names)) < 2:
        return None
    size = len(set(names))
    if len(names) == size or names != names[:size] * (len(names) // size):
        return None
    values = [value_of(item) for item in items]
    return tuple(("group", "()", tuple(values[at : at + size])) for at in range(0, len(values), size))


def value_of(item: tuple) -> tuple:
    """The 5 of x = 5; any other item is its own value."""
    return item[2][-1] if label_of(item) else item


def label_of(item: tuple) -> str | None:
    """The name on the left of `name = value`, if the item is that."""
    if item[0] == "rel" and item[1] == ("=",) and is_label(item[2][0]) and bound_label(item[2]) is not None:
        side = item[2][0]
        return side[1] if side[0] == "sym" else repr(side)
    return None


def bounded_name(item: tuple) -> str | None:
    """The x of x > 3 and 1 < x < 2, the f(x) of 1 < f(x) < 2, as its tree in text; None of other items."""
    if item[0] != "rel" or item[1][0] not in ("<", ">", "<=", ">=", "!="):
        return None
    for side in item[2][1:2] if len(item[2]) == 3 else item[2]:
        if side[0] == "sym" and sum(map(bool, map(letters, item[2]))) == 1:
            return side[1]
    middle = item[2][1]
    if len(item[2]) == 3 and len(letters(middle)) == 1 and all(map(_is_linear, walk(middle))):
        return next(iter(letters(middle)))  # -2 < 2x < 6 bounds x
    return (
        repr(middle)
        if len(item[2]) == 3 and letters(middle) and not (letters(item[2][0]) or letters(item[2][2]))
        else None
    )


def _is_linear(node: tuple) -> bool:
    """May this stand in a formula like 2x + 3 or x/2?"""
    if node[0] in ("mul", "div"):
        return not letters(node[2]) or (node[0] == "mul" and not letters(node[1]))
    return node[0] in ("num", "sym", "add", "neg")


def is_label(tree: tuple) -> bool:
    """Is this a name for the quantity asked for: x, f(x), (x, y), |AB|, AB/CD?"""
    tag = tree[0]
    if tag == "sym":
        return True
    if tag == "call":
        return tree[1] != "mod"
    if tag == "abs":
        return bool(letters(tree[1]))
    if tag == "group":
        return all(is_label(item) for item in tree[2])
    if tag in ("mul", "div"):
        return all(part[0] == "const" or is_label(part) for part in tree[1:])
    if tag == "ratio":
        return all(is_label(part) for part in tree[1])
    return False


def is_quantity(tree: tuple) -> bool:
    """Is this an expression whose value may be the answer, unlike the left side of a curve's equation?"""
    return (
        is_label(tree) or is_sum(tree) or any(node[0] in ("abs", "call", "big", "floor", "ceil") for node in walk(tree))
    )


def is_sum(tree: tuple) -> bool:
    """Is this m + n, 100m + n, mn or p - q: what a problem asks for? Of x and y, only without coefficients."""
    terms = [term[1] if term[0] == "neg" else term for term in (tree[1] if tree[0] == "add" else (tree,))]
    if letters(tree) & set("xyz"):
        return all(term[0] == "sym" for term in terms)
    return bool(letters(tree)) and all(
        part[0] in ("sym", "num", "mul", "pow", "const") for term in terms for part in walk(term)
    )


def bound_label(sides: tuple) -> tuple | None:
    """The value in `label = value`, `value = label` or `x = ... = value`; None for other equations."""
    left, right = sides[0], sides[-1]
    if len(sides) > 2 and not (left[0] == "sym" and not letters(right)):
        return None
    if (
        left[0] == "call"
        and left[1] not in FUNCTIONS
        and not is_unknown_function(left)
        and letters(left) & letters(right)
    ):
        return None  # f(2x) = x does not say that f(x) = x
    if left[0] == "sym" and right[0] == "sym":
        return None
    if is_label(left) and not (left[0] == "sym" and left[1] in letters(right)):
        if left[0] == "call" and left[1] in ("sin", "cos", "tan", "cot", "sec", "csc"):
            return None
        if left[0] in ("mul", "div") and letters(right) and not _named_product(left):
            return None
        return right
    if right[0] == "sym" and len(sides) == 2 and not letters(left):
        return left
    return None


def _named_product(tree: tuple) -> bool:
    """Is this product really one name: the segment XY, or N(n)?"""
    names = [node[1] for node in walk(tree) if node[0] == "sym"]
    return (tree[0] == "mul" and all(name.isupper() for name in names)) or (
        len(names) == 2 and names[0].isupper() != names[1].isupper()
    )


def is_even_power(tree: tuple, degree: int) -> bool:
    """Is this a power of letters whose root of an even degree is |x| or the like: x^4 or 16(x-1)^12 for 4, x^2 for 2?"""
    if tree[0] == "pow":
        base, exponent = tree[1:]
        whole = exponent[0] == "num" and exponent[1].isdigit() and len(exponent[1]) <= MAX_EXPONENT_DIGITS
        return whole and int(exponent[1]) % (2 * degree) == degree and bool(letters(base))
    if tree[0] in ("mul", "div"):
        powers = [is_even_power(part, degree) for part in tree[1:]]
        return any(powers) and all(power or not letters(part) for power, part in zip(powers, tree[1:], strict=True))
    return False


def letters(tree: tuple) -> set[str]:
    """Names of the variables in a tree, with their indices: {"x", "a_1"}."""
    return {node[1] for node in walk(tree) if node[0] == "sym"}


def walk(tree: tuple) -> Iterator[tuple]:
    """Every node of the tree."""
    stack = [tree]
    while stack:
        node = stack.pop()
        spend(1)
        if node and isinstance(node[0], str):
            yield node
        stack.extend([part for part in node if isinstance(part, tuple)])


def has_signs(tree: tuple) -> bool:
    """Does it hold a plus-minus sign, and stand for several formulas?"""
    return any(node[0] in ("pm", "mp") for node in walk(tree))


def count_signs(tree: tuple) -> int:
    """Plus-minus and minus-plus signs."""
    return sum(node[0] in ("pm", "mp") for node in walk(tree))


def expand(tree: tuple, *, together: bool = False) -> list[tuple]:
    """The formulas that one with plus-minus signs stands for. With a minus-plus sign, all signs change together."""
    count = count_signs(tree)
    if count == 0:
        return [tree]
    if count > MAX_SIGNS:
        raise TooLarge
    together = together or any(node[0] == "mp" for node in walk(tree))
    choices = [(True,) * count, (False,) * count] if together else itertools.product((True, False), repeat=count)
    spend(2 * sum(1 for _ in walk(tree)) * (2 if together else 2**count))  # nodes of the formulas to come
    return [_with_signs(tree, iter(choice)) for choice in choices]


def _with_signs(node: Any, choice: Iterator[bool]) -> Any:
    if not isinstance(node, tuple):
        return node
    if node and node[0] in ("pm", "mp"):
        positive = next(choice) == (node[0] == "pm")
        inner = _with_signs(node[1], choice)
        return inner if positive else ("neg", inner)
    return tuple(_with_signs(part, choice) for part in node)


def sign_of_infinity(tree: tuple) -> str | None:
    """The key of plus or minus infinity; None of any other tree."""
    if tree[0] == "infty":
        return "+oo"
    if tree[0] == "neg" and tree[1][0] == "infty":
        return "-oo"
    return None
