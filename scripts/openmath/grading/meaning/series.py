"""Sums, products and limits: finite ones term by term, infinite ones where a closed form is certain."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

from flint import acb, arb, ctx, fmpq

from openmath.grading.language.trees import walk
from openmath.grading.limits import TooLarge
from openmath.grading.meaning import values
from openmath.grading.meaning.values import Unclear, Value, is_integer, opaque

MAX_TERMS = 3_000  # terms of a sum or product that are added one by one
MAX_ZETA = 60  # largest s in a sum of 1/k^s
NEAR_BITS = 5_000  # a limit is read at distances of about 2^-5000 and 2^-5060 (or that far out, at infinity)
AGREED_BITS = values.KEY_BITS + 64  # bits in which the values there must agree


class Series(ABC):
    """The part of Evaluator that reads sums, products and limits."""

    used: set[str]
    bound: dict[str, Value]  # letters of the sums and limits around the tree, and what they are at the moment

    @abstractmethod
    def value(self, tree: tuple) -> Value:
        """The tree's value. Raises NotMath, TooLarge, Unclear and ZeroDivisionError."""

    def _big(self, name: str, low: tuple, high: tuple, body: tuple) -> Value:
        value = self._closed_form(name, low, high, body)
        if value is not None:
            return value
        self.used.add("open")
        return opaque(name, repr(low), repr(high), repr(body))

    def _closed_form(self, name: str, low: tuple, high: tuple, body: tuple) -> Value | None:
        bound = low[0] == "rel" and low[2][0][0] in ("sym", "const")
        if name in ("sum", "prod") and bound and low[1] == ("=",):
            letter, first = low[2][0][1], self.value(low[2][1])
            last = None if high[0] == "infty" else self.value(high)
            at = partial(self._at, letter, body)
            if is_integer(first) and last is None and name == "sum":
                total = self._infinite_sum(at, first)
                if total is not None:
                    return total
            elif is_integer(first) and last is not None and is_integer(last):
                return self._finite(name, at, int(first.p), int(last.p))
            elif is_integer(first) and last is not None and name == "sum":
                total = self._sum_to(at, first, last)
                if total is not None:
                    return total
            # The bound letter's name is irrelevant: it stands for one fixed number.
            self.used.add("open")
            inner = values.key(at(opaque("bound letter")))
            return opaque(name, values.key(first), "oo" if last is None else values.key(last), inner)
        if name == "lim" and bound and low[1] == ("to",):
            return self._limit(low[2][0][1], low[2][1], body)
        return None

    def _at(self, letter: str, body: tuple, value: Value) -> Value:
        """The body with its bound letter at this value."""
        before = self.bound.get(letter)
        self.bound[letter] = value
        try:
            return self.value(body)
        finally:
            if before is None:
                del self.bound[letter]
            else:
                self.bound[letter] = before

    def _finite(self, name: str, at: Callable[[Value], Value], first: int, last: int) -> Value:
        if last - first > MAX_TERMS:
            total = self._sum_to(at, fmpq(first), fmpq(last)) if name == "sum" else None
            if total is None:
                raise TooLarge
            return total
        total: Value = fmpq(int(name == "prod"))
        for number in range(first, last + 1):
            term = at(fmpq(number))
            total = total + term if name == "sum" else total * term
            values.charge_result(total)
            if isinstance(total, fmpq) and values.size(total) > values.EXACT_BITS:
                raise TooLarge
        return total

    def _sum_to(self, at: Callable[[Value], Value], first: fmpq, last: Value) -> Value | None:
        """The sum up to a letter (or very far) of a polynomial of degree below 12 or of c r^k; None of other terms."""
        differences, total, count = [at(first + step) for step in range(16)], fmpq(0), last - first + 1
        chosen: Value = count  # count over 1, over 2, ...: Newton's forward differences
        for order in range(12):
            total = total + differences[0] * chosen
            chosen = chosen * (count - order - 1) / (order + 2)
            differences = [b - a for a, b in itertools.pairwise(differences)]
        if all(values.key(rest) == "0" for rest in differences):
            return total
        here, there = opaque("bound letter"), opaque("another bound letter")
        ratio = _constant(at(here + 1) / at(here), at(there + 1) / at(there))
        return None if ratio is None else (at(last + 1) - at(first)) / (ratio - 1)

    def _infinite_sum(self, at: Callable[[Value], Value], first: fmpq) -> Value | None:
        """The sum from `first` on of c r^k with |r| < 1, or of c / k^s with s >= 2; None for other terms.

        That the terms have this form is an identity in k, tested like every other at numbers that stand for letters.
        """
        here, there = opaque("bound letter"), opaque("another bound letter")
        ratio = _constant(at(here + 1) / at(here), at(there + 1) / at(there))
        if ratio is not None and abs(values.ball(ratio)) < 1:
            return at(first) / (1 - ratio)
        halving = _constant(at(2 * here) / at(here), at(2 * there) / at(there))
        if not isinstance(halving, fmpq) or halving.p != 1 or first < 1:
            return None
        exponent = halving.q.bit_length() - 1
        if not 2 <= exponent <= MAX_ZETA or halving.q != 1 << exponent:
            return None
        factor = _constant(at(here) * here**exponent, at(there) * there**exponent)
        if factor is None:
            return None
        values.charge("zeta")
        return factor * acb(exponent).zeta(acb(first))

    def _limit(self, letter: str, target: tuple, body: tuple) -> Value | None:
        """The limit of the body, from values so near the target that they agree in all the bits that are compared.

        That takes a function whose distance from its limit is about a power of the distance from the target;
        None for others (slower ones, oscillating ones, infinite limits), which are compared as they stand.
        """
        names = [node[1] for node in walk(body) if node[0] == "sym"]
        if letter not in names or any(letter in name.partition("_")[2] for name in names):
            return None  # a_n depends on n in a way that is not written here
        if ctx.prec < values.PRECISIONS[-1]:
            raise Unclear
        steps = [(arb(2) ** bits) + arb(2) / 7 for bits in (NEAR_BITS, NEAR_BITS + 60)]  # no whole numbers: (-1)^n
        if target[0] == "infty":
            points = [acb(step) for step in steps]
        elif target[0] == "neg" and target[1][0] == "infty":
            points = [acb(-step) for step in steps]
        else:
            middle = values.ball(self.value(target))
            points = [middle + acb(sign / step) for step in steps for sign in (1, -1)]
        try:
            found = [values.ball(self._at(letter, body, point)) for point in points]
        except (TooLarge, ZeroDivisionError):
            return None
        gap = sum((abs(value - found[0]) for value in found[1:]), arb(0)).abs_upper()
        if not gap < arb(2) ** -AGREED_BITS:
            return None
        return found[-1] + acb(arb(0, 2 * gap), arb(0, 2 * gap))


def _constant(here: Value, there: Value) -> Value | None:
    """The number that both values are: exact if it is a fraction, None if they differ."""
    name = values.key(here)
    if name != values.key(there):
        return None
    above, _, below = name.partition("/")
    if above.removeprefix("-").isdigit() and (below.isdigit() or not below):
        return fmpq(int(above), int(below or 1))
    return here
