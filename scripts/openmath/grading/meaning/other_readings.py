"""Other fair readings of a whole answer: a list as a tuple, a point as an interval, an equation as its value, ..."""

import itertools
from collections.abc import Iterable, Iterator

from openmath.grading.language.trees import (
    STRUCTURED,
    count_signs,
    expand,
    has_signs,
    is_quantity,
    is_unknown_function,
    label_of,
    letters,
    strip_label_of_first,
    value_of,
)
from openmath.grading.meaning.keys import Keys
from openmath.grading.meaning.relations import ORDER, half_line
from openmath.grading.readings import Reading

_COORDINATES = frozenset("xyz")
MAX_CONSTANTS = 3  # arbitrary constants of a family of functions that may be renamed

_GREEK = frozenset(
    "\\" + name
    for name in "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega".split()
)


class OtherReadings(Keys):
    """The part of Structure that gives (reading, key) of readings which one answer alone leaves open."""

    def other_readings(self, tree: tuple) -> Iterator[tuple[Reading, str]]:
        """(reading, key) of the other fair readings of the whole answer."""
        tag = tree[0]
        if tag == "list":
            items = tuple(strip_label_of_first(tree[1]))
            together = tree[2:] != ("or",) or len({label_of(item) for item in items}) == 1  # not of x = 2 or y = 3
            if together and all(item[0] != "rel" or label_of(item) for item in items):
                ordered = sorted(items, key=label_of) if {label_of(item) for item in items} <= _COORDINATES else items
                yield Reading.SEQUENCE, "(" + ",".join(self.key(value_of(item)) for item in ordered) + ")"
            if together and all(label_of(item) for item in items):
                yield Reading.RECORD, self.record_key(items)
            if (
                len(items) == 2
                and items[1] in map(_is_any_real, letters(items[0]))
                and is_unknown_function(items[0][2][0])
            ):
                yield from self.family_keys(items[0][2][0][2], items[0][2][1])  # f(x) = cx, c in R
            if all(item[0] == "rel" and item[1] == ("=",) and is_unknown_function(item[2][0]) for item in tree[1]):
                yield from self.function_list_keys(tree[1])
        elif tag == "group":
            yield from self.readings_of_group(tree)
        elif tag == "rel":
            yield from self.readings_of_relation(tree[1], tree[2])
        elif tag == "matrix" and (len(tree[1]) == 1 or len(tree[1][0]) == 1):
            yield Reading.VECTOR, "(" + ",".join(self.key(cell) for row in tree[1] for cell in row) + ")"
        elif tag == "ratio" and len(tree[1]) == 2:
            yield Reading.QUOTIENT, self.number_key(("div", *tree[1]))
        elif tag == "base" and tree[1].replace(".", "").isdigit():
            yield Reading.BARE_DIGITS, self.number_key(("num", tree[1]))
        if tag != "list" and count_signs(tree) > 1:
            yield Reading.SIGNS_TOGETHER, self.set_key(tuple(expand(tree, together=True)))

    def readings_of_group(self, tree: tuple) -> Iterator[tuple[Reading, str]]:
        _, brackets, items = tree
        if len(items) == 2 and brackets == "()" and not has_signs(tree):
            yield Reading.INTERVAL, self.interval(brackets, items)
        if all(label_of(item) for item in items):
            yield Reading.SEQUENCE, "(" + ",".join(self.key(value_of(item)) for item in items) + ")"
            yield Reading.RECORD, self.record_key(items)

    def readings_of_relation(self, signs: tuple, sides: tuple) -> Iterator[tuple[Reading, str]]:
        if set(signs) == {"="}:
            left, right = sides[0], sides[-1]
            if len(sides) == 2 and not any(side[0] in STRUCTURED or has_signs(side) for side in sides):
                yield Reading.EQUATION, "eq:" + self.proportional_key(sides)
            if left[0] == "group" and right[0] == "group" and len(left[2]) == len(right[2]):
                if all(item[0] == "sym" for item in left[2]):
                    pairs = zip(left[2], right[2], strict=True)
                    yield Reading.RECORD, "rec{" + ";".join(sorted(f"{a[1]}={self.key(b)}" for a, b in pairs)) + "}"
            if len(sides) == 2 and left[0] == "abs" and left[1][0] == "sym" and not letters(right):
                yield Reading.BOTH_SIGNS, self.set_key((right, ("neg", right)))
            if is_unknown_function(left):
                yield Reading.FUNCTION_BODY, self.key(right)
                yield Reading.FUNCTION, self.renamed_key(left[2], right)
                yield from self.family_keys(left[2], right)
            if is_quantity(left) and right != ("num", "0") and not any(map(letters, sides[1:])):
                if len(set(map(self.key, sides[1:]))) == 1:  # m + n = 34 + 39 = 73
                    yield Reading.VALUE, self.key(right)
            if len(sides) > 2 and all(side[0] == "sym" for side in sides[:-1]) and not letters(right):
                yield Reading.SEQUENCE, "(" + ",".join([self.key(right)] * (len(sides) - 1)) + ")"  # x = y = 1
            if left[0] == "ratio" and right[0] == "ratio" and len(sides) == 2:
                yield Reading.VALUE, self.key(right)
            if len(sides) == 2 and is_quantity(right) and letters(right) and not letters(left):
                yield Reading.VALUE, self.key(left)
        elif set(signs) <= ORDER | {"="}:
            bounded = self.bounded_quantity(signs, sides)
            if bounded:
                yield Reading.RANGE, bounded
            flipped = tuple(reversed(sides)) if signs[0] in (">", ">=") else sides
            yield Reading.CHAIN, "(" + ",".join(map(self.key, flipped)) + ")"
            if len(sides) == 2 and sides[0][0] == sides[1][0] == "sym" and signs[0] in ORDER:  # x < a as an interval
                for own, other in ((0, 1), (1, 0)):
                    half = half_line("", "<" if signs[0] in ("<", ">") else "<=", flipped[other], below=own == 0)
                    yield Reading.HALF_LINE, self.interval(half.brackets, (half.low, half.high))

    def function_list_keys(self, items: tuple) -> Iterator[tuple[Reading, str]]:
        """Several functions, each with its arguments named by place, and with their constants numbered."""
        yield Reading.FUNCTION, set_of(self.renamed_key(item[2][0][2], item[2][1]) for item in items)
        families = [next(self.family_keys(item[2][0][2], item[2][1]), None) for item in items]
        if any(families):
            yield (
                Reading.FAMILY,
                set_of(
                    family[1] if family else self.renamed_key(item[2][0][2], item[2][1])
                    for family, item in zip(families, items, strict=True)
                ),
            )

    def family_keys(self, arguments: tuple, body: tuple) -> Iterator[tuple[Reading, str]]:
        """f(x) = ax + b and f(x) = cx + d: the key with arbitrary constants numbered, in each possible order."""
        constants = sorted(letters(body) - {argument[1] for argument in arguments})
        if not 1 <= len(constants) <= MAX_CONSTANTS or not all(map(_is_letter, constants)):
            return
        names = {argument[1]: f"argument {place}" for place, argument in enumerate(arguments)}
        for order in itertools.permutations(range(len(constants))):
            numbered = {name: f"constant {place}" for name, place in zip(constants, order, strict=True)}
            yield Reading.FAMILY, self.renamed(names | numbered).key(body)

    def renamed_key(self, arguments: tuple, body: tuple) -> str:
        """The key of a function's body with its arguments named by place: f(x) = x and f(z) = z are the same."""
        names = {argument[1]: f"argument {place}" for place, argument in enumerate(arguments)}
        return self.renamed(names).key(body)


def _is_any_real(name: str) -> tuple:
    """The tree of c in R."""
    return ("rel", ("in",), (("sym", name), ("sym", "\\mathbbR")))


def set_of(keys: Iterable[str]) -> str:
    """The key of a set, also of one item."""
    return "{" + ";".join(sorted(set(keys))) + "}"


def _is_letter(name: str) -> bool:
    """Latin or Greek, with or without a subscript; not \\ldots or \\mathbb{R}."""
    return name[:1].isalpha() or name.partition("_")[0] in _GREEK
