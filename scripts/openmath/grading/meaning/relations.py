"""Keys of relations: x > 3 as an interval, x = 5 as 5, equations and inequalities up to a factor."""

from typing import NamedTuple

from flint import acb, ctx, fmpq

from openmath.grading.language.lexer import NotMath
from openmath.grading.language.trees import STRUCTURED, argument_names, bound_label, has_signs, is_label, letters, walk
from openmath.grading.meaning import values
from openmath.grading.meaning.absolute import number, without_absolute_value
from openmath.grading.meaning.evaluate import Evaluator
from openmath.grading.meaning.keys import Keys
from openmath.grading.meaning.rounding import rounds_to
from openmath.grading.meaning.unions import REALS, combined, cup, punctured
from openmath.grading.meaning.values import Unclear, Value

ORDER = {"<", "<=", ">", ">="}
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}
_UNKNOWNS = frozenset({"x", "y", "z", "t", "\\theta"})  # a < x < b bounds x; p < q < r orders three letters
_INFINITE = ("infty",)


class Bounds(NamedTuple):
    """Where a variable lies: brackets as in an interval, and the trees of both ends."""

    name: str
    brackets: str
    low: tuple
    high: tuple


class Relations(Keys):
    """The part of Structure that reads relations."""

    def relation_key(self, signs: tuple, sides: tuple) -> str:
        """signs: between the sides, one fewer than these."""
        if "~" in signs:  # sqrt(3)/3 ~ 0.577: what stands before the sign is exact
            cut = signs.index("~")
            if cut == 0 and is_label(sides[0]) and len(sides) == 2:
                return self.key(sides[1])
            return self.key(sides[0]) if cut == 0 else self.relation_key(signs[:cut], sides[: cut + 1])
        if set(signs) == {"="}:
            return self.equation_key(sides)
        if len(signs) == 1 and signs[0] == "in":
            if sides[0][0] == "sym":
                return self.piece(sides[1])
            return self.key(sides[1]) if is_label(sides[0]) else f"in({self.key(sides[0])}|{self.key(sides[1])})"
        if len(signs) == 1 and signs[0] == "notin" and sides[0][0] == "sym":
            outside = combined("minus", REALS, self.piece(sides[1]))
            if outside:
                return outside
        if set(signs) <= ORDER:
            plain = without_absolute_value(signs, sides, self.linear)
            if plain is not None:
                return self.key(plain)
            bounds = self.bounds_of(signs, sides)
            if bounds:
                return self.interval(bounds.brackets, (bounds.low, bounds.high))
            bounded = self.bounded_quantity(signs, sides)
            if bounded:
                return f"{self.key(sides[1])} in {bounded}"
        if len(signs) == 1 and signs[0] == "!=":
            if is_label(sides[0]):
                return punctured([self.key(sides[1])])
            return "ne{" + ";".join(sorted(map(self.key, sides))) + "}"
        if all(sign in (">", ">=", "=") for sign in signs):
            signs, sides = tuple(_FLIPPED[sign] for sign in reversed(signs)), tuple(reversed(sides))
        if len(signs) == 1 and signs[0] in ("<", "<="):
            return self.inequality_key(signs[0], sides)
        return "chain:" + "".join(f"{self.key(side)}{sign}" for side, sign in zip(sides, (*signs, ""), strict=True))

    def equation_key(self, sides: tuple) -> str:
        """name = value is the value; an equation of a curve is named up to a factor; others by all their sides."""
        named = bound_label(sides)
        if named is not None:
            names = argument_names(sides[0], named)
            return self.renamed(names).key(named) if names else self.key(named)
        if any(side[0] in STRUCTURED or has_signs(side) for side in sides):
            return "equal:" + "=".join(sorted(map(self.key, sides)))
        keys = [self.number_key(side) for side in sides]
        if len(set(keys)) == 1:  # several forms of one value: C(5, 2) = 10
            return keys[-1]
        if not any(map(letters, sides)):  # numbers: of an equation that only holds after rounding, the exact side
            exact = [side for side in sides if not any(node[0] == "num" and "." in node[1] for node in walk(side))]
            if exact and all(rounds_to(exact[0], side) for side in sides):
                return self.number_key(exact[0])
            return "equal:" + "=".join(sorted(keys))
        if len(sides) > 2 or all(side[0] == "sym" for side in sides):
            return "equal:" + "=".join(sorted(keys))
        return "eq:" + self.proportional_key(sides)

    def proportional_key(self, sides: tuple) -> str:
        """The same for equations that differ by a constant factor: how lhs - rhs changes from one point to another."""
        key = self.change(("add", (sides[0], ("neg", sides[1]))))
        if key == "1" or (all(map(letters, sides)) and self.change(sides[0]) == self.change(sides[1])):
            return "=".join(sorted(map(self.number_key, sides)))  # nothing in it is free; m > 27 m: a factor says all
        return key

    def change(self, tree: tuple) -> str:
        """The key of the quotient of the tree's values at two points."""

        def quotient() -> Value:
            here = Evaluator(**self.options).value(tree)
            there = Evaluator(**{**self.options, "salt": "2"}).value(tree)
            if (isinstance(there, fmpq) and there == 0) or (isinstance(there, acb) and there.contains(0)):
                raise Unclear
            return here / there

        return values.key_at_any_precision(quotient, repr(tree))

    def inequality_key(self, sign: str, sides: tuple) -> str:
        """lhs < rhs or lhs <= rhs up to a positive factor: the quotient at two points, and the sign at one."""
        ctx.prec = values.PRECISIONS[0]
        try:
            here = Evaluator(**self.options).value(("add", (sides[0], ("neg", sides[1]))))
            positive = values.ball(here).real > 0
        except (Unclear, ZeroDivisionError):
            positive = False
        return f"ineq{sign}{'+' if positive else '-'}:{self.proportional_key(sides)}"

    def bounded_quantity(self, signs: tuple, sides: tuple) -> str | None:
        """The interval of 1 < f(x) < 2, whose middle is no letter; None if it is no interval, as of A < B < C."""
        if len(sides) != 3 or not set(signs) <= ORDER or len({sign[0] for sign in signs}) > 1:
            return None
        if letters(sides[0]) or letters(sides[2]) or sides[1][0] == "sym":
            return None
        if self.linear(sides[1]):
            return None  # -2 < 2x < 6 bounds x
        signs, sides = _rising(signs, sides)
        return self.interval(_brackets(signs), (sides[0], sides[2]))

    def bounds_of(self, signs: tuple, sides: tuple) -> Bounds | None:
        """What relations say that bound one variable: x > 3, 1 <= x < 2, -x >= -1, 5 > 2x; not of a < b."""
        if not set(signs) <= ORDER or len(sides) > 3:
            return None
        if len({sign[0] for sign in signs}) > 1:
            return None
        signs, sides = _rising(signs, sides)
        if len(sides) == 3:
            return self.bounds_of_middle(signs, sides)
        if sides[0][0] == sides[1][0] == "sym":
            return None
        for own, other in ((0, 1), (1, 0)):
            if sides[own][0] == "sym" and sides[own][1] not in letters(sides[other]):
                return half_line(sides[own][1], signs[0], sides[other], below=own == 0)
        linear = self.linear_bound(sides)
        if linear is None:
            return None
        name, bound, rising = linear
        return half_line(name, signs[0], bound, below=rising)

    def bounds_of_middle(self, signs: tuple, sides: tuple) -> Bounds | None:
        """Of rising a < x < b and 1 < 2x + 3 < 5. Of p < q < r no letter is the one that is bounded."""
        low, middle, high = sides
        ends = letters(low) | letters(high)
        if middle[0] == "sym":
            if middle[1] in ends or (low[0] == high[0] == "sym" and middle[1] not in _UNKNOWNS):
                return None
            return Bounds(middle[1], _brackets(signs), low, high)
        found = None if ends else self.linear(middle)
        if found is None:
            return None
        name, slope, shift = found
        low, high = (("div", ("add", (bound, number(-shift))), number(slope)) for bound in (low, high))
        return (
            Bounds(name, _brackets(signs), low, high) if slope > 0 else Bounds(name, _brackets(signs[::-1]), high, low)
        )

    def linear_bound(self, sides: tuple) -> tuple[str, tuple, bool] | None:
        """Of a*x + b < 0 with rational a, b: (x, the tree of -b/a, a > 0)."""
        found = self.linear(("add", (sides[0], ("neg", sides[1]))))
        return found and (found[0], number(-found[2] / found[1]), found[1] > 0)

    def linear(self, tree: tuple) -> tuple[str, fmpq, fmpq] | None:
        """(x, a, b) of a*x + b with rational a, b."""
        names = letters(tree)
        if len(names) != 1:
            return None
        name = next(iter(names))
        found = []
        ctx.prec = values.PRECISIONS[0]  # not what the last value of all happened to need
        for point in (0, 1, 2, -5):
            evaluator = Evaluator(**self.options)
            evaluator.bound[name] = fmpq(point)
            try:
                value = evaluator.value(tree)
            except (ZeroDivisionError, Unclear, NotMath):
                return None
            if not isinstance(value, fmpq):
                return None
            found.append(value)
        slope = found[1] - found[0]
        if slope == 0 or found[2] != found[0] + 2 * slope or found[3] != found[0] - 5 * slope:
            return None
        return name, slope, found[0]

    def region_key(self, items: tuple, *, either: bool) -> str | None:
        """Of relations that bound one variable: where it lies if one of them holds, or all of them."""
        names, pieces, bounds, excluded = [], [], [], []
        for item in items:
            if item[0] != "rel":
                return None
            signs, sides = item[1], item[2]
            found = self.bounds_of(signs, sides)
            if found:
                bounds.append(found)
                pieces.append(self.interval(found.brackets, (found.low, found.high)))
                names.append(found.name)
            elif sides[0][0] == "sym" and signs in (("in",), ("!=",)):
                names.append(sides[0][1])
                if signs == ("in",):
                    pieces.append(self.piece(sides[1]))
                else:
                    excluded.append(self.key(sides[1]))
            else:
                return None
        if len(set(names)) > 1 and not excluded:  # x > 3, y > 2
            regions = ";".join(sorted(f"{name} in {piece}" for name, piece in zip(names, pieces, strict=True)))
            return f"{'any' if either else 'all'}{{{regions}}}"
        if len(set(names)) != 1:
            return None
        if excluded and not pieces and not either:
            return punctured(excluded)
        if excluded:
            return "region{" + ";".join(sorted({*pieces, *("!=" + point for point in excluded)})) + "}"
        return (not either and len(pieces) == 2 and self.between(bounds)) or cup(pieces)

    def between(self, bounds: list[Bounds]) -> str | None:
        """x > 3 and x < 5 is 3 < x < 5; "x < 3 and x > 5" can only mean one or the other."""
        above = [b for b in bounds if b.high == _INFINITE]
        below = [b for b in bounds if b.low == ("neg", _INFINITE)]
        if len(above) != 1 or len(below) != 1:
            return None
        ctx.prec = values.PRECISIONS[0]
        try:
            low, high = (values.ball(Evaluator(**self.options).value(t)).real for t in (above[0].low, below[0].high))
        except (ZeroDivisionError, Unclear):
            return None
        brackets = above[0].brackets[0] + below[0].brackets[1]
        return self.interval(brackets, (above[0].low, below[0].high)) if low < high else None


def _rising(signs: tuple, sides: tuple) -> tuple[tuple, tuple]:
    """The same relation with < instead of >."""
    if signs[0][0] == ">":
        return tuple(_FLIPPED[sign] for sign in reversed(signs)), tuple(reversed(sides))
    return signs, sides


def _brackets(signs: tuple) -> str:
    """Of an interval, by the rising signs before and behind its letter."""
    return ("(" if signs[0] == "<" else "[") + (")" if signs[1] == "<" else "]")


def half_line(name: str, sign: str, bound: tuple, *, below: bool) -> Bounds:
    """name < bound or name <= bound, or with `below` False the other way round."""
    if below:
        return Bounds(name, "(" + (")" if sign == "<" else "]"), ("neg", _INFINITE), bound)
    return Bounds(name, ("(" if sign == "<" else "[") + ")", bound, _INFINITE)
