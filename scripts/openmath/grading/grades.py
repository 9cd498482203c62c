"""What grading one pair gives, under which policy, by which version of the grader."""

from typing import NamedTuple

# Raised whenever the grade or the vote class of any pair may change: grades made by another version are stale.
GRADER_VERSION = 4

POLICIES = ("default", "paper")


class Grade(NamedTuple):
    """correct: the two answers are the same. status: ok | timeout | too_large | no_answer (never correct).

    In grades.parquet also `refused`: no answer, since there was no generation (grading/table.py).
    """

    correct: bool
    status: str = "ok"
