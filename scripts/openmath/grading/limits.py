"""What grading one answer may take: characters, counted work, memory; and a clock far above what counted work can take.

Work is counted where it is done, in units of about a microsecond of one core, and the count alone decides what is too large.
So a grade follows from the two texts, on every machine, however loaded.

    with budget():
        spend(500_000)
        spend(500_000)  # raises TooLarge
"""

import contextlib
import math
from collections.abc import Hashable, Iterator

MAX_CHARACTERS = 20_000  # longer answers are compared as text only; the longest real answer of the sets has 1,900
MAX_WORK = 1_000_000  # units to read an answer, and again for its other readings; the most a real one takes is 290,000
MEMORY_LIMIT_BYTES = 768 * 2**20  # address space above the idle worker; the promise to users is 1 GiB
CPU_LIMIT_S = 60.0  # CPU seconds for one pair, by the worker's own clock: only a defect reaches it
KILL_AFTER_S = 75.0  # CPU seconds on one pair after which the worker is killed: the soft limit plus a margin
STUCK_AFTER_S = 300  # wall seconds without any progress: a worker that neither computes nor answers is replaced

_left = math.inf  # units; infinite outside of a budget
_kept: set[Hashable] = set()  # what was computed within the budget and is kept


class TooLarge(Exception):
    """The answer asks for more work than an answer is worth; it is compared as text."""


@contextlib.contextmanager
def budget() -> Iterator[None]:
    """Within it, work is limited to MAX_WORK in all; a budget inside another shares that one's."""
    global _left
    if _left < math.inf:
        yield
        return
    _left = MAX_WORK
    try:
        yield
    finally:
        _left = math.inf
        _kept.clear()


def spend(units: float) -> None:
    """Count work, before it is done. Raises TooLarge when the budget is used up, and from then on each time."""
    global _left
    _left -= units
    if _left < 0:
        raise TooLarge


def spend_once(what: Hashable, units: float) -> None:
    """Count work whose result is kept: in full the first time within the budget, whatever was kept before it."""
    if what in _kept:
        spend(1)
        return
    if _left < math.inf:
        _kept.add(what)
    spend(units)
