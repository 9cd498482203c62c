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
_TEXT = re.compile(r"\\(?:text|mathrm|operatorname|emph)\s*\{([^{}]*)\}")
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
_NO_SENTENCE = re.compile(
    r"no\b(?![^.]{0,400}\byes\b)|there (?:do|does|is|are|exists?) (?:not|no)\b"
    r"|it is (?:impossible|not possible)\b|impossible\b"
)
_YES_SENTENCE = re.compile(
    r"yes\b(?![^.]{0,400}\bno\b)|it is (?:always )?possible\b|there (?:does )?exists?\b|(?:such )?.{0,80}\bexists?$"
)
_SHORT = re.compile(r"(yes|no)\s*[,.;:]\s*(.{0,300})$", re.DOTALL)
_BOTH = re.compile(r"\b(?:yes|no)\b")
_FUNCTION_WORDS = (
    (re.compile(r"\bthe (?:constant )?(?:zero function|function zero)", re.IGNORECASE), " f(x)=0 "),
    (re.compile(r"\bthe identity function", re.IGNORECASE), " f(x)=x "),
)
_RESTATED = re.compile(r"\b(?:that is|namely|i\.e\.),? ", re.IGNORECASE)
_LEAD_IN = re.compile(
    r"\s*(?:(?:all|the|only|possible|such|given|nonzero|constant|real|integral|integer|positive|solutions?|functions?|pairs?|"
    r"triples?|polynomials?|values?|sets?|answers?|equations?|of|form|to|problem|that|which|satisfy|satisfies|satisfying|"
    r"conditions?|the given|this|are|is|exactly|[:,])\b[\s:,]*)+",
    re.IGNORECASE,
)
# "for all x", "for every positive integer n", "where c is a constant", "\forall x \in R": up to the next separator.
_QUANTIFIER = re.compile(
    r"(?:,\s*(?=[A-Za-z]\s*\\in\b)|[,(]?\s*(?:\\forall\b|\b(?:for|with|where)\b(?:\s+(?:all|any|every|each|some|the|real|positive|negative|nonnegative|"
    r"natural|rational|integers?|numbers?|arbitrary|fixed|constants?|is|a|an|are|in|on)\b)*))"
    r"\s*(?:(?:\\(?!in\b)[A-Za-z]+|[A-Za-z](?:_\w)?)\b(?:\s*,\s*[A-Za-z]\b)*)?"
    r"(?:\s*(?:\\in\b|\bin\b|\\(?:ge|ne|le|neq|geq|leq)\b|[<>])\s*(?:\\mathbb\s*[A-Z]\b|\\mathbb\s*\{[A-Z]\}|\w+)(?:_\{?[<>\\a-z]*\s*\d?\}?|\^\S)?)?"
    r"(?:\s*(?:is|are|be)?\s*(?:an?\s+)?\b(?:real|positive|nonnegative|non-negative|natural|rational|arbitrary)?\s*(?:constants?|integers?|"
    r"numbers?|reals?)\b)*\)?"
)
_SOME = re.compile(r"\b(?:some|where|constants?)\b")
_DOMAINS = (
    ("rational", re.compile(r"\brational|\\mathbb\s*\{?Q")), ("natural", re.compile(r"\bnatural|\\mathbb\s*\{?N")),
    ("integer", re.compile(r"\bintegers?|\\mathbb\s*\{?Z")), ("positive", re.compile(r"\bpositive|>\s*0")),
    ("nonnegative", re.compile(r"\bnon-?negative|\\geq?\s*0")), ("odd", re.compile(r"\bodd\b")),
    ("even", re.compile(r"\beven\b")),
)  # fmt: skip
_SENTENCE = re.compile(
    r"(?:the|all|only|these|possible|answer|solutions?)\b[^=]{0,200}?\b(?:is|are)\b\s*:?\s*"
    r"(?P<tail>[^a-z]*?(?:\\?[A-Za-z(\\{\d-].*))$",
    re.IGNORECASE | re.DOTALL,
)
MAX_PROSE = 500  # characters of a sentence that are searched for a formula: longer ones explain rather than answer


def readings(text: str) -> Iterator[tuple[str, str]]:
    """(kind, text or key) of the ways a sentence may be read: yes or no, no solution, or the formula it states."""
    text = text[:MAX_PROSE]
    sentence = _SPACES.sub(" ", unwrapped(text)).strip(" .")
    lower = sentence.lower()
    if lower in _EMPTY:
        yield "empty", "empty"
        yield "yesno", "no"
    elif _NO_SENTENCE.match(lower):
        yield "yesno", "no"
    elif lower in _YES or _YES_SENTENCE.match(lower):
        yield "yesno", "yes"
    statement, domain = without_quantifiers(text)
    if "=" in statement or "," in statement:
        yield "head", statement + "\x00" + domain
    found = _SENTENCE.match(sentence)
    if found:
        yield "stated", found["tail"].strip(" .:")


def short_answer(text: str) -> str | None:
    """The key of "yes" or "no" for a sentence that begins with that word and goes on explaining."""
    found = _SHORT.match(unwrapped(text[:MAX_PROSE]).lower())
    return None if not found or _BOTH.search(found[2]) else f"text:{found[1]}"


def without_quantifiers(text: str) -> tuple[str, str]:
    """A statement without "for all x", "where c is a constant" and its lead-in, and what it said about constants."""
    plain = _TEXT.sub(r" \1 ", text).replace("\\(", " ").replace("\\)", " ")
    plain = _SPACES.sub(" ", plain)
    for pattern, formula in _FUNCTION_WORDS:
        plain = pattern.sub(formula, plain)
    plain = _RESTATED.split(plain)[-1]
    domains = set()
    for clause in _QUANTIFIER.findall(plain):
        if _SOME.search(clause):
            domains |= {name for name, pattern in _DOMAINS if pattern.search(clause)}
    plain = _QUANTIFIER.sub(" ", plain)
    lead = _LEAD_IN.match(plain)
    return (plain[lead.end() :] if lead else plain).strip(" ,.;{"), ",".join(sorted(domains))
