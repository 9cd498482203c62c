r"""Tree -> key of what it says: numbers by value, lists and sets without order, tuples and matrices in order,
x > 3 as an interval, x = 5 as 5, equations up to a factor."""

import itertools
from collections.abc import Iterable, Iterator

from flint import acb, ctx, fmpq

from openmath.grading import values
from openmath.grading.evaluate import Evaluator
from openmath.grading.lexer import FUNCTIONS, NotMath
from openmath.grading.values import Unclear, Value
from openmath.grading.verdict import TooLarge

MAX_CONSTANTS = 3  # arbitrary constants of a family of functions that may be renamed
MAX_SIGNS = 6  # plus-minus signs in one formula: each doubles the answers it stands for
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}
_ORDER = {"<", "<=", ">", ">="}
_STRUCTURED = {"list", "group", "set", "rel", "union", "matrix", "cases", "ratio", "infty"}


class Structure:
    """Keys of trees under one reading of ambiguous signs (see Evaluator); `used` tells which of them occurred."""

    def __init__(self, **options: object):
        self.options = options
        self.used: set[str] = set()

    # -- keys -------------------------------------------------------------------------------------------------------

    def key(self, tree: tuple) -> str:
        kind = tree[0]
        if kind == "list":
            return self.list_key(tree[1])
        if kind == "set":
            return self.set_key(tree[1])
        if kind == "group":
            return self.group_key(tree[1], tree[2])
        if kind == "rel":
            return self.relation_key(tree[1], tree[2])
        if kind == "union":
            return self.union_key(tree)
        if kind == "matrix":
            rows = tree[1]
            cells = ";".join(",".join(map(self.key, row)) for row in rows)
            return f"mat{len(rows)}x{len(rows[0])}[{cells}]"
        if kind == "cases":
            return "cases{" + ";".join(sorted(",".join(map(self.key, row)) for row in tree[1])) + "}"
        if kind == "ratio":
            return self.ratio_key(tree[1])
        if has_signs(tree):
            return self.set_key(tuple(expand(tree)))
        infinite = infinity(tree)
        if infinite:
            return infinite
        if kind in ("mul", "neg", "div"):
            matrix = scaled_matrix(tree)
            if matrix is not None:
                return self.key(matrix)
        return self.number_key(tree)

    def number_key(self, tree: tuple, salt: str = "") -> str:
        evaluator = Evaluator(salt=salt, **self.options)
        key = evaluator.key(tree)
        self.used |= evaluator.used
        return key

    def set_key(self, items: tuple) -> str:
        keys = set()
        for item in items:
            expanded = expand(item) if has_signs(item) else (item,)
            keys.update(self.key(one) for one in expanded)
        if not keys:
            return "empty"
        if len(keys) == 1:
            return keys.pop()
        return "{" + ";".join(sorted(keys)) + "}"

    def list_key(self, items: tuple) -> str:
        if not items:
            raise NotMath("nothing")
        items = tuple(strip_label_of_first(items))
        labels = [label_of(item) for item in items]
        if all(labels) and len(set(labels)) == len(labels):
            names = {label.split("_")[0] for label in labels}
            if len(names) > 1:
                return self.record_key(items)
        intervals = self.same_variable_intervals(items)
        if intervals:
            return cup(intervals)
        return self.set_key(items)

    def record_key(self, items: tuple) -> str:
        return "rec{" + ";".join(sorted(f"{label_of(item)}={self.key(item[2][-1])}" for item in items)) + "}"

    def group_key(self, brackets: str, items: tuple) -> str:
        labels = [label_of(item) for item in items]
        if len(items) > 1 and all(labels) and len(set(labels)) == len(labels):
            return self.record_key(items)
        signs = [item for item in items if has_signs(item)]
        if signs:
            choices = [tuple(expand(item)) if has_signs(item) else (item,) for item in items]
            if len(list(signs)) > MAX_SIGNS:
                raise TooLarge
            return self.set_key(tuple(("group", brackets, combination) for combination in itertools.product(*choices)))
        if len(items) == 2:
            interval = self.interval(brackets, items)
            if interval and (brackets != "()" or "oo" in interval):
                return interval
        elif brackets not in ("()", "[]"):
            raise NotMath("a half-open interval of several numbers")
        return "(" + ",".join(map(self.key, items)) + ")"

    def interval(self, brackets: str, items: tuple) -> str:
        low, high = (self.key(item) for item in items)
        left = "(" if low == "-oo" else brackets[0]
        right = ")" if high == "+oo" else brackets[1]
        return f"I{left}{low}..{high}{right}"

    def union_key(self, tree: tuple) -> str:
        operation = tree[1]
        if operation == "cup":
            return cup(list(self.pieces(tree)))
        left, right = self.piece(tree[2]), self.piece(tree[3])
        if operation == "cap":
            return "cap{" + ";".join(sorted((left, right))) + "}"
        if tree[2] == ("sym", "\\mathbbR") and tree[3][0] == "set":
            return punctured([self.key(item) for item in tree[3][1]])
        return f"minus({left}|{right})"

    def pieces(self, tree: tuple) -> Iterator[str]:
        if tree[0] == "union" and tree[1] == "cup":
            yield from self.pieces(tree[2])
            yield from self.pieces(tree[3])
        elif tree[0] == "set":
            yield from (self.key(item) for item in tree[1])
        else:
            yield self.piece(tree)

    def piece(self, tree: tuple) -> str:
        if tree[0] == "group" and len(tree[2]) == 2:
            return self.interval(tree[1], tree[2])
        return self.key(tree)

    def ratio_key(self, parts: tuple) -> str:
        def quotient(part: tuple) -> Value:
            return Evaluator(**self.options).value(("div", part, parts[0]))

        return "ratio:" + ":".join(
            values.key_at_any_precision(lambda part=part: quotient(part), repr((part, parts[0]))) for part in parts
        )

    # -- relations --------------------------------------------------------------------------------------------------

    def relation_key(self, signs: tuple, sides: tuple) -> str:
        if "~" in signs:  # sqrt(3)/3 ~ 0.577: what stands before the sign is exact
            cut = signs.index("~")
            if cut == 0 and label(sides[0]) and len(sides) == 2:
                return self.key(sides[1])
            return self.key(sides[0]) if cut == 0 else self.relation_key(signs[:cut], sides[: cut + 1])
        if set(signs) == {"="}:
            return self.equation_key(sides)
        if len(signs) == 1 and signs[0] == "in":
            return self.key(sides[1]) if label(sides[0]) else f"in({self.key(sides[0])}|{self.key(sides[1])})"
        interval = self.interval_of(signs, sides)
        if interval:
            return interval[1]
        if len(signs) == 1 and signs[0] == "!=":
            if label(sides[0]):
                return punctured([self.key(sides[1])])
            return "ne{" + ";".join(sorted(map(self.key, sides))) + "}"
        if all(sign in (">", ">=", "=") for sign in signs):
            signs, sides = tuple(_FLIPPED[sign] for sign in reversed(signs)), tuple(reversed(sides))
        if len(signs) == 1 and signs[0] in _ORDER:
            return self.inequality_key(signs[0], sides)
        return "chain:" + "".join(f"{self.key(side)}{sign}" for side, sign in zip(sides, (*signs, ""), strict=True))

    def equation_key(self, sides: tuple) -> str:
        named = bound_label(sides)
        if named is not None:
            names = argument_names(sides[0], named)
            return Structure(names=names, **self.options).key(named) if names else self.key(named)
        if any(side[0] in _STRUCTURED or has_signs(side) for side in sides):
            return "equal:" + "=".join(sorted(map(self.key, sides)))
        keys = [self.number_key(side) for side in sides]
        if len(set(keys)) == 1:  # several forms of one value: C(5, 2) = 10
            return keys[-1]
        if all(side[0] == "sym" for side in sides):
            return "equal:" + "=".join(sorted(keys))
        if len(sides) > 2:
            return "equal:" + "=".join(sorted(keys))
        return "eq:" + self.proportional_key(sides)

    def proportional_key(self, sides: tuple) -> str:
        """The same for equations that differ by a constant factor: the quotient of lhs - rhs at two points."""
        difference = ("add", (sides[0], ("neg", sides[1])))

        def quotient() -> Value:
            here = Evaluator(**self.options).value(difference)
            there = Evaluator(salt="2", **self.options).value(difference)
            if (isinstance(there, fmpq) and there == 0) or (isinstance(there, acb) and there.contains(0)):
                raise Unclear
            return here / there

        return values.key_at_any_precision(quotient, repr(sides))

    def inequality_key(self, sign: str, sides: tuple) -> str:
        """lhs < rhs up to a positive factor: the quotient at two points, and the sign at one."""
        strict = "<" if sign in ("<", ">") else "<="
        if sign in (">", ">="):
            sides = tuple(reversed(sides))
        try:
            evaluator = Evaluator(**self.options)
            ctx.prec = values.PRECISIONS[0]
            here = evaluator.value(("add", (sides[0], ("neg", sides[1]))))
            positive = values.ball(here).real > 0
        except (Unclear, ZeroDivisionError):
            positive = None
        return f"ineq{strict}{'+' if positive else '-'}:{self.proportional_key(sides)}"

    def interval_of(self, signs: tuple, sides: tuple) -> tuple[str, str] | None:
        """(variable, interval) of relations that bound one variable: x > 3, 1 <= x < 2, -x >= -1, 5 > 2x."""
        if not set(signs) <= _ORDER or len(sides) > 3:
            return None
        if len({sign[0] for sign in signs}) > 1:
            return None
        if signs[0][0] == ">":
            signs, sides = tuple(_FLIPPED[sign] for sign in reversed(signs)), tuple(reversed(sides))
        if len(sides) == 3:
            name = sides[1][1] if sides[1][0] == "sym" else repr(sides[1]) if label(sides[1]) else None
            if name is None or letters(sides[1]) & (letters(sides[0]) | letters(sides[2])):
                return None
            brackets = ("(" if signs[0] == "<" else "[") + (")" if signs[1] == "<" else "]")
            return name, self.interval(brackets, (sides[0], sides[2]))
        for own, other, opener in ((0, 1, "below"), (1, 0, "above")):
            if sides[own][0] == "sym" and sides[own][1] not in letters(sides[other]):
                return sides[own][1], self.half_line(opener, signs[0], sides[other])
        linear = self.linear_bound(sides)
        if linear is None:
            return None
        name, bound, rising = linear
        return name, self.half_line("below" if rising else "above", signs[0], bound)

    def half_line(self, side: str, sign: str, bound: tuple) -> str:
        infinite = ("infty",)
        if side == "below":
            return self.interval("(" + (")" if sign == "<" else "]"), (("neg", infinite), bound))
        return self.interval(("(" if sign == "<" else "[") + ")", (bound, infinite))

    def linear_bound(self, sides: tuple) -> tuple[str, tuple, bool] | None:
        """Of a*x + b < 0 with rational a, b: (x, the tree of -b/a, a > 0)."""
        names = letters(sides[0]) | letters(sides[1])
        if len(names) != 1:
            return None
        name = next(iter(names))
        difference = ("add", (sides[0], ("neg", sides[1])))
        found = []
        for number in (0, 1, 2, 5):
            evaluator = Evaluator(**self.options)
            evaluator.bound[name] = fmpq(number)
            try:
                value = evaluator.value(difference)
            except ZeroDivisionError:
                return None
            if not isinstance(value, fmpq):
                return None
            found.append(value)
        slope = found[1] - found[0]
        if slope == 0 or found[2] != found[0] + 2 * slope or found[3] != found[0] + 5 * slope:
            return None
        bound = -found[0] / slope
        tree = ("div", ("num", str(abs(bound.p))), ("num", str(bound.q)))
        return name, (("neg", tree) if bound < 0 else tree), slope > 0

    def same_variable_intervals(self, items: tuple) -> list[str] | None:
        found = []
        for item in items:
            if item[0] != "rel":
                return None
            if item[1] == ("in",) and item[2][0][0] == "sym":
                found.append((item[2][0][1], self.piece(item[2][1])))
                continue
            interval = self.interval_of(item[1], item[2])
            if interval is None:
                return None
            found.append(interval)
        return [interval for _, interval in found] if len({name for name, _ in found}) == 1 else None

    # -- other readings ---------------------------------------------------------------------------------------------

    def alternatives(self, tree: tuple) -> Iterator[tuple[str, str]]:
        """(kind, key) of the other fair readings of the whole answer."""
        kind = tree[0]
        if kind == "list":
            items = tuple(strip_label_of_first(tree[1]))
            yield "seq", "(" + ",".join(self.key(value_of(item)) for item in items) + ")"
            if all(label_of(item) for item in items):
                yield "rec", self.record_key(items)
            if all(item[0] == "rel" and item[1] == ("=",) and is_unknown_function(item[2][0]) for item in tree[1]):
                yield from self.function_list_keys(tree[1])
        elif kind == "group":
            yield from self.group_alternatives(tree)
        elif kind == "rel":
            yield from self.relation_alternatives(tree[1], tree[2])
        elif kind == "matrix" and (len(tree[1]) == 1 or len(tree[1][0]) == 1):
            yield "seq", "(" + ",".join(self.key(cell) for row in tree[1] for cell in row) + ")"
        elif kind == "ratio" and len(tree[1]) == 2:
            yield "ratio", self.number_key(("div", *tree[1]))
        elif kind == "base":
            yield "digits", tree[1].lstrip("0")
        if kind != "list" and count_signs(tree) > 1:
            yield "signs", self.set_key(tuple(expand(tree, together=True)))

    def group_alternatives(self, tree: tuple) -> Iterator[tuple[str, str]]:
        _, brackets, items = tree
        if len(items) == 2 and not has_signs(tree):
            if brackets == "()":
                yield "interval", self.interval(brackets, items)
        if all(label_of(item) for item in items):
            yield "seq", "(" + ",".join(self.key(value_of(item)) for item in items) + ")"
            yield "rec", self.record_key(items)

    def relation_alternatives(self, signs: tuple, sides: tuple) -> Iterator[tuple[str, str]]:
        if set(signs) == {"="}:
            left, right = sides[0], sides[-1]
            if len(sides) == 2 and not any(side[0] in _STRUCTURED or has_signs(side) for side in sides):
                yield "eq", self.proportional_key(sides)
            if left[0] == "group" and right[0] == "group" and len(left[2]) == len(right[2]):
                if all(item[0] == "sym" for item in left[2]):
                    pairs = zip(left[2], right[2], strict=True)
                    yield "rec", "rec{" + ";".join(sorted(f"{a[1]}={self.key(b)}" for a, b in pairs)) + "}"
            if is_unknown_function(left):
                yield "body", self.key(right)
                yield "fun", self.renamed_key(left[2], right)
                yield from self.family_keys(left[2], right)
            if len(sides) == 2 and quantity(left) and right != ("num", "0") and not letters(right):
                yield "value", self.key(right)
            if left[0] == "ratio" and right[0] == "ratio" and len(sides) == 2:
                yield "value", self.key(right)
            if len(sides) == 2 and not letters(left) and right[0] != "rel":
                yield "value", self.key(right)
                yield "value", self.key(left)
        elif set(signs) <= _ORDER | {"="}:
            flipped = tuple(reversed(sides)) if signs[0] in (">", ">=") else sides
            yield "seq", "(" + ",".join(map(self.key, flipped)) + ")"

    def function_list_keys(self, items: tuple) -> Iterator[tuple[str, str]]:
        """Several functions, each with its arguments named by place, and with their constants numbered."""
        yield "fun", set_of(self.renamed_key(item[2][0][2], item[2][1]) for item in items)
        families = [next(self.family_keys(item[2][0][2], item[2][1]), None) for item in items]
        if any(families):
            keys = (
                family[1] if family else self.renamed_key(item[2][0][2], item[2][1])
                for family, item in zip(families, items, strict=True)
            )
            yield "family", set_of(keys)

    def family_keys(self, arguments: tuple, body: tuple) -> Iterator[tuple[str, str]]:
        """f(x) = ax + b and f(x) = cx + d: the key with arbitrary constants numbered, in each possible order."""
        constants = sorted(letters(body) - {argument[1] for argument in arguments})
        if not 1 <= len(constants) <= MAX_CONSTANTS or not all(name[:1].isalpha() for name in constants):
            return
        names = {argument[1]: f"argument {place}" for place, argument in enumerate(arguments)}
        for order in itertools.permutations(range(len(constants))):
            numbered = {name: f"constant {place}" for name, place in zip(constants, order, strict=True)}
            yield "family", Structure(names=names | numbered, **self.options).key(body)

    def renamed_key(self, arguments: tuple, body: tuple) -> str:
        """The key of a function's body with its arguments named by place: f(x) = x and f(z) = z are the same."""
        names = {argument[1]: f"argument {place}" for place, argument in enumerate(arguments)}
        return Structure(names=names, **self.options).key(body)


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


def strip_label_of_first(items: tuple) -> list[tuple]:
    """x = 1, 2, 3: the label stands for all of them."""
    first = items[0]
    if len(items) > 1 and label_of(first) and not any(item[0] == "rel" for item in items[1:]):
        return [first[2][-1], *items[1:]]
    return list(items)


def value_of(item: tuple) -> tuple:
    return item[2][-1] if label_of(item) else item


def label_of(item: tuple) -> str | None:
    """The name on the left of `name = value`, if the item is that."""
    if item[0] == "rel" and item[1] == ("=",) and label(item[2][0]) and bound_label(item[2]) is not None:
        side = item[2][0]
        return side[1] if side[0] == "sym" else repr(side)
    return None


def label(tree: tuple) -> bool:
    """Is this a name for the quantity asked for: x, f(x), (x, y), |AB|, AB/CD?"""
    kind = tree[0]
    if kind == "sym":
        return True
    if kind == "call":
        return tree[1] not in ("mod",)
    if kind == "abs":
        return bool(letters(tree[1]))
    if kind == "group":
        return all(label(item) for item in tree[2])
    if kind in ("mul", "div"):
        return all(part[0] == "const" or label(part) for part in tree[1:])
    if kind == "ratio":
        return all(label(part) for part in tree[1])
    return False


def quantity(tree: tuple) -> bool:
    """Is this an expression whose value may be the answer, unlike the left side of a curve's equation?"""
    return label(tree) or any(node[0] in ("abs", "call") for node in walk(tree))


def bound_label(sides: tuple) -> tuple | None:
    """The value in `label = value`, `value = label` or `x = ... = value`; None for other equations."""
    left, right = sides[0], sides[-1]
    if len(sides) > 2 and not (left[0] == "sym" and not letters(right)):
        return None
    if left[0] == "sym" and right[0] == "sym":
        return None
    if label(left) and not (left[0] == "sym" and left[1] in letters(right)):
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


def letters(tree: tuple) -> set[str]:
    return {node[1] for node in walk(tree) if node[0] == "sym"}


def walk(tree: object) -> Iterator[tuple]:
    """Every node of the tree."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            if node and isinstance(node[0], str):
                yield node
            stack.extend(part for part in node if isinstance(part, tuple))


def has_signs(tree: tuple) -> bool:
    return tree[0] in ("pm", "mp") or any(node[0] in ("pm", "mp") for node in walk(tree))


def count_signs(tree: tuple) -> int:
    return sum(node[0] in ("pm", "mp") for node in walk(tree))


def expand(tree: tuple, *, together: bool = False) -> list[tuple]:
    """The formulas that one with plus-minus signs stands for. With a minus-plus sign, all signs change together."""
    count = count_signs(tree)
    if count > MAX_SIGNS:
        raise TooLarge
    together = together or any(node[0] == "mp" for node in walk(tree))
    choices = [(True,) * count, (False,) * count] if together else itertools.product((True, False), repeat=count)
    return [_with_signs(tree, iter(choice)) for choice in choices]


def _with_signs(node: object, choice: Iterator[bool]) -> object:
    if not isinstance(node, tuple):
        return node
    if node and node[0] in ("pm", "mp"):
        positive = next(choice) == (node[0] == "pm")
        inner = _with_signs(node[1], choice)
        return inner if positive else ("neg", inner)
    return tuple(_with_signs(part, choice) for part in node)


def infinity(tree: tuple) -> str | None:
    if tree[0] == "infty":
        return "+oo"
    if tree[0] == "neg" and tree[1][0] == "infty":
        return "-oo"
    return None


def scaled_matrix(tree: tuple) -> tuple | None:
    """A number times a matrix, multiplied out."""
    if tree[0] == "neg" and tree[1][0] == "matrix":
        return ("matrix", tuple(tuple(("neg", cell) for cell in row) for row in tree[1][1]))
    if tree[0] == "mul" and tree[2][0] == "matrix" and tree[1][0] not in _STRUCTURED:
        return ("matrix", tuple(tuple(("mul", tree[1], cell) for cell in row) for row in tree[2][1]))
    return None


def set_of(keys: Iterable[str]) -> str:
    return "{" + ";".join(sorted(set(keys))) + "}"


def cup(pieces: list[str]) -> str:
    distinct = sorted(set(pieces))
    if len(distinct) == 1:
        return distinct[0]
    return ("{" if not any(piece.startswith("I") for piece in distinct) else "cup{") + ";".join(distinct) + "}"


def punctured(points: list[str]) -> str:
    """All real numbers but these (in increasing order where they are rational)."""
    try:
        points = sorted(set(points), key=lambda text: fmpq(*map(int, text.split("/"))))
    except ValueError:
        return "ne{" + ";".join(sorted(set(points))) + "}"
    ends = ["-oo", *points, "+oo"]
    return cup([f"I({low}..{high})" for low, high in itertools.pairwise(ends)])
