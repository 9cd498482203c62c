"""Tree -> value. Letters stand for fixed pseudo-random numbers, so two formulas are equal if their values are.

This is randomised identity testing (Schwartz-Zippel) with certain error bounds instead of floating point: no rewriting
rule is needed, sums, roots, powers, trigonometry and factorials of letters all become numbers, in microseconds.
"""

import math
from collections.abc import Callable

from flint import acb, arb, fmpq, fmpz

from openmath.grading.language.lexer import NotMath
from openmath.grading.language.trees import is_differentiation, is_even_power, letters
from openmath.grading.limits import TooLarge
from openmath.grading.meaning import values
from openmath.grading.meaning.factorials import binomial, factorial
from openmath.grading.meaning.series import Series
from openmath.grading.meaning.values import Unclear, Value, ball, charge, charge_result, is_integer, opaque

MAX_STEPS = 60_000  # nodes evaluated for one answer
MAX_DETERMINANT = 5  # rows
MAX_PERIOD = 1_000  # digits under the bar of a repeating decimal
MAX_DOUBLE = 300  # the n of n!! that is multiplied out
_EVEN = [("num", "2"), ("num", "4"), ("num", "6"), ("num", "8")]  # degrees of roots
_TRIGONOMETRY = {"sin", "cos", "tan", "cot", "sec", "csc", "cis"}
_SIMPLE: dict[str, Callable[[acb], acb]] = {
    "sin": acb.sin, "cos": acb.cos, "tan": acb.tan, "cot": acb.cot, "sec": acb.sec, "csc": acb.csc,
    "arcsin": acb.asin, "arccos": acb.acos, "arctan": acb.atan, "sinh": acb.sinh, "cosh": acb.cosh, "tanh": acb.tanh,
    "coth": acb.coth, "exp": acb.exp, "ln": acb.log, "arccot": lambda z: (1 / z).atan(),
    "cis": lambda z: (z * acb(0, 1)).exp(), "Gamma": acb.gamma, "zeta": acb.zeta,
}  # fmt: skip


class Evaluator(Series):
    """Evaluates trees under one way of reading its ambiguous signs.

    common_log: log without a base is base 10 (else natural). radians: a degree sign is worth pi/180 everywhere (else
    only inside trigonometric functions). hundredths: % is worth 1/100 (else nothing). rounded: a decimal is every
    number that rounds to it; cut_off: or begins with its digits. After evaluation, `used` says which of these mattered:
    log, deg, pct, decimal; and open, if an integral or the like was not worked out.
    """

    def __init__(
        self, *, common_log=False, radians=False, hundredths=False, rounded=False, cut_off=False, names=None, salt=""
    ):
        self.common_log, self.radians, self.hundredths, self.rounded = common_log, radians, hundredths, rounded
        self.cut_off = cut_off
        self.used: set[str] = set()
        self.bound: dict[str, Value] = {}
        self.names: dict[str, str] = names or {}
        self.salt = salt
        self.steps = 0
        self.trigonometric = 0

    def key(self, tree: tuple) -> str:
        """The key of the tree's value, with as much precision as that takes."""
        return values.key_at_any_precision(lambda: self.value(tree), repr(tree))

    def value(self, tree: tuple) -> Value:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise TooLarge
        method = getattr(self, "_" + tree[0], None)
        if method is None:
            raise NotMath(tree[0])
        value = method(*tree[1:])
        charge_result(value)
        return value

    def _num(self, text: str) -> Value:
        return self._decimal(text) if "." in text or "e" in text.lower() else fmpq(fmpz(text))

    def _repeat(self, start: str, period: str) -> Value:
        whole, _, digits = start.partition(".")
        if len(period) >= MAX_PERIOD:
            raise TooLarge
        cycle = fmpq(int(period), 10 ** len(period) - 1)
        return (fmpq(int(whole + digits)) + cycle) / fmpq(10) ** len(digits)

    def _decimal(self, text: str) -> Value:
        mantissa, _, exponent = text.lower().partition("e")
        whole, _, digits = mantissa.partition(".")
        shift = int(exponent or 0) - len(digits)
        if abs(shift) > values.EXACT_BITS // 4:
            return opaque("power", values.key(fmpq(fmpz(whole + digits or "0"))), shift)
        self.used.add("decimal")
        unit = fmpq(10) ** shift
        value = fmpq(fmpz(whole + digits or "0")) * unit
        if self.rounded:
            # Rounded up, down or cut off: anything less than one unit of the last digit away is refused below half.
            low, high = value - unit / 2, value + unit / (1 if self.cut_off else 2)
            return acb(arb(arb((low + high) / 2), arb((high - low) / 2).upper() * arb("1.0000001")))
        return value

    def _sym(self, name: str) -> Value:
        bound = self.bound.get(name)
        if bound is not None:
            return bound
        stem, _, index = name.partition("_")
        if index in self.bound:  # a_i inside a sum over i
            value = self.bound[index]
            if not is_integer(value):
                return opaque("indexed letter" + self.salt, self.names.get(stem, stem), values.key(value))
            name = f"{stem}_{value}"
        return opaque("letter" + self.salt, self.names.get(name, name))

    def _const(self, name: str) -> Value:
        if name in self.bound:
            return self.bound[name]
        if name == "i":
            return acb(0, 1)
        return acb.pi() if name == "pi" else acb(1).exp()

    def _infty(self) -> Value:
        raise ZeroDivisionError  # oo - oo, 1^oo: undefined, and not the same as another undefined one

    def _base(self, digits: str, base: str) -> Value:
        return opaque("base", digits.lstrip("0"), base)

    def _add(self, terms: tuple) -> Value:
        total: Value = fmpq(0)
        for term in terms:
            total = total + self.value(term)
            charge_result(total)
        return total

    def _neg(self, inner: tuple) -> Value:
        return -self.value(inner)

    def _mul(self, left: tuple, right: tuple) -> Value:
        a, b = self.value(left), self.value(right)
        if isinstance(a, fmpq) and isinstance(b, fmpq) and values.size(a) + values.size(b) > values.EXACT_BITS:
            return ball(a) * ball(b)
        return a * b

    def _div(self, above: tuple, below: tuple) -> Value:
        divisor = self.value(below)
        if isinstance(divisor, fmpq) and divisor == 0:
            raise ZeroDivisionError
        if is_differentiation(above, below):
            self.used.add("open")
            return opaque("derivative", values.key(divisor))
        return self.value(above) / divisor

    def _pow(self, base: tuple, exponent: tuple) -> Value:
        if exponent == ("sym", "T"):
            raise NotMath("transpose")
        if exponent[0] == "div" and exponent[1] == ("num", "1"):
            return self._root(base, exponent[2])
        return values.power(self.value(base), self.value(exponent))

    def _root(self, inner: tuple, degree: tuple) -> Value:
        value = values.power(self.value(inner), self._div(("num", "1"), degree))
        if degree in _EVEN and isinstance(value, acb) and is_even_power(inner, int(degree[1])):
            return acb(abs(value))  # the root of x^2 is |x|
        return value

    def _fact(self, inner: tuple) -> Value:
        return factorial(self.value(inner))

    def _binom(self, above: tuple, below: tuple) -> Value:
        return binomial(self.value(above), self.value(below))

    def _abs(self, inner: tuple) -> Value:
        if inner[0] == "matrix":
            return self._determinant(inner[1])
        value = self.value(inner)
        return abs(value) if isinstance(value, fmpq) else acb(abs(value))

    def _floor(self, inner: tuple) -> Value:
        return self._step("floor", inner, lambda x: x.floor())

    def _ceil(self, inner: tuple) -> Value:
        return self._step("ceil", inner, lambda x: x.ceil())

    def _step(self, name: str, inner: tuple, function: Callable) -> Value:
        value = self.value(inner)
        if isinstance(value, fmpq):
            return fmpq(function(value))
        if value.imag.is_zero():
            whole = function(value.real).unique_fmpz()
            if whole is None:
                raise Unclear
            return fmpq(whole)
        return opaque(name, values.key(value))

    def _deg(self, inner: tuple) -> Value:
        value = self.value(inner)
        if self.trigonometric:
            return value * acb.pi() / 180
        self.used.add("deg")
        return value * acb.pi() / 180 if self.radians else value

    def _pct(self, inner: tuple) -> Value:
        self.used.add("pct")
        value = self.value(inner)
        return value / 100 if self.hundredths else value

    def _call(self, name: str, arguments: tuple) -> Value:
        """A known function; any other is a number of its own for each of its arguments."""
        if name in _TRIGONOMETRY:
            self.trigonometric += 1
            charge("elementary")
            try:
                return _SIMPLE[name](ball(self.value(arguments[0])))
            finally:
                self.trigonometric -= 1
        if name == "det" and len(arguments) == 1 and arguments[0][0] == "matrix":
            return self._determinant(arguments[0][1])
        if name in _SIMPLE and len(arguments) == 1:
            value = self.value(arguments[0])
            if name == "ln" and isinstance(value, fmpq):
                if value == 0:
                    raise ZeroDivisionError
                if value == 1:
                    return fmpq(0)
            charge("elementary")
            return _SIMPLE[name](ball(value))
        if name == "doublefactorial" and is_integer(value := self.value(arguments[0])) and 0 <= value <= MAX_DOUBLE:
            return fmpq(math.prod(range(int(value.p), 1, -2)))
        if name == "overline" and not letters(arguments[0]) and isinstance(value := self.value(arguments[0]), acb):
            return acb(value.real, -value.imag)  # of a complex number; of digits it is none
        if name in ("log", "ln", "lg"):
            return self._logarithm(name, arguments)
        if name == "mod" and len(arguments) == 2:
            a, b = self.value(arguments[0]), self.value(arguments[1])
            if is_integer(a) and is_integer(b) and b != 0:
                return fmpq(a.p % b.p)
        if name in ("gcd", "lcm", "max", "min"):
            numbers = [self.value(argument) for argument in arguments]
            if name in ("max", "min") and all(isinstance(x, fmpq) for x in numbers):
                return max(numbers) if name == "max" else min(numbers)
            if all(is_integer(x) for x in numbers):
                result = numbers[0].p
                for x in numbers[1:]:
                    result = result.gcd(x.p) if name == "gcd" else result.lcm(x.p)
                return fmpq(result)
            return opaque(name, *sorted(values.key(x) for x in numbers))
        return opaque("call", name, *(values.key(self.value(argument)) for argument in arguments))

    def _determinant(self, rows: tuple) -> Value:
        """By its first row, of at most 5 x 5."""
        if len(rows) != len(rows[0]) or len(rows) > MAX_DETERMINANT:
            raise NotMath("a determinant of this size")
        if len(rows) == 1:
            return self.value(rows[0][0])
        total: Value = fmpq(0)
        for column, cell in enumerate(rows[0]):
            minor = tuple(row[:column] + row[column + 1 :] for row in rows[1:])
            total = total + (-1) ** column * self.value(cell) * self._determinant(minor)
        return total

    def _logarithm(self, name: str, arguments: tuple) -> Value:
        value = ball(self.value(arguments[0]))
        charge("power")  # two logarithms
        if value.is_zero():
            raise ZeroDivisionError
        if len(arguments) == 2:
            return value.log() / ball(self.value(arguments[1])).log()
        if name == "log":
            self.used.add("log")
        if name == "lg" or (name == "log" and self.common_log):
            return value.log() / acb(10).log()
        return value.log()
