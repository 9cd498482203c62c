r"""The rules of the language of answers that call each other across files; commands, atoms and parser hold their code.

    items           relation { "," relation }               also ";", "and", "or", line ends
    relation        ratio { "=" ratio }                     also <, \le, \in, \to, ...
    ratio           set_expression { ":" set_expression }
    set_expression  sum { \cup sum }                        also \cap, \setminus
    sum             [+ | -] product { (+ | -) product }     also \pm, \mp
    product         power { [* | /] power }                 also \cdot, \times, \div, mod
    power           postfix [ ^ exponent ]
    postfix         atom { ! | % | ' | _ subscript }
    atom            number, letter, brackets, command or environment

{ } is any number of times, also none; [ ] is at most once.
"""

from abc import ABC, abstractmethod

from openmath.grading.language.cursor import Cursor


class Grammar(Cursor, ABC):
    """Each rule reads on from the cursor and returns a tree. All raise NotMath, and TooLarge where too much is nested."""

    @abstractmethod
    def items(self, closers: tuple[str, ...]) -> tuple:
        """One relation, or a list of them, up to one of the closers, which is not taken."""

    @abstractmethod
    def items_until(self, closer: str) -> tuple:
        """The trees of one item or more, and the sign that closes them, which is taken."""

    @abstractmethod
    def relation(self) -> tuple: ...

    @abstractmethod
    def set_expression(self) -> tuple: ...

    @abstractmethod
    def sum(self) -> tuple: ...

    @abstractmethod
    def sum_in_group(self, closer: str) -> tuple:
        """A sum and the sign that closes it, which is taken."""

    @abstractmethod
    def product(self) -> tuple: ...

    @abstractmethod
    def signed_power(self) -> tuple:
        """A power behind any number of signs."""

    @abstractmethod
    def starts_factor(self) -> bool:
        """Does the next token multiply what stands before it?"""

    @abstractmethod
    def power(self) -> tuple: ...

    @abstractmethod
    def postfix(self, tree: tuple) -> tuple:
        """The tree with the factorials, percent signs, primes and subscripts that follow it."""

    @abstractmethod
    def atom(self) -> tuple: ...

    @abstractmethod
    def symbol(self, name: str) -> tuple:
        """The letter or command with its primes and subscript; a call where it is a function before a bracket."""

    @abstractmethod
    def required(self) -> tuple:
        """The argument of a command: a group in braces, or one digit, letter or command."""

    @abstractmethod
    def command(self, name: str) -> tuple:
        """What a command stands for, its arguments included. name: without the backslash, which is taken already."""

    @abstractmethod
    def environment(self, name: str) -> tuple:
        """Rows and cells up to the end of the environment. name: as in the \\begin, which is taken already."""
