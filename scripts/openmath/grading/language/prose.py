"""Answers in words: yes and no, none, winners; any other text is compared word by word."""

import re
from collections.abc import Iterator

from openmath.grading.language.lexer import FUNCTIONS, INFINITY, UNITS
from openmath.grading.readings import Reading

_YES = frozenset({"yes", "true", "correct"})
_NO = frozenset({"no", "false", "incorrect"})
_EMPTY = frozenset(
    {"none", "no solution", "no solutions", "no real solution", "no real solutions", "no solution exists", "empty set"}
)
_WORDS = frozenset({"even", "odd", "both", "neither", "equal", "dne", "all", "prime", "rational", "irrational"})
_CAPITALS = re.compile(r"[A-Z]{3,}")  # MAKE is no product of four letters
_SPACES = re.compile(r"\s+")
_WRAPPER = re.compile(r"\\(?:text|mathrm|operatorname|emph)\s*")
_LETTERS = re.compile(r"[A-Za-z]{2,}")
# What says nothing in a sentence. Not the space of "1 23", the comma of (1, 23), or the braces of 2^{13}.
_DROPPED = re.compile(r"\b(?:the|an|also)\b|^a\b(?= [a-z]{3})|(?<!\d)\s+|\s+(?!\d)|[.?](?=\s|$)|[\"~$]|,$")
TEXT_GROUP = re.compile(r"\\(?:text|mathrm|operatorname|emph)\s*\{([^{}]*)\}")
_SINGLE = re.compile(r"\{(\w)\}")
_NOT_RATIONAL = re.compile(r"\bnot (?:a )?rational(?: number)?\b")
_WINS = re.compile(
    r"^(?:the )?(.{1,60}?) (?:(?:always )?wins|(?:always )?has a winning strategy|can (?:always )?(?:force a win|guarantee a win|"
    r"win(?: for sure)?))$",
    re.IGNORECASE,
)
_DOES_NOT_EXIST = frozenset({"dne", "doesnotexist", "limitdoesnotexist", "nonexistent"})
# Alice and Bob, in whatever order
_NAMES = re.compile(r"[A-Z][a-z]+(?:,? and [A-Z][a-z]+|(?:, [A-Z][a-z]+)+,? and [A-Z][a-z]+)")
_BETWEEN_NAMES = re.compile(r",? and |, ")
_THREE_LETTERS = re.compile(r"(?=.*[aeiou])[a-z]{3}")
_MERIDIEM = re.compile(r"\b([ap])\s*\.\s*m\b\.?", re.IGNORECASE)
_NOT = r"\b(?:not|no|never|none|neither|nor|cannot|fails?|impossible)\b|n't\b"
_NO_SENTENCE = re.compile(
    r"no\b(?! (?:more|fewer|less|later|earlier) than\b)(?![^.]{0,400}\byes\b)"
    r"|there (?:do|does|is|are|exists?) (?:not|no\b(?! (?:other|more|fewer|less)\b))"
    r"|it is (?:impossible|not possible)\b|impossible\b|(?:such )?.{0,80}\b(?:(?:does|do|did) not|cannot) exist$"
)
_YES_SENTENCE = re.compile(
    rf"(?!.*(?:{_NOT}|\b(?:only )?finitely many\b))"
    r"(?:yes\b|it is (?:always )?possible\b|there (?:does )?exists?\b|(?:such )?.{0,80}\bexists?$)",
    re.DOTALL,
)
# A yes or no with a condition is another answer than the bare word: "yes, but only if n is even".
_HEDGED = re.compile(
    r"\b(?:but|unless|except|provided|iff|only (?:if|when|for))\b|^(?:yes|no)\W+(?:if|when|for|whenever)\b"
)
_SHORT = re.compile(r"(yes|no)\s*[,.;:]\s*(.{0,300})$", re.DOTALL)
_BEHIND = re.compile(
    r"(?:\\text\s*\{\s*)?(?:yes|no)\s*[,.;:]\s*\}?\s*((?:\\[A-Za-z]+|[A-Za-z]{1,2}(?![A-Za-z])|[^A-Za-z\\]){1,100})",
    re.IGNORECASE,
)
# The other word in the same sentence; "no" before a noun ("no two faces") is not one.
_BOTH = re.compile(
    r"\byes\b|\bno\b(?! (?:two|three|four|such|other|more|less|point|integer|element|one|matter|longer)\b)"
)
_YES_OR_NO = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_PARTS = re.compile(
    r"(?:\b(?:[a-h]|i{1,3}|iv)\b|\b(?:yes|no|and)\b|\\begin\s*aligned|\\end\s*aligned|[\W\d_])*", re.IGNORECASE
)
_REALS = re.compile(
    r"(?:[a-z] (?:is|can be) )?(?:(?:all|every|any|the) )?(?:real numbers?|reals?|real x)"
    r"|(?:all|any|every) real(?: values| numbers)? (?:of )?[a-z]",
    re.IGNORECASE,
)
_REALS_BUT = re.compile(
    r"(?:all|every|any|the) (?:reals?(?: [a-z])?|real numbers?(?: [a-z])?|numbers?|real values?(?: of [a-z])?|values of [a-z]) "
    r"(?:except|other than|but)(?: for)?"
    r"(?: [a-z] ?=)? (.+)",
    re.IGNORECASE | re.DOTALL,
)
_INFINITELY_MANY = re.compile(
    rf"(?!.*(?:{_NOT}|\bfinitely))(?:there (?:are|exist) )?infinitely many\b(?P<more>.*)", re.DOTALL
)
_KNOWN = _YES | _NO | _WORDS
MAX_PROSE = 500  # characters of a sentence that are searched for a formula: longer ones explain rather than answer


def unwrapped(text: str) -> str:
    text = _WRAPPER.sub(" ", text) if "\\" in text else text
    return text.replace("{", " ").replace("}", " ").strip()


def is_all_reals(text: str) -> bool:
    return bool(_REALS.fullmatch(unwrapped(text).strip(" .")))


def reals_but(sentence: str) -> str | None:
    """ "all real numbers except 3" as a formula; None of other sentences. sentence: without \\text."""
    found = _REALS_BUT.fullmatch(sentence.strip(" ."))
    return f"\\mathbb{{R}} \\setminus \\{{{found[1]}\\}}" if found else None


def is_nothing(text: str) -> bool:
    """Does the whole answer say that there is none?"""
    return _says_nothing(unwrapped(text))


def _says_nothing(words: str) -> bool:
    return _SPACES.sub(" ", words).strip(" .").lower() in _EMPTY


def is_words(text: str) -> bool:
    """Is the whole answer one of the words that would otherwise read as a product of letters?"""
    word = unwrapped(text).strip(" .")
    if _CAPITALS.fullmatch(word) or _is_three_letter_word(word) or "".join(word.lower().split()) in _DOES_NOT_EXIST:
        return True
    return word.lower() in _KNOWN or _says_nothing(word)


def _is_three_letter_word(word: str) -> bool:
    """ "dog", which is not "god", but not abc, xyz, or sin."""
    return (
        bool(_THREE_LETTERS.fullmatch(word)) and word not in FUNCTIONS | UNITS | INFINITY and sorted(word) != list(word)
    )


def key(text: str) -> str:
    """Words are compared without case, spacing and full stops; formulas among them as they stand."""
    if is_nothing(text):
        return "empty"
    words = _MERIDIEM.sub(r"\1m", _SINGLE.sub(r"\1", TEXT_GROUP.sub(r" \1 ", text)).strip())
    winner = _WINS.match(_SPACES.sub(" ", words).strip(" ."))
    words = winner[1] if winner else words
    lowered = _NOT_RATIONAL.sub("irrational", _LETTERS.sub(lambda word: word[0].lower(), words))
    bare = _DROPPED.sub("", lowered)
    if _NAMES.fullmatch(words):
        bare = ",".join(sorted(_BETWEEN_NAMES.split(words.lower())))
    if bare in _DOES_NOT_EXIST:
        bare = "dne"
    elif bare in _YES:
        bare = "yes"
    elif bare in _NO:
        bare = "no"
    return "text:" + bare


def readings(sentence: str) -> Iterator[tuple[Reading, str]]:
    """(reading, key) of the ways a sentence answers yes, no, or infinitely many."""
    lower = sentence.lower()
    if lower in _EMPTY:
        yield Reading.YES_NO, "no"
    elif _HEDGED.search(lower):
        return
    elif _NO_SENTENCE.match(lower):
        yield Reading.YES_NO, "no"
    elif lower in _YES or _YES_SENTENCE.match(lower):
        yield Reading.YES_NO, "yes"
    if _INFINITELY_MANY.match(lower):
        yield Reading.INFINITELY_MANY, "infinitely many"


def formula_behind(text: str) -> str | None:
    """The 12 of "Yes, 12", the b > a of "Yes, b > a"; None where words explain."""
    found = _BEHIND.fullmatch(text)
    return found[1] if found else None


def short_answer(text: str) -> str | None:
    """The key of an answer that begins with yes or no and goes on explaining; of yes and no to several parts."""
    words = unwrapped(text[:MAX_PROSE]).lower()
    words_said = _YES_OR_NO.findall(re.sub(r"(yes|no)(?=yes|no\b)", r"\1 ", words))
    if len(words_said) > 1 and _PARTS.fullmatch(words):
        return "text:" + ",".join(words_said)
    many = _INFINITELY_MANY.match(words)
    if many and len(many["more"].split()) <= 2 and not _HEDGED.search(words):
        return "infinitely many"
    found = _SHORT.match(words)
    return None if not found or _BOTH.search(found[2]) or _HEDGED.search(words) else f"text:{found[1]}"
