r"""Quantities in several units: 1 hour 20 minutes, 5 ft 4 in, 5 dollars and 20 cents.

>>> quantity("1 hour 20 minutes"), quantity("2 in 5 ft"), quantity_of(frozenset({"min"}), "80")
('quantity:time:4800', None, 'quantity:time:4800')
"""

import re
from fractions import Fraction

from openmath.grading.language.units import unit_name

# Units of which one answer may hold several, the larger first, in the smallest of them.
_SIZES = {
    "time": {"week": 604_800, "day": 86_400, "h": 3600, "min": 60, "s": 1},
    "age": {"year": 12, "month": 1},
    "feet": {"mi": 63_360, "yd": 36, "ft": 12, "in": 1},
    "meters": {"km": 1_000_000, "m": 1000, "cm": 10, "mm": 1},
    "pounds": {"pound": 16, "ounce": 1},
    "grams": {"kg": 1_000_000, "g": 1000, "mg": 1},
    "liters": {"l": 1000, "ml": 1},
    "dollars": {"dollar": 100, "cent": 1},
}
_MEASURE = {unit: measure for measure, sizes in _SIZES.items() for unit in sizes}
_NUMBER = r"\d{1,15}(?:\.\d{1,15})?"
_PART = re.compile(rf"({_NUMBER})\s*([A-Za-z]+)\b\.?")
_PARTS = re.compile(rf"{_PART.pattern}(?:(?:\s*,)?\s*(?:and\s+)?{_PART.pattern}){{1,4}}")
_RATIONAL = re.compile(r"\d{1,30}(?:/\d{1,30})?")


def quantity(words: str) -> str | None:
    r"""The key of a whole answer in at least two units of one measure, the larger first; None of others. words: without \text."""
    if not _PARTS.fullmatch(words):
        return None
    parts = [(Fraction(number), unit_name(unit)) for number, unit in _PART.findall(words)]
    sizes = _SIZES.get(_MEASURE.get(parts[0][1] or "", ""), {})
    if not all(unit in sizes for _, unit in parts):
        return None
    steps = [sizes[unit] for _, unit in parts if unit]
    if sorted(set(steps), reverse=True) != steps:
        return None
    return _key(
        _MEASURE[parts[0][1] or ""],
        sum((number * step for (number, _), step in zip(parts, steps, strict=True)), Fraction()),
    )


def quantity_of(unit: frozenset[str], number: str) -> str | None:
    """The same key of an answer in one unit. number: the key of its value."""
    measure = _MEASURE.get(next(iter(unit))) if len(unit) == 1 else None
    if measure is None or not _RATIONAL.fullmatch(number):
        return None
    return _key(measure, Fraction(number) * _SIZES[measure][next(iter(unit))])


def _key(measure: str, total: Fraction) -> str:
    return f"quantity:{measure}:{total}"
