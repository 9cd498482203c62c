"""The filters over many solutions, by several processes: what is left, and the counts, do not depend on how many.

All filters but `duplicates` look at one solution at a time. So batches of solutions are dealt to the processes in turn and taken
back in the same order; `duplicates`, which remembers all that it has seen, stays with whoever calls.
"""

import contextlib
import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from openmath.dataset.filters import Counted, Lengths, Solution, filters_of, through
from openmath.dataset.tokens import token_counter

DUPLICATES = "duplicates"
BATCH = 2048  # solutions handed to a process together
WORTH_PROCESSES = 50_000  # solutions; fewer are done before processes have started

Key = TypeVar("Key")
Batch = list[tuple[Key, Solution]]  # with each solution what the caller wants to have back with it


@dataclass(frozen=True)
class Rules:
    """What a process needs to make the filters. names: in order; the rest as of Lengths, but for the tokenizer's folder."""

    names: list[str]
    min_characters: int
    max_tokens: int
    max_problem_tokens: int
    tokenizer: Path | None
    policy: str

    @cached_property
    def lengths(self) -> Lengths:
        """Raises InputError where the tokenizer cannot be read."""
        count = token_counter(self.tokenizer) if self.tokenizer else None
        return Lengths(self.min_characters, self.max_tokens, self.max_problem_tokens, count)

    def filters(self, names: list[str]) -> list[Counted]:
        return filters_of(names, self.lengths, self.policy)


class Filtering:
    """All filters, in order. counts: of each, what has gone through so far: filter, before, after, changed."""

    def __init__(self, rules: Rules, processes: int = 1):
        self._rules, self._processes, self._killed = rules, processes, 0
        self.counts: list[dict] = [{"filter": one.name, **one.counts} for one in rules.filters(rules.names)]

    def left(self, batches: Iterable[Batch[Key]]) -> Iterator[Batch[Key]]:
        """What the filters leave of each batch."""
        names = self._rules.names
        at = names.index(DUPLICATES) if DUPLICATES in names else len(names)
        parts = names[:at], names[at : at + 1], names[at + 1 :]
        shared = max(parts[0], parts[2], key=len)
        for part in filter(None, parts):
            by_processes = part is shared and self._processes > 1
            batches = self._by_processes(part, batches) if by_processes else self._here(part, batches)
        return iter(batches)

    def _here(self, names: list[str], batches: Iterable[Batch[Key]]) -> Iterator[Batch[Key]]:
        filters = self._rules.filters(names)
        for batch in batches:
            yield passed(batch, filters)
        self._add({one.name: one.counts for one in filters})

    def _by_processes(self, names: list[str], batches: Iterable[Batch[Key]]) -> Iterator[Batch[Key]]:
        """Each process has one batch at a time: with two, both ends of its pipe could wait for the other to read."""
        connections = [_started(self._rules, names) for _ in range(self._processes)]
        waiting: deque[tuple[Connection, Batch[Key]]] = deque()
        try:
            for connection, batch in zip(cycle(connections), batches, strict=False):
                if len(waiting) == len(connections):  # the first in line is this process
                    yield self._result(*waiting.popleft(), names)
                with contextlib.suppress(OSError):  # it was killed: _result() sees that
                    connection.send(batch)
                waiting.append((connection, batch))
            while waiting:
                yield self._result(*waiting.popleft(), names)
        finally:
            for connection in connections:
                connection.close()  # ends the process

    def _result(self, connection: Connection, batch: Batch[Key], names: list[str]) -> Batch[Key]:
        """The answer of a process; of one that was killed, as the system does where memory is short, it is made here."""
        try:
            left, counts = connection.recv()
        except (EOFError, OSError):
            if not self._killed:
                print("warning: a process that filters was killed; its part is done without it", file=sys.stderr)
            self._killed += 1
            left, counts = _answer(batch, self._rules.filters(names))
        self._add(counts)
        return left

    def _add(self, counts: dict[str, dict[str, int]]) -> None:
        for one in self.counts:
            for key, number in counts.get(one["filter"], {}).items():
                one[key] += number


def passed(batch: Batch[Key], filters: list[Counted]) -> Batch[Key]:
    """What the filters leave of a batch."""
    return [(key, left) for key, solution in batch if (left := through(filters, solution)) is not None]


def _answer(batch: Batch[Key], filters: list[Counted]) -> tuple[Batch[Key], dict[str, dict[str, int]]]:
    return passed(batch, filters), {one.name: one.counts for one in filters}


def _started(rules: Rules, names: list[str]) -> Connection:
    """Our end of the pipe to a new process."""
    spawn = multiprocessing.get_context("spawn")  # fork copies locks that other threads may hold
    ours, its = spawn.Pipe()
    spawn.Process(target=_work, args=(its, rules, names), daemon=True).start()
    its.close()
    return ours


def _work(connection: Connection, rules: Rules, names: list[str]) -> None:
    """Filter one batch after the other until the other end closes: its owner is done, or was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            connection.send(_answer(connection.recv(), rules.filters(names)))
