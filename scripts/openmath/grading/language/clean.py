r"""Spelling of an answer: typography that means nothing is dropped, several spellings of one sign become one.

    >>> clean(r"\left( \dfrac{1}{2},\; 14{,}916 \right).")
    '( \\frac{1}{2},  14916 )'

Every step is linear in the length of the text.
"""

import re

from openmath.answers import BOX, boxes
from openmath.grading.language.digits import grouped, repeating
from openmath.grading.language.spellings import respelled
from openmath.grading.language.unicode_signs import as_latex
from openmath.grading.language.units import without_currency
from openmath.grading.language.wrappers import unwrapped

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

_SPACES = re.compile(r"\s{2,}")
# Control characters that a missing escape made out of \frac, \times, \text, \boxed ... upstream (form feed, tab, ...).
_DAMAGED = re.compile(r"\x0c(?=rac\b|rac\{)|\t(?=ext\b|imes\b|frac|heta\b|an\b)|\x08(?=oxed|inom|egin)")
_DAMAGED_LETTER = {"\x0c": r"\f", "\t": r"\t", "\x08": r"\b"}

_SAME = {
    "nicefrac": r"\frac", "flatfrac": r"\frac", "sfrac": r"\frac", "dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac",
    "dbinom": r"\binom", "tbinom": r"\binom",
    "leq": r"\le", "leqslant": r"\le", "geq": r"\ge", "geqslant": r"\ge", "neq": r"\ne", "lt": "<", "gt": ">",
    "lbrace": r"\{", "rbrace": r"\}", "lbrack": "[", "rbrack": "]", "vert": "|", "lvert": "|", "rvert": "|", "mid": "|",
    "textnormal": r"\text", "textrm": r"\text", "textbf": r"\text", "textit": r"\text", "mbox": r"\text",
    "hbox": r"\text", "textup": r"\text", "textsf": r"\text", "texttt": r"\text",
    "boldsymbol": r"\mathrm", "mathbf": r"\mathrm", "mathit": r"\mathrm", "mathsf": r"\mathrm", "bf": "", "rm": "",
    "operatorname": r"\mathrm", "mathcal": r"\mathrm", "bm": r"\mathrm", "pmb": r"\mathrm",
    "varnothing": r"\emptyset", "iff": r"\Leftrightarrow", "implies": r"\Rightarrow", "land": r"\wedge",
    "ast": r"\cdot",
    "emph": r"\text", "degree": r"^\circ", "infin": r"\infty", "lor": r"\vee", "dots": r"\ldots", "cdots": r"\ldots",
    "colon": ":", "varphi": r"\phi", "vartheta": r"\theta",
    "R": r"\mathbb{R}", "Z": r"\mathbb{Z}", "N": r"\mathbb{N}", "Q": r"\mathbb{Q}",
    "varepsilon": r"\epsilon", "lnot": r"\neg", "backslash": r"\setminus",
    "equiv": "=", "coloneqq": "=", "triangleq": "=",
}  # fmt: skip
_NOTHING = (
    "displaystyle|textstyle|scriptstyle|"
    "limits|nolimits|quad|qquad|enspace|thinspace|hfill|noindent|centering|mathstrut|strut|nonumber|hspace\\*?\\{[^{}]*\\}|"
    "vspace\\*?\\{[^{}]*\\}|phantom\\{[^{}]*\\}|newline|par|smallskip|medskip|bigskip|medspace|allowbreak|mathopen|mathclose"
)
_COSMETIC = re.compile(
    r"\\(?:"
    r"(?P<glue>!|(?:left|right|middle|[bB]igg?[lrm]?)(?![A-Za-z]))"
    rf"|(?P<nothing>(?:{_NOTHING})(?![A-Za-z]))"
    rf"|(?P<same>{'|'.join(sorted(_SAME, key=len, reverse=True))})(?![A-Za-z])"
    r"|(?P<space>[,;: >]|\n)"
    r"|(?P<dollar>\$)"
    r"|(?P<delimiter>[()\[\]])"
    r"|(?P<other>\\|.)"
    r")"
    r"|(?P<math>\$)",
    re.DOTALL,
)
_DOUBLED = re.compile(
    r"\\\\(?=(?:left|right|[dt]?frac|sqrt|text|le|ge|pi|cdot|times|infty|cup|in|mathbb|mathrm|circ|pm|angle)(?![a-z]))"
)
_LINE_SKIP = re.compile(r"(\\\\)\s*\[[\d.]+\s*(?:px|pt|em|ex|cm|mm)\]")
_BRACED_ARRAY = re.compile(  # an array with a brace on its left only
    r"\\left\s*\\(?:\{|lbrace)\s*\\begin\{array\}(?:\{[^{}]*\})?(.*?)\\end\{array\}\s*\\right\s*\.", re.DOTALL
)
_LINE_END_DOT = re.compile(r"[.;,]\s*(?=\\\\(?![A-Za-z])|\\end\b)")
_ORDINAL = re.compile(  # 5th, 5^{th}, 5\text{th}, 5^{\text{th}}
    r"(?<=\d)\s*(?:\^\s*)?(?:\{\\(?:text|mathrm)\{(?:st|nd|rd|th)\}\}|\{(?:st|nd|rd|th)\}"
    r"|\\(?:text|mathrm)\{(?:st|nd|rd|th)\}|(?:st|nd|rd|th)(?![A-Za-z]))"
)
ORDINAL_DIGITS = re.compile(rf"^\s*(?:the )?\d+{_ORDINAL.pattern.partition(')')[2]}\s*$")  # the whole answer is 5th
# 3.1415... is a decimal that goes on, and may be a rounding; 1, 2, 3, ... is a list that goes on
_CUT_OFF = re.compile(r"^([^,;]*\d\.\d+)\s*(?:\.\.\.+|\\ldots)\s*$")
_MORE = re.compile(r"\.\.\.+")
_TURNED = re.compile(r"^\s*\]|\[\s*$|\\c[ua]p\s*\]|\[\s*\\c[ua]p|\]\s*-?\\infty")
_FRENCH = re.compile(r"([\[\]])([^\[\],;]+)[,;]([^\[\],;]+)([\[\]])")  # ]0, 1[ is (0, 1)
_RIGHT_DOT = re.compile(r"\\(left|right)\s*\.")
_WHOLE_GROUP = re.compile(r"\{[^{},]*(?:\{[^{}]*\}[^{},]*)*\}")  # braces around a whole answer that lists nothing
MAX_MISSING = 2  # closing braces that an answer may have lost at its end (golds of Omni-MATH have)
MAX_BOXES = 8  # boxes in one answer that are read as a list


def clean(text: str) -> str:
    """The same answer in plain LaTeX: no dollar signs, spacing, size commands; one name for each sign."""
    if _NOT_ASCII.search(text):
        text = as_latex(text)
    text = _DAMAGED.sub(lambda found: _DAMAGED_LETTER[found[0]], text)
    text = _SPACES.sub(" ", text)  # long ones would make what follows more than linear
    if BOX in text:
        text = _boxes(text)
    text = without_currency(unwrapped(text.replace("\x00", "").replace("/text{", "\\text{")))
    text = respelled(text)
    if "\\begin" in text:
        text = _BRACED_ARRAY.sub(r"\\begin{cases}\1\\end{cases}", text)
        text = _LINE_END_DOT.sub(" ", _LINE_SKIP.sub(r"\1", text))
    else:
        text = _DOUBLED.sub(r"\\", text)
    text = _RIGHT_DOT.sub(" ", text) if "." in text else text
    text = grouped(_ORDINAL.sub("", repeating(text)))
    text = _COSMETIC.sub(_plain, text).replace("~", " ")
    text = _FRENCH.sub(_interval, text) if ("]" in text or "[" in text) and _TURNED.search(text) else text
    if ".." in text or "ldots" in text:
        text = _MORE.sub(r"\\ldots ", _CUT_OFF.sub(r"\1", text))
    text = text.strip().rstrip(" .;,:\\").strip()
    if text.startswith("{") and _WHOLE_GROUP.fullmatch(text):
        text = text[1:-1].strip().rstrip(" .;,:")
    missing = text.count("{") - text.count("}") if "{" in text else 0
    return text + "}" * missing if 0 < missing <= MAX_MISSING else text


def _boxes(text: str) -> str:
    r"""An answer that still holds boxes is what they hold: "is $\boxed{5}$" is 5, two boxes are a list."""
    found = [box.text for box in boxes(text)[-MAX_BOXES:] if box.text is not None]
    return ", ".join(found) if found else text


def _plain(found: re.Match) -> str:
    group = found.lastgroup
    if group == "same":
        name = _SAME[found["same"]]
        return name + " " if name[-1:].isalpha() else name
    if group == "other":
        return found[0]
    return "" if group == "glue" else " "


def _interval(found: re.Match) -> str:
    opener, low, high, closer = found.groups()
    return f"{'[' if opener == '[' else '('}{low},{high}{']' if closer == ']' else ')'}"
