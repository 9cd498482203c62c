"""Are two answers the same? Symmetric, deterministic, bounded."""

from functools import lru_cache

from openmath.grading import paper
from openmath.grading.language.units import clash
from openmath.grading.meaning.rounding import rounds_to
from openmath.grading.reading import Answer, text_key
from openmath.grading.verdict import Verdict

CACHE_SIZE = 20_000  # answers kept read: the references of a benchmark and the answers they meet

# Kinds of reading in which both answers may be read at once. The others need the other answer's primary reading, and
# not if it leaves the same thing open: 10% is 0.1 and is 10, but 10% is not 0.1%.
_MUTUAL = [(kind, kind) for kind in ("eq", "fun", "rec", "seq", "yesno", "empty", "groups", "clock", "head")]
# A list may be a vector, or in the order of a chain of inequalities; a row is no column, and < is not <=.
_MUTUAL += [("seq", "vec"), ("vec", "seq"), ("seq", "chain"), ("chain", "seq")]


@lru_cache(CACHE_SIZE)
def read(text: str) -> Answer:
    return Answer(text)


def grade(predicted: str | None, expected: str, policy: str = "default") -> Verdict:
    """Is `predicted` the answer `expected`? None is no answer. Symmetric. policy: "default" or "paper" (see paper.py)."""
    if predicted is None:
        return Verdict(False, "no_answer")
    if predicted == expected:
        return Verdict(True)
    a, b = read(predicted), read(expected)
    if paper.correct(predicted, expected, texts_equal) if policy == "paper" else same(a, b):
        return Verdict(True)
    return Verdict(False, "too_large" if a.exceeds_limits() or b.exceeds_limits() else "ok")


def texts_equal(one: str, other: str) -> bool:
    return same(read(one), read(other))


def vote_class(answer: str | None) -> str | None:
    """Canonical form: equal answers give the same string. None stays None."""
    return None if answer is None else read(answer).primary


def text_class(answer: str | None) -> str | None:
    """The class of an answer that could not be read within the limits: its own text."""
    return None if answer is None else text_key(answer)


def at_odds(a: Answer, b: Answer) -> bool:
    """Do the answers name different units, coordinates, orders or domains? One of them may leave these out."""
    named = ((a.coordinate, b.coordinate), (a.domain, b.domain))
    if clash(a.unit, b.unit) or any(one and other and one != other for one, other in named):
        return True
    # (x, y) = (1, 2) and (y, x) = (1, 2)
    reordered = a.order and b.order and a.order != b.order and set(a.order) == set(b.order)
    return bool(reordered) and a.alternatives.get("rec", frozenset()).isdisjoint(b.alternatives.get("rec", ()))


def same(a: Answer, b: Answer) -> bool:
    """Do the answers say the same under a reading that is fair to both?"""
    if at_odds(a, b):
        return False
    if a.primary == b.primary:
        return True
    if a.plain and b.plain:
        return False
    first, second = a.alternatives, b.alternatives
    for own, other, primary in ((first, second, b.primary), (second, first, a.primary)):
        for kind, keys in own.items():
            if kind not in other and primary in keys:
                return True
    if any(one in first and other in second and first[one] & second[other] for one, other in _MUTUAL):
        return True
    if "family" in first and "family" in second and a.constants != b.constants and first["family"] & second["family"]:
        return True  # arbitrary constants with other names; with the same names they are the problem's own
    if a.tree is None or b.tree is None or a.too_large or b.too_large:
        return False
    return rounds_to(a.tree, b.tree)
