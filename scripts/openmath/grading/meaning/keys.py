"""What the parts of Structure share: the reading of ambiguous signs, and the keys that they ask each other for."""

from abc import ABC, abstractmethod
from typing import Self

from openmath.grading.meaning.evaluate import Evaluator


class Keys(ABC):
    """Keys of trees under one reading of ambiguous signs (options: see Evaluator); `used` tells which of them occurred."""

    def __init__(self, **options: object):
        self.options = options
        self.used: set[str] = set()

    def renamed(self, names: dict[str, str]) -> Self:
        """The same reading with other names for some letters."""
        return type(self)(**{**self.options, "names": (self.options.get("names") or {}) | names})

    def number_key(self, tree: tuple) -> str:
        """The key of a value, and a note in `used` of the readings that it rests on."""
        evaluator = Evaluator(**self.options)
        key = evaluator.key(tree)
        self.used |= evaluator.used
        return key

    @abstractmethod
    def key(self, tree: tuple) -> str:
        """The key of any tree. Raises NotMath and TooLarge."""

    @abstractmethod
    def set_key(self, items: tuple) -> str:
        """The distinct items without order; one alone is no set."""

    @abstractmethod
    def record_key(self, items: tuple) -> str:
        """Named values, in whatever order."""

    @abstractmethod
    def interval(self, brackets: str, items: tuple) -> str:
        """The key of an interval between two items."""

    @abstractmethod
    def bounded_quantity(self, signs: tuple, sides: tuple) -> str | None:
        """The interval of 1 < f(x) < 2, whose middle is no letter; None of other relations."""

    @abstractmethod
    def piece(self, tree: tuple) -> str:
        """The key of a set: a pair in brackets is an interval here."""

    @abstractmethod
    def proportional_key(self, sides: tuple) -> str:
        """The same for equations that differ by a constant factor."""
