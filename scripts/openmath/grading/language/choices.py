r"""Choices of multiple-choice questions: (B) 7, B. 7, \text{(B) } 7, Option B, B: seven, B 7.

>>> choice("(B) 7"), choice("Option B"), loose_choice("B - 7")
(('B', '7'), ('B', None), 'B')
"""

import re

_CHOICE = re.compile(
    r"\\text\s*\{\s*\(?([A-J])[.):]+\s*\}?\s*(.+)|(?:\(([A-J])\)|([A-J])(?:[.)]\s|:\s+(?=[A-Za-z\\\d])))\s*((?!(?:and|or)\b)(?:\w|\\(?:frac|sqrt|pi|text)\b|[-$]).*)",
    re.DOTALL,
)
_NAMED = re.compile(
    r"(?:\\text\s*\{\s*)?(?:the )?(?:correct )?(?:[Oo]ption|[Cc]hoice|[Aa]lternative|[Aa]nswer(?: choice)?)\s*\}?"
    r"\s*\(?([A-J])\)?\s*\}?"
    r"(?:\s*[.:)-]+\s*(.+))?",
    re.DOTALL,
)
_LETTER = re.compile(r"([A-J])\)")
_ONE = r"\(?(?:[A-HJ]|X{0,3}(?:IX|IV|V?I{0,3}))\)?"
_LISTED = re.compile(
    rf"(?:both\s+|[Ss]tatements?\s+)?((?=[A-X(]){_ONE}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+)(?=[A-X(]){_ONE})*)(?:,?\s+only)?"
)
_SMALL = re.compile(r"\(?([a-h])\)?")
_TOGETHER = re.compile(r"[A-H]{2,5}")
_LOOSE = re.compile(r"([A-J])\s(?:-\s)?\s*(?:\d[\d.,/]*|\\frac.*)")


def choice(text: str) -> tuple[str, str | None] | None:
    """(letter, what it says) of an answer that is a choice; None for others."""
    found = _CHOICE.fullmatch(text)
    if found:
        return found[1] or found[3] or found[4], found[2] or found[5]
    found = _LETTER.fullmatch(text)
    if found:
        return found[1], None
    found = _NAMED.fullmatch(text)
    return (found[1], found[2]) if found else None


def together(text: str) -> tuple[str, ...]:
    """The letters of several choices in one word, ACD; none of other texts."""
    return tuple(text) if _TOGETHER.fullmatch(text) and sorted(set(text)) == list(text) else ()


def loose_choice(text: str) -> str | None:
    """The letter of an answer that is also a formula: B 7, B - 7, b."""
    found = _SMALL.fullmatch(text) or _LOOSE.fullmatch(text)
    return found[1].upper() if found else None


def listed(words: str) -> str | None:
    """The choices of "I and III only" and "both A and C"; None of other texts. words: without \\text."""
    found = _LISTED.fullmatch(words)
    return found[1] if found else None
