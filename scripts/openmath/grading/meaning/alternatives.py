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
from openmath.grading.meaning.relations import ORDER, half_line

_COORDINATES = frozenset("xyz")
MAX_CONSTANTS = 3  # arbitrary constants of a family of functions that may be renamed

_GREEK = frozenset(
    "\\" + name
    for name in "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega".split()
)


class OtherReadings:
    """The part of Structure that gives (kind, key) of readings which one answer alone leaves open."""

    def alternatives(self, tree: tuple) -> Iterator[tuple[str, str]]:
        """(kind, key) of the other fair readings of the whole answer."""
        kind = tree[0]
        if kind == "list":
            items = tuple(strip_label_of_first(tree[1]))
            if all(item[0] != "rel" or label_of(item) for item in items):
                ordered = sorted(items, key=label_of) if {label_of(item) for item in items} <= _COORDINATES else items
                yield "seq", "(" + ",".join(self.key(value_of(item)) for item in ordered) + ")"
            if all(label_of(item) for item in items):
                yield "rec", self.record_key(items)
            if all(item[0] == "rel" and item[1] == ("=",) and is_unknown_function(item[2][0]) for item in tree[1]):
                yield from self.function_list_keys(tree[1])
        elif kind == "group":
            yield from self.group_alternatives(tree)
        elif kind == "rel":
            yield from self.relation_alternatives(tree[1], tree[2])
        elif kind == "matrix" and (len(tree[1]) == 1 or len(tree[1][0]) == 1):
            yield "vec", "(" + ",".join(self.key(cell) for row in tree[1] for cell in row) + ")"
        elif kind == "ratio" and len(tree[1]) == 2:
            yield "ratio", self.number_key(("div", *tree[1]))
        elif kind == "base":
            yield "digits", self.number_key(("num", tree[1]))
        if kind != "list" and count_signs(tree) > 1:
            yield "signs", self.set_key(tuple(expand(tree, together=True)))

    def group_alternatives(self, tree: tuple) -> Iterator[tuple[str, str]]:
        _, brackets, items = tree
        if len(items) == 2 and brackets == "()" and not has_signs(tree):
            yield "interval", self.interval(brackets, items)
        if all(label_of(item) for item in items):
            yield "seq", "(" + ",".join(self.key(value_of(item)) for item in items) + ")"
            yield "rec", self.record_key(items)

    def relation_alternatives(self, signs: tuple, sides: tuple) -> Iterator[tuple[str, str]]:
        if set(signs) == {"="}:
            left, right = sides[0], sides[-1]
            if len(sides) == 2 and not any(side[0] in STRUCTURED or has_signs(side) for side in sides):
                yield "eq", "eq:" + self.proportional_key(sides)
            if left[0] == "group" and right[0] == "group" and len(left[2]) == len(right[2]):
                if all(item[0] == "sym" for item in left[2]):
                    pairs = zip(left[2], right[2], strict=True)
                    yield "rec", "rec{" + ";".join(sorted(f"{a[1]}={self.key(b)}" for a, b in pairs)) + "}"
            if is_unknown_function(left):
                yield "body", self.key(right)
                yield "fun", self.renamed_key(left[2], right)
                yield from self.family_keys(left[2], right)
            if len(sides) == 2 and is_quantity(left) and right != ("num", "0") and not letters(right):
                yield "value", self.key(right)
            if left[0] == "ratio" and right[0] == "ratio" and len(sides) == 2:
                yield "value", self.key(right)
            if len(sides) == 2 and is_quantity(right) and letters(right) and not letters(left):
                yield "value", self.key(left)
        elif set(signs) <= ORDER | {"="}:
            flipped = tuple(reversed(sides)) if signs[0] in (">", ">=") else sides
            yield "chain", "(" + ",".join(map(self.key, flipped)) + ")"
            if len(sides) == 2 and sides[0][0] == sides[1][0] == "sym" and signs[0] in ORDER:  # x < a as an interval
                for own, other in ((0, 1), (1, 0)):
                    half = half_line("", "<" if signs[0] in ("<", ">") else "<=", flipped[other], below=own == 0)
                    yield "half", self.interval(half.brackets, (half.low, half.high))

    def function_list_keys(self, items: tuple) -> Iterator[tuple[str, str]]:
        """Several functions, each with its arguments named by place, and with their constants numbered."""
        yield "fun", set_of(self.renamed_key(item[2][0][2], item[2][1]) for item in items)
        families = [next(self.family_keys(item[2][0][2], item[2][1]), None) for item in items]
        if any(families):
            yield (
                "family",
                set_of(
                    family[1] if family else self.renamed_key(item[2][0][2], item[2][1])
                    for family, item in zip(families, items, strict=True)
                ),
            )

    def family_keys(self, arguments: tuple, body: tuple) -> Iterator[tuple[str, str]]:
        """f(x) = ax + b and f(x) = cx + d: the key with arbitrary constants numbered, in each possible order."""
        constants = sorted(letters(body) - {argument[1] for argument in arguments})
        if not 1 <= len(constants) <= MAX_CONSTANTS or not all(map(_is_letter, constants)):
            return
        names = {argument[1]: f"argument {place}" for place, argument in enumerate(arguments)}
        for order in itertools.permutations(range(len(constants))):
            numbered = {name: f"constant {place}" for name, place in zip(constants, order, strict=True)}
            yield "family", self.renamed(names | numbered).key(body)

    def renamed_key(self, arguments: tuple, body: tuple) -> str:
        """The key of a function's body with its arguments named by place: f(x) = x and f(z) = z are the same."""
        names = {argument[1]: f"argument {place}" for place, argument in enumerate(arguments)}
        return self.renamed(names).key(body)


def set_of(keys: Iterable[str]) -> str:
    """The key of a set, also of one item."""
    return "{" + ";".join(sorted(set(keys))) + "}"


def _is_letter(name: str) -> bool:
    """Latin or Greek, with or without a subscript; not \\ldots or \\mathbb{R}."""
    return name[:1].isalpha() or name.partition("_")[0] in _GREEK
