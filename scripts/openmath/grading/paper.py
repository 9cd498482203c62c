r"""policy: paper. What the recipe's own grader accepted, as far as it can be had without evaluating answers as Python.

    >>> [correct(*pair) for pair in (("3100", "31"), ("1000040", "1000000"), ("2,1", "1,2"))]
    [True, True, False]

The steps and their order are those of docs/grading.md ("paper"); what stands there as not reproduced is not here.
"""

import math
import re

from openmath.grading import paper_formulas
from openmath.grading.limits import MAX_CHARACTERS
from openmath.grading.paper_formulas import RELATIVE

FACTORS = (0.01, 1.0, 100.0)  # "percentage" and its inverse, for every number
MAX_DEPTH = 4  # brackets in brackets that are compared part by part

_SEPARATING_TEXT = re.compile(r"\\text\{\s*(?:or|and)\s*\}")
_WRAPPED = re.compile(r"\\(?:text|mathrm|mathcal|textbf|textit)\{([^{}]*)\}")
_UNIT_WORDS = re.compile(
    r"(?<![A-Za-z])(?:degree|cm|centimeter|meter|mile|second|minute|hour|week|month|year|foot|feet|inch|yard|day|p\.m\.|PM)(?:e?s)?"
    r"(?:\s*\^\{?\d+\}?)?(?![A-Za-z])"
)
_SCALES = {" million": "*10^6", " billion": "*10^9", " trillion": "*10^12"}
_MIXED = re.compile(r"(?<=\d) +(?=\d)|(?<=\d) *(?=\\frac)")  # 7 3/4 and 7\frac34, but also 1 000
_WHOLE = re.compile(
    r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d+))(?:_\{?[-(]?\d+\)?\}?|\.0*)?", re.ASCII
)  # the base of a number is dropped
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_BRACKETS = ("()", "[]", "(]", "[)")


def correct(predicted: str, expected: str) -> bool:
    """Did the recipe's grader take `predicted` for `expected`?"""
    if max(len(predicted), len(expected)) > MAX_CHARACTERS:
        return predicted.strip() == expected.strip()
    return _equal(normalised(predicted), normalised(expected), MAX_DEPTH)


def normalised(answer: str) -> str:
    """The answer without units, dollar and percent signs, spaces and the like."""
    text = answer.strip().rstrip("\\").replace("\\left", "").replace("\\right", "")
    text = _SEPARATING_TEXT.sub(",", text)
    before = text.partition("\\text{")[0]
    if text.count("\\text{") == 1 and before.strip() not in ("", "("):
        text = before
    before, box, _ = text.partition("\\mbox{")
    text = _WRAPPED.sub(r"\1", before if box and before else text)
    text = text.rpartition("\\in ")[2]
    for dropped in ("\\!", "\\%", "\\$", "%", "$", "^{\\circ}", "^\\circ"):
        text = text.replace(dropped, "")
    text = re.sub(r" (?:or|and) ", " , ", text)
    for word, power in _SCALES.items():
        text = text.replace(word, power)
    text = _UNIT_WORDS.sub("", text)
    text = text.strip()
    if text.startswith("{") and text.endswith("}") and text.count("{") == 1:
        text = text[1:-1]
    text = _MIXED.sub("+", text).replace(" ", "")
    whole = _WHOLE.fullmatch(text)
    return whole[1].replace(",", "").lstrip("+") if whole else text


def _equal(predicted: str, expected: str, depth: int) -> bool:
    if predicted.lower() == expected.lower():
        return True
    one, other = _number(predicted), _number(expected)
    if one is not None and other is not None:
        return any(math.isclose(one, factor * other, rel_tol=RELATIVE) for factor in FACTORS)
    if not predicted or not expected:
        return False
    if _bare(predicted) == _bare(expected):
        return True
    if depth:
        ends = predicted[0] + predicted[-1], expected[0] + expected[-1]
        if ends[0] == ends[1] and ends[0] in _BRACKETS and _parts_equal(predicted[1:-1], expected[1:-1], depth):
            return True
        if "," in predicted and "," in expected:
            return _parts_equal(predicted, expected, depth)
    return paper_formulas.equal(predicted, expected)


def _parts_equal(predicted: str, expected: str, depth: int) -> bool:
    """Are both lists of as many parts, equal place by place?"""
    parts, others = predicted.split(","), expected.split(",")
    return len(parts) == len(others) and all(_equal(*pair, depth - 1) for pair in zip(parts, others, strict=True))


def _number(text: str) -> float | None:
    """The text as a float, all its commas deleted."""
    text = text.replace("{,}", "").replace(",", "")
    return float(text) if _NUMBER.fullmatch(text) else None


def _bare(text: str) -> str:
    return re.sub(r"[{}()]", "", text)
