r"""Spellings of single things in plain LaTeX: ^{10}C_3 is \binom{10}{3}, 75^\circ 30' is a sum, 3 x 10^5 a product.

>>> respelled("3.2 x 10^5"), respelled(r"{}_{10}C_3")
('3.2\\times 10^5', '\\binom{10}{3}')
"""

import re

_DEGREES = re.compile(  # 75^\circ 30' 15''
    r"(\d+)\s*\^\s*\{?\s*\\circ\s*\}?\s*(?:\\[,;: ])?\s*(\d+)\s*'(?!')\s*(?:(\d+)\s*(?:''|\"))?"
)
_DEGREES_IN_WORDS = re.compile(
    r"(\d+)\s*degrees?,?\s*(?:and\s+)?(\d+)\s*minutes?(?:,?\s*(?:and\s+)?(\d+)\s*seconds?)?(?![A-Za-z])"
)
_UNIT_POWER = re.compile(  # \text{cm^3}, \mathrm{m/s^{2}}
    r"(?<=[\d}i)~ ;,])\\(?:text|mathrm)\s*\{[\s~]*([A-Za-z][A-Za-z/. ]*)\^\s*\{?(-?\d)\}?\s*\}"
)
_SIUNITX = re.compile(r"\\(?:SI|qty)\s*\{([^{}]*)\}\s*\{\s*\\?([A-Za-z/ ]+)\s*\}")
_RAISED_O = re.compile(r"(?<=\d)\^(?:o|\{o\})(?![A-Za-z])")
_POWERS = {"squared": "square", "cubed": "cubic"}
# n is 58, x can be 3 or 4
_IS = re.compile(
    r"^\s*([A-Za-z])\s*(?:\\text\s*\{\s*(?:is|equals|(?:can|could|may|must) be)(?: equal to| either)?\s*\}"
    r"|\s(?:is|equals|(?:can|could|may|must) be)(?: equal to| either)?\s)\s*(?=[-\d\\])"
)
# Units that would be products of letters, and their full stops: 9.8 m/s^2, 7 in, 12 sq. ft.
_UNIT = re.compile(
    r"(?<=[\d}])\s+((?:[kcm]?m|ft|mi|in|k?g|m?L)\s*/\s*(?:s|h|hr|min|m?L|c?m))(?=\s*(?:\^\s*\{?\d\}?)?\s*$)"
    r"|(?<=[\d}])\s+((?:m?L|min|sec|h|kgs|yds?)(?=\s*$)|in|mi)(?=\s*(?:\^\s*\{?[23]\}?)?\s*$)"
)
_NOT_FUNCTIONS = {"min": "minutes", "sec": "seconds", "in": "inches"}
_UNIT_DOT = re.compile(r"\b(sq|cu|ft|in|lbs?|oz|yd|hrs?|mins?|secs?)\.(?=\s|$|\})")
_TIMES_TEN = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*\^)")  # 3.2 x 10^5
_COMBINATIONS = re.compile(
    r"(?:\{\})?[\^_]\s*\{?(?P<n>\w)(?P<more>\d*)\}?\s*(?:\\(?:text|mathrm|mathbf)\s*\{)?"
    r"(?P<kind>[CP])\}?\s*_\s*\{?(?P<r>\w\d*)\}?"
    r"|(?:\\(?:mathrm|text)\s*\{\s*C\s*\}|(?<![\w\\}])C)\s*_\{?(?P<below>\d+)\}?\s*\^\{?(?P<above>\d+)\}?"
    r"|(?:\\(?:mathrm|text)\s*\{\s*C\s*\}|(?<![\w\\}])C)\s*\^\{?(?P<chosen>\d+)\}?\s*_\{?(?P<all>\d+)\}?"
)
_CHOSEN = re.compile(r"(?<![A-Za-z])(?:C|nCr|\\?binom)\s*\(\s*(\w{1,9})\s*,\s*(\w{1,9})\s*\)")
_UNIT_VECTOR = re.compile(
    r"\\(?:mathbf|boldsymbol|bm|vec|hat|widehat|overrightarrow|bf)\s*\{?\s*"
    r"(?:\\(?:hat|vec|mathbf|boldsymbol|text)\s*\{?\s*)?\\?([ijk])(?:math)?(?![A-Za-z])\s*\}{0,2}"
)


def _unit(found: re.Match) -> str:
    name = found[1] or found[2]
    return f" \\text{{ {_NOT_FUNCTIONS.get(name, name)}}}"


def _decimal_degrees(found: re.Match) -> str:
    degrees, minutes, seconds = found.groups()
    return f"({degrees}+\\frac{{{minutes}}}{{60}}+\\frac{{{seconds or 0}}}{{3600}})^\\circ"


def _combination(found: re.Match) -> str:
    if found["above"]:
        return f"\\binom{{{found['below']}}}{{{found['above']}}}"
    if found["all"]:
        return f"\\binom{{{found['all']}}}{{{found['chosen']}}}"
    n, r = found["n"] + found["more"], found["r"]
    return f"\\binom{{{n}}}{{{r}}}" + (f" \\cdot {r}!" if found["kind"] == "P" else "")


def combinations(text: str) -> str | None:
    """The text with C(5, 2), which may be a point, and nCr(5, 2) as binomials; None if it holds none."""
    found = _CHOSEN.sub(_chosen, text)
    return found if found != text else None


def _chosen(found: re.Match) -> str:
    every, few = found.groups()
    if every.isdigit() and few.isdigit() and int(every) < int(few):
        return found[0]  # C(2, 3) is a point
    return f"\\binom{{{every}}}{{{few}}}"


def _unit_vectors(text: str) -> str:
    """With at least two of i, j, k in bold or with hats these are unit vectors, not the imaginary unit or an index."""
    if len(set(_UNIT_VECTOR.findall(text))) < 2:
        return text
    return _UNIT_VECTOR.sub(r"\\unitvector_\1 ", text)


_DOMAIN_IN_BRACKETS = re.compile(  # 2k\pi (k \in \mathbb{Z}), 2n (n \ge 1)
    r"\(([A-Za-z]\s*(?:\\in\s*\\mathbb\s*\{?[A-Z]\}?|(?:\\[gl]eq?|[<>])\s*-?\d)[^()]*)\)\s*$"
)
_ALIGNED = re.compile(
    r"&\s*(?=(?:[=<>]|\\(?:[lg]eq?|approx)(?![A-Za-z])))(?=.*\\end\s*\{(?:align|split|eqnarray))", re.DOTALL
)
# (what a text must hold, pattern, what stands for it): the first is quickly looked for, and rarely there.
_SPELLINGS = (
    ("\\root", re.compile(r"\\root\s*(\{[^{}]*\}|\w+)\s*\\of(?![A-Za-z])"), lambda found: f"\\sqrt[{found[1].strip('{}')}]"),
    ("\\cr", re.compile(r"\\cr(?![A-Za-z])"), r"\\\\ "),
    ("\\prime", re.compile(r"\^\s*\{?\s*\\prime\s*\}?"), "'"),
    ("\\Omega", re.compile(r"(?<=\d)\s*(?:\\[,;: ])*\s*\\Omega\s*$"), r"\\text{ ohm}"),
    ("\\#", re.compile(r"\\#\s*(?=[A-Z({\\])"), ""),
    ("\\mathbb", re.compile(r"(\\mathbb\s*\{?[ZNRQ]\}?)\s*(?:\^\s*\{?\s*\+\s*\}?|_\s*\{?\s*(?:>\s*0|\+)\s*\}?)"), r"\1_{>0}"),
    ("\\mathbb", re.compile(r"(\\mathbb\s*\{?[ZNRQ]\}?)\s*_\s*\{?\s*(?:\\geq?(?:slant)?\s*0|0)\s*\}?"), r"\1_{0}"),
    ("\\mathbb", re.compile(r"(\\mathbb\s*\{?[RZQNC]\}?)\s*-\s*(?=\\(?:left\s*\\)?\{)"), r"\1\\setminus "),
    ("\\text", _UNIT_POWER, r"\\text{ \1}^{\2}"),
    ("\\mathrm", _UNIT_POWER, r"\\text{ \1}^{\2}"),
    ("\\text", re.compile(r"\\text\s*\{\s*,\s*\}"), ","),
    ("degree", _DEGREES_IN_WORDS, lambda found: f"{found[1]}^\\circ {found[2]}'" + (f"{found[3]}''" if found[3] else "")),
    ("\\circ", _DEGREES, _decimal_degrees),
    ("^o", _RAISED_O, r"^\\circ "),
    ("^{o", _RAISED_O, r"^\\circ "),
    ("the ", re.compile(r"^\s*[Tt]he (?=\d+(?:st|nd|rd|th)\b)"), ""),
    ("ed", re.compile(r"(?<=\d)\s+([a-z]{2,})\s+(squared|cubed)\b"), lambda found: f" {_POWERS[found[2]]} {found[1]}"),
    ("matrix", re.compile(r"\\([pbvV]?matrix)\s*\{((?:[^{}]|\{[^{}]*\})*)\}"), r"\\begin{\1}\2\\end{\1}"),
    ("cbrt", re.compile(r"\\?\bcbrt\s*(?=[({])"), r"\\sqrt[3]"),
    ("<", re.compile(r"^\s*<([^<>=\\]+(?:,[^<>=\\]+)+)>\s*$"), r"(\1)"),  # a vector in plain text
    (")", _DOMAIN_IN_BRACKETS, r", \1"),
    ("&", _ALIGNED, " "),
    ("espectively", re.compile(r"^(.+?),?\s*(?:\\text\s*\{)?\s*[Rr]espectively\s*\}?\s*\.?\s*$", re.DOTALL), r"(\1)"),
    ("per cent", re.compile(r"\bper cent\b"), "percent"),
    (" ", _IS, r"\1 = "),
    ("oth", re.compile(r"^\s*(?:\\text\s*\{\s*)?[Bb]oth\s*\}?\s*(?=[-\d\\])"), ""),
    ("\\abs", re.compile(r"\\abs\s*\{((?:[^{}]|\{[^{}]*\})*)\}"), r"\\left|\1\\right|"),
    ("\\num", re.compile(r"\\num\s*\{([^{}]*)\}"), r"\1"),
    ("\\ang", re.compile(r"\\ang\s*\{([^{};]*)\}"), r"\1^\\circ "),
    ("\\SI", _SIUNITX, r"\1\\text{ \2}"),
    ("\\qty", _SIUNITX, r"\1\\text{ \2}"),
    ("ither", re.compile(r"^\s*(?:\\text\s*\{\s*)?[Ee]ither\s*\}?\s*(?=[-\d\\])"), ""),
    ("}^", re.compile(r"^\s*\\text\s*\{\s*(-?[\d.,/]+)\s*([A-Za-z][A-Za-z. ]*)\}(?=\^)"), r"\1 \\text{ \2}"),  # \text{12 cm}^2
    ("\\mathbb", re.compile(r"\\mathbb\s*\{?([RQC])\}?\s*\^\s*\{?\s*(?:\*|\\ast|\\times)\s*\}?"), r"\\mathbb{\1}\\setminus\\{0\\}"),
    ("C", re.compile(r"(?<![\w.}])(\d{1,3})\s?C\s?(\d{1,3})(?![\w.]|[)}]*\s*(?:_|\(?base))"), r"\\binom{\1}{\2}"),  # 5C2
    (".", _UNIT_DOT, r"\1"),
    ("dollar", re.compile(r"(?<=\d)\s*U\.?S\.?\s+(?=dollars?\b)"), " "),
    (" ", _UNIT, _unit),
    ("10", _TIMES_TEN, r"\\times "),
    ("C", _COMBINATIONS, _combination),
    ("P", _COMBINATIONS, _combination),
)  # fmt: skip


def respelled(text: str) -> str:
    """The text with each of these in its plain spelling."""
    for trigger, pattern, plain in _SPELLINGS:
        if trigger in text:
            text = pattern.sub(plain, text)
    return _unit_vectors(text) if "\\" in text and _UNIT_VECTOR.search(text) else text
