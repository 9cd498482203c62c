"""The smallest parts of a formula, and what is attached to them: exponents, subscripts, factorials, primes."""

from openmath.grading.commands import CLOSERS, Commands
from openmath.grading.lexer import NotMath
from openmath.grading.verdict import TooLarge

_APPLIED = frozenset("fghFGHPQ")  # letters read as functions before a bracket; others multiply


class Atoms(Commands):
    """The part of the parser that reads numbers, letters, brackets, and their exponents and subscripts."""

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
            if not (text.removeprefix("-").isdigit() and 2 <= int(text.removeprefix("-")[:3]) <= 36):
                raise NotMath("a number with a subscript")
            return ("base", base[1], text)
        if base[0] in ("sym", "const"):
            return ("sym", f"{base[1]}_{text}")
        if base[0] in ("call", "group", "abs", "big", "fact"):  # P_n(x)_k, |T|_{max}: a name for a quantity
            return ("call", f"_{text}", (base,))
        raise NotMath("a subscript")

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
            if "." in text and self.peek() in ("overline", "bar", "dot"):
                return self.repeating(text)
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

    def repeating(self, start: str) -> tuple:
        r"""0.1\overline{6}: the digits under the bar go on for ever."""
        self.at += 1
        period = self.required()
        if period[0] != "num" or not period[1].isdigit():
            raise NotMath("a bar over something else than digits")
        return ("repeat", start, period[1])

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
        tree = self.items(CLOSERS[opener])
        closer = self.expect(*CLOSERS[opener])
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
