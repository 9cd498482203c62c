r"""Whole answers in a notation of their own: times, dates, choices, numbers in another base, congruences."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from openmath.grading.language import prose, statements
from openmath.grading.language.bases import based
from openmath.grading.language.choices import choice, listed, loose_choice, together
from openmath.grading.language.congruences import congruence
from openmath.grading.language.digits import indian_groups
from openmath.grading.language.number_words import as_formula, ordinal
from openmath.grading.language.quantities import quantity
from openmath.grading.language.spellings import combinations
from openmath.grading.language.times import Clock, clock, date
from openmath.grading.language.units import directed, unit_letter
from openmath.grading.meaning.structure import Structure
from openmath.grading.readings import Reading

_SET_BUILDER = re.compile(r"\\\{\s*([a-z])\s*(?:\\in\s*\\mathbb\s*\{?\s*R\s*\}?)?\s*[|:]\s*(.+?)\\\}")
_FAMILY = re.compile(r"\\\{\s*([^:|]+?)\s*[|:]\s*([a-z]\s*\\in\s*\\mathbb[^:|]*?)\s*\\\}")  # {4k : k in Z}
_SET_OF_TUPLES = re.compile(r"\\\{\s*\([a-z](?:\s*,\s*[a-z])+\)\s*[|:]\s*(.+?)\\\}")  # {(a, b) : a = b}
# 2 \text{ and } \frac{3}{4}
_MIXED = re.compile(
    r"(-?)(\d+)\s*(?:\\text\s*\{\s*and\s*\}|\band\b)\s*(?:\\frac\s*\{?(\d+)\}?\s*\{?(\d+)\}?|(\d+)/(\d+))"
)
_REMAINDER = re.compile(
    r"(\d{1,300})(?:,? (?:with )?(?:a )?(?:remainder|rem\.?)(?: of)? |\s*R\s*| r )(\d{1,300})", re.ASCII
)
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2}")  # not the name of a command
# 0,25 and 1000,99 and 2,75; but 1,250 is 1250, and 2,5 lists two numbers.
_DECIMAL_COMMA = re.compile(r"(-?(?:0+|(?!\d{1,3},\d{3}$)\d+(?=,\d\d))),(\d+)")
_POINT_GROUPS = re.compile(r"(?<=\d)\.(?=\d{3}(?:\.\d{3})*,\d+$)")  # 1.234,56
MAX_CHARACTERS = 300  # of an answer in one of these notations
_PARAMETERS = "kmnt"  # names of the k in 25k + 24


_POINT = re.compile(r"[A-Z](?:_\{?\w\}?)?\s*(\([^()]+(?:,[^()]+)+\))")  # A(3, 4)


class Notation(NamedTuple):
    """key: the primary one; tree: None if there is none; content: the 7 of the choice (B) 7; others: further keys."""

    key: str
    tree: tuple | None = None
    content: str | None = None
    others: tuple[tuple[Reading, str], ...] = ()


# all integers n \ge 3, every integer n with 1 < n
_INTEGERS = re.compile(
    r"(?:all|every|any|the) integers? ([a-z]) ?(?:with |such that |where |satisfying )?(?:\1 ?)?((?:\\[gln]eq?\b|[<>]).+)",
    re.IGNORECASE,
)


_EVERY = re.compile(r"(?:all|any|every) ([a-z] ?(?:\\(?:[gl]eq?|ne)\b|[<>]).+)", re.IGNORECASE)  # all n \ge 3
# all x such that x > 2, all real numbers x with 0 < x < 1
_SUCH = re.compile(
    r"(?:all|any|every|the) (?:real )?(?:numbers? |values? of )?([a-z]) (?:such that|for which|with|where|satisfying) "
    r"((?=[^,;]*(?:[<>]|\\[gln]eq?\b))(?:[^A-Za-z\\]|\1(?![A-Za-z])|\\[a-z]+(?![a-z]))+)",
    re.IGNORECASE,
)


def in_signs(text: str) -> str:
    """The formula in place of words for all of it: "a third", "an increase of 15%", "all real numbers except 3"."""
    if len(text) > MAX_CHARACTERS or not _WORD.search(text):
        return text
    plain = statements.plain_text(text).strip(" .")
    integers = _INTEGERS.fullmatch(plain)
    if integers:
        return integers.expand(r"\1 \2, \1 \\in \\mathbb{Z}")
    every = _EVERY.fullmatch(plain)
    if every:
        return every[1]
    such = _SUCH.fullmatch(plain)
    if such:
        return such[2]
    text = prose.reals_but(plain) or listed(plain) or directed(text)
    return as_formula(prose.unwrapped(text)) or text


def without_set_builder(text: str) -> str:
    """{x | x > 1} as x > 1, {4k : k in Z} as 4k, k in Z."""
    if len(text) > MAX_CHARACTERS:
        return text
    return _SET_OF_TUPLES.sub(r"\1", _FAMILY.sub(r"\1, \2", _SET_BUILDER.sub(r"\2", text)))


def notation(text: str) -> Notation | None:
    """What a cleaned answer says, if all of it is in one of these notations; None for others."""
    if len(text) > MAX_CHARACTERS:
        return None
    worded = _WORD.search(text)
    if worded or ":" in text or "m" in text.lower():
        words = prose.unwrapped(text)
        time = clock(words)
        if time:
            return _time(time, words)
    if text[:1].isdigit() and (worded or " " in text or "R" in text):
        words = prose.unwrapped(text)
        left_over = _REMAINDER.fullmatch(words)
        if left_over:
            return Notation(f"{int(left_over[1])} remainder {int(left_over[2])}")
        measured = quantity(words)
        if measured:
            return Notation(measured)
    day = date(prose.unwrapped(text)) if worded or text[4:5] == "-" else None
    if day:
        return Notation(day)
    found = choice(text)
    if found:
        letter, content = found
        return Notation(Structure().key(("sym", letter)), ("sym", letter), content)
    tree = based(text) if "_" in text or "ase" in text or text.lstrip("-").startswith("0") else None
    if tree:
        return Notation(Structure().key(tree), tree)
    congruent = congruence(text) if "mod" in text else None
    return _congruence(*congruent) if congruent else None


def _time(time: Clock, words: str) -> Notation:
    others = []
    if time.by_24_hours:
        others.append((Reading.CLOCK, time.by_24_hours))
    if time.bare:
        others.append((Reading.CLOCK, time.bare))
    if not time.certain:
        ratio = ("ratio", tuple(("num", part) for part in words.replace(" ", "").split(":")))
        others.append((Reading.RATIO, Structure().key(ratio)))
        others.extend(Structure().other_readings(ratio))
    return Notation(time.key, others=tuple(others))


def _congruence(residues: tuple[int, ...], modulus: int) -> Notation:
    reduced = sorted({residue % modulus for residue in residues})
    bare = Structure().key(("set", tuple(_number(residue) for residue in residues)))
    others = [(Reading.RESIDUE, bare)]
    if len(reduced) == 1:
        for name in _PARAMETERS:
            multiple = ("mul", ("num", str(modulus)), ("sym", name))
            others.append((Reading.RESIDUE, Structure().key(("add", (multiple, ("num", str(reduced[0])))))))
    return Notation(f"residue {','.join(map(str, reduced))} mod {modulus}", others=tuple(others))


def _number(number: int) -> tuple:
    return ("num", str(number)) if number >= 0 else ("neg", ("num", str(-number)))


def respellings(text: str) -> Iterator[tuple[Reading, str]]:
    """(reading, text) of other texts that this one may stand for."""
    commas = _DECIMAL_COMMA.fullmatch(_POINT_GROUPS.sub("", text)) if "," in text else None
    if commas:
        yield Reading.DECIMAL_COMMA, f"{commas[1]}.{commas[2]}"
    if unit_letter(text):
        yield Reading.UNIT_LETTER, text.rpartition(" ")[0]
    point = _POINT.fullmatch(text) if text[:1].isupper() else None
    if point:
        yield Reading.POINT, point[1]
    chosen = combinations(text) if "(" in text else None
    if chosen:
        yield Reading.COMBINATIONS, chosen


def also(text: str) -> list[tuple[Reading, str]]:
    """(reading, key) of a formula that may also be in one of these notations."""
    found: list[tuple[Reading, str]] = []
    if len(text) > MAX_CHARACTERS:
        return found
    letter = loose_choice(text)
    if letter:
        found.append((Reading.CHOICE, Structure().key(("sym", letter))))
    letters = together(text)
    if letters:
        found.append((Reading.CHOICE, Structure().key(("set", tuple(("sym", letter) for letter in letters)))))
    place = ordinal(prose.unwrapped(text)) if text[-1:].isalpha() or text.endswith("}") else None
    if place:
        found.append((Reading.ORDINAL, f"ordinal {place}"))
    mixed = _MIXED.fullmatch(text)
    if mixed:
        sign, whole, *parts = mixed.groups()
        above, below = filter(None, parts)
        tree = ("add", (("num", whole), ("div", ("num", above), ("num", below))))
        found.append((Reading.MIXED_NUMBER, Structure().key(("neg", tree) if sign else tree)))
    number = indian_groups(text)
    if number:
        found.append((Reading.DIGIT_GROUPS, Structure().key(("num", number))))
    return found
