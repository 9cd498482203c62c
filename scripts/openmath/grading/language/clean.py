r"""Spelling of an answer: typography that means nothing is dropped, several spellings of one sign become one.

    >>> clean(r"\left( \dfrac{1}{2},\; 14{,}916 \right).")
    '( \\frac{1}{2},  14916 )'

Every step is linear in the length of the text.
"""

import re
import unicodedata

from openmath.answers import BOX, extract_answer

_SIGNS = {
    "−": "-", "–": "-", "—": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": "/", "∕": "/", "⁄": "/",
    "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "∞": r"\infty ",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∅": r"\emptyset ", "±": r"\pm ", "∓": r"\mp ", "°": r"^\circ ",
    "√": r"\sqrt ", "π": r"\pi ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "λ": r"\lambda ", "φ": r"\phi ",
    "′": "'", "’": "'", "“": '"', "”": '"', "，": ",", "；": ";", "（": "(", "）": ")", "：": ":", "。": ".",
    "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}",
    "¢": r"\text{ cents}",
    "€": " ", "£": " ", "¥": " ", "…": r"\ldots ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}",
}  # fmt: skip
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_SUPERSCRIPT_RUN = re.compile("[" + "".join(_SUPERSCRIPTS) + "]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

# Control characters that a missing escape made out of \frac, \times, \text, \boxed ... upstream (form feed, tab, ...).
_DAMAGED = re.compile(r"\x0c(?=rac\b|rac\{)|\t(?=ext\b|imes\b|frac|heta\b|an\b)|\x08(?=oxed|inom|egin)")
_DAMAGED_LETTER = {"\x0c": r"\f", "\t": r"\t", "\x08": r"\b"}

_SAME = {
    "dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac", "dbinom": r"\binom", "tbinom": r"\binom",
    "leq": r"\le", "leqslant": r"\le", "geq": r"\ge", "geqslant": r"\ge", "neq": r"\ne", "lt": "<", "gt": ">",
    "lbrace": r"\{", "rbrace": r"\}", "lbrack": "[", "rbrack": "]", "vert": "|", "lvert": "|", "rvert": "|", "mid": "|",
    "textnormal": r"\text", "textrm": r"\text", "textbf": r"\text", "textit": r"\text", "mbox": r"\text",
    "hbox": r"\text", "textup": r"\text", "textsf": r"\text", "texttt": r"\text",
    "boldsymbol": r"\mathrm", "mathbf": r"\mathrm", "mathit": r"\mathrm", "mathsf": r"\mathrm", "bf": "", "rm": "",
    "operatorname": r"\mathrm", "mathcal": r"\mathrm", "bm": r"\mathrm",
    "varnothing": r"\emptyset", "iff": r"\Leftrightarrow", "implies": r"\Rightarrow", "land": r"\wedge",
    "ast": r"\cdot", "degree": r"^\circ", "infin": r"\infty", "lor": r"\vee", "dots": r"\ldots", "cdots": r"\ldots",
    "colon": ":", "varphi": r"\phi", "varepsilon": r"\epsilon", "lnot": r"\neg", "backslash": r"\setminus",
    "equiv": "=", "coloneqq": "=", "triangleq": "=",
}  # fmt: skip
_NOTHING = (
    "displaystyle|textstyle|scriptstyle|"
    "limits|nolimits|quad|qquad|enspace|thinspace|hfill|noindent|centering|mathstrut|strut|nonumber|hspace\\*?\\{[^{}]*\\}|"
    "vspace\\*?\\{[^{}]*\\}|phantom\\{[^{}]*\\}|medspace|allowbreak|mathopen|mathclose"
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
_GROUP_COMMA = re.compile(r"(?<=\d)(?:\{,\}|,\\!|\\!,|\{,\}\\!)\s*(?=\d{3}(?!\d))")
_GROUP_SPACE = re.compile(r"(?<![\d.])\d{1,3}(?:(?:\s|\\,|\\ |~|\\;|\\:){1,2}\d{3})+(?![\d])")
_DOUBLED = re.compile(
    r"\\\\(?=(?:left|right|[dt]?frac|sqrt|text|le|ge|pi|cdot|times|infty|cup|in|mathbb|mathrm|circ|pm|angle)(?![a-z]))"
)
_LINE_SKIP = re.compile(r"(\\\\)\s*\[[\d.]+\s*(?:px|pt|em|ex|cm|mm)\]")
_BRACED_ARRAY = re.compile(  # an array with a brace on its left only
    r"\\left\s*\\(?:\{|lbrace)\s*\\begin\{array\}(?:\{[^{}]*\})?(.*?)\\end\{array\}\s*\\right\s*\.", re.DOTALL
)
_LINE_END_DOT = re.compile(r"[.;,]\s*(?=\\\\(?![A-Za-z])|\\end\b)")
# 0.1666..., its period written at least three times
_ENDLESS = re.compile(r"(?<=\d)\.(\d{0,30}?)(\d{1,6}?)\2{2,30}(?:\.\.\.+|\\l?dots(?![a-z])|\\cdots)")
_ORDINAL = re.compile(  # 5th, 5^{th}, 5\text{th}, 5^{\text{th}}
    r"(?<=\d)\s*(?:\^\s*)?(?:\{\\(?:text|mathrm)\{(?:st|nd|rd|th)\}\}|\{(?:st|nd|rd|th)\}"
    r"|\\(?:text|mathrm)\{(?:st|nd|rd|th)\}|(?:st|nd|rd|th)(?![A-Za-z]))"
)
_RIGHT_DOT = re.compile(r"\\(left|right)\s*\.")
_WHOLE_GROUP = re.compile(r"\{[^{},]*(?:\{[^{}]*\}[^{},]*)*\}")  # braces around a whole answer that lists nothing
MAX_MISSING = 2  # closing braces that an answer may have lost at its end (golds of Omni-MATH have)
MAX_BOXES = 8  # boxes in one answer that are read as a list


def clean(text: str) -> str:
    """The same answer in plain LaTeX: no dollar signs, spacing, size commands; one name for each sign."""
    if _NOT_ASCII.search(text):
        text = _SUPERSCRIPT_RUN.sub(lambda run: "^{" + "".join(_SUPERSCRIPTS[c] for c in run[0]) + "}", text)
        text = "".join(_SIGNS.get(c) or _fold(c) if c > "\x7f" else c for c in text)
    text = _DAMAGED.sub(lambda found: _DAMAGED_LETTER[found[0]], text)
    if BOX in text:
        text = _boxes(text)
    text = text.replace("\x00", "").replace("/text{", "\\text{")
    if "\\begin" in text:
        text = _BRACED_ARRAY.sub(r"\\begin{cases}\1\\end{cases}", text)
        text = _LINE_END_DOT.sub(" ", _LINE_SKIP.sub(r"\1", text))
    else:
        text = _DOUBLED.sub(r"\\", text)
    text = _RIGHT_DOT.sub(" ", text)
    text = _ENDLESS.sub(r".\1\\overline{\2}", text)
    text = _GROUP_COMMA.sub("", _ORDINAL.sub("", text))
    text = _GROUP_SPACE.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    text = _COSMETIC.sub(_plain, text).replace("~", " ")
    text = text.strip().rstrip("\\").rstrip(" .;,:").strip()
    if text.startswith("{") and _WHOLE_GROUP.fullmatch(text):
        text = text[1:-1].strip()
    missing = text.count("{") - text.count("}") if "{" in text else 0
    return text + "}" * missing if 0 < missing <= MAX_MISSING else text


def _boxes(text: str) -> str:
    r"""An answer that still holds boxes is what they hold: "is $\boxed{5}$" is 5, two boxes are a list."""
    found = []
    for _ in range(MAX_BOXES):
        box = extract_answer(text)
        if box is None:
            break
        found.append(box)
        text = text[: text.rindex(BOX)]
    return ", ".join(reversed(found)) if found else text


def _plain(found: re.Match) -> str:
    group = found.lastgroup
    if group == "same":
        name = _SAME[found["same"]]
        return name + " " if name[-1:].isalpha() else name
    if group == "other":
        return found[0]
    return "" if group == "glue" else " "


def _fold(character: str) -> str:
    """A character outside ASCII: digits of any script and full-width letters as ASCII, invisible ones dropped."""
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in ("Cf", "Mn"):
        return ""
    if category == "Zs":
        return " "
    folded = unicodedata.normalize("NFKC", character)
    return folded if folded.isascii() else character
