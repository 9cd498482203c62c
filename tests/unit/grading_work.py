"""Pairs whose work grows with n, and how much of it is counted."""

from openmath.grading import limits
from openmath.grading.parsed_answer import ParsedAnswer


def exponentials(n: int) -> tuple[str, str]:
    """e^1, ..., e^n, and the same in reverse."""
    powers = [f"e^{{{k}}}" for k in range(1, n + 1)]
    return ", ".join(powers), ", ".join(reversed(powers))


def sines(n: int) -> tuple[str, str]:
    """The sum of the first n sines and cosines, twice."""
    return rf"\sum_{{k=1}}^{{{n}}} (\sin k + \cos k)", rf"\sum_{{j=1}}^{{{n}}} (\sin j + \cos j)"


def work_of(text: str, *, every_way: bool = True) -> float:
    """Units that reading the answer takes, primarily or in every way."""
    with limits.budget():
        answer = ParsedAnswer(text)
        if every_way:
            answer.exceeds_limits()
        return limits.MAX_WORK - limits._left
