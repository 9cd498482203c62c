"""API keys: read from the environment, and taken out of whatever others say.

A server may repeat the key that it was sent: as it is, or escaped, broken over lines, cut, encoded. Nothing of a server is
printed or stored before `without_key`, and nothing is cut before it: of a key that is cut first, no search finds the rest.

Standard library only: this module also runs inside engine containers.
"""

import base64
import html
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote

from openmath.errors import InputError

NO_KEY = "none"  # what is sent to an endpoint that asks for no key
SHORTEST_KEY = 8  # characters; anything shorter ("none") is a placeholder, not a secret
SHOWN_PART = 8  # characters of a key, one after the other, that no message shows
STORED_PART = 16  # the same for replies: "sk-proj-" alone may well stand in one, and a reply is data
LONGEST_SEARCHED = 2**20  # characters; a longer text with a key in it is given up whole
HIDDEN = "***"

# One character in disguise, escaped any number of times: \u0041 \x41 \/ (JSON), %41 (URL), &#65; &#x41; &amp; (HTML; of the named
# ones those that a key may need). A line break or tab as \n, \r, \t is white space. A run of backslashes is looked at once, from
# its start: a million of them would take hours otherwise.
ESCAPE = re.compile(
    r"(?<!\\)\\++(?:u(?P<unicode>[0-9a-fA-F]{4})|x(?P<byte>[0-9a-fA-F]{2})|(?P<solidus>/)|(?P<space>[nrt]))"
    r"|%(?:25)*(?P<percent>[0-9a-fA-F]{2})"
    r"|&(?:amp;)*(?P<entity>\#[0-9]{1,7};|\#[xX][0-9a-fA-F]{1,6};"
    r"|(?:amp|apos|ast|bsol|colon|commat|dollar|equals|gt|hyphen|lowbar|lt|nbsp|num|percnt|period|plus|quot|shy|sol);)"
)

# What ESCAPE finds, but for a \n, \r or \t of one backslash, of which LaTeX has many. A pattern for each first sign: such a sign is
# looked for in one instruction of the processor, a set of them is not.
DISGUISES = (
    re.compile(r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|/|\\[nrt])"),
    re.compile(r"%[0-9a-fA-F]{2}"),
    re.compile(r"&(?:\#|[a-z]{2,6};)"),
)
SMALL = bytes(range(256)).lower()  # for bytes.translate: ASCII in small letters ...
UNSEEN = bytes([*range(33), 127])  # ... and without what `_is_visible` takes for nothing
Cell = Literal["Q", "I"]  # of memoryview.cast
# (least length of a part, bytes of a cell that lies inside it wherever it starts, its type)
GRID: tuple[tuple[int, int, Cell], ...] = ((15, 8, "Q"), (7, 4, "I"))


def read_key(variable: str | None, *, what: str = "The API key") -> str | None:
    """The key in an environment variable, without white space around it; NO_KEY without a variable, None where it is not set.

    Raises InputError, which does not show the key, where it holds what no key has.
    """
    if not variable:
        return NO_KEY
    return checked_key(os.environ.get(variable, ""), where=variable, what=what) or None


def checked_key(key: str, *, where: str, what: str = "The API key") -> str:
    """A key without the white space around it (one read from a file ends in a newline); InputError where it is no key."""
    key = key.strip()
    for place, character in enumerate(key, start=1):
        if not "!" <= character <= "~":  # HTTP libraries quote such a header in their errors, key and all
            kind = "white space" if character.isspace() else "a letter outside ASCII, or a control character"
            raise InputError(
                f"{what} holds a character that no key has.",
                where=where,
                expected="letters, digits and signs of ASCII, without spaces between them",
                found=f"{kind} in place {place}; the value is not shown",
                hint="copy the key again: only the key, no quotes, no words around it.",
            )
    return key


def without_key(text: str, key: str, *, part: int = SHOWN_PART) -> str:
    """The text with *** in place of the key, and of each part of it that has at least `part` characters.

    Also where it is escaped (JSON, URL, HTML), broken by white space, in other capitals, or encoded (base64, hexadecimal).
    """
    if len(key) < SHORTEST_KEY or not _holds_part(text, key, part):
        return text
    if len(text) > LONGEST_SEARCHED:
        return HIDDEN
    letters = list(_letters(text))
    plain = "".join(letter for letter, _, _ in letters)
    hidden = bytearray(len(text))
    for least, parts in _parts(key, part):
        for start in range(len(plain) - least + 1):
            if plain[start : start + least] in parts:
                first, last = letters[start][1], letters[start + least - 1][2]
                hidden[first:last] = b"\1" * (last - first)
    return "".join(_with_gaps_filled(text, hidden))


def without_key_inside(value: Any, key: str, *, part: int = STORED_PART) -> Any:
    """A value of JSON with `without_key` on each text in it, names too."""
    if isinstance(value, str):
        return without_key(value, key, part=part)
    if isinstance(value, list):
        return [without_key_inside(one, key, part=part) for one in value]
    if isinstance(value, dict):
        inside = [(name, without_key_inside(one, key, part=part)) for name, one in value.items()]
        return {without_key(name, key, part=part): one for name, one in inside}
    return value


def _with_gaps_filled(text: str, hidden: bytearray) -> Iterator[str]:
    place = 0
    while place < len(text):
        end = hidden.find(0 if hidden[place] else 1, place)
        end = len(text) if end < 0 else end
        yield HIDDEN if hidden[place] else text[place:end]
        place = end


@lru_cache
def _parts(key: str, part: int) -> tuple[tuple[int, frozenset[str]], ...]:
    """(length, all parts of this length) of each way to write the key, in small letters."""
    raw = key.encode()
    spellings = {key, quote(key, safe=""), raw.hex()}
    for before in range(
        3
    ):  # base64 of a longer text: the same letters, by the key's place in it; those at its ends vary
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        inner = encoded[4 if before else 0 : -1]
        spellings |= {inner, inner.replace("+", "-").replace("/", "_")}
    found = []
    for spelling in sorted(spellings):
        least = min(part, len(spelling))
        small = spelling.lower()
        found.append((least, frozenset(small[i : i + least] for i in range(len(small) - least + 1))))
    return tuple(found)


@lru_cache
def _probes(key: str, part: int) -> tuple[int, Cell, frozenset[int]]:
    """(bytes of a cell, its type, all cells that a part may hold): of each part one lies on a grid of this width."""
    parts = _parts(key, part)
    width, kind = next((width, kind) for length, width, kind in GRID if length <= min(least for least, _ in parts))
    cells = {text[i : i + width] for _, some in parts for text in some for i in range(len(text) - width + 1)}
    return width, kind, frozenset(int.from_bytes(cell.encode(), sys.byteorder) for cell in cells)


def _holds_part(text: str, key: str, part: int) -> bool:
    """Whether `without_key` may have something to hide; false for nearly every text, in little time.

    A step for each letter in Python would take longer than all else that is done with a long reply: each step here is one in C.
    """
    if any(disguise.search(text) for disguise in DISGUISES):
        plain = ESCAPE.sub(lambda match: _meant(match) or "", text)
    else:  # nearly every reply
        plain = text.replace("\\n", "").replace("\\r", "").replace("\\t", "")
    if not plain.isascii():
        plain = plain.lower()  # of some signs an ASCII letter
    letters = plain.encode("ascii", "ignore").translate(SMALL, UNSEEN)
    width, kind, probes = _probes(key, part)
    return not probes.isdisjoint(memoryview(letters[: len(letters) // width * width]).cast(kind))


def _letters(text: str) -> Iterator[tuple[str, int, int]]:
    """(letter, where it starts, where it ends) of what a text says: unescaped, in small letters, without white space."""
    place = 0
    for match in ESCAPE.finditer(text):
        yield from (
            (c.lower()[0], i, i + 1) for i, c in enumerate(text[place : match.start()], place) if _is_visible(c)
        )
        meant = _meant(match)
        if meant and _is_visible(meant):
            yield meant.lower()[0], match.start(), match.end()
        place = match.end()
    yield from ((c.lower()[0], i, i + 1) for i, c in enumerate(text[place:], place) if _is_visible(c))


def _is_visible(character: str) -> bool:
    return not (character.isspace() or unicodedata.category(character) in ("Cc", "Cf"))


def _meant(match: re.Match[str]) -> str | None:
    """The one character behind an escape; None for white space, and what is none."""
    if code := match["unicode"] or match["byte"] or match["percent"]:
        return chr(int(code, 16))
    if match["entity"]:
        return html.unescape(f"&{match['entity']}")[:1] or None
    return "/" if match["solidus"] else None
