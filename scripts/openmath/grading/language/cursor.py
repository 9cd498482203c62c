"""A place in a list of tokens: look at the next one, take it, complain."""

from openmath.grading.language.lexer import NotMath, Token
from openmath.grading.limits import TooLarge

MAX_DEPTH = 60  # of nested groups: real answers reach 8; deeper ones are compared as text


class Cursor:
    """What every part of the parser stands on."""

    def __init__(self, tokens: list[Token]):
        self.tokens = tokens
        self.signs = [*map(_sign, tokens), "<end>"]
        self.at = 0
        self.depth = 0
        self.in_call = 0

    def peek(self) -> str:
        """Text of the next token if it is an operator, command or separator; other types give their type in <>."""
        return self.signs[self.at]

    def accept(self, *texts: str) -> bool:
        """Take the next token if it is one of these."""
        if self.peek() in texts:
            self.at += 1
            return True
        return False

    def expect(self, *texts: str) -> str:
        """Take the next token, which must be one of these. Raises NotMath."""
        found = self.peek()
        if found not in texts:
            raise NotMath(f"{found} instead of {texts[0]}")
        self.at += 1
        return found

    def enter(self) -> None:
        """One group deeper. Raises TooLarge."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooLarge

    def skip_group(self) -> None:
        """Go on behind the group in braces that opens here."""
        depth = 0
        while True:
            sign = self.peek()
            if sign == "<end>":
                raise NotMath("unbalanced group")
            depth += (sign == "{") - (sign == "}")
            self.at += 1
            if depth == 0:
                return


def _sign(token: Token) -> str:
    return token.text if token.type in ("op", "cmd", "sep") else f"<{token.type}>"
