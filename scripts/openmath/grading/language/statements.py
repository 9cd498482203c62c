r"""Sentences around a formula: "all functions of the form f(x) = cx for some constant c", "2 if n = 2k and 1 otherwise"."""

import re
from collections.abc import Iterator
from functools import lru_cache

from openmath.grading.language import prose
from openmath.grading.language.lexer import NotMath, brace_group
from openmath.grading.language.prose import MAX_PROSE, TEXT_GROUP
from openmath.grading.readings import Reading

_SPACES = re.compile(r"\s+")
_UNIT = re.compile(
    r"(?<=[\d}])\s*\\(?:text|mathrm)\s*\{[\s~]*(?!(?:is|if|or|in|for|and)\b)[A-Za-z]{1,3}[\s.]*\}"
)  # 5 \text{ m}
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
    r"natural|rational|integers?|numbers?|arbitrary|fixed|constants?|is|an?(?= [A-Za-z]{3})|are|in|on)\b)*))"
    r"\s*(?:(?:\\(?!in\b|[gln]eq?(?![a-z]))[A-Za-z]+|[A-Za-z](?:_\w)?)\b(?:\s*,\s*[A-Za-z]\b)*)?"
    r"(?:\s*(?:\\in\b|\bin\b|\\(?:ge|ne|le|neq|geq|leq)(?![a-zA-Z])|[<>])\s*(?:\\mathbb\s*[A-Z]\b|\\mathbb\s*\{[A-Z]\}|\w+)(?:_\{?[<>\\a-z]*\s*\d?\}?|\^\S)?)?"
    r"(?:\s*(?:is|are|be)?\s*(?:an?\s+)?\b(?:real|positive|nonnegative|non-negative|natural|rational|arbitrary)?\s*(?:constants?|integers?|"
    r"numbers?|reals?)\b)*\)?"
)
_SOME = re.compile(r"\b(?:some|where|constants?)\b")
_SOME_ARGUMENT = re.compile(r"\bsome\b")
_ARGUMENTS = re.compile(r"[A-Za-z]\(([^()]{1,20})\)\s*=")  # x, y of f(x, y) = ...
_BOUND = re.compile(r"(?:\b[a-z]|\\mathbb\s*\{?[A-Z]\}?_\{?)\s*((?:[<>]|\\[gl]eq?\b|\\neq?\b)\s*[^\s}]+)")
_FROM_ZERO = re.compile(r"(\\mathbb\s*\{?[A-Z]\}?)\s*_\s*\{?0\}?")
_LETTER = re.compile(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])")
_DOMAINS = (
    ("rational", re.compile(r"\brational|\\mathbb\s*\{?Q")), ("natural", re.compile(r"\bnatural|\\mathbb\s*\{?N")),
    ("integer", re.compile(r"\bintegers?|\\mathbb\s*\{?Z")), ("positive", re.compile(r"\bpositive|>\s*0")),
    ("nonnegative", re.compile(r"\bnon-?negative|\\geq?\s*0")), ("odd", re.compile(r"\bodd\b")),
    ("even", re.compile(r"\beven\b")),
)  # fmt: skip
_YES_TO = re.compile(r"yes\s*[,:]\s*(?P<tail>.*[=<>\\].*)$", re.IGNORECASE | re.DOTALL)
_CONDITIONAL = re.compile(r"(.{1,200}?)[,\s]+((?:for|where|with|if|when|such that)\b.+)$", re.DOTALL)
_FOR_ALL = re.compile(r"for (?:all|any|every|each) (?:values of )?[A-Za-z]")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_LONG_WORD = re.compile(r"[A-Za-z]{4}")
_BRANCHES = re.compile(r"\s*(?:[,;]\s*(?:and\b)?|\band\b)(?=[^,;]*\b(?:if|when|otherwise)\b)")
_BRANCH = re.compile(r"(?P<value>[^,;]{1,100}?) (?:(?:if|when) (?P<condition>[^,;]{1,100})|otherwise)")
_SENTENCE = re.compile(
    r"(?:the|all|only|these|possible|answer|solutions?)\b[^=]{0,200}?\b(?:is|are)\b\s*:?\s*"
    r"(?:all (?:real )?(?:values|numbers) in the (?:open |closed |half-open )?interval\s*)?"
    r"(?P<tail>[^a-z]*?(?:\\?[A-Za-z(\\{\d-].*))$",
    re.IGNORECASE | re.DOTALL,
)

# Area = 12, \text{Total: } 12; but not "If n is even: 12"
_LABELLED = re.compile(
    r"(?:\\text\s*\{\s*)?((?![A-Z]{2,3}\b)[A-Za-z]{3,20}(?: (?:[a-z]{2,20}|(?:\\triangle )?[A-Z]{2,6})){0,4})"
    r"\s*\}?\s*([=:])\s*\}?\s*(?=[-\d\\$(])(.+)",
    re.DOTALL,
)
_CONDITION = re.compile(
    r"\b(?:if|when|where|for|not|no|yes|except|only|all|some|every|each|and|or|is|are|sin|cos|tan|log)\b", re.IGNORECASE
)


def labelled(text: str) -> tuple[str, str] | None:
    """("area", "12") of Area = 12; None of other texts."""
    if "\\text" in text:  # \text{Area of } ABC = 12
        name, sign, value = text.partition("=")
        text = " ".join(prose.unwrapped(name).split()) + sign + value
    found = _LABELLED.fullmatch(text) if len(text) <= MAX_PROSE else None
    if not found or _CONDITION.search(found[1]) or "=" in found[3] or (found[2] == ":" and not found[1][0].isupper()):
        return None
    return "".join(found[1].lower().split()), found[3]


def readings(text: str) -> Iterator[tuple[Reading, str]]:
    """(reading, text or key) of the ways a sentence may be read: yes or no, infinitely many, or the formula it states."""
    if len(text) > MAX_PROSE:
        return
    sentence = _SPACES.sub(" ", prose.unwrapped(text)).strip(" .")
    yield from prose.readings(sentence)
    statement, domain = without_quantifiers(text)
    if "=" in statement or "," in statement:
        yield Reading.UNQUANTIFIED, statement + "\x00" + domain
    sentence = plain_text(text).strip(" .")
    found = _SENTENCE.match(sentence) or _YES_TO.match(sentence)
    if found:
        yield Reading.STATED, found["tail"].rstrip(" .:").lstrip(" :")
        statement, domain = without_quantifiers(found["tail"])
        yield Reading.UNQUANTIFIED, statement + "\x00" + domain


def without_quantifiers(text: str) -> tuple[str, str]:
    """A statement without "for all x", "where c is a constant" and its lead-in, and what it said about constants."""
    plain = plain_text(text)
    for pattern, formula in _FUNCTION_WORDS:
        plain = pattern.sub(formula, plain)
    plain = _RESTATED.split(plain)[-1]
    domains = set()
    arguments = set("".join(_ARGUMENTS.findall(plain)))
    for clause in _QUANTIFIER.findall(plain):
        letter = _LETTER.search(clause)
        if letter and letter[0] in arguments and _SOME_ARGUMENT.search(clause):
            domains.add("some")
        elif _SOME.search(clause) or (arguments and letter and letter[0] not in arguments):
            domains |= {name for name, pattern in _DOMAINS if pattern.search(clause)}
    plain = _QUANTIFIER.sub(" , ", plain)
    lead = _LEAD_IN.match(plain)
    return (plain[lead.end() :] if lead else plain).strip(" ,.;{"), ",".join(sorted(domains))


def restriction(text: str) -> str | None:
    """The x > 0 of "f(x) = 1/x for all x > 0", as written, of answers that say where a function lives."""
    plain = _FROM_ZERO.sub(r"\1_{\\ge 0}", plain_text(text))
    found = [_BOUND.search(clause) for clause in _QUANTIFIER.findall(plain)]
    return ",".join(sorted("".join(bound[1].split()) for bound in found if bound)) or None


@lru_cache(16)  # asked several times for one answer
def plain_text(text: str) -> str:
    r"""The text without braces around the whole of it, and without \text and \mathrm around its words."""
    try:
        text = text[1:-1] if text.startswith("{") and brace_group(text, 0) == len(text) else text
    except NotMath:
        pass  # braces that never close are no braces around the whole
    units = _UNIT.findall(text)
    bare = TEXT_GROUP.sub(r" \1 ", _UNIT.sub("\x00", text))
    for unit in units:
        bare = bare.replace("\x00", unit, 1)
    return _SPACES.sub(" ", bare)


def conditional(text: str) -> tuple[str, str] | None:
    """A formula and the words that say when it holds: ("N = 2^a", "for positive integers a")."""
    plain = plain_text(text)
    found = _CONDITIONAL.match(plain)
    if not found or _LONG_WORD.search(_COMMAND.sub(" ", found[1])):
        return None
    return found[1], found[2]


def holds_always(condition: str) -> bool:
    """Is this "for all n", which restricts nothing?"""
    return bool(_FOR_ALL.fullmatch(condition.strip(" .")))


def piecewise(text: str) -> str | None:
    """ "2 if n = 2k, and 1 otherwise" as the LaTeX of a distinction of cases."""
    plain = plain_text(text).strip(" .")
    rows = []
    for part in _BRANCHES.split(plain):
        branch = _BRANCH.fullmatch(part.strip(" ,;"))
        if not branch:
            return None
        rows.append(f"{branch['value']} & {branch['condition'] or 'otherwise'}")
    return "\\begin{cases} " + " \\\\ ".join(rows) + " \\end{cases}" if len(rows) > 1 else None
