"""The smallest parts of a formula, and what is attached to them: exponents, subscripts, factorials, primes."""

from openmath.grading.language.commands import CLOSERS
from openmath.grading.language.grammar import Grammar
from openmath.grading.language.lexer import NotMath
from openmath.grading.limits import TooLarge

_APPLIED = frozenset("fghFGHPQ")  # letters read as functions before a bracket; others multiply


class Atoms(Grammar):
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
            if self.accept("}"):
                return base
            self.enter()
            tree = self.sum_in_group("}")
            self.depth -= 1
        elif self.accept("-"):
            tree = ("neg", self.atom())
        else:
            self.accept("+")
            tree = self.atom()  # without braces a whole number: x^23 is x^2 times 3 only in LaTeX proper
        if self.accept("^"):  # 9^9^9 associates to the right
            self.enter()
            tree = self.exponent(tree)
            self.depth -= 1
        return ("pow", base, tree)

    def sum_in_group(self, closer: str) -> tuple:
        tree = self.sum()
        self.expect(closer)
        return tree

    def postfix(self, tree: tuple) -> tuple:
        while True:
            if self.accept("!"):
                if not self.accept("!"):
                    tree = ("fact", tree)
                elif self.peek() == "!":
                    raise TooLarge  # a tower of factorials
                else:
                    tree = ("call", "doublefactorial", (tree,))
            elif self.accept("%"):
                tree = ("pct", tree)
            elif tree[0] == "sym" and self.accept("'"):
                tree = ("sym", tree[1] + "'")
            elif self.accept("_"):
                tree = self.subscript(tree)
            else:
                return tree

    def subscript(self, base: tuple) -> tuple:
        """A letter with its index, a number with its base, or a name for a quantity, as |T|_{max}."""
        start = self.at
        if self.peek() == "{":
            self.skip_group()
            inner = self.tokens[start + 1 : self.at - 1]
        elif self.peek() == "<end>":
            raise NotMath("a subscript")
        else:
            self.at += 1
            inner = self.tokens[start : self.at]
        text = "".join(token.text for token in inner)
        if base[0] == "num":
            if not (text.removeprefix("-").isdigit() and 2 <= int(text.removeprefix("-")[:3]) <= 36):
                raise NotMath("a number with a subscript")
            return ("base", base[1], text)
        if base[0] in ("sym", "const"):
            return ("sym", f"{base[1]}_{text}")
        if base[0] in ("call", "group", "abs", "big", "fact"):  # P_n(x)_k
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
        if token.type == "num":
            if "." in text and self.peek() in ("overline", "bar", "dot"):
                return self.repeating(text)
            return ("num", text.rstrip("."))
        if token.type == "sym":
            return self.symbol(text)
        if token.type == "word" and self.in_call:  # P(win)
            return ("sym", f'"{text}"')
        if token.type == "env" and text.startswith("begin:"):
            return self.environment(text[6:])
        if token.type == "cmd":
            return self.command(text)
        if token.type == "op":
            if text in ("(", "["):
                return self.bracket(text)
            if text == "{":
                return self.brace()
            if text == "\\{":
                return ("set", self.items_until("\\}"))
            if text == "|":
                tree = ("abs", self.set_expression())  # also of A \cup B, how many it holds
                self.expect("|")
                return tree
        raise NotMath(repr(text))

    def repeating(self, start: str) -> tuple:
        r"""0.1\overline{6}: the digits under the bar go on for ever."""
        self.at += 1  # the bar
        period = self.required()
        if period[0] != "num" or not period[1].isdigit():
            raise NotMath("a bar over something else than digits")
        return ("repeat", start, period[1])

    def symbol(self, name: str) -> tuple:
        while self.accept("'"):
            name += "'"
        if self.accept("_"):
            name = self.subscript(("sym", name))[1]
        if name in _APPLIED and self.signs[self.at : self.at + 6] == ["^", "{", "-", "<num>", "}", "("]:
            if self.tokens[self.at + 3].text == "1":
                self.at += 5
                name += "^-1"  # the inverse function
        if name[0] in _APPLIED and self.accept("("):
            return ("call", name, self.arguments())
        return ("const", name) if name in ("e", "i") else ("sym", name)

    def arguments(self) -> tuple:
        self.in_call += 1
        items = self.items_until(")")
        self.in_call -= 1
        return items

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
