r"""Tree -> key of what it says: numbers by value, lists and sets without order, tuples and matrices in order,
x > 3 as an interval, x = 5 as 5, equations up to a factor."""

import itertools
import math
from collections.abc import Iterator
from functools import partial

from openmath.grading.language import domains
from openmath.grading.language.lexer import NotMath
from openmath.grading.language.trees import (
    MAX_SIGNS,
    expand,
    has_signs,
    label_of,
    letters,
    records_of,
    sign_of_infinity,
    strip_label_of_first,
)
from openmath.grading.limits import TooLarge, spend
from openmath.grading.meaning.evaluate import Evaluator
from openmath.grading.meaning.other_readings import OtherReadings
from openmath.grading.meaning.relations import Relations
from openmath.grading.meaning.unions import combined, cup, falls, punctured
from openmath.grading.meaning.values import key_at_any_precision
from openmath.grading.meaning.vectors import as_matrix

DOMAINS = {
    "\\mathbbZ": "integer", "\\mathbbN": "integer positive", "\\mathbbR": "real", "\\mathbbQ": "rational",
    "\\mathbbZ_>0": "integer positive", "\\mathbbN_>0": "integer positive", "\\mathbbZ_0": "integer nonnegative",
    "\\mathbbN_0": "integer nonnegative",
}  # fmt: skip
NUMBERS = {
    "\\mathbbR": "I(-oo..+oo)", "\\mathbbR_>0": "I(0..+oo)", "\\mathbbR_0": "I[0..+oo)",
    "\\mathbbZ": domains.key_of("integer"), "\\mathbbQ": domains.key_of("rational"),
}  # fmt: skip
KEY_COST = 10  # units of work for a key, apart from that of its values
MAX_FAMILY = 20  # formulas with the parameter k, in front of "k in Z"


class Structure(Relations, OtherReadings):
    """Keys of all trees: what is neither a relation nor another reading of the answer is keyed here."""

    def key(self, tree: tuple) -> str:
        spend(KEY_COST)
        tag = tree[0]
        if tag == "list":
            return self.list_key(tree[1], either=tree[2:] == ("or",))
        if tag == "set":
            nested = len(tree[1]) == 1 and tree[1][0][0] == "set"  # {{1, 2}} has one element, {{5}} too
            return f"{{{self.set_key(tree[1])}}}" if nested and tree[1][0][1] else self.set_key(tree[1])
        if tag == "group":
            return self.group_key(tree[1], tree[2])
        if tag == "rel":
            return self.relation_key(tree[1], tree[2])
        if tag == "union":
            return self.union_key(tree)
        if tag == "matrix":
            rows = tree[1]
            cells = ";".join(",".join(map(self.key, row)) for row in rows)
            return f"mat{len(rows)}x{len(rows[0])}[{cells}]"
        if tag == "cases":
            return "cases{" + ";".join(sorted(map(self.case_key, tree[1]))) + "}"
        if tag == "words":
            return f"words:{tree[1]}"
        if tag == "ratio":
            return self.ratio_key(tree[1])
        if has_signs(tree):
            return self.set_key(tuple(expand(tree)))
        if tree[0] == "sym" and tree[1] in NUMBERS:
            return NUMBERS[tree[1]]
        infinite = sign_of_infinity(tree)
        if infinite:
            return infinite
        matrix = as_matrix(tree)
        if matrix is not None:
            return self.key(matrix)
        return self.number_key(tree)

    def case_key(self, row: tuple) -> str:
        """A value and its conditions; in a condition, n = 2k is an equation and n no label."""
        value, *conditions = row
        equations = [
            "eq:" + self.proportional_key(condition[2])
            if condition[0] == "rel" and condition[1] == ("=",)
            else self.key(condition)
            for condition in conditions
        ]
        return ",".join([self.key(value), *equations])

    def set_key(self, items: tuple) -> str:
        """The distinct items without order; one alone is no set."""
        keys = set()
        for item in items:
            keys.update(map(self.key, expand(item)))
        if not keys:
            return "empty"
        if len(keys) == 1 and keys != {"empty"}:
            return keys.pop()
        return "{" + ";".join(sorted(keys)) + "}"

    def list_key(self, items: tuple, *, either: bool = False) -> str:
        """Values of several names (x = 1, y = 2), a family, a region of one variable, or just a set. either: joined by "or"."""
        if not items:
            raise NotMath("nothing")
        items = tuple(strip_label_of_first(items))
        labels = self.distinct_labels(items)
        if len({label.split("_")[0] for label in labels}) > 1:  # x_1 = 1, x_2 = 3 are the values of one x
            return ("or " if either else "") + self.record_key(items)
        records = records_of(items)
        if records:
            return self.set_key(records)
        if items[0][0] == "rel" and items[0][1] == ("!=",) and all(item[0] != "rel" for item in items[1:]):
            return punctured([self.key(items[0][2][1]), *map(self.key, items[1:])])  # x != 1, 2
        family = self.family_of_integers(items)
        if family:
            return family
        return self.region_key(items, either=either) or self.set_key(items)

    def family_of_integers(self, items: tuple) -> str | None:
        """pi/4 + k pi, k in Z: the letter of a parameter is free, what it runs through is not."""
        *items, domain = items
        if not 1 <= len(items) <= MAX_FAMILY or domain[0] != "rel" or domain[1] != ("in",) or domain[2][0][0] != "sym":
            return None
        name = domain[2][0][1]
        if not all(name in letters(item) for item in items) or any(label_of(item) == name for item in items):
            return None
        key = self.renamed({name: "parameter"}).key(("list", tuple(items)) if len(items) > 1 else items[0])
        return f"{key} | {DOMAINS.get(domain[2][1][1]) or self.key(domain[2][1])}"

    def distinct_labels(self, items: tuple) -> list[str]:
        """The names of `name = value, ...` if each item has its own; else none."""
        labels = [label_of(item) for item in items]
        return labels if all(labels) and len(set(labels)) == len(labels) else []

    def record_key(self, items: tuple) -> str:
        """Named values, in whatever order."""
        return "rec{" + ";".join(sorted(f"{label_of(item)}={self.key(item[2][-1])}" for item in items)) + "}"

    def group_key(self, brackets: str, items: tuple) -> str:
        """An interval where the brackets or an infinite end say so; else a tuple, in order."""
        if len(items) > 1 and self.distinct_labels(items):
            return self.record_key(items)
        with_signs = sum(map(has_signs, items))
        if with_signs > MAX_SIGNS:
            raise TooLarge
        if with_signs:
            choices = [expand(item) for item in items]
            spend(math.prod(map(len, choices)) * KEY_COST)  # before they are made
            return self.set_key(tuple(("group", brackets, chosen) for chosen in itertools.product(*choices)))
        if len(items) == 2:
            interval = self.interval(brackets, items)
            if (brackets != "()" or "oo" in interval) and not (brackets == "[]" and falls(interval)):
                return interval
        elif brackets not in ("()", "[]"):
            raise NotMath("a half-open interval of several numbers")
        return "(" + ",".join(map(self.key, items)) + ")"

    def interval(self, brackets: str, items: tuple) -> str:
        """The key of an interval between two items."""
        low, high = (self.key(item) for item in items)
        return f"I{brackets[0]}{low}..{high}{brackets[1]}"

    def union_key(self, tree: tuple) -> str:
        """A union, an intersection or a difference of sets."""
        operation = tree[1]
        if operation == "cup":
            return cup(list(self.pieces(tree)))
        left, right = self.piece(tree[2]), self.piece(tree[3])
        known = combined(operation, left, right)
        if known:
            return known
        if operation == "cap":
            return "cap{" + ";".join(sorted((left, right))) + "}"
        if tree[2] == ("sym", "\\mathbbR") and tree[3][0] == "set":
            return punctured([self.key(item) for item in tree[3][1]])
        return f"minus({left}|{right})"

    def pieces(self, tree: tuple) -> Iterator[str]:
        """Keys of what a union joins: intervals, single points, other sets."""
        if tree[0] == "union" and tree[1] == "cup":
            yield from self.pieces(tree[2])
            yield from self.pieces(tree[3])
        elif tree[0] == "set":
            yield from (self.key(item) for item in tree[1])
        else:
            yield self.piece(tree)

    def piece(self, tree: tuple) -> str:
        """The key of a set: a pair in brackets is an interval here."""
        if tree[0] == "group" and len(tree[2]) == 2:
            return self.interval(tree[1], tree[2])
        return self.key(tree)

    def ratio_key(self, parts: tuple) -> str:
        quotients = [partial(Evaluator(**self.options).value, ("div", part, parts[0])) for part in parts]
        names = [repr((part, parts[0])) for part in parts]
        return "ratio:" + ":".join(map(key_at_any_precision, quotients, names))
