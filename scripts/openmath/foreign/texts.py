r"""What a problem, a reference and an answer are called in the records of other tools, and how they become ours.

>>> reference_text("She has 9 + 9 = 18 eggs.\n#### 18")
'18'
>>> reference_text([r"so $\boxed{\frac12}$"])
'\\frac12'
"""

from collections.abc import Mapping

from openmath.answers import as_text, boxes, extract_answer, fallback_answer

PROBLEM_NAMES = ("problem", "question", "query", "input", "prompt", "task")  # the first that is there counts
REFERENCE_NAMES = (
    "expected_answer",
    "final_answer",
    "answer",
    "target",
    "gold",
    "ground_truth",
    "reference",
    "solution",
)
ANSWER_MARK = "####"  # of GSM8K, before the answer
THEIRS = "as the tool took it"  # key `extraction` of a row whose answer is neither boxed nor behind usual words


def named(row: Mapping, names: tuple[str, ...]) -> object:
    """The value of the first of these names that a row has, in any case; None where it has none."""
    known = {str(name).lower(): value for name, value in row.items()}
    return next((known[name] for name in names if known.get(name) is not None), None)


def reference_text(value: object) -> str | None:
    """The final answer in a reference: behind ####, in the last box, else all of it; of several that count, the first."""
    if isinstance(value, list):
        value = value[0] if value else None
    text = as_text(value)
    if text is None:
        return None
    _, mark, behind = text.rpartition(ANSWER_MARK)
    if mark:
        return behind.strip().replace(",", "")
    boxed = extract_answer(text) if "\\boxed" in text else None
    return text if boxed is None else boxed


def answer_keys(generation: str, theirs: object) -> dict:
    """What a row says of its answer where its text has no box: the usual words count, then what the tool took; {} if it has one."""
    if boxes(generation):
        return {}
    behind = fallback_answer(generation)
    if behind:
        return {"predicted_answer": behind[0], "extraction": behind[1]}
    taken = as_text(theirs)
    return {"predicted_answer": taken, "extraction": THEIRS} if taken else {}
