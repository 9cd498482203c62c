r"""Is this answer the reference answer?

    >>> from openmath.grading.compare import grade, vote_class
    >>> grade(r"\frac{2}{4}", "0.5")
    Grade(correct=True, status='ok')
    >>> vote_class("0.50") == vote_class(r"\tfrac12")
    True

`grade` and `vote_class` work in this process and are bounded by design; `GraderPool` of pool.py runs them in killable worker
processes with a memory limit, which is what text written by a model deserves.
"""
