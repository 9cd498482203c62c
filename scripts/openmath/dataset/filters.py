r"""The filters between correct solutions and the packed set: each takes a solution and returns it, changed or not, or None.

several_boxes     more than one box: which is the answer?
trim_prefix       a leading "My solution:" goes
trim_solution     what follows the line with the answer goes, but one more line that closes its formula
wrong_arithmetic  a calculation in it is wrong (arithmetic.py)
split_arithmetic  calculations of several operations are written one operation a step
lengths           too short, too long, or to too long a problem
duplicates        the same text to the same problem again
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from openmath.answers import boxes
from openmath.dataset.arithmetic import is_wrong
from openmath.dataset.splitting import split_arithmetic

# A box with something in it, as answers.py reads them; a box that is only spoken of does not count.
_BOX = re.compile(
    r"\\(?:boxed|fbox|framebox)(?![A-Za-z])(?:\s*\[[^\[\]{}]{0,40}\]){0,2}\s*(?:\{|-?\d|[A-Za-z](?![A-Za-z])|\\[A-Za-z])"
)
_PREFIX = re.compile(r"\s*My solution:[ \t]*\r?\n")
_CLOSES = re.compile(r"\\end\{(?:align|aligned|equation|gather|array|cases)\*?\}|\\\]|\$\$")


@dataclass(frozen=True)
class Solution:
    """A solution on its way through the filters. problem_tokens, tokens: as the engine counts, None where nobody has counted."""

    problem: str
    text: str
    problem_tokens: int | None = None
    tokens: int | None = None


Filter = Callable[[Solution], Solution | None]


@dataclass(frozen=True)
class Lengths:
    """Limits of `lengths`. count: tokens of a text by a named tokenizer; None: the engine's counts are taken."""

    min_characters: int
    max_tokens: int
    max_problem_tokens: int
    count: Callable[[str], int] | None = None


def several_boxes(solution: Solution) -> Solution | None:
    return None if len(_BOX.findall(solution.text)) > 1 else solution


def trim_prefix(solution: Solution) -> Solution:
    found = _PREFIX.match(solution.text)
    return replace(solution, text=solution.text[found.end() :]) if found else solution


def trim_solution(solution: Solution) -> Solution:
    """Without a box the text only loses the blanks at its end."""
    text = solution.text
    found = boxes(text)
    if found and found[-1].text is not None:
        end = _line_end(text, found[-1].end)
        following = _line_end(text, end + 1)
        if _CLOSES.search(text, end, following):
            end = following
        text = text[:end]
    text = text.rstrip()
    return solution if text == solution.text else replace(solution, text=text)


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def wrong_arithmetic(policy: str) -> Filter:
    return lambda solution: None if is_wrong(solution.text, policy) else solution


def split_steps(solution: Solution) -> Solution:
    text = split_arithmetic(solution.text)
    return solution if text == solution.text else replace(solution, text=text)


def lengths(limits: Lengths) -> Filter:
    def fits(solution: Solution) -> Solution | None:
        if len(solution.text) < limits.min_characters:
            return None
        if limits.count:
            tokens, problem_tokens = limits.count(solution.text), limits.count(solution.problem)
        else:
            tokens, problem_tokens = solution.tokens or 0, solution.problem_tokens or 0
        return solution if tokens <= limits.max_tokens and problem_tokens <= limits.max_problem_tokens else None

    return fits


def first_of_each() -> Filter:
    """Remembers 8 bytes of each solution: two different ones of 14 million are taken for the same once in 190,000 sets."""
    seen: set[bytes] = set()

    def is_new(solution: Solution) -> Solution | None:
        # surrogatepass: a text of others may hold half a character
        both = f"{solution.problem}\0{solution.text}".encode("utf-8", "surrogatepass")
        mark = blake2b(both, digest_size=8).digest()
        if mark in seen:
            return None
        seen.add(mark)
        return solution

    return is_new


def filters_of(names: list[str], limits: Lengths, policy: str) -> list["Counted"]:
    """The named filters in order, each counting. Names: settings/config_dataset.Filter."""
    known: dict[str, Filter] = {
        "several_boxes": several_boxes,
        "trim_prefix": trim_prefix,
        "trim_solution": trim_solution,
        "wrong_arithmetic": wrong_arithmetic(policy),
        "split_arithmetic": split_steps,
        "lengths": lengths(limits),
        "duplicates": first_of_each(),
    }
    return [Counted(name, known[name]) for name in names]


@dataclass
class Counted:
    """A filter and how many solutions it was given, let through and changed."""

    name: str
    filter: Filter
    counts: dict[str, int] = field(default_factory=lambda: {"before": 0, "after": 0, "changed": 0})

    def __call__(self, solution: Solution) -> Solution | None:
        left = self.filter(solution)
        self.counts["before"] += 1
        self.counts["after"] += left is not None
        self.counts["changed"] += left is not None and left.text != solution.text
        return left


def through(filters: list[Counted], solution: Solution | None) -> Solution | None:
    """What all filters leave of a solution."""
    for one in filters:
        if solution is None:
            return None
        solution = one(solution)
    return solution
