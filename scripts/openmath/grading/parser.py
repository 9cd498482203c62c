r"""Formula -> tree. A tree is a tuple whose first element is its kind; nothing in it is ever evaluated as code.

    >>> parse(r"x = \frac12")
    ('rel', ('=',), (('sym', 'x'), ('div', ('num', '1'), ('num', '2'))))

Kinds. Numbers and letters: num, sym, const (pi, e, i), infty, base. Arithmetic: add, mul, div, neg, pow, root, fact,
abs, floor, ceil, binom, call (function, arguments), pm, mp, deg, pct, big (sum, product, integral, limit). Structure:
list, group (brackets with their signs), set, rel, union (and other set operations), matrix, cases, ratio, words.
"""

from openmath.grading.lexer import (
    DEGREE_WORDS,
    FUNCTIONS,
    PERCENT_WORDS,
    SCALES,
    NotMath,
    Token,
)
from openmath.grading.verdict import TooLarge

MAX_DEPTH = 60  # of nested groups: real answers reach 8; deeper ones are compared as text

_RELATIONS = {
    "=": "=", "<": "<", ">": ">", "<=": "<=", ">=": ">=", "!=": "!=", "le": "<=", "ge": ">=", "ne": "!=",
    "approx": "~", "sim": "~", "simeq": "~", "in": "in", "notin": "notin", "to": "to", "rightarrow": "to",
    "Rightarrow": "=>", "=>": "=>", "subset": "subset", "subseteq": "subset",
    "nmid": "nmid", "parallel": "parallel", "perp": "perp", "ll": "<<", "gg": ">>", "cong": "=", "propto": "propto",
}  # fmt: skip
_SEPARATORS = (",", ";", "and", "or", "\\\\", "wedge", "vee", "Leftrightarrow")
_SET_OPERATIONS = {"cup": "cup", "cap": "cap", "setminus": "minus"}
_CLOSERS = {"(": (")", "]"), "[": ("]", ")"), "\\{": ("\\}",), "{": ("}",)}
_CONSTANTS = {"pi": ("const", "pi"), "infty": ("infty",), "emptyset": ("set", ())}
_NOT_SYMBOLS = frozenset({"right", "left", "begin", "end", "frac", "tag", "label", "item", "hline", "ref", "cite"})
_BIG = {"sum": "sum", "prod": "prod", "int": "int", "lim": "lim", "iint": "int", "oint": "int", "bigcup": "cup"}
_MATRICES = {"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array"}
_APPLIED = frozenset("fghFGHPQ")  # letters read as functions before a bracket; others multiply


class Parser:
    """Recursive descent over tokens. parse() reads everything or raises NotMath."""

    def __init__(self, tokens: list[Token]):
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.in_call = 0

    def peek(self) -> str:
        """Text of the next token if it is an operator, command or separator; other kinds give their kind in <>."""
        if self.at >= len(self.tokens):
            return "<end>"
        token = self.tokens[self.at]
        if token.kind in ("op", "cmd", "sep"):
            return token.text
        return f"<{token.kind}>"

    def accept(self, *texts: str) -> bool:
        if self.peek() in texts:
            self.at += 1
            return True
        return False

    def expect(self, *texts: str) -> str:
        found = self.peek()
        if found not in texts:
            raise NotMath(f"{found} instead of {texts[0]}")
        self.at += 1
        return found

    def parse(self) -> tuple:
        tree = self.items(("<end>",))
        if self.at != len(self.tokens):
            raise NotMath(f"left over at {self.at}")
        return tree

    def items(self, closers: tuple[str, ...]) -> tuple:
        """Relations separated by commas, semicolons, "and", "or", line ends; one alone is not a list."""
        items = []
        while True:
            while self.peek() in _SEPARATORS or ("&" not in closers and self.peek() == "&"):
                self.at += 1
            if self.peek() in closers or self.peek() == "<end>":
                break
            items.append(self.relation())
            if self.peek() not in (*_SEPARATORS, "&", "<end>", *closers) and not (
                items[-1][0] == "group" and self.peek() == "("
            ):
                raise NotMath(f"{self.peek()} after an item")
        if len(items) == 1:
            return items[0]
        return ("list", tuple(items))

    def relation(self) -> tuple:
        if self.peek() in _RELATIONS:  # "= 5": the left side is in the problem
            self.at += 1
        sides = [self.ratio()]
        signs = []
        while (sign := _RELATIONS.get(self.peek())) is not None:
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
        terms = []
        while True:
            sign = self.peek()
            if sign in ("+", "-", "pm", "mp"):
                self.at += 1
                while self.peek() in ("+", "-"):  # "--5", "+-5"
                    if self.expect("+", "-") == "-":
                        sign = {"+": "-", "-": "+"}.get(sign, sign)
            elif terms:
                break
            else:
                sign = "+"
            term = self.product()
            kind = {"-": "neg", "pm": "pm", "mp": "mp"}.get(sign)
            terms.append((kind, term) if kind else term)
        return ("add", tuple(terms)) if len(terms) > 1 else terms[0]

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
        if self.at >= len(self.tokens):
            return False
        token = self.tokens[self.at]
        if token.kind in ("num", "sym"):
            return True
        if token.kind == "cmd":
            return token.text not in _RELATIONS and token.text not in _SET_OPERATIONS and token.text not in (
                "wedge", "vee", "pm", "mp", "cdot", "times", "div", "bmod", "mod", "forall", "rfloor", "rceil",
                "rangle", "rbrace", "pmod", "Big",
            )  # fmt: skip
        if token.kind == "word":
            return token.text in SCALES or token.text in DEGREE_WORDS or token.text in PERCENT_WORDS
        if token.kind == "env":
            return token.text.startswith("begin:")
        return token.text in ("(", "[", "{") and not self.new_item(token)

    def new_item(self, token: Token) -> bool:
        """Does this bracket open the next tuple of an unseparated list, as in (1,2)(3,4)?"""
        if token.text != "(" or self.at == 0 or self.tokens[self.at - 1].text != ")":
            return False
        return self.comma_inside(self.at)

    def comma_inside(self, position: int) -> bool:
        depth = 0
        for token in self.tokens[position : position + 200]:
            if token.kind == "op":
                depth += (token.text in ("(", "[", "{", "\\{")) - (token.text in (")", "]", "}", "\\}"))
                if depth == 0:
                    return False
                if depth == 1 and token.text == ",":
                    return True
        return False

    def adjacent(self, left: tuple) -> tuple:
        """Two factors side by side: a product, except a mixed number (2 1/2, 2\\frac12), a scale or a percentage."""
        token = self.tokens[self.at]
        if token.kind == "word":
            self.at += 1
            if token.text in SCALES:
                return ("mul", left, ("num", str(SCALES[token.text])))
            return ("deg" if token.text in DEGREE_WORDS else "pct", left)
        if left[0] == "num" and left[1].isdigit():
            if token.text == "frac":
                start = self.at
                fraction = self.power()
                if fraction[0] == "div" and _proper(fraction[1], fraction[2]):
                    return ("add", (left, fraction))
                self.at = start
            elif token.kind == "num" and token.spaced and self.at + 2 < len(self.tokens):
                slash, below = self.tokens[self.at + 1 : self.at + 3]
                if slash.text == "/" and below.kind == "num" and _proper(("num", token.text), ("num", below.text)):
                    self.at += 3
                    return ("add", (left, ("div", ("num", token.text), ("num", below.text))))
        if token.kind == "num" and left[0] == "num":
            raise NotMath("two numbers side by side")
        return ("mul", left, self.power())

    def power(self) -> tuple:
        tree = self.postfix(self.atom())
        if self.accept("^"):
            tree = self.exponent(tree)
            tree = self.postfix(tree)
        return tree

    def exponent(self, base: tuple) -> tuple:
        if self.peek() == "circ" or self.peek() == "{":
            start = self.at
            braced = self.accept("{")
            if self.accept("circ") and (not braced or self.accept("}")):
                return ("deg", base)
            self.at = start
        if self.accept("{"):
            if self.peek() == "}":
                self.at += 1
                return base
            self.enter()
            tree = self.sum_in_group("}")
            self.depth -= 1
            if tree[0] == "sym" and set(tree[1]) <= set("'"):
                return ("sym", str(base[1]) + tree[1])
        elif self.accept("-"):
            tree = ("neg", self.script())
        else:
            self.accept("+")
            tree = self.script()
        if self.peek() == "^":  # 9^9^9 associates to the right
            self.at += 1
            self.enter()
            tree = self.exponent(tree)
            self.depth -= 1
        return ("pow", base, tree)

    def sum_in_group(self, closer: str) -> tuple:
        tree = self.sum()
        self.expect(closer)
        return tree

    def script(self) -> tuple:
        """An unbraced exponent or argument: one digit (x^23 is x^2 times 3 only in LaTeX proper), letter or command."""
        return self.atom()

    def postfix(self, tree: tuple) -> tuple:
        while True:
            sign = self.peek()
            if sign == "!":
                self.at += 1
                if self.accept("!"):
                    if self.peek() == "!":
                        raise TooLarge  # a tower of factorials
                    tree = ("call", "doublefactorial", (tree,))
                else:
                    tree = ("fact", tree)
            elif sign == "%":
                self.at += 1
                tree = ("pct", tree)
            elif sign == "'" and tree[0] == "sym":
                self.at += 1
                tree = ("sym", tree[1] + "'")
            elif sign == "_":
                self.at += 1
                tree = self.subscript(tree)
            else:
                return tree

    def subscript(self, base: tuple) -> tuple:
        start = self.at
        if self.accept("{"):
            depth = 1
            while depth:
                sign = self.peek()
                if sign == "<end>":
                    raise NotMath("unbalanced subscript")
                depth += (sign == "{") - (sign == "}")
                self.at += 1
            inner = self.tokens[start + 1 : self.at - 1]
        else:
            inner = self.tokens[self.at : self.at + 1]
            self.at += 1
        text = "".join(token.text for token in inner)
        if base[0] == "num":
            if not (text.isdigit() and base[1].isdigit() and 2 <= int(text[:3]) <= 36):
                raise NotMath("a number with a subscript")
            return ("base", base[1], text)
        if base[0] in ("sym", "const"):
            return ("sym", f"{base[1]}_{text}")
        if base[0] in ("call", "group", "abs", "big", "fact"):  # P_n(x)_k, |T|_{max}: a name for a quantity
            return ("call", f"_{text}", (base,))
        raise NotMath("a subscript")

    def enter(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooLarge

    def atom(self) -> tuple:
        self.enter()
        try:
            return self.atom_inside()
        finally:
            self.depth -= 1

    def atom_inside(self) -> tuple:
        if self.at >= len(self.tokens):
            raise NotMath("ends early")
        token = self.tokens[self.at]
        self.at += 1
        text = token.text
        if token.kind == "num":
            return ("num", text.rstrip(".") if text.endswith(".") else text)
        if token.kind == "sym":
            return self.symbol(text)
        if token.kind == "word" and self.in_call:  # P(win)
            return ("sym", f'"{text}"')
        if token.kind == "env" and text.startswith("begin:"):
            return self.environment(text[6:])
        if token.kind == "cmd":
            return self.command(text)
        if token.kind == "op":
            if text in ("(", "["):
                return self.bracket(text)
            if text == "{":
                return self.brace()
            if text == "\\{":
                tree = self.items(("\\}",))
                self.expect("\\}")
                return ("set", tree[1] if tree[0] == "list" else (tree,))
            if text == "|":
                tree = self.sum()
                self.expect("|")
                return ("abs", tree)
        raise NotMath(repr(text))

    def symbol(self, name: str) -> tuple:
        while self.peek() == "'":
            self.at += 1
            name += "'"
        if self.peek() == "_":
            self.at += 1
            name = self.subscript(("sym", name))[1]
        if name[0] in _APPLIED and self.peek() == "(":
            self.at += 1
            return ("call", name, self.arguments())
        if name == "e":
            return ("const", "e")
        if name == "i":
            return ("const", "i")
        return ("sym", name)

    def arguments(self) -> tuple:
        self.in_call += 1
        tree = self.items((")",))
        self.in_call -= 1
        self.expect(")")
        return tree[1] if tree[0] == "list" else (tree,)

    def bracket(self, opener: str) -> tuple:
        tree = self.items(_CLOSERS[opener])
        closer = self.expect(*_CLOSERS[opener])
        if tree == ("list", ()):
            raise NotMath("empty brackets")
        items = tree[1] if tree[0] == "list" else (tree,)
        if len(items) == 1 and opener + closer in ("()", "[]"):
            return items[0]
        return ("group", opener + closer, items)

    def brace(self) -> tuple:
        """{...}: a group of LaTeX, unless it lists several things, which makes it a set."""
        tree = self.items(("}",))
        self.expect("}")
        if tree[0] == "list":
            return ("set", tree[1])
        return tree

    def required(self) -> tuple:
        """The argument of a command: a group in braces, or one digit, letter or command."""
        if self.accept("{"):
            self.enter()
            tree = self.relation()
            self.depth -= 1
            self.expect("}")
            return tree
        if self.at < len(self.tokens) and self.tokens[self.at].kind == "num" and len(self.tokens[self.at].text) > 1:
            token = self.tokens[self.at]  # \frac12: the first digit is the argument, the rest stays
            self.tokens[self.at] = Token("num", token.text[1:], False)
            return ("num", token.text[0])
        return self.atom()

    def command(self, name: str) -> tuple:
        if name == "frac":
            above = self.required()
            return ("div", above, self.required())
        if name == "sqrt":
            return self.root()
        if name == "binom":
            above = self.required()
            return ("binom", above, self.required())
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name in _BIG:
            return self.big(_BIG[name])
        if name in FUNCTIONS:
            return self.function(name)
        if name in ("overline", "bar", "widehat", "vec", "hat", "tilde", "overrightarrow", "underline"):
            inside = self.required()
            return ("call", "overline" if name == "bar" else name, (inside,))
        if name in ("lfloor", "lceil"):
            inside = self.sum()
            self.expect(name.replace("l", "r", 1))
            return ("floor" if name == "lfloor" else "ceil", inside)
        if name == "langle":
            tree = self.items(("rangle",))
            self.expect("rangle")
            return ("group", "()", tree[1] if tree[0] == "list" else (tree,))
        if name == "mathbb":
            return self.blackboard()
        if name in ("angle", "triangle", "Delta"):
            return self.named(name)
        if name in ("not",):
            raise NotMath("negated relation")
        if name in _NOT_SYMBOLS or name in _RELATIONS:
            raise NotMath(name)
        return self.symbol("\\" + name)

    def named(self, prefix: str) -> tuple:
        """angle ABC: one quantity, not a product of letters."""
        letters = ""
        while self.at < len(self.tokens) and self.tokens[self.at].kind == "sym" and self.tokens[self.at].text.isupper():
            letters += self.tokens[self.at].text
            self.at += 1
        return ("sym", f"\\{prefix}{letters}")

    def blackboard(self) -> tuple:
        inside = self.required()
        name = "".join(str(part) for part in inside[1:2]) if inside[0] in ("sym", "const") else ""
        if not name:
            raise NotMath("mathbb")
        if self.peek() in ("(", "["):
            opener = self.expect("(", "[")
            tree = self.items((")", "]"))
            self.expect(_CLOSERS[opener][0])
            return ("call", "\\mathbb" + name, tree[1] if tree[0] == "list" else (tree,))
        return self.symbol("\\mathbb" + name)

    def root(self) -> tuple:
        degree = ("num", "2")
        if self.accept("["):
            degree = self.sum_in_group("]")
        if self.peek() == "(":  # sqrt(7) in plain text: the bracket is the argument
            return ("root", self.atom(), degree)
        return ("root", self.required(), degree)

    def function(self, name: str) -> tuple:
        """sin x, sin^2 x, log_2 8, ln 2x: binds the product that follows, up to a sign, function or bracket."""
        base = power = None
        while self.peek() in ("^", "_"):
            if self.expect("^", "_") == "_":
                base = self.required()
            else:
                power = ("neg", self.script()) if self.accept("-") else self.required()
        if name in ("max", "min", "gcd", "lcm") and self.peek() in ("(", "\\{", "{", "["):
            self.at += 1
            closer = {"(": ")", "\\{": "\\}", "{": "}", "[": "]"}[self.tokens[self.at - 1].text]
            tree = self.items((closer,))
            self.expect(closer)
            arguments = tree[1] if tree[0] == "list" else (tree,)
        elif self.peek() in ("(", "[", "{", "|"):
            arguments = (self.power_argument(),)
        else:
            arguments = (self.function_argument(),)
        if base is not None:
            arguments = (*arguments, base)
        call = ("call", name, arguments)
        return call if power is None else ("pow", call, power)

    def power_argument(self) -> tuple:
        return self.postfix(self.atom())

    def function_argument(self) -> tuple:
        tree = self.signed_power()
        while self.starts_factor() and self.peek() not in FUNCTIONS and self.peek() not in ("(", "["):
            if self.peek() in _BIG or self.peek() in ("left", "<word>"):
                break
            tree = ("mul", tree, self.power())
        while self.peek() == "/" and tree[0] in ("const", "sym", "mul", "num"):
            self.at += 1
            tree = ("div", tree, self.power())
        return tree

    def big(self, name: str) -> tuple:
        low = high = ("list", ())
        while self.peek() in ("^", "_"):
            if self.expect("^", "_") == "_":
                low = self.required()
            else:
                high = self.script() if self.peek() != "{" else self.required()
        body = self.product()
        return ("big", name, low, high, body)

    def environment(self, name: str) -> tuple:
        """Rows and cells of an environment; matrices keep their shape, the others are lists of their lines."""
        if name == "array" and self.peek() == "{":
            self.skip_group()
        if name == "tabular":
            raise NotMath("a table")
        rows, row = [], []
        while True:
            while self.peek() in ("hline",):
                self.at += 1
            sign = self.peek()
            if sign == "<env>" and self.tokens[self.at].text == f"end:{name}":
                self.at += 1
                break
            if sign == "\\\\":
                self.at += 1
                rows.append(row)
                row = []
            elif sign in ("&", ",", ";", "and", "or"):
                self.at += 1
            elif sign == "<end>":
                raise NotMath("an environment that never ends")
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

    def skip_group(self) -> None:
        depth = 0
        while True:
            sign = self.peek()
            if sign == "<end>":
                raise NotMath("unbalanced group")
            depth += (sign == "{") - (sign == "}")
            self.at += 1
            if depth == 0:
                return


def _proper(above: tuple, below: tuple) -> bool:
    """Are these whole numbers of a proper fraction, as in the mixed number 2 1/3?"""
    return (
        above[0] == below[0] == "num"
        and above[1].isdigit()
        and below[1].isdigit()
        and (len(above[1]), above[1]) < (len(below[1]), below[1])
    )
