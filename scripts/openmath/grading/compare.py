"""Are two answers the same? Is the cheap, exact first version: text and rational numbers."""

import re
from fractions import Fraction

from openmath.grading.verdict import Verdict

_NUMBER = re.compile(
    r"(-?)(?:\\[dt]?frac\{(-?\d{1,400})\}\{(\d{1,400})\}|(\d{1,400})/(\d{1,400})|(\d{0,400}\.?\d{0,400}))"
)


def _canonical(text: str) -> str:
    text = re.sub(r"\\left|\\right|\\!|\\,|\\;|\\ |\{,\}|\$|\s", "", text).rstrip(".")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    match = _NUMBER.fullmatch(text)
    try:
        if match and any(match.groups()):
            sign = -1 if match[1] else 1
            if match[2]:
                return str(sign * Fraction(int(match[2]), int(match[3])))
            if match[4]:
                return str(sign * Fraction(int(match[4]), int(match[5])))
            return str(sign * Fraction(match[6]))
    except (ValueError, ZeroDivisionError):
        pass
    return text.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")


def grade(predicted: str | None, expected: str, policy: str = "default") -> Verdict:
    if predicted is None:
        return Verdict(False, "no_answer")
    return Verdict(_canonical(predicted) == _canonical(expected))


def vote_class(answer: str | None, policy: str = "default") -> str | None:
    return None if answer is None else _canonical(answer)


def text_class(answer: str | None) -> str | None:
    """The class of an answer whose meaning could not be worked out within the limits: its own text."""
    return None if answer is None else "text:" + answer[:200]
