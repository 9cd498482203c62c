r"""Formula -> tree. A tree is a tuple whose first element is its tag; nothing in it is ever evaluated as code.

    >>> parse(r"x = \frac12")
    ('rel', ('=',), (('sym', 'x'), ('div', ('num', '1'), ('num', '2'))))

Tags. Numbers and letters: num, repeat (0.1666...), sym, const (pi, e, i), infty, base. Arithmetic: add, mul, div, neg,
pow, root, fact, abs, floor, ceil, binom, call (function, arguments), pm, mp, deg, pct, big (sum, product, integral, limit).
Structure: list (with "or" if it was joined so), group (brackets with their signs), set, rel, union (and other set
operations), matrix, cases, ratio, words.
"""

from openmath.grading.language.atoms import Atoms
from openmath.grading.language.commands import RELATIONS, Commands
from openmath.grading.language.lexer import DEGREE_WORDS, PERCENT_WORDS, SCALES, NotMath, Token

_SEPARATORS = (",", ";", "and", "or", "\\\\", "wedge", "vee", "Leftrightarrow")
_LOGICAL = ("wedge", "vee", "Leftrightarrow")  # between statements
_BOUNDS = ("<", ">", "<=", ">=", "!=")  # before the first side: "> 3" is x > 3
_SET_OPERATIONS = {"cup": "cup", "cap": "cap", "setminus": "minus"}
_INFIX = {"choose": "binom", "over": "div"}
MAX_TUPLE = 200  # tokens of a tuple that are searched for its comma
_NO_FACTORS = {*RELATIONS, *_SET_OPERATIONS, *_SEPARATORS, *_INFIX} | set(  # commands that end a product
    "pm mp cdot times div bmod mod pmod forall rfloor rceil rangle rbrace Big".split()
)


class Parser(Commands, Atoms):
    """Recursive descent over tokens, by the rules of grammar.py. parse() reads everything or raises NotMath."""

    def parse(self) -> tuple:
        tree = self.items(("<end>",))
        if self.at != len(self.tokens):
            raise NotMath(f"left over at {self.at}")
        return tree

    def items(self, closers: tuple[str, ...]) -> tuple:
        """Relations separated by commas, semicolons, "and", "or", line ends; one alone is no list. "or" is remembered."""
        items: list[tuple] = []
        either: tuple = ()
        logical = False
        while True:
            while (sign := self.peek()) in (*_SEPARATORS, "&"):
                either = ("or",) if sign in ("or", "vee") else either
                logical = logical or sign in _LOGICAL
                self.at += 1
            if sign in closers or sign == "<end>":
                break
            items.append(self.relation())
            if self.peek() not in (*_SEPARATORS, "&", "<end>", *closers) and not (
                items[-1][0] == "group" and self.peek() == "("
            ):
                raise NotMath(f"{self.peek()} after an item")
        if logical and any(item[0] != "rel" for item in items):
            raise NotMath("p and q is no list of two letters, nor is p or q")
        if len(items) == 1:
            return items[0]
        return ("list", tuple(items), *either)

    def items_until(self, closer: str) -> tuple:
        """One item or more, and the sign that closes them."""
        tree = self.items((closer,))
        self.expect(closer)
        return tree[1] if tree[0] == "list" else (tree,)

    def relation(self) -> tuple:
        """Sides joined by =, <, \\in and the like; a side alone is no relation."""
        sign = RELATIONS.get(self.peek())
        if sign in ("=", "~", "in"):  # "= 5": the left side is in the problem
            self.at += 1
        sides = [("sym", "x") if sign in _BOUNDS else self.ratio()]
        signs = []
        while (sign := RELATIONS.get(self.peek())) is not None:
            self.at += 1
            if sign in ("<", ">") and self.accept("="):
                sign += "="
            if sign == "=" and self.peek() in ("<", ">"):
                sign = self.expect("<", ">") + "="
            signs.append(sign)
            sides.append(self.ratio())
        return ("rel", tuple(signs), tuple(sides)) if signs else sides[0]

    def ratio(self) -> tuple:
        parts = [self.set_expression()]
        while self.accept(":"):
            parts.append(self.set_expression())
        return ("ratio", tuple(parts)) if len(parts) > 1 else parts[0]

    def set_expression(self) -> tuple:
        tree = self.sum()
        while (operation := _SET_OPERATIONS.get(self.peek())) is not None:
            self.at += 1
            tree = ("union", operation, tree, self.sum())
        return tree

    def sum(self) -> tuple:
        """Terms with their signs; "--5" and "+-5" are read as in arithmetic."""
        terms: list[tuple] = []
        while True:
            sign = self.peek()
            if sign in ("+", "-", "pm", "mp"):
                self.at += 1
                while self.peek() in ("+", "-"):
                    if self.expect("+", "-") == "-":
                        sign = {"+": "-", "-": "+"}.get(sign, sign)
            elif terms:
                break
            else:
                sign = "+"
            term = self.product()
            tag = {"-": "neg", "pm": "pm", "mp": "mp"}.get(sign)
            terms.append((tag, term) if tag else term)
        tree = ("add", tuple(terms)) if len(terms) > 1 else terms[0]
        infix = _INFIX.get(self.peek())  # {10 \choose 3}, {a+b \over 2}
        if infix:
            self.at += 1
            return (infix, tree, self.sum())
        return tree

    def product(self) -> tuple:
        tree = self.power()
        while True:
            sign = self.peek()
            if sign in ("*", "cdot", "times"):
                self.at += 1
                tree = ("mul", tree, self.signed_power())
            elif sign in ("/", "div"):
                self.at += 1
                tree = ("div", tree, self.signed_power())
            elif sign in ("bmod", "mod"):
                self.at += 1
                tree = ("call", "mod", (tree, self.signed_power()))
            elif self.starts_factor():
                tree = self.adjacent(tree)
            else:
                return tree

    def signed_power(self) -> tuple:
        if self.accept("-"):
            return ("neg", self.signed_power())
        self.accept("+")
        return self.power()

    def starts_factor(self) -> bool:
        """Does the next token multiply what stands before it?"""
        if self.at >= len(self.tokens):
            return False
        token = self.tokens[self.at]
        if token.type in ("num", "sym"):
            return True
        if token.type == "cmd":
            return token.text not in _NO_FACTORS
        if token.type == "word":
            return token.text in SCALES or token.text in DEGREE_WORDS or token.text in PERCENT_WORDS
        if token.type == "env":
            return token.text.startswith("begin:")
        return token.text in ("(", "[", "{") and not self.new_item(token)

    def new_item(self, token: Token) -> bool:
        """Does this bracket open the next tuple of an unseparated list, as in (1,2)(3,4)?"""
        return token.text == "(" and self.at > 0 and self.tokens[self.at - 1].text == ")" and self.comma_inside()

    def comma_inside(self) -> bool:
        """Does the bracket that opens here hold a comma of its own?"""
        depth = 0
        for token in self.tokens[self.at : self.at + MAX_TUPLE]:
            if token.type == "op":
                depth += (token.text in ("(", "[", "{", "\\{")) - (token.text in (")", "]", "}", "\\}"))
                if depth == 0:
                    return False
                if depth == 1 and token.text == ",":
                    return True
        return False

    def adjacent(self, left: tuple) -> tuple:
        """Two factors side by side: a product, except a mixed number (2 1/2, 2\\frac12), a scale or a percentage."""
        token = self.tokens[self.at]
        if token.type == "word":
            self.at += 1
            if token.text in SCALES:
                return ("mul", left, ("num", str(SCALES[token.text])))
            return ("deg" if token.text in DEGREE_WORDS else "pct", left)
        if left[0] == "num" and left[1].isdigit():
            if token.text == "frac":
                start = self.at
                fraction = self.atom()
                if fraction[0] == "div" and _proper(fraction[1], fraction[2]) and self.peek() != "^":
                    return self.postfix(("add", (left, fraction)))
                self.at = start
            elif token.type == "num" and token.spaced and self.at + 2 < len(self.tokens):
                slash, below = self.tokens[self.at + 1 : self.at + 3]
                if slash.text == "/" and below.type == "num" and _proper(("num", token.text), ("num", below.text)):
                    self.at += 3
                    return ("add", (left, ("div", ("num", token.text), ("num", below.text))))
        if token.type == "num" and (left[0] == "num" or self.tokens[self.at - 1].type == "word"):
            raise NotMath("two numbers side by side")  # also 25 degrees 30, 2 million 500
        return ("mul", left, self.power())


def _proper(above: tuple, below: tuple) -> bool:
    """Are these whole numbers of a proper fraction, as in the mixed number 2 1/3?"""
    return (
        above[0] == below[0] == "num"
        and above[1].isdigit()
        and below[1].isdigit()
        and (len(above[1]), above[1]) < (len(below[1]), below[1])
    )
