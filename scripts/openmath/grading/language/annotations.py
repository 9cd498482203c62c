"""What stands behind a value without changing it: units, "apples", "(in cm)"."""

import re

from openmath.grading.language.lexer import DEGREE_WORDS, PERCENT_WORDS, SCALES, UNITS, Token
from openmath.grading.limits import spend

# Words that make what follows or precedes them a condition: they are never dropped as if they were units.
_CONDITIONS = re.compile(
    r"\b(?:if|when|where|for|with|such|constant|integer|integers|not|except|unless|only|otherwise|is|are|all|"
    r"some|every|so|thus|hence|therefore|because|since|given|let|we|yes|no|none|but|than|least|most|am|pm|a\.m|p\.m|to|"
    r"from|between|minimum|maximum|max|mod|divides|odd|even|base|or|and|greater|smaller|larger|above|below|up|"
    r"half|halves|thirds?|quarters?|fifths?|tenths?|hundredths?|thousandths?|squared|cubed|negative|minus|plus|into|over|out|away|remainder|infinitely|finitely)\b"
)


class Annotation(str):
    """Words dropped behind a value. item: how many separators stand before them, so which item of a list they belong to."""

    item = 0


def drop_annotations(tokens: list[Token]) -> tuple[list[Token], list[Annotation]]:
    """Tokens without the units and remarks that follow a value, and those; words that say more stay and are not math."""
    tokens = _temperature_scales(tokens)
    if not any(token.type == "word" for token in tokens):
        return tokens, []
    kept: list[Token] = []
    dropped: list[Annotation] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        per = token.text == "/" and position + 1 < len(tokens) and tokens[position + 1].text in UNITS  # 12 / hour
        if (
            (token.type != "word" and not per)
            or token.text in SCALES
            or token.text in DEGREE_WORDS
            or token.text in PERCENT_WORDS
        ):
            kept.append(token)
            position += 1
            continue
        stop = _annotation_end(tokens, position)
        spend(stop - position)
        words = " ".join(t.text for t in tokens[position:stop] if t.type == "word")
        ends_item = (
            stop == len(tokens)
            or tokens[stop].type in ("sep", "env")
            or tokens[stop].text in (",", ";", ")", "]", "}", "\\}", "&")
        )
        if (
            _follows_value(kept, words)
            and ends_item
            and not _CONDITIONS.search(words.removesuffix("integers"))
            and not any(c in words.replace("^\\circ", "") for c in "\\=<>^0123456789")
        ):
            dropped.append(Annotation(" ".join(t.text for t in tokens[position:stop])))
            dropped[-1].item = sum(t.type == "sep" or t.text in (",", ";") for t in kept)
            position = stop
        else:
            kept.append(token)
            position += 1
    return kept, dropped


def _follows_value(kept: list[Token], words: str) -> bool:
    """May these words be a unit of what stands before them? x cm is a length, "x increases" is a sentence."""
    if not kept:
        return False
    if kept[-1].type == "sym":
        return all(word in UNITS for word in re.findall("[a-z]{3,}", words.lower()))
    return kept[-1].type in ("num", "env", "word") or kept[-1].text in (")", "]", "}", "%", "pi", "circ")


def _temperature_scales(tokens: list[Token]) -> list[Token]:
    """The C or F of 20^{\\circ} C is a unit, not a variable."""
    named = list(tokens)
    for position, token in enumerate(tokens):
        if token.type == "sym" and token.text in "CF":
            before = [t.text for t in tokens[max(0, position - 3) : position]]
            if before[-2:] == ["^", "circ"] or before[-3:] == ["{", "circ", "}"]:
                named[position] = Token("word", token.text, token.spaced)
    return named


def _annotation_end(tokens: list[Token], start: int) -> int:
    """Index after a run of words with their exponents and slashes: km / h, cm ^ 2, km h ^ { -1 }."""
    position = start
    while position < len(tokens):
        token = tokens[position]
        if token.type == "word":
            position += 1
        elif token.text == "/" and position + 1 < len(tokens) and tokens[position + 1].type in ("word", "sym"):
            position += 2
        elif token.text == "^" and position + 1 < len(tokens):
            position += 1
            if tokens[position].text == "{":
                while position < len(tokens) and tokens[position].text != "}":
                    position += 1
            position += 1
        else:
            break
    return min(position, len(tokens))
