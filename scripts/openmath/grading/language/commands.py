r"""LaTeX commands and environments: \frac, \sqrt, \sin, \sum, matrices, cases."""

from openmath.grading.language.grammar import Grammar
from openmath.grading.language.lexer import FUNCTIONS, NotMath, Token
from openmath.grading.language.trees import letters

CLOSERS = {"(": (")", "]"), "[": ("]", ")"), "\\{": ("\\}",), "{": ("}",)}
RELATIONS = {
    "=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "le": "<=", "ge": ">=", "ne": "!=",
    "approx": "~", "sim": "~", "simeq": "~", "in": "in", "notin": "notin", "to": "to", "rightarrow": "to",
    "Rightarrow": "=>", "=>": "=>", "subset": "subset", "subseteq": "subset",
    "nmid": "nmid", "parallel": "parallel", "perp": "perp", "ll": "<<", "gg": ">>", "cong": "=", "propto": "propto",
}  # fmt: skip
_TWO_ARGUMENTS = {"frac": "div", "binom": "binom"}
_CONSTANTS = {"pi": ("const", "pi"), "infty": ("infty",), "emptyset": ("set", ())}
_GREEK_FUNCTIONS = frozenset({"Gamma", "zeta"})
_NOT_SYMBOLS = frozenset({"not", "right", "left", "begin", "end", "tag", "label", "item", "hline", "ref", "cite"})
_BIG = {"sum": "sum", "prod": "prod", "int": "int", "lim": "lim", "iint": "int", "oint": "int", "bigcup": "cup"}
_MATRICES = {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array"}
_CASES = frozenset({"cases", "dcases", "rcases"})
_CELL_ENDS = ("&", "\\\\", ",", ";", "and", "or")
_IF = frozenset({"if", "when", "for", "where"})


class Commands(Grammar):
    """The part of the parser that reads what begins with a backslash."""

    def required(self) -> tuple:
        """The argument of a command: a group in braces, or one digit, letter or command."""
        if self.accept("{"):
            self.enter()
            tree = self.relation()
            self.depth -= 1
            self.expect("}")
            return tree
        if self.at < len(self.tokens) and self.tokens[self.at].type == "num" and len(self.tokens[self.at].text) > 1:
            token = self.tokens[self.at]  # \frac12: the first digit is the argument, the rest stays
            if not token.text.isdigit():
                raise NotMath("a decimal without braces")
            self.tokens[self.at] = Token("num", token.text[1:], False)
            return ("num", token.text[0])
        return self.atom()

    def command(self, name: str) -> tuple:
        if name in _TWO_ARGUMENTS:
            return (_TWO_ARGUMENTS[name], self.required(), self.required())
        if name == "sqrt":
            return self.root()
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name in _BIG:
            return self.big(_BIG[name])
        if name in FUNCTIONS:
            return self.function(name)
        if name in ("overline", "bar", "widehat", "vec", "hat", "tilde", "overrightarrow", "underline"):
            inside = self.required()
            if name == "overline" and inside[0] == "mul" and "".join(letters(inside)).isupper():
                return inside  # the segment AB
            return ("call", "overline" if name == "bar" else name, (inside,))
        if name in _GREEK_FUNCTIONS and self.accept("("):
            return ("call", name, self.items_until(")"))
        if name in ("lfloor", "lceil"):
            return (name[1:], self.sum_in_group("r" + name[1:]))
        if name == "langle":
            return ("group", "()", self.items_until("rangle"))
        if name == "mathbb":
            return self.blackboard()
        if name in ("angle", "triangle", "Delta"):
            return self.named(name)
        if name in _NOT_SYMBOLS or name in RELATIONS:
            raise NotMath(name)
        return self.symbol("\\" + name)

    def named(self, prefix: str) -> tuple:
        """angle ABC: one quantity, not a product of letters."""
        corners = ""
        while self.at < len(self.tokens) and self.tokens[self.at].type == "sym" and self.tokens[self.at].text.isupper():
            corners += self.tokens[self.at].text
            self.at += 1
        return ("sym", f"\\{prefix}{corners}")

    def blackboard(self) -> tuple:
        inside = self.required()
        name = "".join(str(part) for part in inside[1:2]) if inside[0] in ("sym", "const") else ""
        if not name:
            raise NotMath("mathbb")
        if self.peek() in ("(", "["):
            closer = CLOSERS[self.expect("(", "[")][0]
            return ("call", "\\mathbb" + name, self.items_until(closer))
        return self.symbol("\\mathbb" + name)

    def root(self) -> tuple:
        degree = ("num", "2")
        if self.accept("["):
            degree = self.sum_in_group("]")
        if self.peek() == "(":  # sqrt(7) in plain text: the bracket is the argument
            return ("root", self.atom(), degree)
        if self.peek() == "<num>":  # \sqrt17: nobody means the root of 1, times 7
            return ("root", self.atom(), degree)
        return ("root", self.required(), degree)

    def function(self, name: str) -> tuple:
        """sin x, sin^2 x, log_2 8, ln 2x: binds the product that follows, up to a sign, function or bracket."""
        base = power = None
        while self.peek() in ("^", "_"):
            if self.expect("^", "_") == "_":
                base = self.required()
            else:
                power = ("neg", self.atom()) if self.accept("-") else self.required()
        if name in ("max", "min", "gcd", "lcm") and self.peek() in CLOSERS:
            arguments = self.items_until(CLOSERS[self.expect(*CLOSERS)][0])
            if not arguments:
                raise NotMath("the least of nothing")
        elif self.peek() in ("(", "[", "{", "|"):
            arguments = (self.postfix(self.atom()),)
        else:
            arguments = (self.function_argument(),)
            if name in ("max", "min") and not letters(arguments[0]):
                raise NotMath("a name for a number: min 2, max 5")
        if base is not None:
            arguments = (*arguments, base)
        if power == ("neg", ("num", "1")) and "arc" + name in FUNCTIONS:  # sin^{-1} is arcsin, not 1/sin
            return ("call", "arc" + name, arguments)
        call = ("call", name, arguments)
        return call if power is None else ("pow", call, power)

    def function_argument(self) -> tuple:
        """Without brackets, as the 2x of sin 2x + 1."""
        tree = self.signed_power()
        while self.starts_factor() and self.peek() not in FUNCTIONS and self.peek() not in ("(", "["):
            if self.peek() in _BIG or self.peek() == "<word>":
                break
            tree = ("mul", tree, self.power())
        while tree[0] in ("const", "sym", "mul", "num") and self.accept("/"):
            tree = ("div", tree, self.power())
        return tree

    def big(self, name: str) -> tuple:
        """A sum, product, integral or limit: its bounds, and the product that follows as its body."""
        low = high = ("list", ())
        while self.peek() in ("^", "_"):
            if self.expect("^", "_") == "_":
                low = self.required()
            else:
                high = self.required() if self.peek() == "{" else self.atom()
        body = self.product()
        return ("big", name, low, high, body)

    def environment(self, name: str) -> tuple:
        """Rows and cells of an environment; matrices keep their shape, the others are lists of their lines."""
        if name == "array" and self.peek() == "{":
            self.skip_group()
        if name == "tabular":
            raise NotMath("a table")
        rows: list = []
        row: list = []
        while True:
            while self.accept("hline"):
                pass
            sign = self.peek()
            if sign == "<env>" and self.tokens[self.at].text == f"end:{name}":
                self.at += 1
                break
            if self.accept("\\\\"):
                rows.append(row)
                row = []
            elif self.accept(*_CELL_ENDS):
                pass
            elif sign == "<end>":
                raise NotMath("an environment that never ends")
            elif name in _CASES and row:
                row.append(self.condition())
            else:
                row.append(self.relation())
        rows.append(row)
        rows = [tuple(row) for row in rows if row]
        if name in _MATRICES and rows and all(len(row) == len(rows[0]) for row in rows):
            if name == "vmatrix":
                return ("call", "det", (("matrix", tuple(rows)),))
            return ("matrix", tuple(rows))
        if all(len(row) == 1 for row in rows):
            return ("list", tuple(row[0] for row in rows))
        return ("cases", tuple(rows))

    def condition(self) -> tuple:
        """The second cell of a case: a relation, or words ("n is odd") as they stand; "if" and the like say nothing."""
        if self.peek() == "<word>" and self.tokens[self.at].text in _IF:
            self.at += 1
        start = self.at
        try:
            tree = self.relation()
            if self.peek() in _CELL_ENDS or self.peek() == "<env>":
                return tree
        except NotMath:
            pass  # not a formula: taken as words below
        self.at = start
        while self.peek() not in (*_CELL_ENDS, "<env>", "<end>"):
            self.at += 1
        if self.at == start:
            raise NotMath("an environment in a condition")
        words = " ".join(token.text for token in self.tokens[start : self.at]).split()
        return ("words", " ".join(words[1:] if words and words[0] in _IF else words))
