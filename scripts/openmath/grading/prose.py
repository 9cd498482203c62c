r"""Answers in words: units and other annotations after a value, yes and no, sentences around a formula."""

import re
from collections.abc import Iterator

from openmath.grading.lexer import DEGREE_WORDS, PERCENT_WORDS, SCALES, Token

_YES = frozenset({"yes", "true", "correct"})
_NO = frozenset({"no", "false", "incorrect"})
_EMPTY = frozenset({"none", "no solution", "no solutions", "no real solutions", "no solution exists", "empty set"})
_WORDS = frozenset({"even", "odd", "both", "neither", "equal", "dne", "all", "prime", "rational", "irrational"})
# Words that make what follows or precedes them a condition: they are never dropped as if they were units.
_CONDITIONS = re.compile(
    r"\b(?:if|when|where|for|with|such|constant|integer|integers|not|except|unless|only|otherwise|is|are|all|"
    r"some|every|each|so|thus|hence|therefore|because|since|given|let|we|no|none|but|than|least|most|am|pm|a\.m|p\.m|to|"
    r"from|between|minimum|maximum|min|max|mod|divides|odd|even|base)\b"
)
_WRAPPER = re.compile(r"\\(?:text|mathrm|operatorname|emph)\s*")
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_DROPPED = re.compile(r"[\s{}.,;:\"'!?~$]+")
_MERIDIEM = re.compile(r"\b([ap])\s*\.\s*m\b\.?", re.IGNORECASE)


def unwrapped(text: str) -> str:
    return _WRAPPER.sub(" ", text).replace("{", " ").replace("}", " ").strip()


def is_words(text: str) -> bool:
    """Is the whole answer one of the words that would otherwise read as a product of letters?"""
    word = unwrapped(text).strip(" .").lower()
    return word in _YES or word in _NO or word in _EMPTY or word in _WORDS


def key(text: str) -> str:
    """Words are compared without case, spacing, braces and punctuation; formulas among them as they stand."""
    words = _MERIDIEM.sub(r"\1m", unwrapped(text))
    lowered = _LETTERS.sub(lambda word: word[0].lower(), words)
    bare = _DROPPED.sub("", lowered)
    if bare in _YES:
        bare = "yes"
    elif bare in _NO:
        bare = "no"
    return "text:" + bare


def drop_annotations(tokens: list[Token]) -> list[Token]:
    """Tokens without the units and remarks that follow a value; words that say more are left and are not math."""
    if not any(token.kind == "word" for token in tokens):
        return _without_currency(tokens)
    kept: list[Token] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.kind != "word" or token.text in SCALES or token.text in DEGREE_WORDS or token.text in PERCENT_WORDS:
            kept.append(token)
            position += 1
            continue
        stop = _annotation_end(tokens, position)
        words = " ".join(t.text for t in tokens[position:stop] if t.kind == "word")
        follows_value = bool(kept) and (
            kept[-1].kind in ("num", "sym", "env", "word") or kept[-1].text in (")", "]", "}", "%", "pi", "circ")
        )
        ends_item = (
            stop == len(tokens)
            or tokens[stop].kind in ("sep", "env")
            or tokens[stop].text in (",", ";", ")", "]", "}", "\\}", "&")
        )
        if (
            follows_value
            and ends_item
            and not _CONDITIONS.search(words)
            and not any(c in words for c in "\\=<>^0123456789")
        ):
            position = stop
        else:
            kept.append(token)
            position += 1
    return _without_currency(kept)


def _annotation_end(tokens: list[Token], start: int) -> int:
    """Index after a run of words with their exponents and slashes: km / h, cm ^ 2, km h ^ { -1 }."""
    position = start
    while position < len(tokens):
        token = tokens[position]
        if token.kind == "word":
            position += 1
        elif token.text == "/" and position + 1 < len(tokens) and tokens[position + 1].kind in ("word", "sym"):
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


def _without_currency(tokens: list[Token]) -> list[Token]:
    return tokens


_SPACES = re.compile(r"\s+")
_NEGATIVE = re.compile(
    r"no\b(?!.{0,400}\byes\b)|there (?:do|does|is|are|exists?|exist) (?:not|no)\b|it is (?:impossible|not possible)|impossible\b|never\b"
)
_POSITIVE = re.compile(r"yes\b(?!.{0,400}\bno\b)|it is (?:always )?possible\b|(?:such )?.{0,60}\bexists?$")
_QUANTIFIER = re.compile(
    r"[\s,(]*(?:\\forall\b|(?:\\text\s*\{)?\s*,?\s*(?:for|where|with)\b\s*(?:all|any|every|each|some|\\?\w*\s*\\in\b)?|for\s+(?:all|any|every|each|some)\b)"
)
_SENTENCE = re.compile(
    r"(?:the|all|only|these|possible|answer|solutions?)\b[^=]{0,200}?\b(?:is|are)\b\s*:?\s*(?P<tail>[^a-z]*?(?:\\?[A-Za-z(\\{\d-].*))$",
    re.IGNORECASE | re.DOTALL,
)


def readings(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text or key) of the ways a sentence may be read: yes or no, no solution, or the formula it states."""
    sentence = _SPACES.sub(" ", unwrapped(text)).strip(" .")
    lower = sentence.lower()
    if lower in _EMPTY:
        yield "empty", "empty"
        yield "yesno", "no"
    elif lower in _YES or _POSITIVE.match(lower) and not _NEGATIVE.match(lower):
        yield "yesno", "yes"
    elif _NEGATIVE.match(lower):
        yield "yesno", "no"
    plain = _SPACES.sub(" ", _WRAPPER.sub(" ", text))
    for found in _QUANTIFIER.finditer(plain):
        head = plain[: found.start()].strip(" ,{(\\")
        if head and "=" in head:
            yield "head", head
            break
    found = _SENTENCE.match(sentence)
    if found:
        tail = found["tail"].strip(" .:")
        yield "stated", tail
