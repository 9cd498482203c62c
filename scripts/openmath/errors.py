"""Errors a user can act on: one message that says what, where, expected, found, and a hint."""

import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_PART = 20_000  # characters of one part of a message: what it quotes may be a file of any size


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
                lines.append(f"  {name + ':':<10}{_shortened(str(value))}")
        if hint:
            lines.append(f"Hint: {_shortened(hint)}")
        super().__init__(printable(without_passwords("\n".join(lines))))


def without_passwords(text: str) -> str:
    """Text with *** for what stands before the @ of an address: libraries quote proxies and mirrors, passwords and all."""
    return re.sub(r"(?<=://)[^/\s@]+@", "***@", text)


def printable(text: str) -> str:
    """Text of others for a terminal: control characters, which could move its cursor or hide words, are shown as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_PART else f"{text[:LONGEST_PART]} ... ({len(text)} characters)"


@contextmanager
def parts_of(what: str, where: object) -> Iterator[None]:
    """Around the use of a file that others have made: where a part is missing or of another kind, an InputError says which.

    what: "a summary". Put around as little as possible: our own mistakes would be blamed on the file, so the line is named.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"This is not {what}, or a part of it is missing.",
            where=where,
            found=f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})",
            hint="have it made again, or get another copy.",
        ) from error


def run_command(main: Callable[[], int | None]) -> None:
    """Run a script's main() and exit: 0 on success (or its return value), 2 with one message on bad input."""
    try:
        status = main() or 0
        sys.stdout.flush()
    except InputError as error:
        status = _refused(error)
    except KeyboardInterrupt:
        status = 130  # 128 + SIGINT, as a shell reports it
    except MemoryError:
        hint = "give the job more (mem_mb); is an input far too large?"
        status = _refused(InputError("There is not enough memory.", hint=hint))
    except RecursionError:
        status = _refused(InputError("Some input is nested too deeply."))
    except BrokenPipeError:  # the reader of our output went away (`... | head`): nobody is left to tell
        sys.stderr.close()
        status = 141  # 128 + SIGPIPE
    except OSError as error:  # not of our making: a full disk, a folder in place of a file, no permission
        where = error.filename2 or error.filename
        status = _refused(
            InputError(f"The operating system reports an error ({error.strerror or error}).", where=where)
        )
    sys.exit(status)


def _refused(error: InputError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2
