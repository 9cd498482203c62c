r"""The answer of a generation: the content of its last `\boxed{...}`.

    >>> extract_answer(r"so x = 2, and the answer is $\boxed{\frac{1}{2}}$.")
    '\\frac{1}{2}'

Standard library only: this module also runs inside engine containers.
"""

import re

BOX = "\\boxed"
BRACE_OR_ESCAPE = re.compile(r"\\.|[{}]", re.DOTALL)  # an escaped brace (\{ as in a set) does not nest


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
