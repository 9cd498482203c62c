r"""What an answer says beside its value: the name of it, the order of a tuple, what each item of a list counts, "..." behind it."""

import re

from openmath.grading.language import domains, prose, statements
from openmath.grading.language.annotations import Annotation
from openmath.grading.language.lexer import FUNCTIONS
from openmath.grading.language.trees import bounded_name, label_of, letters, value_of, walk
from openmath.grading.language.units import clash, said
from openmath.grading.meaning.relations import ORDER
from openmath.grading.meaning.structure import Structure

A_LETTER = "?"  # a coordinate that may have any letter as its name
MAX_ITEMS = 50  # of a list whose words are compared item by item
LONGEST_END = (
    400  # characters in which a decimal that goes on is looked for, from its point: more digits than anybody writes
)
_GOES_ON = re.compile(r"\.\d+\s*(?:\.\.\.+|\\[lc]?dots(?![a-z])|[…⋯])\W*$")
_EXTREME = re.compile(
    r"(?<![a-z])(?:(min|minimum|minimal|smallest|lowest)|max|maximum|maximal|largest|greatest|highest)(?![a-z])"
)
Counts = frozenset[tuple[str, frozenset[str]]]


def coordinate(tree: tuple) -> str | None:
    """The x of x = 5, which is not y = 5; the AB of AB = 5."""
    bounded = bounded_name(tree) or _placed_name(tree)
    if bounded:
        return bounded if len(bounded) > 1 or bounded in "xyz" else A_LETTER
    name = label_of(tree)
    if name is None or name in ("x", "y", "z"):
        return name
    side = tree[2][0]
    named = [node[1] for node in walk(side) if node[0] == "sym" and node[1].startswith("\\angle")]
    if named:
        corners = named[0].removeprefix("\\angle")
        return "\\angle" + min(corners, corners[::-1])
    if side[0] == "abs" and side[1][0] == "sym" and side[1][1].isupper():
        return f"|{side[1][1]}|"
    corners = "".join(sorted(letters(tree[2][0])))
    return corners if len(corners) > 1 and corners.isupper() else None


def _placed_name(tree: tuple) -> str | None:
    """The x of x \\in [1, 2] and |x - 1| < 2."""
    if tree[0] != "rel" or len(tree[2]) != 2:
        return None
    if tree[1] in (("in",), ("notin",)):
        return tree[2][0][1] if tree[2][0][0] == "sym" else None
    sides = [side for side in tree[2] if side[0] == "abs"]
    names = letters(tree)
    return next(iter(names)) if len(sides) == len(names) == 1 and tree[1][0] in ORDER else None


def function_marks(tree: tuple | None) -> str | None:
    """The ' of f'(x) = 2x, the ^-1 of f^{-1}(x) = 2x, "" of f(x) = 2x; None of other answers."""
    if tree is None or tree[0] != "rel" or tree[1] != ("=",) or tree[2][0][0] != "call" or tree[2][0][1] in FUNCTIONS:
        return None
    return tree[2][0][1][1:] if tree[2][0][1].lstrip("fghFGHPQ")[:1] in ("", "'", "^") else None


def extreme(text: str) -> str | None:
    """Of the smallest and the largest, the one that the answer speaks of; None if of none, or of both."""
    text = text.lower()
    if not ("min" in text or "max" in text or "est" in text):
        return None
    found = {"min" if words[1] else "max" for words in _EXTREME.finditer(text)}
    return found.pop() if len(found) == 1 else None


def order(tree: tuple) -> tuple[str, ...] | None:
    """The x, y of (x, y) = (1, 2)."""
    if tree[0] != "rel" or tree[2][0][0] != "group":
        return None
    return tuple(item[1] for item in tree[2][0][2] if item[0] == "sym")


def counts(tree: tuple | None, annotations: list[Annotation]) -> Counts:
    """(key of the value, words) of each item of a list with several words, as "3 boys and 2 girls"; of others nothing."""
    words = {annotation.item: said(annotation) for annotation in annotations}
    items = () if tree is None else tree[1] if tree[0] == "list" else tree[2] if tree[0] == "group" else ()
    if len(set(words.values())) < 2 or not max(words) < len(items) <= MAX_ITEMS:
        return frozenset()
    keys = Structure()
    return frozenset((keys.key(value_of(item)), words.get(place, frozenset())) for place, item in enumerate(items))


def count_differently(one: Counts, other: Counts) -> bool:
    """Do two lists say of the same things different numbers?"""
    return bool(one and other) and not (_each_in(one, other) and _each_in(other, one))


def _each_in(one: Counts, other: Counts) -> bool:
    return all(any(key == number and not clash(words, names) for number, names in other) for key, words in one)


def with_condition(tree: tuple, key: str, condition: str) -> str:
    """The key of "3k for some integer k", whatever its letter is called; other conditions are compared as words."""
    if statements.holds_always(condition):
        return key
    found = domains.parameter(condition)
    if not found or found[0] not in letters(tree):
        return f"{key} | {prose.key(condition)}"
    return f"{Structure().renamed({found[0]: 'parameter'}).key(tree)} | {found[1]}"


def goes_on(raw: str, text: str) -> bool:
    """Is this a decimal of which only the first digits are written, 3.14...? text: cleaned; 0.333... has all of its digits."""
    dots = ".." in raw or "dots" in raw or "…" in raw or "⋯" in raw
    return dots and "overline" not in text and bool(_GOES_ON.search(raw[-LONGEST_END:]))
