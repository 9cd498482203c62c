"""Keys of unions, intersections and differences of intervals and points: (1, 2] and (2, 3) are (1, 3)."""

import itertools
import math
import re
from fractions import Fraction

from flint import fmpq

_PIECE = re.compile(r"I([(\[])(-oo|-?\d+(?:/\d+)?)\.\.(\+oo|-?\d+(?:/\d+)?)([)\]])")
_POINT = re.compile(r"-?\d+(?:/\d+)?")
_BRACES = re.compile(r"(?:cup)?\{(.*)\}")
MAX_PIECES = 50  # of a set that is joined or combined with another
REALS = "I(-oo..+oo)"

# An end of a piece: its number, and of a lower end 0 if the number is taken, of an upper one 1. They compare as they lie.
End = tuple[Fraction | float, int]
Pieces = list[tuple[End, End]]


def cup(pieces: list[str]) -> str:
    """The key of a union: of points alone a set. Pieces that overlap or touch are one, if all their ends are rational."""
    if any(piece.startswith("I") for piece in pieces):
        ends = _pieces(pieces)
        pieces = pieces if ends is None else [_piece(low, high) for low, high in _joined(ends)]
    distinct = sorted(set(pieces))
    if len(distinct) == 1:
        return distinct[0]
    return ("{" if not any(piece.startswith("I") for piece in distinct) else "cup{") + ";".join(distinct) + "}"


def combined(operation: str, key: str, other: str) -> str | None:
    """The key of an intersection ("cap") or a difference ("minus") of sets with rational ends; None of other sets."""
    ends, others = _pieces(_split(key)), _pieces(_split(other))
    if ends is None or others is None:
        return None
    others = _complement(_joined(others)) if operation == "minus" else _joined(others)
    both = [(max(a[0], b[0]), min(a[1], b[1])) for a in _joined(ends) for b in others]
    pieces = [_piece(low, high) for low, high in both if _holds_a_number(low, high)]
    return cup(pieces) if pieces else "empty"


def falls(interval: str) -> bool:
    """Is the lower end above the upper one, so that [2, -3] can only be a vector?"""
    found = _PIECE.fullmatch(interval)
    return found is not None and _rational(found[2]) > _rational(found[3])


def punctured(points: list[str]) -> str:
    """All real numbers but these (in increasing order where they are rational)."""
    try:
        points = sorted(set(points), key=lambda text: fmpq(*map(int, text.split("/"))))
    except ValueError:
        return "ne{" + ";".join(sorted(set(points))) + "}"
    ends = ["-oo", *points, "+oo"]
    return cup([f"I({low}..{high})" for low, high in itertools.pairwise(ends)])


def _split(key: str) -> list[str]:
    """The pieces of the key of a set."""
    inside = _BRACES.fullmatch(key)
    return [] if key == "empty" else inside[1].split(";") if inside else [key]


def _pieces(keys: list[str]) -> Pieces | None:
    """The ends of intervals and points; None if one is something else, or empty."""
    if len(keys) > MAX_PIECES:
        return None
    found: Pieces = []
    for key in keys:
        if interval := _PIECE.fullmatch(key):
            low = _rational(interval[2]), int(interval[1] == "(")
            high = _rational(interval[3]), int(interval[4] == "]")
        elif _POINT.fullmatch(key):
            low, high = (Fraction(key), 0), (Fraction(key), 1)
        else:
            return None
        if not _holds_a_number(low, high):
            return None
        found.append((low, high))
    return found


def _joined(pieces: Pieces) -> Pieces:
    """In order, and those that overlap or touch as one: (1, 2) and [2, 3] touch, (1, 2) and (2, 3) do not."""
    joined: Pieces = []
    for low, high in sorted(pieces):
        end = joined[-1][1] if joined else (-math.inf, 0)
        if joined and (low[0] < end[0] or (low[0] == end[0] and (not low[1] or end[1]))):
            joined[-1] = joined[-1][0], max(end, high)
        else:
            joined.append((low, high))
    return joined


def _complement(pieces: Pieces) -> Pieces:
    """What lies between joined pieces. What ends a piece and is taken by it is not taken beside it."""
    ends: list[End] = [(-math.inf, 1), *(end for piece in pieces for end in piece), (math.inf, 0)]
    between = zip(ends[::2], ends[1::2], strict=True)
    return [(low, high) for low, high in between if _holds_a_number(low, high)]


def _holds_a_number(low: End, high: End) -> bool:
    return low[0] < high[0] or (low[0] == high[0] and not low[1] and bool(high[1]))


def _rational(text: str) -> Fraction | float:
    return float(text.replace("oo", "inf")) if "oo" in text else Fraction(text)


def _piece(low: End, high: End) -> str:
    if low[0] == high[0]:
        return str(low[0])
    names = [{math.inf: "+oo", -math.inf: "-oo"}.get(end[0]) or str(end[0]) for end in (low, high)]
    return f"I{'[('[low[1]]}{names[0]}..{names[1]}{')]'[high[1]]}"
