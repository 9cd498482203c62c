"""A judgement's text -> yes, no, or unparsed."""

import re

from openmath.judging.wording import escaped
from openmath.thoughts import answer_start, marks_in

LABEL = r"judge?ments?[\s*_`\"')\]]*[:：]"
# After the label: marks that models add (bold, quotes, \boxed{, \text{), then the word; "Yes/No" and "Yes or No" say neither.
MARKS = r"(?:\\boxed|\\text|[\s*_`\"'({\[$])*"
WORD = rf"{MARKS}(yes|no)(?![\w/])(?!\s+or\b)"
LAST_LABEL = re.compile(LABEL, re.IGNORECASE)
VERDICT = re.compile(WORD, re.IGNORECASE)
# 'either "Judgement: Yes" or "Judgement: No"' repeats the question
REPEATED_QUESTION = re.compile(
    rf"{LABEL}{MARKS}(?:yes|no)[\s*_`\"'.]*\bor{MARKS}{LABEL}{MARKS}(?:yes|no)\b", re.IGNORECASE
)
BARE = re.compile(rf"{WORD}[\s*_`\"')}}\]$.!]*", re.IGNORECASE)


# In a reply about an answer that holds judge words: a label counts where it begins a line of the judge's own.
OWN_LINE = re.compile(rf"^[ \t*_#]*{LABEL}{WORD}", re.IGNORECASE | re.MULTILINE)


def parse_verdict(judgement: str, policy: str = "default") -> str:
    """'yes', 'no' or 'unparsed'. paper: what follows the last 'Judgement:' must be exactly yes; all else is no."""
    if policy == "paper":
        _, mark, answer = judgement.rpartition("Judgement:")
        return "yes" if mark and answer.strip().lower() == "yes" else "no"
    text = REPEATED_QUESTION.sub("", _behind_thought(judgement))
    labels = list(LAST_LABEL.finditer(text))
    if labels:  # only the last counts: an earlier verdict may have been taken back
        match = VERDICT.match(text, labels[-1].end())
    else:  # no label: a last line that is nothing but the word
        lines = text.strip().splitlines()
        match = BARE.fullmatch(lines[-1]) if lines else None
    return match[1].lower() if match else "unparsed"


def parse_wary(judgement: str, answer: str) -> str:
    """'yes', 'no' or 'unparsed', where the answer itself holds judge words: what the judge quotes of it is no verdict.

    Lines that begin with a label must agree; there is none where all of the reply is one word. `>` is how a line is quoted.
    """
    own = judgement.replace(answer, "").replace(escaped(answer), "")
    text = REPEATED_QUESTION.sub("", _behind_thought(own))
    words = {match[1].lower() for match in OWN_LINE.finditer(text)}
    if not words and (match := BARE.fullmatch(text.strip())):
        words = {match[1].lower()}
    return words.pop() if len(words) == 1 else "unparsed"


def _behind_thought(judgement: str) -> str:
    """What a judge says once it has thought; "" where it does nothing else. A mark further on is a word of its own."""
    start, marks = answer_start(judgement), marks_in(judgement)
    if start is None:
        return "" if marks and judgement.lstrip().startswith(marks.start) else judgement
    return judgement[start:]
