"""What grading one pair gives, and the limits it works under."""

from typing import NamedTuple

# Raised whenever the verdict or the vote class of any pair may change: grades made by another version are stale.
GRADER_VERSION = 2

POLICIES = ("default", "paper")

MAX_CHARACTERS = 20_000  # longer answers are compared as text only; the longest real answer of the sets has 1,900
CPU_LIMIT_S = 1.0  # CPU seconds for one pair, by the worker's own clock; the slowest real pair takes 0.2


class Verdict(NamedTuple):
    """correct: the two answers are the same. status: ok | timeout | too_large | no_answer (never correct)."""

    correct: bool
    status: str = "ok"


class TooLarge(Exception):
    """The answer asks for more work than an answer is worth; it is compared as text."""
