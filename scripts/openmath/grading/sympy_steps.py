"""SymPy in a process of its own, under a limit that does not depend on the machine: calls are counted, not time.

    >>> within_steps(lambda sympy: sympy.integrate(sympy.Symbol("x")) is not None, 1_000_000)
    True

The same question takes the same calls: each is asked of a fork of a process in which SymPy is imported but was never used, so
that no cache is warm, nothing is collected as garbage, random numbers start from a seed, and the workers of the pool order
sets alike (worker.py). SymPy is imported when it is first needed.
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from openmath.grading.limits import CPU_LIMIT_S, TooLarge

TRIES = 10  # forks that may be killed from outside
# What SymPy would import in the middle of a computation, whose calls would be counted.
_MODULES = """sympy.concrete.delta sympy.integrals.heurisch sympy.integrals.manualintegrate sympy.integrals.meijerint
sympy.integrals.risch sympy.physics.units sympy.polys.domains.old_fractionfield sympy.polys.domains.old_polynomialring
sympy.sets.handlers.functions sympy.sets.handlers.issubset sympy.sets.setexpr sympy.solvers.inequalities sympy.tensor.tensor"""


def within_steps(solve: Callable[[ModuleType], Any], most: int) -> Any:
    """What `solve` finds by SymPy in at most so many calls of functions: text, a truth value, or a tree of tuples.

    None where SymPy fails. Raises TooLarge where it would take more.
    """
    for module in ["sympy", *_MODULES.split()]:
        importlib.import_module(module)
    sys.stdout.flush()
    for _ in range(TRIES):
        answer, signal_number = _ask_fork(solve, most)
        if answer is not None:
            found, complete = answer
            if not complete:
                break
            return _as_tree(found)
        if signal_number not in (signal.SIGKILL, signal.SIGTERM):
            break
    raise TooLarge


def _as_tree(found: Any) -> Any:
    """JSON has lists for tuples."""
    return tuple(map(_as_tree, found)) if isinstance(found, list) else found


def _ask_fork(solve: Callable[[ModuleType], Any], most: int) -> tuple[list | None, int]:
    """[What was found, whether all steps were done], or None and the signal that ended the fork."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _answer(solve, most, writer)
        finally:
            os._exit(0)  # nothing of the parent's is flushed or cleaned up twice
    os.close(writer)
    try:
        with open(reader, "rb") as file:
            answer = file.read()
    finally:  # also when the clock of the pair's worker rings
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return (json.loads(answer) if answer else None), os.WTERMSIG(status)


def _answer(solve: Callable[[ModuleType], Any], most: int, writer: int) -> None:
    """In the fork: solve, and write the answer."""
    for number in map(int, os.listdir("/dev/fd")):  # the pipe of a worker must close when the worker ends
        if number > 2 and number != writer:
            with contextlib.suppress(OSError):
                os.close(number)
    signal.setitimer(signal.ITIMER_PROF, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (int(CPU_LIMIT_S), int(CPU_LIMIT_S) + 1))
    gc.disable()
    import sympy.core.random

    sympy.core.random.seed(0)
    left = most

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:  # however SymPy took it
            # Not an exception: one that is raised while a generator closes is lost, and the counting with it.
            _write(None, False, writer)
            os._exit(0)

    found, complete = None, True
    sys.setprofile(count)
    try:
        found = solve(sympy)
    except (MemoryError, RecursionError):
        complete = False
    except Exception:  # SymPy raises whatever it likes on what it cannot do
        pass
    finally:
        sys.setprofile(None)
    _write(found, complete, writer)


def _write(found: Any, complete: bool, writer: int) -> None:
    with open(writer, "wb") as file:
        file.write(json.dumps([found, complete]).encode())
