r"""How the digits of a number are written: in groups (1,234,567 and 1'250'000), with a period that repeats (0.(36), 0.\dot{3}).

>>> grouped(r"14{,}916"), repeating("0.(36)"), indian_groups("12,34,567")
('14916', '0.\\overline{36}', '1234567')
"""

import re

_COMMA = re.compile(r"(?<=\d)(?:\{,\}|\\!,|\{,\}\\!)\s*(?=\d{3}(?!\d))|(?<=\d),\\!\s*(?=\d)")
# 8,\:400 is a number where it is the whole answer; (8,\,400) is a pair
_SPACED_COMMA = re.compile(
    r"^(\s*-?(?:\\?\$)?\s*\d{1,3})((?:,(?:\s*\\[:;,]|\s*\\allowbreak(?![A-Za-z]))\s*\d{3})+)(?![\d,])"
)
# 1,02 is no list: nobody writes 02 for 2. But 1,002 is a number in groups.
_SURE_DECIMAL = re.compile(r"^\s*(-?\d+),(0\d(?:\d{2,})?)\s*$")
_SPACE = re.compile(r"(?<![\d.])[1-9]\d{0,2}(?:(?:\s|\\,|\\ |~|\\;|\\:){1,2}\d{3})+(?![\d])")
_APOSTROPHE = re.compile(r"(?<![\w.'])[1-9]\d{0,2}(?:'\d{3})+(?![\w'])")
_UNDERSCORES = re.compile(r"(?<![\w.])[1-9]\d{0,2}(?:_\d{3})+(?![\w{])")
_POINTS = re.compile(r"(?<![\w.,])[1-9]\d{0,2}(?:\.\d{3}){2,}(?![\w.,])")
_COMMAS = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?![\d,])")
_INDIAN = re.compile(r"-?\d{1,2}(?:,\d{2})+,\d{3}")

# 0.1666..., its period written at least three times
_ENDLESS = re.compile(r"(?<=\d)\.(\d{0,30}?)(\d{1,6}?)\2{2,30}(?:\.\.\.+|\\l?dots(?![a-z])|\\cdots)")
_DOTTED = re.compile(r"\\dot\s*\{?(\d)\}?(?:(\d*)\\dot\s*\{?(\d)\}?)?")
_PARENTHESES = re.compile(r"\s*(-?\d*\.\d*)\((\d+)\)\s*")  # of a whole answer: 0.5(3) inside a formula is a product
_NO_WHOLE = re.compile(r"(?<!\d)\.(?=\\(?:overline|bar)\b)")


def grouped(text: str) -> str:
    """The text without what stands between the groups of digits of its numbers."""
    if "," in text:
        text = _SURE_DECIMAL.sub(r"\1.\2", text)
        text = _COMMA.sub("", text)
        text = _SPACED_COMMA.sub(lambda found: found[1] + re.sub(r"\D", "", found[2]), text)
    for sign, pattern in (
        (" ", _SPACE),
        ("\\", _SPACE),
        ("~", _SPACE),
        ("'", _APOSTROPHE),
        (".", _POINTS),
        ("_", _UNDERSCORES),
    ):
        if sign in text:
            text = pattern.sub(lambda found: re.sub(r"\D", "", found[0]), text)
    return text


def indian_groups(text: str) -> str | None:
    """12,34,567 as a number; None for other texts. It may also be a list."""
    return text.replace(",", "") if _INDIAN.fullmatch(text) else None


def comma_groups(text: str) -> int:
    """How many groups of three digits follow the first of the first number that has any."""
    found = _COMMAS.search(text)
    return found[0].count(",") if found else 0


def may_be_list(text: str) -> bool:
    """May 143,110 in it be two numbers? A list would not hold 000, nor a number twice."""
    parts = [part for found in _COMMAS.findall(text) for part in found.split(",")]
    return 0 < len(parts) == len(set(parts)) and not any(part.startswith("0") for part in parts)


def repeating(text: str) -> str:
    """The text with a bar over the digits that repeat, whatever marks them."""
    if "." not in text:
        return text
    if ".." in text or "dots" in text:
        text = _ENDLESS.sub(r".\1\\overline{\2}", text)
    if "\\dot" in text:
        text = _DOTTED.sub(lambda found: f"\\overline{{{''.join(digits or '' for digits in found.groups())}}}", text)
    found = _PARENTHESES.fullmatch(text)
    text = f"{found[1]}\\overline{{{found[2]}}}" if found else text
    return _NO_WHOLE.sub("0.", text)
