r"""Numbers in another base: 2431 base 5, 2431_{(5)}, \text{A3F}_{16}, 0xA3F.

>>> based("2431 base 5"), based("0xA3F")
(('base', '2431', '5'), ('base', 'a3f', '16'))
"""

import re

from openmath.grading.language.lexer import NUMBER_WORDS

_PREFIXES = {"0x": "16", "0b": "2", "0o": "8"}
_PREFIXED = re.compile(r"(-?)(0[xbo])([0-9a-f]+)", re.IGNORECASE)
_WORDS = re.compile(
    r"(-?)\(?([0-9a-fA-F]+)\)?\s*[,(]?\s*(?:\\text\s*\{)?\s*\(?(?:in |to )?base[\s}-]+\{?(\w+)\s*\}?\)?\}?",
    re.IGNORECASE,
)
_SUBSCRIPT = re.compile(
    r"(-?)(?:\\(?:text|mathrm)\s*\{|\(|\{)?\s*([0-9a-fA-F]+)\s*[})]?\s*_\s*\{?\s*\(?\s*(?:\\(?:text|mathrm)\s*\{)?\s*(?:base\s*)?(\w+)\s*\}?\s*\)?\s*\}?"
)


def based(text: str) -> tuple | None:
    """The tree of a number with its base, if the whole answer is that and its digits are digits of the base."""
    prefixed = _PREFIXED.fullmatch(text)
    if prefixed:
        sign, base, digits = prefixed[1], _PREFIXES[prefixed[2].lower()], prefixed[3]
    else:
        found = _WORDS.fullmatch(text) or _SUBSCRIPT.fullmatch(text)
        if not found:
            return None
        sign, digits, base = found[1], found[2], NUMBER_WORDS.get(found[3].lower(), found[3])
        if not any(map(str.isdigit, digits)) and (base != "16" or len(digits) < 2):
            return None  # F_{16} is a number of a sequence
    if not base.isdigit() or not 2 <= int(base[:3]) <= 36 or any(int(digit, 16) >= int(base) for digit in digits):
        return None
    tree = ("base", digits.lower(), base)
    return ("neg", tree) if sign else tree
