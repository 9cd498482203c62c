"""Our tree -> SymPy expression, and back. Nothing is built from text, and no number that would be too large to write out."""

from functools import partial, reduce
from types import ModuleType
from typing import Any

from openmath.grading.language.lexer import NotMath
from openmath.grading.language.trees import DIFFERENTIALS, is_differentiation

MAX_DIGITS = 40  # of a number in the tree
MAX_BITS = 4_000  # of a power of numbers
MAX_FACTORIAL = 200
_NOTHING = ("list", ())
_ORDERS = frozenset(map(str, range(1, 11)))  # of derivatives
_CALLS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arccot": "acot", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "coth": "coth", "exp": "exp", "ln": "log",
    "log": "log",
}  # fmt: skip
_BACK = {sympy_name: ours for ours, sympy_name in _CALLS.items() if ours != "log"}


class Builder:
    """Builds expressions. letters: real, but positive integers where they bound a sum; solved: did it solve anything?"""

    def __init__(self, sympy: ModuleType):
        self.sympy = sympy
        self.symbols: dict[str, Any] = {}
        self.solved = False

    def symbol(self, name: str, **assumptions: bool) -> Any:
        """The letter of this name, always the same one."""
        if name not in self.symbols:
            self.symbols[name] = self.sympy.Symbol(name, **(assumptions or {"real": True}))
        return self.symbols[name]

    def expression(self, tree: tuple) -> Any:
        """The tree with its integrals, derivatives, sums, products and limits worked out. Raises NotMath."""
        method = getattr(self, "_" + tree[0], None)
        if method is None:
            raise NotMath(tree[0])
        return method(*tree[1:])

    def _num(self, text: str) -> Any:
        if len(text) > MAX_DIGITS or "e" in text.lower():
            raise NotMath("a long number")
        whole, _, digits = text.partition(".")
        return self.sympy.Rational(int(whole + digits), 10 ** len(digits))

    def _sym(self, name: str) -> Any:
        return self.symbol(name)

    def _const(self, name: str) -> Any:
        return {"pi": self.sympy.pi, "e": self.sympy.E, "i": self.sympy.I}[name]

    def _infty(self) -> Any:
        return self.sympy.oo

    def _add(self, terms: tuple) -> Any:
        return self.sympy.Add(*map(self.expression, terms))

    def _neg(self, inner: tuple) -> Any:
        return -self.expression(inner)

    def _mul(self, left: tuple, right: tuple) -> Any:
        factors = [*_factors(left), *_factors(right)]
        for place, factor in enumerate(factors[:-1]):
            found = _derivative(factor)
            if found:
                name, order = found
                self.solved = True
                body = self.expression(reduce(_product, factors[place + 1 :]))
                before = [self.expression(other) for other in factors[:place]]
                return self.sympy.Mul(*before, self.sympy.diff(body, self.symbol(name), order))
        return self.sympy.Mul(*map(self.expression, factors))

    def _div(self, above: tuple, below: tuple) -> Any:
        divisor = self.expression(below)
        if divisor == 0:
            raise NotMath("division by zero")
        return self.expression(above) / divisor

    def _pow(self, base: tuple, exponent: tuple) -> Any:
        return self._power(self.expression(base), self.expression(exponent))

    def _root(self, inner: tuple, degree: tuple) -> Any:
        return self._power(self.expression(inner), 1 / self.expression(degree))

    def _power(self, base: Any, exponent: Any) -> Any:
        if base.is_number and exponent.is_number:
            size = max(2, *(int(abs(part)).bit_length() for part in base.as_numer_denom() if part.is_Integer), 2)
            if not abs(exponent) * size <= MAX_BITS:
                raise NotMath("a large power")
        return base**exponent

    def _fact(self, inner: tuple) -> Any:
        return self.sympy.factorial(self._small(self.expression(inner)))

    def _binom(self, above: tuple, below: tuple) -> Any:
        return self.sympy.binomial(self._small(self.expression(above)), self._small(self.expression(below)))

    def _small(self, number: Any) -> Any:
        if number.is_number and not abs(number) <= MAX_FACTORIAL:
            raise NotMath("a large factorial")
        return number

    def _abs(self, inner: tuple) -> Any:
        return self.sympy.Abs(self.expression(inner))

    def _floor(self, inner: tuple) -> Any:
        return self.sympy.floor(self.expression(inner))

    def _ceil(self, inner: tuple) -> Any:
        return self.sympy.ceiling(self.expression(inner))

    def _call(self, name: str, arguments: tuple) -> Any:
        if name not in _CALLS or len(arguments) > 1 + (name == "log"):
            raise NotMath(name)
        return getattr(self.sympy, _CALLS[name])(*map(self.expression, arguments))

    def _big(self, name: str, low: tuple, high: tuple, body: tuple) -> Any:
        self.solved = True
        if name == "int":
            return self._integral(low, high, body)
        if low[0] != "rel" or low[2][0][0] != "sym" or low[1] != (("to",) if name == "lim" else ("=",)):
            raise NotMath("unusual bounds")
        if name == "lim":
            letter = self.symbol(low[2][0][1])
            return self.sympy.limit(
                self.expression(body), letter, self.expression(low[2][1]), "+-" if _finite(low[2][1]) else "+"
            )
        for bound in (high, low[2][1]):
            if bound[0] == "sym":
                self.symbol(bound[1], integer=True, positive=True)
        letter = self.symbol(low[2][0][1], integer=True)
        operation = {"sum": self.sympy.Sum, "prod": self.sympy.Product}.get(name)
        if operation is None:
            raise NotMath(name)
        return operation(self.expression(body), (letter, self.expression(low[2][1]), self.expression(high))).doit()

    def _integral(self, low: tuple, high: tuple, body: tuple) -> Any:
        body, name = _without_differential(body)
        letter = self.symbol(name)
        if low == high == _NOTHING:
            return self.sympy.integrate(self.expression(body), letter) + self.symbol("C")
        bounds = (letter, self.expression(low), self.expression(high))
        return self.sympy.integrate(self.expression(body), bounds, conds="none")


def _product(left: tuple, right: tuple) -> tuple:
    return ("mul", left, right)


def _finite(tree: tuple) -> bool:
    return tree[0] != "infty" and tree != ("neg", ("infty",))


def _factors(tree: tuple) -> list[tuple]:
    """Of a product of products all factors, in order."""
    return [*_factors(tree[1]), *_factors(tree[2])] if tree[0] == "mul" else [tree]


def _derivative(tree: tuple) -> tuple[str, int] | None:
    """The letter and order of d/dx or d^2/dx^2."""
    if tree[0] != "div" or not is_differentiation(*tree[1:]):
        return None
    letter, order = tree[2][2], "1"
    if letter[0] == "pow":
        letter, (_, order) = letter[1], letter[2]
    if letter[0] != "sym" or order not in _ORDERS:
        return None
    return letter[1], int(order)


def holds_derivative(tree: tuple) -> bool:
    """Is d/dx a factor of this?"""
    return any(map(_derivative, _factors(tree)))


def _without_differential(tree: tuple) -> tuple[tuple, str]:
    """The integrand and the letter of f(x) dx. Raises NotMath."""
    if tree[0] == "mul" and tree[2][0] == "sym":
        if tree[1] in DIFFERENTIALS:
            return ("num", "1"), tree[2][1]
        if tree[1][0] == "mul" and tree[1][2] in DIFFERENTIALS:
            return tree[1][1], tree[2][1]
    if tree[0] == "mul":
        inner, name = _without_differential(tree[2])
        return ("mul", tree[1], inner), name
    if tree[0] == "div":
        inner, name = _without_differential(tree[1])
        return ("div", inner, tree[2]), name
    if tree[0] == "call" and len(tree[2]) == 1:  # sin x dx: the function took it all
        inner, name = _without_differential(tree[2][0])
        return ("call", tree[1], (inner,)), name
    raise NotMath("an integral without dx")


def tree_of(sympy: ModuleType, expression: Any) -> tuple:
    """The tree of what SymPy has found: an expression or a set of numbers. Raises NotMath for what is not worked out."""
    back = partial(tree_of, sympy)
    if expression.is_Rational:
        fraction: tuple = ("num", str(abs(expression.p)))
        if expression.q != 1:
            fraction = ("div", fraction, ("num", str(expression.q)))
        return ("neg", fraction) if expression.p < 0 else fraction
    if expression.is_Symbol:
        return ("sym", expression.name)
    constants = {
        sympy.pi: ("const", "pi"), sympy.E: ("const", "e"), sympy.I: ("const", "i"), sympy.oo: ("infty",),
        -sympy.oo: ("neg", ("infty",)), sympy.S.Reals: ("sym", "\\mathbbR"), sympy.S.EmptySet: ("set", ()),
    }  # fmt: skip
    if expression in constants:
        return constants[expression]
    if expression.is_Add:
        return ("add", tuple(map(back, expression.args)))
    if expression.is_Mul:
        return reduce(_product, map(back, expression.args))
    if isinstance(expression, sympy.exp):
        return ("pow", ("const", "e"), back(expression.args[0]))
    if expression.is_Pow:
        return ("pow", *map(back, expression.args))
    if isinstance(expression, sympy.Interval):
        brackets = ("(" if expression.left_open else "[") + (")" if expression.right_open else "]")
        return ("group", brackets, (back(expression.start), back(expression.end)))
    if isinstance(expression, sympy.FiniteSet):
        return ("set", tuple(map(back, expression.args)))
    if isinstance(expression, sympy.Union):
        return reduce(lambda left, right: ("union", "cup", left, right), map(back, expression.args))
    simple = {
        sympy.Abs: "abs",
        sympy.floor: "floor",
        sympy.ceiling: "ceil",
        sympy.factorial: "fact",
        sympy.binomial: "binom",
    }
    if expression.func in simple:
        return (simple[expression.func], *map(back, expression.args))
    name = _BACK.get(getattr(expression.func, "__name__", ""))
    if name is None or len(expression.args) != 1:
        raise NotMath(str(expression.func))
    return ("call", name, (back(expression.args[0]),))
