r"""What an answer row says: its own `predicted_answer`, else the content of the last `\boxed{...}` of its `generation`.

    >>> answer_of({"generation": r"so x = 2, and the answer is $\boxed{\frac{1}{2}}$."})
    '\\frac{1}{2}'
    >>> answer_of({"predicted_answer": 27.0, "generation": r"\boxed{28}"})
    '27'

Standard library only: this module also runs inside engine containers.
"""

import json
import re
from collections.abc import Mapping

from openmath.errors import InputError

BOX = "\\boxed"
BRACE_OR_ESCAPE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped brace (\{ as in a set) does not nest
EXACT_FLOATS = 2**53  # beyond it a float stands for several whole numbers


def answer_of(row: Mapping) -> str | None:
    """The answer of a sample, majority or judged row; None where it has none.

    A row's own `predicted_answer` wins, whatever its generation says; null means no answer.
    Raises InputError for a generation that is not text.
    """
    if "predicted_answer" in row:
        return as_text(row["predicted_answer"])
    return extract_answer(text_of(row, "generation"))


def reference_of(row: Mapping) -> str:
    """The expected answer of a row. Raises KeyError where it has none."""
    reference = as_text(row["expected_answer"])
    if reference is None:
        raise KeyError("expected_answer")
    return reference


def as_text(answer: object) -> str | None:
    """The one spelling of an answer or reference: text as it is, 27.0 as "27", true and lists as JSON; None for null."""
    if answer is None or isinstance(answer, str):
        return answer
    if isinstance(answer, bool | list | dict):
        return json.dumps(answer, ensure_ascii=False)
    if isinstance(answer, float) and answer.is_integer() and abs(answer) < EXACT_FLOATS:
        answer = int(answer)
    return str(answer)


def text_of(row: Mapping, field: str) -> str:
    """A text field of a row, "" where it is null or absent. Raises InputError for any other type."""
    text = row.get(field) or ""
    if not isinstance(text, str):
        raise InputError(f"The {field} of a row is not text.", where=f"id {row.get('id')!r:.40}", found=f"{text!r:.80}")
    return text


def extract_answer(generation: str) -> str | None:
    r"""The text inside the last `\boxed{...}`, as written; "" for `\boxed{}`; None if there is no box or it is broken.

    Only the last `\boxed` counts: if it lacks its brace (`\boxed 5`, `\boxed {5}`) or never closes, the model did not
    finish its answer, and an earlier box is not credited in its place.
    """
    start = generation.rfind(BOX)
    if start < 0 or not generation.startswith("{", start + len(BOX)):
        return None
    first = start + len(BOX) + 1
    depth = 1
    for match in BRACE_OR_ESCAPE.finditer(generation, first):
        token = match[0]
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth == 0:
                return generation[first : match.start()]
    return None
