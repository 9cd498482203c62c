r"""Answer -> what it says: one primary key, and keys of the other ways it may fairly be read.

Equal answers have the same primary key, which is also the vote class. Other readings are what one answer alone leaves
open: is (1, 2) a point or an interval, is 10% the number 10 or 0.1, is log natural? readings.py lists them.
"""

import re
from functools import cached_property

from openmath.grading import beside
from openmath.grading.language import domains, prose, statements
from openmath.grading.language.annotations import Annotation, drop_annotations
from openmath.grading.language.clean import ORDINAL_DIGITS, clean
from openmath.grading.language.digits import comma_groups, may_be_list
from openmath.grading.language.lexer import NotMath, tokenize
from openmath.grading.language.parser import Parser
from openmath.grading.language.quantities import quantity_of
from openmath.grading.language.trees import is_unknown_function, letters
from openmath.grading.language.units import DIRECTIONS, DOWNWARD, said, unit_letter, unit_of
from openmath.grading.limits import MAX_CHARACTERS, TooLarge, budget
from openmath.grading.meaning.key_texts import shortened, text_key
from openmath.grading.meaning.structure import Structure
from openmath.grading.meaning.vectors import as_matrix
from openmath.grading.notations import Notation, also, in_signs, notation, respellings, without_set_builder
from openmath.grading.plain_numbers import plain_number
from openmath.grading.readings import Reading

# "a circle", "the square": without its article's noun, such an answer would be the letter a, or t times h times e.
_ARTICLE = re.compile(
    r"(?:\\text\s*\{\s*)?(?:an?|the|any|each|every|both|some|all|no|its|it|he|she|we|I)\s+(?!and\b|or\b)[A-Za-z]{3}",
    re.IGNORECASE,
)
_PART = re.compile(r"(?:\\text\s*\{\s*)?\((?:[a-f]|i{1,3}|iv)\)\s*\}?")  # the (a) of (a) 5, (b) 6
_FIRST_PART = re.compile(r"(?:\\text\s*\{\s*)?\((?:a|i)\)")
CUT_OFF = " ..."  # behind the key of 3.14..., a number of which not all digits are known
# What Evaluator notes in `used`, its option for the other reading, and that reading.
_AMBIGUOUS_SIGNS = (
    ("log", "common_log", Reading.COMMON_LOGARITHM),
    ("deg", "radians", Reading.RADIANS),
    ("pct", "hundredths", Reading.HUNDREDTHS),
)
MAX_GROUPS = 3  # 1,234,567,890 is a number; with more groups of three, a bare 110,143,164,198,242 is a list


class ParsedAnswer:
    """One answer, parsed. text: cleaned; primary: its key; too_large: only its text, or not every reading, is compared."""

    def __init__(self, raw: str):
        self.raw = raw
        self.too_large = False
        self.tree: tuple | None = None
        self.plain = False
        self.label: str | None = None  # the "area" of Area = 12
        self.unit: frozenset[str] = frozenset()
        self.annotations: list[Annotation] = []
        self.cut_off = False  # 3.14...
        self.explained: str | None = None  # the 12 of "Yes, 12"
        self.notation: Notation | None = None
        self.domain: str | None = None  # the > 0 of "for all x > 0"
        self.content: str | None = None  # the 7 of the choice (B) 7
        self.inner: ParsedAnswer | None = None  # the formula that a sentence states
        self.ambiguous: set[str] = set()  # signs in the tree: see _AMBIGUOUS_SIGNS
        self.text = raw.strip()
        if self._read_plain():
            return
        if len(raw) > MAX_CHARACTERS:
            self._give_up()
            return
        self.text = clean(raw)
        self.cut_off = beside.goes_on(raw, self.text)
        if self._read_plain():
            self.unit = unit_of(raw, (), None)
            self.plain = self.plain and not ORDINAL_DIGITS.search(raw)
            self.primary += CUT_OFF if self.cut_off else ""
            return
        try:
            with budget():
                self._read()
            self.primary = shortened(
                self.primary + "".join(f" {word}" for word in sorted(self.unit & DIRECTIONS) if not self.label)
            )
        except (TooLarge, RecursionError, OverflowError):
            self._give_up()

    def _read_plain(self) -> bool:
        found = plain_number(self.text)
        if found:
            # Not plain: a decimal may still be the rounding of something exact.
            self.primary, self.tree, self.plain = found
        return found is not None

    def _give_up(self) -> None:
        self.too_large, self.tree = True, None
        self.primary = text_key(self.text)

    def _read(self) -> None:
        if prose.is_words(self.text):
            self.primary = prose.key(self.text)
            return
        if prose.is_all_reals(self.text):
            self.text = "\\mathbb{R}"
        self.text = in_signs(self.text)
        labelled = statements.labelled(self.text) if "=" in self.text or ":" in self.text else None
        if labelled:
            inner = ParsedAnswer(labelled[1])
            if inner.tree is not None:
                self.label = labelled[0]
                self.text, self.tree, self.unit, self.primary = inner.text, inner.tree, inner.unit, inner.primary
                self.ambiguous = inner.ambiguous
                return
        self.notation = notation(self.text)
        if self.notation:
            self.primary, self.tree, self.content, _ = self.notation
            return
        if _FIRST_PART.match(self.text) and self._read_parts():
            return
        self.text = without_set_builder(self.text)
        try:
            self.tree, self.annotations = parse(self.text, commas_group=comma_groups(self.text) <= MAX_GROUPS)
            letter = unit_letter(self.text)
            self.unit = said(letter) if letter else unit_of(self.raw, self.annotations, self.tree)
            self._key_tree()
        except NotMath:
            self.tree = None
            self.primary = prose.key(self.text)
            self._read_statement()

    def _key_tree(self) -> None:
        structure = Structure()
        self.primary = structure.key(self.tree) + (CUT_OFF if self.cut_off else "")
        self.ambiguous = structure.used

    def _read_parts(self) -> bool:
        """(a) 5, (b) 6 as the tuple of its parts, if each of them is a formula."""
        parts = [part.strip(" ,;}") for part in _PART.split(self.text)[1:]]
        if len(parts) < 2:
            return False
        try:
            self.tree = ("group", "()", tuple(parse(part)[0] for part in parts))
            self._key_tree()
        except NotMath:
            self.tree = None
        return self.tree is not None

    def _read_statement(self) -> None:
        """A sentence is classed by what it states, where that is plain; a long one explains rather than answers."""
        short = prose.short_answer(self.text)
        if short or len(self.text) > prose.MAX_PROSE:
            self.primary = short or self.primary
            formula = prose.formula_behind(self.text)
            inner = ParsedAnswer(formula) if formula else None
            self.explained = inner.primary if inner and inner.tree is not None else None
            return
        self.domain = statements.restriction(self.text)
        self.primary = self._key_of_statement() or self.primary

    def _key_of_statement(self) -> str | None:
        cases = statements.piecewise(self.text)
        if cases and (inner := ParsedAnswer(cases)).tree is not None:
            return inner.primary
        statement, domain = statements.without_quantifiers(self.text)
        if not domain and "=" in statement and statement != self.text:
            inner = ParsedAnswer(statement)
            if inner.tree is not None and _is_statement(inner.tree):
                return inner.primary
        formula, condition = statements.conditional(self.text) or ("", "")
        if formula and (inner := ParsedAnswer(formula)).tree is not None:
            return beside.with_condition(inner.tree, inner.primary, condition)
        numbers = domains.number_class(statements.plain_text(self.text).strip(" ."))
        if numbers:
            return numbers
        for reading, text in statements.readings(self.text):
            if reading is Reading.YES_NO:
                return f"text:{text}"
            if reading is Reading.STATED and (inner := ParsedAnswer(text)).tree is not None:
                self.unit = inner.unit
                return inner.primary
        return None

    def exceeds_limits(self) -> bool:
        """Was it too large to be read, or to be read in every way?"""
        _ = self.other_readings  # finds out, whatever it was compared with before
        return self.too_large

    @cached_property
    def coordinate(self) -> str | None:
        """The x of x = 5, the "area" of Area = 5."""
        return self.label if self.tree is None or self.label else beside.coordinate(self.tree)

    @cached_property
    def order(self) -> tuple[str, ...] | None:
        """The x, y of (x, y) = (1, 2)."""
        return None if self.tree is None else beside.order(self.tree)

    @cached_property
    def extreme(self) -> str | None:
        """The minimum of "The minimum is 5"."""
        return beside.extreme(self.raw[:MAX_CHARACTERS])

    @cached_property
    def counts(self) -> beside.Counts:
        """What "3 boys and 2 girls" counts."""
        try:
            with budget():
                return beside.counts(self.tree, self.annotations) if len(self.annotations) > 1 else frozenset()
        except (NotMath, TooLarge, RecursionError, OverflowError):
            return frozenset()

    @cached_property
    def constants(self) -> frozenset[str]:
        """The letters in the answer."""
        tree = self.tree if self.tree is not None else self.inner.tree if self.inner else None
        return frozenset(letters(tree)) if tree is not None else frozenset()

    @cached_property
    def other_readings(self) -> dict[Reading, frozenset[str]]:
        """Reading -> keys. Computed when the primary keys of two answers differ."""
        if self.plain or self.too_large:
            return {}
        found: dict[Reading, set[str]] = {}
        try:
            with budget():
                self._add_readings(found)
        except (TooLarge, RecursionError, OverflowError):
            self.too_large = True
        except NotMath:
            pass  # a reading that leads nowhere
        return {reading: frozenset(map(shortened, keys)) for reading, keys in found.items() if keys}

    def _add_readings(self, found: dict[Reading, set[str]]) -> None:
        for reading, key in self.notation.others if self.notation else also(self.text):
            found.setdefault(reading, set()).add(key)
        if self.notation and self.tree is None:
            pass
        elif self.tree is None:
            for reading, text in statements.readings(self.text):
                self._add_reading_of_sentence(found, reading, text)
        elif self.content:
            found[Reading.CHOICE_CONTENT] = {ParsedAnswer(self.content.strip().removesuffix("}")).primary}
        else:
            self._add_structural(found)
        self._add_numeric(found)

    def _add_reading_of_sentence(self, found: dict[Reading, set[str]], reading: Reading, text: str) -> None:
        if reading in (Reading.YES_NO, Reading.INFINITELY_MANY):
            found.setdefault(reading, set()).add(text)
            return
        text, _, domain = text.partition("\x00")
        inner = ParsedAnswer(text)
        if inner.tree is not None and (reading is not Reading.UNQUANTIFIED or _is_statement(inner.tree)):
            suffix = f" ({domain})" if domain else ""
            found.setdefault(reading, set()).add(inner.primary + suffix)
            for other in (Reading.FUNCTION, Reading.RECORD, Reading.FAMILY, Reading.INTERVAL):
                if other in inner.other_readings:
                    found.setdefault(other, set()).update(key + suffix for key in inner.other_readings[other])
            self.inner = inner

    def _add_structural(self, found: dict[Reading, set[str]]) -> None:
        for reading, key in Structure().other_readings(self.tree):
            found.setdefault(reading, set()).add(key)
        for sign, option, reading in _AMBIGUOUS_SIGNS:
            if sign in self.ambiguous:
                found.setdefault(reading, set()).add(Structure(**{option: True}).key(self.tree))

    def _add_numeric(self, found: dict[Reading, set[str]]) -> None:
        number = self.primary
        for reading, text in respellings(self.text):
            found.setdefault(reading, set()).add(key := ParsedAnswer(text).primary)
            number = key if reading is Reading.UNIT_LETTER else number
        if "," in self.text and may_be_list(self.text):
            tree, _ = parse(self.text, commas_group=comma_groups(self.text) > MAX_GROUPS)
            found.setdefault(Reading.COMMA_LIST, set()).add(Structure().key(tree))
        if ORDINAL_DIGITS.search(self.raw):
            found[Reading.ORDINAL] = {f"ordinal {number}"}
        measured = quantity_of(self.unit, number) if self.unit else None
        if measured:
            found[Reading.QUANTITY] = {measured}
        if self.unit & DIRECTIONS:
            number = number.partition(" ")[0]
            found[Reading.DIRECTION] = {number, f"-{number}"} if self.unit & DOWNWARD and number[0] != "-" else {number}


def parse(text: str, *, commas_group: bool = True) -> tuple[tuple, list[Annotation]]:
    """The tree of a cleaned answer, and the units and other annotations dropped from it. Raises NotMath."""
    if _ARTICLE.match(text):
        raise NotMath("a sentence")
    tokens, annotations = drop_annotations(tokenize(text, commas_group=commas_group))
    tree = Parser(tokens).parse()
    return as_matrix(tree) or tree, annotations


def _is_statement(tree: tuple) -> bool:
    """May a quantifier be dropped behind this? Behind f(x) = 2x it says where f lives; behind a number it restricts."""
    if tree[0] == "list":
        return all(_is_statement(item) for item in tree[1])
    return tree[0] == "group" or (tree[0] == "rel" and is_unknown_function(tree[2][0]))
