"""Units: an answer may leave its unit out, but 5 cm is not 5 m, and 35% is not 35 degrees."""

import re
from collections import Counter
from collections.abc import Iterable

from openmath.grading.language.wrappers import unwrapped

_SPELLINGS = {
    "mm": "mm millimeter millimetre", "cm": "cm centimeter centimetre", "m": "m meter metre",
    "km": "km kilometer kilometre", "in": "in inch inche", "ft": "ft foot feet", "yd": "yd yard", "mi": "mi mile",
    "g": "g gm gram", "kg": "kg kilogram", "mg": "mg milligram", "l": "l liter litre", "ml": "ml milliliter millilitre",
    "s": "s sec second", "min": "min minute", "h": "h hr hour", "day": "day", "week": "week wk", "month": "month",
    "year": "year yr", "dollar": "dollar usd", "cent": "cent", "euro": "euro eur", "sterling": "gbp", "rupee": "rs inr rupee",
    "yen": "yen jpy", "yuan": "yuan rmb cny", "%": "percent pct percentage", "unit": "unit", "radian": "rad radian",
    "celsius": "c celsius", "fahrenheit": "f fahrenheit", "gallon": "gal gallon", "ounce": "oz ounce", "pound": "lb pound",
    "newton": "n newton", "joule": "j joule", "watt": "w watt", "volt": "v volt",
    "person": "people person", "child": "child children",
}  # fmt: skip
_NAMES = {spelling: name for name, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_SPEEDS = {"mph": ("mi", "h"), "kmph": ("km", "h"), "kph": ("km", "h"), "mpg": ("mi", "gallon")}
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
# Words behind a number that say nothing about what is counted.
_FILLERS = frozenset(
    """a an the of in on at per by as to this that these those each every all total altogether exactly overall different distinct
    possible such due way arrangement possibility combination choice outcome number integer value solution time item
    object""".split()
)
# A number with one of these is another answer than with the opposite one, and may vote for none of both: 15% increase.
DIRECTIONS = frozenset(
    """increase decrease rise fall gain profit loss surplus deficit debt fast slow faster slower early late earlier later ago
    left right north south east west upward downward forward backward clockwise counterclockwise anticlockwise ahead behind
    underground bc ad bce ce taller shorter older younger heavier lighter hotter colder win credit debit short owed more fewer less
    discount markup growth drop""".split()
)
DOWNWARD = frozenset({"decrease", "loss"})  # by a positive number: a negative change
# Other words for the same direction.
_SAME_WAY = {
    "rise": "increase",
    "fall": "decrease",
    "drop": "decrease",
    "gain": "profit",
    "anticlockwise": "counterclockwise",
    "bce": "bc",
    "ce": "ad",
}
_DIRECTED = re.compile(
    rf"(?:an? |the )?({'|'.join(sorted(DIRECTIONS))})\s+(?:of|by)\s+(?=[\\\d$-])(.*)", re.IGNORECASE | re.DOTALL
)
_ARTICLE = re.compile(r"^(?:an?|the) (?=[\d\\$])", re.IGNORECASE)
# Where the space says that it is no factor: 5 m, but not 5m.
_UNIT_LETTER = re.compile(
    r"-?(?:\d+(?:\.\d+)?|\\frac\s*\{\d+\}\s*\{\d+\}) ([mgshLNJW](?=$)|m(?=\s*\^))(?:\s*\^\s*\{?([23])\}?)?"
)
_PART = re.compile(r"[A-Za-z]+|\^[\s{]*(-?\d+)|/|\S")
_POWER = re.compile(r"[a-z]+(?:\^(\d+))?")
_WORD = re.compile(r"[a-z]+")
_CURRENCIES = {"€": "euro", "£": "sterling", "¥": "yen", "₹": "rupee", "₽": "ruble", "₩": "won", "元": "yuan"}
_MONEY = frozenset({*_CURRENCIES.values(), "dollar", "cent"})
_CURRENCY = re.compile("[" + "".join(_CURRENCIES) + "]")
_CURRENCY_BEFORE = re.compile(
    r"(?:\\text\s*\{)?\s*\b(Rs|INR|USD|EUR|GBP|JPY|RMB|CNY|US(?=\\?\$))(?![A-Za-z])\.?\s*\}?[\s~]*(?=[\\$\d])"
)
_DOLLARS = re.compile(
    r"[\s-]*(?:\\text\s*\{\s*)?(?:US)?(?:\\\$|\$(?=[^$]*$))\s*\}?\s*[\d.]|[\d.]+\s*(?:\\\$|\$(?=[^$]*$))\s*$"
)
ANGLES = {frozenset({"degree"}), frozenset({"radian"})}


def unit_name(word: str) -> str | None:
    """The unit that a word is: "h" of hour, hours and hrs; None of other words."""
    word = word.lower()
    return _NAMES.get(word) or _NAMES.get(_singular(word))


def clash(one: frozenset[str], other: frozenset[str]) -> bool:
    """Do both answers state units or words, each something that the other does not? "Units" are any unit."""
    if not one or not other:
        return False
    first, second = _specific(one, other), _specific(other, one)
    if _prices(first, second):
        return False
    return not (first <= second or second <= first)


def _specific(names: frozenset[str], others: frozenset[str]) -> set[str]:
    """The names but for units that the others leave open: any unit, or any squared."""
    if "unit" in names or "unit" in others:
        names = frozenset(name for name in names if not (name in _SPELLINGS or _power(name) or " " in name))
    return {name for name in names if not (name in others or f"unit^{_power(name)}" in others)}


def _prices(first: set[str], second: set[str]) -> bool:
    """Is one $18, and the other $18 per day?"""
    short, long = sorted((" ".join(first), " ".join(second)), key=len)
    return short in _MONEY and short in long.split() and all("^-" in part for part in long.split() if part != short)


def _power(name: str) -> str | None:
    """The 2 of cm^2."""
    found = _POWER.fullmatch(name)
    return found[1] if found else None


def unit_of(raw: str, annotations: Iterable[str], tree: tuple | None) -> frozenset[str]:
    r"""What an answer says behind its value: {"cm^2"}, {"km h^-1"}, {"%", "increase"}, {"girl"}; empty if nothing.

    raw: as written (for \$5); annotations: words dropped behind each value, which must agree; tree: of the rest (% and degrees).
    """
    if "$" in raw:
        raw = unwrapped(raw)
    stated = {said(words) for words in annotations}
    if len(stated) > 1:
        return frozenset()
    found = set(stated.pop() if stated else ())
    currency = _CURRENCY.search(raw) or _CURRENCY_BEFORE.match(raw)
    if currency and currency[0] in _CURRENCIES:
        found = _priced(_CURRENCIES[currency[0]], found)
    elif currency and currency[1] != "US":
        found = _priced(_NAMES[currency[1].lower()], found)
    elif _DOLLARS.match(raw):
        found = _priced("dollar", found)
    if tree is not None and tree[0] in ("deg", "pct"):
        found.add({"deg": "degree", "pct": "%"}[tree[0]])
    return frozenset(found)


def _priced(currency: str, found: set[str]) -> set[str]:
    """A currency with what stands behind the number: $12 / hour is in dollars per hour."""
    per = {name for name in found if all("^-" in part for part in name.split())}
    return (found - per) | {" ".join(sorted([currency, *" ".join(per).split()]))}


def unit_letter(text: str) -> str | None:
    """The m^2 of "5 m^2", a unit that may also be a factor; None of other texts."""
    found = _UNIT_LETTER.fullmatch(text) if " " in text else None
    return found[1] + (f"^{found[2]}" if found[2] else "") if found else None


def without_currency(text: str) -> str:
    """Rs 24 as 24."""
    return _CURRENCY_BEFORE.sub("", text)


def directed(text: str) -> str:
    """ "an increase of 15%" as "15% increase"."""
    found = _DIRECTED.fullmatch(text)
    if found:
        return f"{found[2]} {found[1].lower()}"
    return _ARTICLE.sub("", text) if text.rpartition(" ")[2].lower().strip("}. ") in DIRECTIONS else text


def said(annotation: str) -> frozenset[str]:
    """A unit in one spelling, or the words that are no fillers, each in the singular."""
    annotation = annotation.replace("^\\circ", "").replace(",", "")
    unit = _canonical(annotation)
    if unit:
        return frozenset({unit})
    words = {_singular(word): word for word in _WORD.findall(annotation.lower())}
    return frozenset(
        _NAMES.get(word) or _NAMES.get(singular) or _SAME_WAY.get(singular, singular)
        for singular, word in words.items()
        if word not in _FILLERS and singular not in _FILLERS  # in, but not inches
    )


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _canonical(words: str) -> str | None:
    r"""km / h, "square cm", cm ^ { 2 }, "km per hour" in one spelling; None if a word in it is no known unit."""
    powers: Counter[str] = Counter()
    last, power, sign = None, 1, 1
    for part in _PART.finditer(words):
        text = part[0].lower()
        if part[1] and last:
            powers[last] += sign * (int(part[1][:3]) - 1)
        elif text in ("/", "per"):
            sign = -1
        elif text in _POWERS:
            power = _POWERS[text]
        elif text in _SPEEDS:
            powers.update({_SPEEDS[text][0]: 1, _SPEEDS[text][1]: -1})
        elif last := unit_name(text):
            powers[last] += sign * power
            power = 1
        elif text not in "{}.":
            return None
    return " ".join(name if power == 1 else f"{name}^{power}" for name, power in sorted(powers.items())) or None
