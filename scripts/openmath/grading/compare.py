"""Are two answers the same? Symmetric, deterministic, bounded."""

from functools import lru_cache

from openmath.grading import algebra, beside, paper
from openmath.grading.beside import A_LETTER, count_differently
from openmath.grading.grades import Grade
from openmath.grading.language.trees import letters
from openmath.grading.language.units import ANGLES, DIRECTIONS, clash
from openmath.grading.limits import TooLarge
from openmath.grading.meaning.key_texts import text_key
from openmath.grading.meaning.rounding import rounds_to
from openmath.grading.parsed_answer import CUT_OFF, ParsedAnswer
from openmath.grading.readings import Reading

_SEVERAL = ("list", "group", "set", "matrix")
CACHE_SIZE = 20_000  # answers kept read: the references of a benchmark and the answers they meet


@lru_cache(CACHE_SIZE)
def read(text: str) -> ParsedAnswer:
    return ParsedAnswer(text)


def grade(predicted: str | None, expected: str, policy: str = "default") -> Grade:
    """Is `predicted` the answer `expected`? None is no answer. Symmetric. policy: "default" or "paper" (see paper.py)."""
    if predicted is None:
        return Grade(False, "no_answer")
    if predicted == expected:
        return Grade(True)
    a, b = read(predicted), read(expected)
    try:
        if paper.correct(predicted, expected) if policy == "paper" else same(a, b) or same_when_worked_out(a, b):
            return Grade(True)
    except TooLarge:
        return Grade(False, "too_large")
    return Grade(False, "too_large" if a.exceeds_limits() or b.exceeds_limits() else "ok")


def vote_class(answer: str | None) -> str | None:
    """Canonical form: equal answers give the same string. None stays None."""
    return None if answer is None else read(answer).primary


def text_class(answer: str | None) -> str | None:
    """The class of an answer that could not be read within the limits: its own text."""
    return None if answer is None else text_key(answer)


def at_odds(a: ParsedAnswer, b: ParsedAnswer) -> bool:
    """Do the answers name different units, coordinates, orders or domains? One of them may leave these out."""
    if {a.unit, b.unit} == ANGLES:  # 3 rad and 3 degrees; but 180 degrees are pi
        return a.primary == b.primary
    if clash(a.unit, b.unit) or (a.domain and b.domain and a.domain != b.domain):
        return True
    if (a.annotations or b.annotations) and _count_differently(a, b):
        return True
    if a.plain or b.plain:
        return False  # a bare number says no more than its unit
    if a.coordinate and b.coordinate and a.coordinate != b.coordinate:
        if A_LETTER not in (a.coordinate, b.coordinate) or len(a.coordinate + b.coordinate) > 2:
            return True
    if a.explained and b.explained and a.explained != b.explained:
        return True
    if a.content and b.content and a.primary == b.primary and _chosen_differently(a.content, b.content):
        return True
    if a.extreme and b.extreme and a.extreme != b.extreme:
        return True
    marks = beside.function_marks(a.tree), beside.function_marks(b.tree)
    if None not in marks and marks[0] != marks[1]:
        return True
    # (x, y) = (1, 2) and (y, x) = (1, 2)
    reordered = a.order and b.order and a.order != b.order and set(a.order) == set(b.order)
    return bool(reordered) and _keys(a, Reading.RECORD).isdisjoint(_keys(b, Reading.RECORD))


def same(a: ParsedAnswer, b: ParsedAnswer) -> bool:
    """Do the answers say the same under a reading that is fair to both?"""
    if at_odds(a, b):
        return False
    if a.primary == b.primary:
        return True
    if a.plain and b.plain:
        return False
    if _meets_primary(a, b) or _meets_primary(b, a) or _meet_at_once(a, b):
        return True
    if a.tree is None or b.tree is None or a.too_large or b.too_large or (a.unit ^ b.unit) & DIRECTIONS:
        return False
    if a.cut_off != b.cut_off and a.primary.removesuffix(CUT_OFF) == b.primary.removesuffix(CUT_OFF):
        return False  # 3.14... is not 3.14
    return rounds_to(a.tree, b.tree, cut_off=a.cut_off or b.cut_off)


def same_when_worked_out(a: ParsedAnswer, b: ParsedAnswer) -> bool:
    """The same with its integrals and the like worked out. Raises TooLarge."""
    return not at_odds(a, b) and algebra.equal(a, b)


def _count_differently(a: ParsedAnswer, b: ParsedAnswer) -> bool:
    """3 boys and 2 girls, and 2 boys and 3 girls; beside a list without words, the order says what is counted."""
    if bool(a.counts) == bool(b.counts):
        return count_differently(a.counts, b.counts)
    if any(answer.tree is None or answer.tree[0] not in _SEVERAL for answer in (a, b)):
        return True  # 2 apples and 2 pears are not 2
    one, other = _keys(a, Reading.SEQUENCE), _keys(b, Reading.SEQUENCE)
    return bool(one and other) and one.isdisjoint(other)


def _chosen_differently(content: str, other: str) -> bool:
    """(B) 5 and (B) 6: the same choice, of numbers that are not the same. Words are not held against each other."""
    one, two = read(content.strip(" $.}")), read(other.strip(" $.}"))
    if one.tree is None or two.tree is None or letters(one.tree) or letters(two.tree):
        return False
    return not same(one, two)


def _meets_primary(a: ParsedAnswer, b: ParsedAnswer) -> bool:
    """Is a reading of `a` what `b` primarily says, where `b` does not leave the same thing open?"""
    return any(b.primary in keys and reading not in b.other_readings for reading, keys in a.other_readings.items())


def _meet_at_once(a: ParsedAnswer, b: ParsedAnswer) -> bool:
    """Have readings of both answers, that may meet, a key in common?"""
    for reading, keys in a.other_readings.items():
        if reading is Reading.FAMILY and a.constants == b.constants:
            continue  # constants with the same names are the problem's own, not arbitrary ones
        if any(not keys.isdisjoint(_keys(b, other)) for other in reading.both_at_once):
            return True
    return False


def _keys(answer: ParsedAnswer, reading: Reading) -> frozenset[str]:
    return answer.other_readings.get(reading, frozenset())
