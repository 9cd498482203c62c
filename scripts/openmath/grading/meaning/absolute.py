"""Bounds of absolute values as bounds of the letter inside: |x - 1| < 2 is -1 < x < 3, |x| > 2 is x < -2 or x > 2."""

from collections.abc import Callable

from flint import fmpq

from openmath.grading.language.trees import letters

_COMPLEX = {"z", "w"}  # |z| < 1 is a disc
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
Linear = Callable[[tuple], tuple[str, fmpq, fmpq] | None]


def without_absolute_value(signs: tuple, sides: tuple, linear: Linear) -> tuple | None:
    """The tree of the same relation without its absolute value; None if it has none of a real letter.

    linear: of a tree a*x + b the letter x, and a and b.
    """
    if signs[0] in (">", ">="):
        signs, sides = tuple(_FLIPPED[sign] for sign in reversed(signs)), tuple(reversed(sides))
    if not set(signs) <= {"<", "<="} or len(sides) > 3:
        return None
    places = [place for place, side in enumerate(sides) if side[0] == "abs"]
    if len(places) != 1 or any(letters(side) for side in sides if side[0] != "abs"):
        return None
    found = linear(sides[places[0]][1])
    if found is None or found[0] in _COMPLEX:
        return None
    name, slope, shift = found
    if slope < 0:
        slope, shift = -slope, -shift

    def end(bound: tuple) -> tuple:
        """The x at which slope * x + shift is the bound."""
        return ("div", ("add", (bound, number(-shift))), number(slope))

    letter = ("sym", name)
    if places == [0]:  # |x| < c
        return ("rel", (signs[0], signs[0]), (end(("neg", sides[1])), letter, end(sides[1])))
    outer = (
        ("rel", (signs[0],), (letter, end(("neg", sides[0])))),
        ("rel", (signs[0],), (end(sides[0]), letter)),
    )
    if len(sides) == 3:  # b < |x| < c
        outer = (
            ("rel", (signs[1], signs[0]), (end(("neg", sides[2])), letter, end(("neg", sides[0])))),
            ("rel", signs, (end(sides[0]), letter, end(sides[2]))),
        )
    return ("list", outer, "or") if places == [1] else None


def number(value: fmpq) -> tuple:
    """The tree of a fraction."""
    tree = ("div", ("num", str(abs(value.p))), ("num", str(value.q)))
    return ("neg", tree) if value < 0 else tree
