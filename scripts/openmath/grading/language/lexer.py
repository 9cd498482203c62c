"""Tokens of a cleaned answer: numbers, symbols, commands, words, and the separators between several answers."""

import re
from typing import Any, NamedTuple

from openmath.grading.limits import TooLarge

MAX_TOKENS = 20_000  # of one answer: far above any real one, low enough to stay within the time limit

UNITS = frozenset(
    """cm mm km kg mg ml meter meters metre metres centimeter centimeters centimetre centimetres kilometer kilometers
    kilometre kilometres mile miles inch inches foot feet ft yard yards gram grams kilogram kilograms liter liters litre
    litres second seconds sec minute minutes min minutes hour hours hr hrs day days week weeks month months year years
    dollar dollars cent cents euro euros pound pounds rupees unit units square cubic sq cu per mph kmph people person
    persons student students ways way times apples coins balls points point cookies marbles pages books children boys girls
    mb gb kb usd radians radian rad sides cards tickets toys games gallons gallon ounces ounce lb lbs oz gal qt pt mpg kph rpm
    amp amps volt volts watt watts ohm ohms ton tons tonne tonnes cup cups tsp tbsp mol hz khz mhz kwh pa kpa atm men man hens
    pens cars hats cats dogs eggs cans jars pies wins win boy girl bit bits byte bytes""".split()
)
_GLUED = frozenset(
    "mm cm km kg mg ml ft mph kmph kph hr hrs sec min lb lbs oz gal mpg rpm kwh khz mhz kpa tsp tbsp usd".split()
)
_POWERS = frozenset("square sq cubic cu".split())  # of a unit: 5 sq. m
DEGREE_WORDS = frozenset({"degree", "degrees", "deg"})
PERCENT_WORDS = frozenset({"percent", "pct", "percentage", "percents"})
SCALES = {
    "dozen": 12,
    "score": 20,
    "gross": 144,
    "lakh": 10**5,
    "lakhs": 10**5,
    "crore": 10**7,
    "crores": 10**7,
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
FUNCTIONS = frozenset(
    """sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh coth log ln lg exp gcd lcm max min det
    deg arg sgn cis""".split()
)
SEPARATORS = frozenset({"and", "or"})
NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}


class Token(NamedTuple):
    """type: num sym cmd op word sep env; text: as in the answer; spaced: white space came before it."""

    type: str
    text: str
    spaced: bool


_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<num>\d+(?:,\d{3})+(?![\d])(?:\.\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z\d]))?)"
    r"|\\(?P<cmd>[A-Za-z]+)\*?"
    r"|\\(?P<escaped>.)"
    r"|(?P<letters>[A-Za-z]+)"
    r"|(?P<op>\*\*|<=|>=|!=|=>|==|[-+*/^_=<>(){}\[\]|,;:!'%&])"
    r"|(?P<other>.)",
    re.DOTALL | re.ASCII,
)
# The red of 4 red marbles: no product of r, e and d.
_COUNTED = re.compile(
    rf"(?!(?:{'|'.join([*FUNCTIONS, *SEPARATORS, *DEGREE_WORDS, *SCALES])})\b)[a-z]{{3}}\s+[a-z]{{4,}}(?![A-Za-z])"
)
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
INFINITY = frozenset({"infinity", "inf", "oo"})
_CHOICES = re.compile(r"[A-Z](?:(?:,\s*|\s+and\s+|,\s*and\s+)[A-Z])+")  # \text{A, C and D}: three choices
_ROMAN = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})(?<=..)")
_TEXTUAL = frozenset({"text", "mathrm"})


class NotMath(Exception):
    """The text is not a formula this grader reads: it is compared as words."""


def brace_group(text: str, start: int) -> int:
    """Index just after the group that opens at text[start] == "{". Raises NotMath if it never closes."""
    depth, position = 0, start
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return position + 1
        position += 1
    raise NotMath("unbalanced braces")


def tokenize(text: str, *, commas_group: bool = True) -> list[Token]:
    """The tokens of a cleaned answer. commas_group: read 1,234 as a number (at no depth of brackets) or as a list."""
    tokens: list[Token] = []
    position, depth, spaced = 0, 0, False
    end = len(text)
    match_at: Any = _TOKEN.match  # its last alternative takes any character: it never fails
    while position < end:
        found = match_at(text, position)
        group = found.lastgroup
        value = found[group]
        position = found.end()
        if group == "space":
            spaced = True
            continue
        if group == "num":
            if "," in value and not (commas_group and depth == 0 and _GROUPED.fullmatch(value)):
                value = value.split(",", 1)[0]  # the comma separates; read on behind this number
                position = found.start() + len(value)
            tokens.append(Token("num", value.replace(",", ""), spaced))
        elif group == "letters":
            if spaced and tokens and tokens[-1].type == "num" and _COUNTED.match(text, found.start()):
                tokens.append(Token("word", value, spaced))
            else:
                _letters(value, spaced, tokens)
        elif group == "cmd" and value in _TEXTUAL:
            position = _text(text, position, value, spaced, tokens)
        elif group == "cmd" and value in ("begin", "end"):
            stop = brace_group(text, position) if text.startswith("{", position) else position
            tokens.append(Token("env", value + ":" + text[position + 1 : stop - 1].rstrip("*"), spaced))
            position = stop
        elif group == "cmd":
            tokens.append(Token("cmd", value, spaced))
        elif group == "escaped":
            if value == "\\":
                tokens.append(Token("sep", "\\\\", spaced))
            elif value in "{}":
                depth += 1 if value == "{" else -1
                tokens.append(Token("op", "\\" + value, spaced))
            elif value in "%&_|":
                tokens.append(Token("op", value, spaced))
            else:
                raise NotMath(f"\\{value}")
        elif group == "op":
            depth += (value in "([{") - (value in ")]}")
            tokens.append(Token("op", {"**": "^", "==": "="}.get(value, value), spaced))
        else:
            raise NotMath(repr(value))
        spaced = False
        if len(tokens) > MAX_TOKENS:
            raise TooLarge
    return tokens


def _letters(run: str, spaced: bool, tokens: list[Token]) -> None:
    """A run of plain letters: a function, a unit or another word, or a product of variables."""
    lower = run.lower()
    after_value = bool(tokens) and (tokens[-1].type in ("num", "word", "sym") or tokens[-1].text in (")", "}", "%"))
    if len(run) == 1:
        power = bool(tokens) and tokens[-1].text in _POWERS
        tokens.append(Token("word" if power else "sym", run, spaced))
    elif run == "is" or (run == "for" and not any(token.type == "env" for token in tokens)):
        raise NotMath("a sentence")
    elif lower in ("not", "no", "nor") and not run.isupper():  # NO is a segment
        raise NotMath("a negation")
    elif lower in NUMBER_WORDS:
        if len(tokens) > 1 and tokens[-1].text == "(" and tokens[-2].type == "num":
            raise NotMath("9 (nine) is no product")
        tokens.append(Token("num", NUMBER_WORDS[lower], spaced))
    elif lower in SEPARATORS:
        tokens.append(Token("sep", lower, spaced))
    elif (run in FUNCTIONS and not (run == "deg" and after_value)) or run in ("sqrt", "pi", "theta", "binom", "frac"):
        tokens.append(Token("cmd", run, spaced))
    elif lower in INFINITY:
        tokens.append(Token("cmd", "infty", spaced))
    elif lower in DEGREE_WORDS or lower in PERCENT_WORDS or lower in SCALES:
        tokens.append(Token("word", lower, spaced))
    elif lower in UNITS and after_value and (spaced or len(run) > 3 or (tokens[-1].type == "num" and run in _GLUED)):
        tokens.append(Token("word", lower, spaced))
    elif spaced and ((run == "of" and after_value) or (len(run) > 2 and _follows_words(run, tokens))):
        tokens.append(Token("word", run, spaced))
    elif _ROMAN.fullmatch(run):  # IV is not VI
        tokens.append(Token("sym", run, spaced))
    elif len(run) <= 2 or (len(run) == 3 and not run.istitle()) or (len(run) == 4 and run.isupper()):
        for letter in run:
            tokens.append(Token("sym", letter, spaced))
            spaced = False
    else:
        tokens.append(Token("word", lower, spaced))


def _follows_words(run: str, tokens: list[Token]) -> bool:
    """The old of 5 years old: no product of letters."""
    return (
        bool(tokens)
        and tokens[-1].type == "word"
        and run.islower()
        and not (tokens[-1].text in SCALES or tokens[-1].text in DEGREE_WORDS or tokens[-1].text in PERCENT_WORDS)
    )


def _text(text: str, position: int, command: str, spaced: bool, tokens: list[Token]) -> int:
    r"""\text{...} or \mathrm{...} at `position`: a separator, a number in words, a letter, or words."""
    while text.startswith(" ", position):
        position += 1
    if not text.startswith("{", position):
        if position < len(text):  # \mathrm x
            tokens.append(Token("sym", text[position], spaced))
        return position + 1
    stop = brace_group(text, position)
    group = text[position + 1 : stop - 1]
    inside = group.strip()
    words = inside.strip(" ,.;:()").lower()
    after_number = bool(tokens) and (tokens[-1].type == "num" or tokens[-1].text in ("}", ")"))
    if not inside:
        pass
    elif words in SEPARATORS or inside in (",", ";"):
        tokens.append(Token("sep", words or ",", spaced))
    elif words in NUMBER_WORDS:
        tokens.append(Token("num", NUMBER_WORDS[words], spaced))
    elif len(words) == 1 and words.isalpha() and not (after_number and (command == "text" or group[0] == " ")):
        tokens.append(Token("sym", inside.strip(" ,.;:()"), spaced))
    elif len(inside) == 2 and inside.isupper() and not after_number:  # a segment, as without \text
        _letters(inside, spaced, tokens)
    elif _CHOICES.fullmatch(inside):
        tokens.extend(tokenize(inside))
    elif (inside in FUNCTIONS and not (after_number and inside in UNITS)) or words in INFINITY:
        tokens.append(Token("cmd", "infty" if words in INFINITY else inside, spaced))
    elif words.isdigit():
        tokens.append(Token("num", words, spaced))
    else:
        tokens.append(Token("word", words, spaced))
    return stop
