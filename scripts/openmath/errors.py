"""Errors a user can act on: one message that says what, where, expected, found, and a hint."""

import sys
from collections.abc import Callable


class InputError(Exception):
    """Bad input or a broken environment, not a bug: shown as one message, never as a traceback.

    what: the problem in one sentence. where: file:line, row id or config key. expected, found: the two sides that
    disagree. hint: the next thing to try.
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        found: object = None,
        hint: str | None = None,
    ):
        self.what, self.where, self.expected, self.found, self.hint = what, where, expected, found, hint
        lines = [what]
        for name, value in (("where", where), ("expected", expected), ("found", found)):
            if value is not None:
                lines.append(f"  {name + ':':<10}{value}")
        if hint:
            lines.append(f"Hint: {hint}")
        super().__init__("\n".join(lines))


def run_command(main: Callable[[], int | None]) -> None:
    """Run a script's main() and exit: 0 on success (or its return value), 2 with one message on bad input."""
    try:
        status = main() or 0
        sys.stdout.flush()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        status = 130  # 128 + SIGINT, as a shell reports it
    except BrokenPipeError:  # the reader of our output went away (`... | head`): nobody is left to tell
        sys.stderr.close()
        status = 141  # 128 + SIGPIPE
    sys.exit(status)
