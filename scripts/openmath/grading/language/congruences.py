r"""Congruences: x \equiv 24 \pmod{25}, 24 (mod 25).

>>> congruence(r"x = 24 \pmod{25}"), congruence("24 mod 25")
(((24,), 25), ((24,), 25))
"""

import re

_CONGRUENCE = re.compile(
    r"(?:(?:[A-Za-z]|(?P<number>\d{1,300}))\s*=\s*)?(?P<residues>(?:\\pm\s*|-)?\d+(?:\s*,\s*(?:\\pm\s*|-)?\d+)*)\s*\(?\s*(?:\\text\s*\{|\\mathrm\s*\{)?\s*\(?\\?(?:p|b)?mod(?:ulo)?\.?\s*\}?\s*\{?\s*(?P<modulus>\d+)\s*\}?\s*\)?\s*\}?"
)
_RESIDUE = re.compile(r"(\\pm)?\s*(-?\d+)")


def congruence(text: str) -> tuple[tuple[int, ...], int] | None:
    r"""(residues as written, modulus) of a cleaned answer, in which \equiv is =; None for others, also for 17 mod 5, which is 2."""
    found = _CONGRUENCE.fullmatch(text)
    if not found or len(found["modulus"]) > 300 or len(found["residues"]) > 1000:
        return None
    modulus = int(found["modulus"])
    residues = tuple(
        sign * int(number)
        for both, number in _RESIDUE.findall(found["residues"])
        for sign in ((1, -1) if both else (1,))
    )
    if modulus < 2 or ("pmod" not in text and "(" not in text and not 0 <= residues[0] < modulus):
        return None
    if found["number"] and int(found["number"]) % modulus not in {residue % modulus for residue in residues}:
        return None  # 10 is not 4 modulo 7
    return residues, modulus
