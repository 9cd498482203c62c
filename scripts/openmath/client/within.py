"""A deadline around what has none: libraries count the seconds of each read, and a server that drips makes many."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import NoReturn, TypeVar

from openmath.errors import InputError

Result = TypeVar("Result")


def in_background(work: Callable[[], Result]) -> "Future[Result]":
    """The result to come of `work()`, in a thread that does not outlive the program."""
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """What `work()` returns or raises; TimeoutError after `seconds`. What hangs is left behind: nothing may wait for it."""
    return in_background(work).result(seconds)


def leave(error: InputError) -> NoReturn:
    """End the program with this message, now: an exit would wait for threads of a library, which wait for a server."""
    print(error, file=sys.stderr, flush=True)
    os._exit(2)
