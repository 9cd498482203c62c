r"""Properties of numbers in words: "all integers that are odd", "for some nonnegative integer k", "where n \ge 0 is whole"."""

import re

from openmath.grading.language.lexer import NUMBER_WORDS

# What a word says about a number; words of the second line say nothing.
_SAYS = {
    "positive": "positive", "negative": "negative", "nonnegative": "nonnegative", "nonzero": "nonzero", "odd": "odd",
    "even": "even", "prime": "prime", "composite": "composite", "real": "real", "rational": "rational",
    "irrational": "irrational", "natural": "positive integer", "integer": "integer", "integral": "integer",
    "whole": "integer", "square": "square",
}  # fmt: skip
_SILENT = frozenset(
    """all every any each some the a an that which are is must be of form number constant value arbitrary fixed perfect
    for where with given and let""".split()
)
_IMPLIED = {
    "odd": "integer", "even": "integer", "multiple": "integer", "prime": "positive integer", "square": "integer",
    "composite": "positive integer", "power": "positive integer", "positive": "nonnegative nonzero", "negative": "nonzero",
    "rational": "real", "irrational": "real", "integer": "real rational",
}  # fmt: skip
_SYMBOLS = {"Z": "integer", "N": "positive integer", "R": "real", "Q": "rational"}
_BLACKBOARD = re.compile(r"\\in\s*\\mathbb\s*\{?([ZNRQ])\}?(?:_\{?(>?)0\}?)?(?![\w^])")
_MULTIPLES = re.compile(r"\b(?:an? )?(multiple|power)s? of (\d+|[a-z]+)\b")
_BOUND = re.compile(r"(?<![\\\w])([A-Za-z])\s*(\\(?:ge|le|ne)\b|[<>])\s*(-?\d+)")
_WORD = re.compile(r"[A-Za-z]{2,}|\ba\b")
_LETTER = re.compile(r"(?<![\\A-Za-z])[A-Za-z](?![A-Za-z])")
_SIGNS = {"\\ge0": "nonnegative", ">0": "positive", "\\ne0": "nonzero", "<0": "negative"}
_WHOLE_SIGNS = _SIGNS | {"\\ge1": "positive", ">-1": "nonnegative"}
_INTERVALS = {
    frozenset({"real"}): "I(-oo..+oo)", frozenset({"real", "positive"}): "I(0..+oo)",
    frozenset({"real", "nonnegative"}): "I[0..+oo)", frozenset({"real", "negative"}): "I(-oo..0)",
}  # fmt: skip
_ALL = re.compile(
    r"(?:all|every|any|the|exactly the|exactly all)\b|[a-z] (?:(?:is|are|must be)\b|odd$|even$|prime$)"
    r"|(?:multiples|powers) of\b|[a-z -]+ (?:numbers|integers|primes)$",
    re.IGNORECASE,
)


def number_properties(words: str) -> tuple[frozenset[str], str] | None:
    """(what the words say, the formulas left over) if every word is about numbers; None if one is not."""
    said: set[str] = set()
    text = words.replace("non-", "non").replace("$", " ").replace("divisible by", "multiple of")

    def note(found: re.Match) -> str:
        said.add(f"{found[1]} {NUMBER_WORDS.get(found[2], found[2])}")
        return " "

    text = _MULTIPLES.sub(note, text)
    for found in _BLACKBOARD.finditer(text):
        said.update(_SYMBOLS[found[1]].split())
        if found[2] is not None:  # Z_{>0}, Z_0
            said.add("positive" if found[2] else "nonnegative")
    text = _BLACKBOARD.sub(" ", text)
    for word in _WORD.findall(re.sub(r"\\[A-Za-z]+", " ", text)):
        word = word.lower()
        singular = word if word in _SAYS or word in _SILENT else word.removesuffix("s")
        if singular in _SAYS:
            said.update(_SAYS[singular].split())
        elif singular not in _SILENT:
            return None
    rest = re.sub(r"(?<!\\)\b(?:[A-Za-z]{2,}|a(?=\s+[a-z]{2}))\b", " ", text)
    for name in [name for name in said if name.split()[0] in _IMPLIED]:
        said.difference_update(_IMPLIED[name.split()[0]].split())
    return frozenset(said), " ".join(rest.split()).strip(" ,.;:")


def number_class(text: str) -> str | None:
    """The key of "all positive even integers" and the like, in whatever order; None for other texts."""
    found = number_properties(text) if _ALL.match(text) else None
    if not found or not found[0]:
        return None
    if found[0] in _INTERVALS and len(found[1]) <= 1:
        return _INTERVALS[found[0]]
    return key_of(*found[0]) + ("".join(found[1].split()) if len(found[1]) > 1 else "")


def key_of(*properties: str) -> str:
    """The key of all numbers with these properties."""
    return f"numbers:{','.join(sorted(properties))}|"


def parameter(words: str) -> tuple[str, str] | None:
    """(letter, what it runs through) of "for some integer k", "where k is an integer with k \\ge 0"; None if it says more."""
    found = number_properties(words)
    if not found or not found[0]:
        return None
    said, rest = set(found[0]), found[1]
    letters = set(_LETTER.findall(rest))
    bounds = {f"{sign}{number}" for _, sign, number in _BOUND.findall(rest)}
    if len(letters) != 1 or _LETTER.sub(" ", _BOUND.sub(" ", rest)).strip(" ,"):
        return None
    signs = _WHOLE_SIGNS if "integer" in said else _SIGNS
    said |= {signs.get(bound, bound) for bound in bounds}
    if "positive" in said:
        said -= {"nonnegative", "nonzero"}
    return letters.pop(), " ".join(sorted(said))
