"""Units: an answer may leave its unit out, but 5 cm is not 5 m, and 35% is not 35 degrees."""

import re
from collections import Counter
from collections.abc import Iterable

_SPELLINGS = {
    "mm": "mm millimeter millimetre", "cm": "cm centimeter centimetre", "m": "m meter metre",
    "km": "km kilometer kilometre", "in": "inch inche", "ft": "ft foot feet", "yd": "yd yard", "mi": "mi mile",
    "g": "g gm gram", "kg": "kg kilogram", "mg": "mg milligram", "l": "l liter litre", "ml": "ml milliliter millilitre",
    "s": "s sec second", "min": "min minute", "h": "h hr hour", "day": "day", "week": "week wk", "month": "month",
    "year": "year yr", "dollar": "dollar usd", "cent": "cent", "euro": "euro", "%": "percent pct percentage", "unit": "unit",
}  # fmt: skip
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_SPEEDS = {"mph": ("mi", "h"), "kmph": ("km", "h"), "kph": ("km", "h")}
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_PART = re.compile(r"[A-Za-z]+|\^[\s{]*(-?\d+)|/|\S")
_POWER = re.compile(r"[a-z]+(?:\^(\d+))?")
_DOLLARS = re.compile(r"\s*(?:\\\$|\$(?=[^$]*$))\s*[\d.]")


def clash(one: str | None, other: str | None) -> bool:
    """Do both answers state a unit, and not the same? "Units" are any unit, and square units any unit squared."""
    if one is None or other is None or one == other:
        return False
    if "unit" in (one, other):
        return False
    first, second = _POWER.fullmatch(one), _POWER.fullmatch(other)
    generic = one.startswith("unit^") or other.startswith("unit^")
    return not (generic and first and second and first[1] == second[1])


def unit_of(raw: str, annotations: Iterable[str], tree: tuple | None) -> str | None:
    r"""The unit that an answer states: "cm^2", "km/h", "dollar", "%", "degree"; None if none, or none that is known.

    raw: as written (for \$5); annotations: the words dropped behind each value; tree: of the rest (for % and degrees).
    """
    if _DOLLARS.match(raw):
        return "dollar"
    found = {_canonical(words) for words in annotations}
    if tree is not None and tree[0] in ("deg", "pct") and not found:
        return {"deg": "degree", "pct": "%"}[tree[0]]
    return found.pop() if len(found) == 1 else None


def _canonical(words: str) -> str | None:
    r"""km / h, "square cm", cm ^ { 2 }, "km per hour" in one spelling; None if a word in it is no known unit."""
    powers: Counter[str] = Counter()
    last, power, sign = None, 1, 1
    for part in _PART.finditer(words):
        text = part[0].lower()
        if part[1] and last:
            powers[last] += sign * (int(part[1][:3]) - 1)
        elif text in ("/", "per"):
            sign = -1
        elif text in _POWERS:
            power = _POWERS[text]
        elif text in _SPEEDS:
            powers.update({_SPEEDS[text][0]: 1, _SPEEDS[text][1]: -1})
        elif last := _NAMES.get(text) or _NAMES.get(text.removesuffix("s")):
            powers[last] += sign * power
            power = 1
        elif text not in "{}.":
            return None
    return " ".join(name if power == 1 else f"{name}^{power}" for name, power in sorted(powers.items())) or None
