r"""What stands around an answer, and Unicode for LaTeX, change nothing: neither refused, nor taken for another answer."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.grading_cases import RULES
from unit.grading_corners import CORNERS
from unit.grading_near_misses import NEAR_MISSES
from unit.grading_notation import NOTATION
from unit.grading_siblings import SIBLINGS

from openmath.grading.compare import grade

ANSWERS = sorted({text for _, one, other, _ in RULES + CORNERS for text in (one, other)})
# Sentences, choices and what is wrapped already are wrapped by nobody.
_COMMAND = re.compile(r"\\(?!text|\$)[A-Za-z]+")
_NO_FORMULA = re.compile(r"[A-Za-z]{5}|[$\"*.]|^'|\\text|\(?[A-J][).]")
FORMULAS = [
    text
    for text in ANSWERS
    if text.isprintable() and len(text) < 200 and text.count("{") == text.count("}") and "box" not in text
    if not _NO_FORMULA.search(_COMMAND.sub("", text))
]
WRAPPERS = [
    r"\text{%s}", r"\mathbf{%s}", r"\boldsymbol{%s}", r"\textbf{%s}", "**%s**", "__%s__", "`%s`", '"%s"', "“%s”",
    r"{\color{red} %s}", r"\textcolor{blue}{%s}", r"\underline{%s}", r"\Large %s", r"\fbox{%s}", r"\fbox{$%s$}", r"%s \tag{1}",
    r"%s \quad\square",
    r"\therefore %s", "%s ✓", r"%s \checkmark", "Answer: %s", "**Answer:** %s", r"\text{Answer: }%s", "Final Answer: $%s$",
    "<answer>%s</answer>", "$%s$", r"\(%s\)", r"\[ %s \]", r"\boxed{%s}", "%s.", "#### %s", "<b>%s</b>",
]  # fmt: skip
_UNICODE = (
    (r"\\(?:pi)(?![a-z])", "π"), (r"\\infty(?![a-z])", "∞"), (r"\\cdot(?![a-z])", "·"), (r"\\times(?![a-z])", "×"),
    (r"\\leq?(?![a-z])", "≤"), (r"\\geq?(?![a-z])", "≥"), (r"\\neq?(?![a-z])", "≠"), (r"\\cup(?![a-z])", "∪"),
    (r"\\in(?![a-z])", "∈"), (r"\\pm(?![a-z])", "±"), (r"\^\{?\\circ\}?", "°"), (r"\\sqrt\{(\d+|[a-z])\}", r"√\1"),
    (r"\\sqrt(\d)(?!\d)", r"√\1"), (r"\\sqrt\[3\]\{(\d+)\}", r"∛\1"), (r"\\[dt]?frac\{1\}\{2\}", "½"), ("-", "−"),
    (r"\^\{(-?\d+)\}|\^(\d)", "up"), (r"_\{(\d+)\}|_(\d)", "down"),
)  # fmt: skip
_UP, _DOWN = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻"), str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def in_unicode(answer: str) -> str:
    for pattern, sign in _UNICODE:
        if sign in ("up", "down"):
            answer = re.sub(
                pattern.replace("-?", "[-−]?"),
                lambda run, s=sign: "".join(filter(None, run.groups())).translate(_UP if s == "up" else _DOWN),
                answer,
            )
        else:
            answer = re.sub(pattern, sign, answer)
    return answer


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrapped_answer_is_the_answer(wrapper):
    assert len(FORMULAS) > 150
    assert [text for text in FORMULAS if not grade(wrapper.replace("%s", text), text).correct] == []


def test_answer_in_unicode_is_the_answer():
    assert [text for text in FORMULAS if not grade(in_unicode(text), text).correct] == ["2^3^2"]  # 2³² is 2^{32}


@given(st.sampled_from(FORMULAS), st.sampled_from(FORMULAS), st.sampled_from([*WRAPPERS, None]))
def test_wrapped_or_in_unicode_it_meets_no_other_answer(one, other, wrapper):
    written = in_unicode(one) if wrapper is None else wrapper.replace("%s", one)
    assert one == "2^3^2" or grade(written, other) == grade(one, other)


@pytest.mark.parametrize(
    "pair", [(one, other) for _, one, other, equal in NOTATION + NEAR_MISSES + SIBLINGS if not equal], ids=str
)
@pytest.mark.parametrize("wrapper", [r"\text{%s}", "**%s**"])
def test_wrapping_makes_nothing_equal(pair, wrapper):
    assert not grade(wrapper.replace("%s", pair[0]), wrapper.replace("%s", pair[1])).correct
