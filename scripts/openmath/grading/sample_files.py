"""Sample files, each read once into what grading keeps of it: large ones by several processes at a time."""

import math
import multiprocessing
import os
import signal
import sys
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

from openmath.answers import answer_of, as_text, is_unfinished, not_boxed
from openmath.errors import InputError
from openmath.files.copies import text_mark
from openmath.files.fast_rows import read_rows
from openmath.files.known_files import KnownFile, Reading
from openmath.files.same_problems import SameProblems
from openmath.grading.problems import Texts, texts_of

NO_COUNT = -1  # num_generated_tokens of a row that does not say
MAX_TOKENS = 2**31 - 1  # what the int32 column can hold
WORTH_PROCESSES = 2**26  # bytes in all: less is read before other processes have started


class Noted(NamedTuple):
    """What is kept of each row as it stands, in order.

    tokens: num_generated_tokens, thought: num_reasoning_tokens, NO_COUNT where unknown. unfinished: whether there is no answer
    since the thought never ends. marks: copies.text_mark. starts: where each row begins in its file, in bytes.
    """

    tokens: array
    thought: array
    unfinished: array
    marks: array
    starts: array


class FileSamples(NamedTuple):
    """What is kept of a sample file: one entry a row, but for `words`, the distinct ones.

    problems: of the rows, where they were not known before; else empty. finish: finish_reason, and extraction: what an answer
    outside a box stands behind; both as index into words.
    """

    file: KnownFile
    problems: list[Texts]
    answers: list[str | None]
    words: list[str | None]
    finish: array
    extraction: array
    noted: Noted


def read_sample_file(path: str | Path, policy: str, known: SameProblems | None) -> FileSamples:
    """Read one file. known: the problems that it must be about; None: its own. Raises InputError naming file:line."""
    problems: list[Texts] = []
    answers: list[str | None] = []
    words: dict[str | None, int] = {}
    finish, extraction, marks, starts = array("i"), array("i"), array("q"), array("q")
    tokens, thought, unfinished = array("i"), array("i"), array("b")
    number, reading = 0, Reading(path)
    most = math.inf if known is None else len(known)
    for number, row in enumerate(read_rows(path, digest=reading), start=1):
        if known is None:
            message = "A row has no expected_answer, and no benchmark was given."
            problems.append(texts_of(row, number - 1, path, message, "pass --benchmark data/NAME.jsonl."))
        else:
            known.check(path, number - 1, row)
        if number > most:
            continue  # counted, reported below
        answer = answer_of(row, policy)
        answers.append(answer)
        finish.append(words.setdefault(as_text(row.get("finish_reason")), len(words)))
        extraction.append(words.setdefault(not_boxed(row, policy), len(words)))
        tokens.append(_count(row.get("num_generated_tokens")))
        thought.append(_count(row.get("num_reasoning_tokens")))
        unfinished.append(answer is None and is_unfinished(row, policy))
        marks.append(text_mark(row))
        starts.append(reading.row_start)
    if known is not None:
        known.check_count(path, number)
    elif not problems:
        raise InputError("The file is empty.", where=path)
    noted = Noted(tokens, thought, unfinished, marks, starts)
    return FileSamples(reading.file(), problems, answers, list(words), finish, extraction, noted)


def read_sample_files(
    paths: Sequence[str | Path], policy: str, known: SameProblems, processes: int
) -> Iterator[FileSamples]:
    """Read files about the same problems, in their order; a few are read ahead, by so many processes."""
    left = deque(paths)
    if processes > 1 and len(left) > 1 and sum(map(os.path.getsize, left)) > WORTH_PROCESSES:
        try:
            yield from _read_by_processes(left, policy, known, processes)
        except BrokenProcessPool:  # one was killed: the system kills one of its choice when memory is short
            print("warning: a process that read samples was killed; going on with one", file=sys.stderr)
    while left:
        yield read_sample_file(left.popleft(), policy, known)


def _read_by_processes(
    left: deque[str | Path], policy: str, known: SameProblems, processes: int
) -> Iterator[FileSamples]:
    """Take from `left` each file that has been given out."""
    spawn = multiprocessing.get_context("spawn")  # fork copies locks that other threads may hold
    pool = ProcessPoolExecutor(processes, spawn, _begin_reader, (policy, known))
    try:
        ahead: deque[Future[FileSamples]] = deque()
        while left:
            while len(ahead) < min(2 * processes, len(left)):
                ahead.append(pool.submit(_read, left[len(ahead)]))
            samples = ahead.popleft().result()
            left.popleft()
            yield samples
    finally:
        pool.shutdown(cancel_futures=True)


_reader: tuple[str, SameProblems]  # of a process that reads: its policy, and the problems of all files


def _begin_reader(policy: str, known: SameProblems) -> None:
    global _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    _reader = policy, known


def _read(path: str | Path) -> FileSamples:
    return read_sample_file(path, *_reader)


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value <= MAX_TOKENS else NO_COUNT
