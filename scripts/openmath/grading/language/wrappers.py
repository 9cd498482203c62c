r"""What stands around an answer and says nothing: **58**, \boxed{58}, \textcolor{red}{58}, "Answer: 58", <answer>58</answer>, 58 ✓.

>>> unwrapped(r"**Answer:** \textcolor{red}{\text{x = 58}} \checkmark")
'x = 58'
"""

import re

MAX_WRAPPERS = 12  # around one answer, one inside the other

# Commands whose only argument is shown as it is.
_STYLES = (
    "text textbf textit textrm textsf texttt textnormal textup emph mathrm mathbf mathit mathsf mathtt mathnormal boldsymbol bm "
    "pmb underline uline fbox framebox mbox hbox ensuremath operatorname displaylimits"
).split()
_STYLED = re.compile(rf"\\(?:{'|'.join(_STYLES)})\s*(?=\{{)")
# What \text{...} may lose its wrapper for; words without theirs would be products of letters.
_FORMULA = re.compile(r"[_!\d\\=<>+^/$\[(|]|(?<![A-Za-z])[A-Za-z]\s*[-*]|^\s*[A-Za-z]\s*$")
# Shown differently, wherever it stands. The argument of \color is a name, and what is coloured follows.
_SHOWN = re.compile(
    r"\\(?:textcolor|colorbox|color|class|cssId|style|bbox|fcolorbox\s*\{[^{}]*\})\s*(?:\[[^\[\]{}]*\])?\s*\{[^{}]*\}(?!\s*$)"
    r"|\\bbox\s*(?:\[[^\[\]]*\])?(?=\s*\{)"
    r"|\\(?:tag|label)\*?\s*\{[^{}]*\}"
    r"|\\(?:tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge|boldmath|bfseries|itshape|bf|rm|it|"
    r"underline|uline|ensuremath|fbox|framebox|mathstrut|therefore|blacksquare|checkmark|square|Box|qed)(?![A-Za-z])"
)
_QUOTES = (
    ("**", "**"),
    ("__", "__"),
    ("*", "*"),
    ("```", "```"),
    ("`", "`"),
    ('"', '"'),
    ("``", "''"),
    ("''", "''"),
    ("'", "'"),
    ("$$", "$$"),
    ("$", "$"),
)
_DELIMITERS = (("\\(", "\\)"), ("\\[", "\\]"))
_TAG = r"(?:final_?)?(?:answer|b|strong|i|em|u|p|div|span|code|center|mark|math)"
_BEFORE = re.compile(
    rf"(?:=(?![=<>])|<{_TAG}(?:\s[^<>]*)?>|#{{1,6}}(?=\s)|"
    r"(?:(?P<bold>\*+)|\\text\s*\{|\\textbf\s*\{)?\s*(?:the\s+)?(?:(?:final|correct|required|desired)\s+)?(?:answer|ans|result)\b\s*"
    r"(?:is|are)?\s*[:：]\s*(?(bold)\**)\}?|"
    r"(?:(?:the|my|our)\s+(?:(?:final|correct)\s+)?|(?:final|correct)\s+)answer\s+is\s+(?!not\b|that\b|both\b)|"
    r"ans\.\s*(?=[-\d\\$(])|\\(?:Rightarrow|Longrightarrow|implies|rightarrow|to)(?![A-Za-z])|no\.\s*(?=\d+\W*$)|\\?#\s*(?=\d)|"
    r"\\(?:bullet|star)(?![A-Za-z])|•|\*(?=\s)|(?:therefore|hence|thus|so)\s*[,:]|答案\s*(?:是|为|：|:)?)\s*",
    re.IGNORECASE,
)
_AFTER = re.compile(
    rf"\s*(?:</{_TAG}>|</?s>|<eos>|<\|[^|<>\s]{{1,40}}\|>|\\\\|\?"
    r"|\s(?:is|are) the (?:final |correct )?answers?|\(\s*approx(?:imately|\.)?\s*\)"
    r"|\(?\bQ\.?\s?E\.?\s?D\.?\)?"
    r"|(?<=\d)\s+(?:in (?:all|total)|altogether|only)"
    r"|(?<=\d)\s*\\text\s*\{\s*only\s*\})\s*[.]?$",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"(?<=[*_`\"'>$)}\]])[.;,]$")  # the full stop behind a wrapper
_ROUGHLY = re.compile(
    r"(?:about|approximately|approx\.?|roughly|around|nearly|exactly|only|just|a total of)\s+(?=[\d\\$.-])"
    r"|\\text\s*\{\s*(?:about|approximately|roughly|around|nearly|exactly|only|just)\s*\}\s*(?=[\d$.-]|[a-z]\s*=)"
    r"|only\s+(?=[a-z]\s*=)",
    re.IGNORECASE,
)
_WRAPPED = re.compile(
    r"[*_`\"'<#?:：$\\=•]|\b(?:ans|no\.|q\.?\s?e\.?\s?d|about|approx|rough|around|nearly|exactly|only|just|total|all|hence|thus|therefore|so|答案)",
    re.IGNORECASE,
)


def unwrapped(text: str) -> str:
    """The answer without what stands around it."""
    for _ in range(MAX_WRAPPERS):
        before, text = text, _without_one(_CLOSED.sub("", text.strip()))
        if text == before:
            break
    return text


def _without_one(text: str) -> str:
    if not _WRAPPED.search(text):
        return text
    for opener, closer in (*_QUOTES, *_DELIMITERS):
        if text.startswith(opener) and text.endswith(closer):
            quoted = text[len(opener) : -len(closer)]
            inside = quoted.replace("\\$", "")
            if quoted.strip() and opener not in inside and closer not in inside:
                return quoted
    styled = _STYLED.match(text)
    if styled:
        inner = group_of_whole(text, styled.end())
        if inner is not None and _FORMULA.search(inner):
            return inner
    if "\\" in text:
        shown = _SHOWN.sub(" ", text).strip()
        if shown != text:
            shown = shown.removesuffix("\\quad").rstrip()  # before what was shown
            inner = group_of_whole(shown, 0) if shown.startswith("{") else None
            return shown if inner is None else inner
    for pattern in (_BEFORE, _ROUGHLY):
        found = pattern.match(text)
        if found and found.end() < len(text):
            return text[found.end() :]
    found = _AFTER.search(text)
    return text[: found.start()] if found and found.start() else text


def group_of_whole(text: str, start: int) -> str | None:
    """The inside of the braces that open at `start` and close at the end of the text; None if they close elsewhere."""
    depth, position = 0, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        else:
            depth += (character == "{") - (character == "}")
            if depth == 0:
                return text[start + 1 : position] if position == len(text) - 1 else None
        position += 1
    return None
