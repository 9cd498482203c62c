"""Work is counted, not timed: the count is a function of the text, covers what takes time, and decides what is too large."""

import time

import pytest
from unit.grading_work import exponentials, sines, work_of

from openmath.grading import limits
from openmath.grading.compare import grade, read
from openmath.grading.meaning import values

OTHERS = (
    r"\frac12",
    r"\lim_{x\to 0} \frac{\sin x}{x}",
    r"f(x) = ax + b",
    "n!, (n+1)!",
    r"2^{400}\pm\sqrt{x}",
    "1 cm, 2 cm, not",
)
LONG_FRACTIONS = "+".join(rf"\frac{{1}}{{{k}^{{3000}}+1}}" for k in range(3, 300))


def test_the_count_follows_from_the_text_alone():
    """Not from what was read before, which leaves values and a precision behind."""
    alone = {text: work_of(text) for text in OTHERS}
    for before in OTHERS:
        for text in OTHERS:
            values._opaque.cache_clear()
            work_of(before)
            assert work_of(text) == alone[text], (before, text)


@pytest.mark.parametrize("make", [exponentials, sines])
def test_the_count_decides(make, monkeypatch):
    one, other = make(30)
    monkeypatch.setattr(limits, "MAX_WORK", max(work_of(text, every_way=False) for text in (one, other)))
    read.cache_clear()
    assert grade(one, other) == (True, "ok")
    monkeypatch.setattr(limits, "MAX_WORK", limits.MAX_WORK - 1)
    read.cache_clear()
    assert grade(one, other) == (False, "too_large")
    read.cache_clear()


@pytest.mark.parametrize(
    "text",
    [
        exponentials(1000)[0],
        sines(5000)[0],
        LONG_FRACTIONS,  # took 200 s: each addition a common divisor of longer numbers
        r"\pm 1\pm 2\pm 3\pm 4\pm 5\pm 6," * 300,
        "(" + ",".join([r"\pm 1\pm 2\pm 3\pm 4\pm 5\pm 6"] * 6) + ")",
        "1 " + "cm " * 5000 + "x",
        ",".join(f"x_{{{k}}}" for k in range(2500)),
        "+".join(f"({k}/7)!" for k in range(300)),
    ],
    ids=lambda text: text[:20],
)
def test_work_beyond_the_budget_stops_early(text):
    started = time.process_time()
    assert grade(text, "1").status == "too_large"
    assert time.process_time() - started < limits.CPU_LIMIT_S / 6  # far below the clock, also on a slow machine


@pytest.mark.parametrize(
    "text", ["all x such that " + r"\ax" * 90 + "!", "I, " * 95 + "?"], ids=["condition", "choices"]
)
def test_a_pattern_takes_a_text_in_one_way(text):
    """In two ways at each of its parts, it would try 2^90 of them."""
    started = time.process_time()
    assert grade(text, "1") == (False, "ok")
    assert time.process_time() - started < 1
