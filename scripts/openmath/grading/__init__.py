r"""Is this answer the reference answer?

    >>> grade(r"\frac{2}{4}", "0.5")
    Grade(correct=True, status='ok')
    >>> vote_class("0.50") == vote_class(r"\tfrac12")
    True

`grade` and `vote_class` work in this process and are bounded by design; `GraderPool` runs them in killable worker
processes with a memory limit, which is what text written by a model deserves.
"""

from openmath.grading.compare import grade, vote_class
from openmath.grading.grades import GRADER_VERSION, POLICIES, Grade
from openmath.grading.pool import GraderPool

__all__ = ["GRADER_VERSION", "POLICIES", "Grade", "GraderPool", "grade", "vote_class"]
