"""Keys of unions of intervals and points: (1, 2] and (2, 3) are (1, 3)."""

import itertools
import math
import re
from fractions import Fraction

from flint import fmpq

_PIECE = re.compile(r"I([(\[])(-oo|-?\d+(?:/\d+)?)\.\.(\+oo|-?\d+(?:/\d+)?)([)\]])")
_POINT = re.compile(r"-?\d+(?:/\d+)?")
MAX_PIECES = 50  # of a union that are joined where they overlap


def cup(pieces: list[str]) -> str:
    """The key of a union: of points alone a set."""
    distinct = sorted(_joined(pieces))
    if len(distinct) == 1:
        return distinct[0]
    return ("{" if not any(piece.startswith("I") for piece in distinct) else "cup{") + ";".join(distinct) + "}"


def falls(interval: str) -> bool:
    """Is the lower end above the upper one, so that [2, -3] can only be a vector?"""
    found = _PIECE.fullmatch(interval)
    return found is not None and _rational(found[2]) > _rational(found[3])


def _joined(pieces: list[str]) -> set[str]:
    """The pieces, those that overlap or touch joined to one, if all are intervals between rational ends, and rational points."""
    found = [_PIECE.fullmatch(piece) or _POINT.fullmatch(piece) for piece in pieces]
    if not any(piece.startswith("I") for piece in pieces) or len(pieces) > MAX_PIECES:
        return set(pieces)
    joined: list[
        tuple[tuple, tuple]
    ] = []  # (low, 0 if it is taken) and (high, 1 if it is): these compare as the ends do
    ends = [_ends(piece) for piece in found if piece]
    if len(ends) < len(pieces) or any(low > high for low, high in ends):
        return set(pieces)
    for low, high in sorted(ends):
        # (1, 2) and [2, 3] touch, (1, 2) and (2, 3) do not
        if joined and (low[0] < joined[-1][1][0] or (low[0] == joined[-1][1][0] and (not low[1] or joined[-1][1][1]))):
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return {_piece(low, high) for low, high in joined}


def _ends(piece: re.Match) -> tuple[tuple, tuple]:
    if piece.re is _POINT:
        return (_rational(piece[0]), 0), (_rational(piece[0]), 1)
    return (_rational(piece[2]), int(piece[1] == "(")), (_rational(piece[3]), int(piece[4] == "]"))


def _rational(text: str) -> Fraction | float:
    return float(text.replace("oo", "inf")) if "oo" in text else Fraction(text)


def _piece(low: tuple, high: tuple) -> str:
    low_key, high_key = (
        {math.inf: "+oo", -math.inf: "-oo"}.get(end[0]) or str(Fraction(end[0])) for end in (low, high)
    )
    if low[0] == high[0]:
        return low_key
    return f"I{'[('[low[1]]}{low_key}..{high_key}{')]'[high[1]]}"


def punctured(points: list[str]) -> str:
    """All real numbers but these (in increasing order where they are rational)."""
    try:
        points = sorted(set(points), key=lambda text: fmpq(*map(int, text.split("/"))))
    except ValueError:
        return "ne{" + ";".join(sorted(set(points))) + "}"
    ends = ["-oo", *points, "+oo"]
    return cup([f"I({low}..{high})" for low, high in itertools.pairwise(ends)])
