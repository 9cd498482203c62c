r"""Numbers and simple arithmetic in words, as the formula that they stand for.

>>> [as_formula(words) for words in ("a third", "twenty-one", "5 choose 2", "2 to 3", "two dozen", "a red car")]
['\\frac{1}{3}', '21', '\\binom{5}{2}', '2:3', '24', None]
"""

import re

from openmath.grading.language.lexer import NUMBER_WORDS, SCALES

_TENS = dict(zip("thirty forty fifty sixty seventy eighty ninety".split(), range(30, 100, 10), strict=True))
_SMALL = {word: int(number) for word, number in NUMBER_WORDS.items()} | _TENS
_SMALL_WORD = re.compile(rf"(?<!-)\b(?:{'|'.join(_SMALL)})\b(?!-)")
_PARTS = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "hundredth": 100, "thousandth": 1000,
}  # fmt: skip
_TWICE = re.compile(r"(-?\d+) \(([a-z -]+)\)")
_ORDINALS = {
    word: number
    for number, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
        "sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        start=1,
    )
} | {f"{word[:-1]}ieth": number for word, number in _TENS.items()}
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_ARITHMETIC = tuple(
    (re.compile(pattern), formula)
    for pattern, formula in (
        (rf"{_NUMBER} choose {_NUMBER}", r"\\binom{\1}{\2}"),
        (rf"{_NUMBER} (?:plus|added to) {_NUMBER}", r"\1+\2"),
        (rf"{_NUMBER} (?:minus|less) {_NUMBER}", r"\1-\2"),
        (rf"{_NUMBER} (?:times|multiplied by) {_NUMBER}", r"\1 \\cdot \2"),
        (rf"{_NUMBER} (?:divided by|over|out of) {_NUMBER}", r"\\frac{\1}{\2}"),
        (rf"{_NUMBER} to the power (?:of )?{_NUMBER}", r"\1^{\2}"),
        (rf"{_NUMBER} to {_NUMBER}", r"\1:\2"),
        (r"(-?\d+) point (\d+)", r"\1.\2"),
        (rf"{_NUMBER} squared", r"(\1)^2"),
        (rf"{_NUMBER} cubed", r"(\1)^3"),
        (rf"{_NUMBER} factorial", r"\1!"),
        (rf"{_NUMBER} tens", r"\1 \\cdot 10"),
        (rf"{_NUMBER} (?:permille|per mille|per mil)", r"\\frac{\1}{1000}"),
        (rf"(?:the )?square root of {_NUMBER}", r"\\sqrt{\1}"),
        (rf"(?:negative|minus) {_NUMBER}", r"-\1"),
    )
)
MAX_WORDS = 100  # characters of an answer that is read as a number in words


def as_formula(words: str) -> str | None:
    """The formula of a whole answer in words; None of other texts. words: without \\text."""
    if len(words) > MAX_WORDS:
        return None
    words = " ".join(words.lower().split()).strip(" .")
    in_digits = _SMALL_WORD.sub(lambda found: str(_SMALL[found[0]]), words)  # two to three
    said_twice = _TWICE.fullmatch(words)  # 9 (nine)
    if said_twice and as_formula(said_twice[2]) == said_twice[1]:
        return said_twice[1]
    for pattern, formula in _ARITHMETIC:
        found = pattern.fullmatch(in_digits)
        if found:
            return found.expand(formula)
    above, _, part = in_digits.partition(" ")
    if above.isdigit() and part.endswith("s") and _below(part) and part != "quarters":  # 3 fifths; quarters are coins
        return f"\\frac{{{above}}}{{{_below(part)}}}"
    if not words[:1].isalpha():
        return None
    sign, words = ("-", words.partition(" ")[2]) if words.startswith(("negative ", "minus ")) else ("", words)
    value = _value(words)
    return value and sign + value


def _value(words: str) -> str | None:
    if words == "half":
        return "\\frac{1}{2}"
    before, _, after = words.rpartition(" and ")
    if before and _below(after.rpartition(" ")[2]):  # two and a half
        whole, part = _whole(before.replace("-", " ").split()), _value(after)
        return None if whole is None or part is None else f"{whole}{part}"
    parts = words.replace("-", " ").replace(" and ", " ").split()
    below = _below(parts[-1])
    if below and len(parts) > 1:
        if ordinal(words):
            return None  # thirty-fifth is a place, not 30/5
        above = 1 if parts[:-1] == ["a"] else _whole(parts[:-1])
        return None if above is None else f"\\frac{{{above}}}{{{below}}}"
    value = _whole(parts)
    return None if value is None else str(value)


def _below(word: str) -> int | None:
    """The 3 of third and thirds."""
    return _PARTS.get(word.removesuffix("s").replace("halve", "half"))


def ordinal(words: str) -> int | None:
    """The 21 of "twenty-first" and "the twenty-first"; None of other texts."""
    before, _, last = words.lower().strip(" .").removeprefix("the ").replace("-", " ").rpartition(" ")
    number = _ORDINALS.get(last)
    if number is None or not before:
        return number
    return _SMALL[before] + number if number < 10 and (before in _TENS or before == "twenty") else None


def _whole(parts: list[str]) -> int | None:
    """The whole number of "two hundred twenty one", "a dozen"; None if a word is no number or out of place."""
    if parts[0] in ("a", "an", "one") and len(parts) > 1 and parts[1] in SCALES:
        parts = ["one", *parts[1:]]
    total = group = last = 0
    for part in parts:
        if (
            part in _SMALL
            and (last == 0 or _SMALL[part] < (10 if 20 <= last < 100 else last))
            and last not in range(1, 20)
        ):
            group += _SMALL[part]
            last = _SMALL[part]
        elif part in ("hundred", "dozen") and group:
            group *= SCALES[part]
            last = 100
        elif part in SCALES and group:
            total, group, last = total + group * SCALES[part], 0, 0
        else:
            return None
    return total + group
