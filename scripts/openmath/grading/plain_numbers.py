"""Most answers: a whole number or a short decimal, read without the grammar."""

import re
from fractions import Fraction
from typing import NamedTuple

_PLAIN = re.compile(r"([-+]?)(\d{1,300})(?:\.(\d{0,300}))?", re.ASCII)


class PlainNumber(NamedTuple):
    """key and tree as the grammar and Structure would give them; whole: without digits behind a point."""

    key: str
    tree: tuple
    whole: bool


def plain_number(text: str) -> PlainNumber | None:
    """The number that the whole text is; None of others, and of long ones."""
    found = _PLAIN.fullmatch(text)
    if not found:
        return None
    sign, whole, digits = found[1], found[2].lstrip("0") or "0", (found[3] or "").rstrip("0")
    if digits:
        if len(whole) + len(digits) > 100:
            return None
        value = Fraction(int(whole + digits), 10 ** len(digits))
        key = f"{value.numerator}/{value.denominator}"
    elif len(whole) > 150:
        return None
    else:
        key = whole
    if sign == "-" and key != "0":
        key = "-" + key
    tree: tuple = ("num", text.lstrip("+")) if sign != "-" else ("neg", ("num", text[1:]))
    return PlainNumber(key, tree, not digits)
