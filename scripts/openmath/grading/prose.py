"""Answers in words: yes and no, none, winners; any other text is compared word by word."""

import re
from collections.abc import Iterator

_YES = frozenset({"yes", "true", "correct"})
_NO = frozenset({"no", "false", "incorrect"})
_EMPTY = frozenset({"none", "no solution", "no solutions", "no real solutions", "no solution exists", "empty set"})
_WORDS = frozenset({"even", "odd", "both", "neither", "equal", "dne", "all", "prime", "rational", "irrational"})
_SPACES = re.compile(r"\s+")
_WRAPPER = re.compile(r"\\(?:text|mathrm|operatorname|emph)\s*")
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_DROPPED = re.compile(r"[\s{}.,;:\"'!?~$]+")
_ENUMERATOR = re.compile(
    r"\(?\b([a-h]|i{1,3}|iv)\)\s*(?=(?:yes|no|true|false)\b)", re.IGNORECASE
)  # "(a) Yes", "a) Yes"
_WINS = re.compile(
    r"^(?:the )?(.{1,60}?) (?:(?:always )?wins|(?:always )?has a winning strategy|can (?:always )?(?:force a win|guarantee a win|"
    r"win(?: for sure)?))$",
    re.IGNORECASE,
)
_MERIDIEM = re.compile(r"\b([ap])\s*\.\s*m\b\.?", re.IGNORECASE)
_NO_SENTENCE = re.compile(
    r"no\b(?![^.]{0,400}\byes\b)|there (?:do|does|is|are|exists?) (?:not|no)\b"
    r"|it is (?:impossible|not possible)\b|impossible\b"
)
_YES_SENTENCE = re.compile(
    r"yes\b(?![^.]{0,400}\bno\b)|it is (?:always )?possible\b|there (?:does )?exists?\b|(?:such )?.{0,80}\bexists?$"
)
_SHORT = re.compile(r"(yes|no)\s*[,.;:]\s*(.{0,300})$", re.DOTALL)
# The other verdict in the same sentence; "no" before a noun ("no two faces") is not one.
_BOTH = re.compile(
    r"\byes\b|\bno\b(?! (?:two|three|four|such|other|more|less|point|integer|element|one|matter|longer)\b)"
)
MAX_PROSE = 500  # characters of a sentence that are searched for a formula: longer ones explain rather than answer


def unwrapped(text: str) -> str:
    return _WRAPPER.sub(" ", text).replace("{", " ").replace("}", " ").strip()


def is_words(text: str) -> bool:
    """Is the whole answer one of the words that would otherwise read as a product of letters?"""
    word = unwrapped(text).strip(" .").lower()
    return word in _YES or word in _NO or word in _EMPTY or word in _WORDS


def key(text: str) -> str:
    """Words are compared without case, spacing, braces and punctuation; formulas among them as they stand."""
    words = _MERIDIEM.sub(r"\1m", unwrapped(text))
    words = _ENUMERATOR.sub(r"\1: ", words)
    winner = _WINS.match(_SPACES.sub(" ", words).strip(" ."))
    words = winner[1] if winner else words
    lowered = _LETTERS.sub(lambda word: word[0].lower(), words)
    bare = _DROPPED.sub("", lowered)
    if bare in _YES:
        bare = "yes"
    elif bare in _NO:
        bare = "no"
    return "text:" + bare


def verdict_of(sentence: str) -> Iterator[tuple[str, str]]:
    """(kind, key) of the ways a sentence answers yes, no, or that there is nothing."""
    lower = sentence.lower()
    if lower in _EMPTY:
        yield "empty", "empty"
        yield "yesno", "no"
    elif _NO_SENTENCE.match(lower):
        yield "yesno", "no"
    elif lower in _YES or _YES_SENTENCE.match(lower):
        yield "yesno", "yes"


def short_answer(text: str) -> str | None:
    """The key of "yes" or "no" for a sentence that begins with that word and goes on explaining."""
    found = _SHORT.match(unwrapped(text[:MAX_PROSE]).lower())
    return None if not found or _BOTH.search(found[2]) else f"text:{found[1]}"
