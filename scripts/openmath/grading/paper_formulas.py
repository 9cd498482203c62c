r"""Formulas under policy paper: equal if a computer algebra says so, or as numbers within a tolerance.

    >>> [equal(*pair) for pair in ((r"(x-3)(x+2)", "(x+2)(x-3)"), (r"1.01^{100}", "2.70481"), ("x=5", "5"))]
    [True, True, False]

The recipe's grader reads less than our own: relation signs, wrappers, units, sentences and signs outside ASCII make a text
unreadable for it, and unreadable texts are compared as text only. pi, e and i are letters to it.
"""

import math
import re

from flint import acb, ctx, fmpq

from openmath.grading import algebra
from openmath.grading.language.lexer import NotMath, tokenize
from openmath.grading.language.parser import Parser
from openmath.grading.language.trees import letters, walk
from openmath.grading.limits import TooLarge, budget
from openmath.grading.meaning import values
from openmath.grading.meaning.evaluate import Evaluator
from openmath.grading.meaning.values import Unclear, Value

RELATIVE = 1e-4  # tolerance of numbers, also of exact ones

_READ = re.compile(  # what the recipe's parser knew
    r"(?: |\d{1,3}(?:,\d{3})++|0(?!\d)(?:\.\d++)?|[1-9]\d*+(?:\.\d++)?(?:e-?\d++)?|\.\d++|\\sqrt\[\d++\]"
    r"|\\(?:frac|sqrt|cdot|times|div|binom|pi|sin|cos|tan|cot|sec|csc|arc(?:sin|cos|tan)|log|ln|exp|[lr](?:floor|ceil)|sum|prod|int|"
    r"lim|to|infty|alpha|beta|gamma|delta|theta|lambda|mu|phi|omega)(?![A-Za-z])"
    r"|(?<![\dA-Za-z)])(?:sqrt|sin|cos|tan|log|ln|exp)(?=\()|(?![A-Za-z]{3})[A-Za-z]|[-+*/^_!(){}|:])*+"
)
_SPELLINGS = (
    (re.compile(r"\\(?:[,;:!]|q?quad(?![A-Za-z]))"), " "),
    (re.compile(r"\\[dt](frac|binom)(?![A-Za-z])"), r"\\\1"),
    (re.compile(r"(?<!sqrt)\[([^\[\]]*)\]"), r"(\1)"),
    (re.compile(r"\\\{([^{}]*)\\\}"), r"(\1)"),
)
_EXCLUSIVE_OR = re.compile(
    r"[-+*/() \d]*\d\^\(?\d[-+*/()^ \d]*"
)  # 10^3 without braces was read as Python, where it is 9
_FORMULA = frozenset("num sym const add mul div neg pow root fact abs floor ceil binom call big rel list infty".split())


def equal(one: str, other: str) -> bool:
    """Are these formulas, and equal? one, other: normalised as paper.py does. What takes too much work is not equal."""
    try:
        with budget():
            a, b = _parse(one), _parse(other)
            if letters(a) or letters(b):
                same = Evaluator().key(a) == Evaluator().key(b)
            else:
                return _close(a, b)
    except (NotMath, TooLarge, RecursionError, OverflowError):
        return False
    return same and algebra.simplify_to_zero(a, b)


def _parse(text: str) -> tuple:
    """The tree of a formula in what the recipe could read. Raises NotMath."""
    for pattern, spelling in _SPELLINGS:
        text = pattern.sub(spelling, text)
    if not _READ.fullmatch(text) or _EXCLUSIVE_OR.fullmatch(text):
        raise NotMath("unknown signs")
    tree = _with_letters(Parser(tokenize(text)).parse())
    if tree[0] == "ratio" and len(tree[1]) == 2:
        tree = ("div", *tree[1])
    if not all(node[0] in _FORMULA for node in walk(tree)) or tree[0] in ("rel", "list"):
        raise NotMath("no formula")
    return tree


def _with_letters(tree: tuple) -> tuple:
    """The tree with pi, e and i as letters."""
    if tree[0] == "const":
        return ("sym", tree[1])
    return tuple(_with_letters(part) if isinstance(part, tuple) and part else part for part in tree)


def _close(a: tuple, b: tuple) -> bool:
    """Are two numbers equal, or near as floats? Beyond the range of floats all are infinite, and equal."""
    for precision in values.PRECISIONS:
        ctx.prec = precision
        try:
            x, y = Evaluator().value(a), Evaluator().value(b)
            if values.key(x) == values.key(y):
                return True
            return math.isclose(_float(x), _float(y), rel_tol=RELATIVE)
        except Unclear:
            continue
        except ZeroDivisionError:
            break
    return False


def _float(value: Value) -> float:
    """Raises NotMath for what is not real."""
    if isinstance(value, fmpq):
        value = acb(value)
    if not value.imag.is_zero():
        raise NotMath("not real")
    return float(value.real.mid())
