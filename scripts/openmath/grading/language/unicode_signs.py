r"""Signs outside ASCII as LaTeX: √17 is \sqrt{17}, 2ⁿ is 2^{n}, 0.3̅ is 0.\overline{3}; what is not known stays as it is.

>>> as_latex("3+√12 ≤ x₁²")
'3+\\sqrt{12} \\le  x_{1}^{2}'
"""

import re
import unicodedata

_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ",
    "÷": "/", "∕": "/", "⁄": "/", "∶": ":", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≠": r"\ne ",
    "≦": r"\le ", "≧": r"\ge ", "≈": r"\approx ", "≃": r"\approx ", "≡": r"\equiv ", "∞": r"\infty ", "→": r"\to ",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∉": r"\notin ", "∅": r"\emptyset ", "∖": r"\setminus ", "±": r"\pm ",
    "∓": r"\mp ", "°": r"^\circ ", "º": r"^\circ ", "˚": r"^\circ ", "℃": r"^\circ C", "℉": r"^\circ F", "∠": r"\angle ",
    "△": r"\triangle ", "∆": r"\triangle ", "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ", "∴": r"\therefore ",
    "⇒": r"\Rightarrow ", "⟹": r"\Rightarrow ", "∣": "|", "∧": r"\wedge ", "∨": r"\vee ",
    "π": r"\pi ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "δ": r"\delta ", "λ": r"\lambda ",
    "μ": r"\mu ", "σ": r"\sigma ", "τ": r"\tau ", "ω": r"\omega ", "φ": r"\phi ", "ϕ": r"\phi ", "ε": r"\epsilon ", "Δ": r"\Delta ",
    "Γ": r"\Gamma ", "Θ": r"\Theta ", "Λ": r"\Lambda ", "Σ": r"\Sigma ", "Φ": r"\Phi ", "Ψ": r"\Psi ", "ζ": r"\zeta ",
    "κ": r"\kappa ", "ν": r"\nu ", "χ": r"\chi ", "∥": r"\parallel ", "⊥": r"\perp ", "⊂": r"\subset ", "⊆": r"\subseteq ",
    "Ω": r"\Omega ", "ρ": r"\rho ", "η": r"\eta ", "ξ": r"\xi ", "ψ": r"\psi ",
    "′": "'", "’": "'", "‘": "'", "″": "''", "“": '"', "”": '"', "«": '"', "»": '"',
    "，": ",", "、": ",", "；": ";", "（": "(", "）": ")", "：": ":",
    "。": ".", "【": "[", "】": "]", "「": '"', "」": '"', "〈": r"\langle ", "〉": r"\rangle ", "⟨": r"\langle ", "⟩": r"\rangle ",
    "¢": r"\text{ cents}", "‰": r"\text{ permille}", "…": r"\ldots ", "⋯": r"\ldots ",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}",
    "✓": r"\checkmark ", "✔": r"\checkmark ", "✅": r"\checkmark ", "☑": r"\checkmark ", "■": r"\blacksquare ", "□": r"\square ",
    "㎝": r"\text{ cm}", "㎜": r"\text{ mm}", "㎞": r"\text{ km}", "㎏": r"\text{ kg}", "㎡": r"\text{ m}^2", "㎠": r"\text{ cm}^2",
    "㎥": r"\text{ m}^3", "㎤": r"\text{ cm}^3",
    "∎": r"\blacksquare ", "█": r"\blacksquare ",
}  # fmt: skip
_CHINESE_UNITS = {
    "平方厘米": r"\text{ cm}^2", "平方米": r"\text{ m}^2", "立方厘米": r"\text{ cm}^3", "立方米": r"\text{ m}^3",
    "厘米": r"\text{ cm}",
    "毫米": r"\text{ mm}", "千米": r"\text{ km}", "公里": r"\text{ km}", "米": r"\text{ m}", "千克": r"\text{ kg}",
    "公斤": r"\text{ kg}", "克": r"\text{ g}", "小时": r"\text{ h}", "分钟": r"\text{ min}", "秒": r"\text{ s}",
    "天": r"\text{ day}",
    "年": r"\text{ year}", "岁": r"\text{ year}", "周": r"\text{ week}", "个月": r"\text{ month}", "元": r"\text{ yuan}",
    "円": r"\text{ yen}",
    "원": r"\text{ won}", "度": r"^\circ", "人": r"\text{ person}", "个": "",
    "個": "", "次": "", "种": "", "本": "", "只": "", "枚": "", "つ": "",
    "百": r"\cdot 100", "千": r"\cdot 1000", "万": r"\cdot 10000", "亿": r"\cdot 100000000",
}  # fmt: skip
_CHINESE_UNIT = re.compile("(?<=\\d)\\s*(" + "|".join(sorted(_CHINESE_UNITS, key=len, reverse=True)) + r")(?!\w)")
_RING = re.compile(r"(?<=\d)\s*∘")  # 30∘ has a degree sign
_CIRCLED = re.compile("(?<=[①-⑳])\\s*(?=[①-⑳])")  # ①③ are two choices
CURRENCIES = "€£¥₹₽₩"  # units.py reads them from the answer as written
_ROOTS = {"√": "", "∛": "[3]", "∜": "[4]"}
# ³√8, √17, √2.5, √x, √(7), √{7}: the root takes one number, letter or bracket
_ROOT = re.compile(
    r"(?:(?<![\w)}\]])\^\{(?P<degree>\d+|[nk])\})?(?P<root>[√∛∜])\s*(?P<argument>\d+(?:\.\d+)?|[^\W\d_](?![A-Za-z]))?"
)
_SCRIPTS = (
    (
        "^",
        dict(
            zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵃᵇᶜᵈᵉᶠᵍʰʲᵏˡᵐᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ", "0123456789+-=()niabcdefghjklmoprstuvwxyzT", strict=True)
        ),
    ),
    ("_", dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", "0123456789+-=()aeoxhklmnpstijruv", strict=True))),
)
_SCRIPT_RUN = re.compile("(?P<up>[" + "".join(_SCRIPTS[0][1]) + "]+)|(?P<down>[" + "".join(_SCRIPTS[1][1]) + "]+)")
_SMALL_FRACTION = re.compile("(?<![⁰¹²³⁴⁵⁶⁷⁸⁹])([⁰¹²³⁴⁵⁶⁷⁸⁹]+)[⁄/]([₀₁₂₃₄₅₆₇₈₉]+)")  # ³⁄₁₆
# A bar or a dot over digits behind a point: these go on for ever. Accents of letters: a mean, a vector.
_OVER_DIGITS = re.compile("(?:\\d[\u0304\u0305\u0307])(?:\\d*\\d[\u0304\u0305\u0307])?(?:\\d[\u0304\u0305])*")
_OVER_LETTER = re.compile("([A-Za-z])([\u0302\u0304\u0305\u20d7])")
_ACCENTS = {"\u0302": "hat", "\u0304": "bar", "\u0305": "bar", "\u20d7": "vec"}
_MARKS = re.compile("[\u0304\u0305\u0307]")
_MARKED = re.compile("[\u0300-\u036f\u20d0-\u20ff]")


def as_latex(text: str) -> str:
    """The text in ASCII as far as it is known how. Accents and marks that are not known stay: they may mean something."""
    if _MARKED.search(text):
        text = unicodedata.normalize("NFC", text)  # = with a stroke through it is ≠
        text = _OVER_DIGITS.sub(lambda run: "\\overline{" + _MARKS.sub("", run[0]) + "}", text)
        text = _OVER_LETTER.sub(lambda found: f"\\{_ACCENTS[found[2]]}{{{found[1]}}}", text)
    text = _CHINESE_UNIT.sub(lambda found: _CHINESE_UNITS[found[1]], text)
    text = _RING.sub(r"^\\circ ", text)
    text = _CIRCLED.sub(", ", text)
    text = _SMALL_FRACTION.sub(_fraction, text)
    text = _SCRIPT_RUN.sub(_script, text)
    text = _ROOT.sub(_root, text)
    return "".join(_SIGNS.get(c) or _fold(c) if c > "\x7f" else c for c in text)


def _fraction(found: re.Match) -> str:
    above, below = ("".join(signs[c] for c in part) for part, (_, signs) in zip(found.groups(), _SCRIPTS, strict=True))
    return f"\\frac{{{above}}}{{{below}}}"


def _script(run: re.Match) -> str:
    sign, plain = _SCRIPTS[run.lastgroup == "down"]
    return sign + "{" + "".join(plain[c] for c in run[0]) + "}"


def _root(found: re.Match) -> str:
    degree = f"[{found['degree']}]" if found["degree"] else _ROOTS[found["root"]]
    return f"\\sqrt{degree}" + (f"{{{found['argument']}}}" if found["argument"] else " ")


def _fold(character: str) -> str:
    """A character by itself: digits of any script and full-width letters as ASCII, ⅗ as a fraction, invisible ones dropped."""
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f":  # no width; a variant of the sign before it
        return ""
    if category == "Zs":
        return " "
    if character in CURRENCIES:
        return " "
    folded = unicodedata.normalize("NFKC", character)
    above, bar, below = folded.partition("⁄")
    if bar:
        return f"\\frac{{{above}}}{{{below}}}"
    if folded != character and len(folded) == 1 and folded in _SIGNS:
        return _SIGNS[folded]  # 𝜋 is π
    return folded if folded.isascii() else character
