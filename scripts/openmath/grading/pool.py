"""Grading in worker processes that can be killed: a memory limit, and a clock that starts in the worker.

    with GraderPool(processes=2) as pool:
        for grade in pool.grade_pairs([("0.5", "1/2"), (None, "3")]):
            print(grade.correct, grade.status)

The clock counts the worker's CPU seconds, not wall time, so that a loaded machine gives the same grades as an idle
one. A pair first meets a soft limit (an exception in the worker) and, if it is stuck inside a library, the parent
kills the worker; both are recorded as "timeout". A worker that dies by itself ran out of memory or broke a library:
the pair is tried once more in a fresh worker and then recorded as "too_large".
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import struct
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import psutil

from openmath.grading import compare
from openmath.grading.grades import Grade
from openmath.grading.limits import CPU_LIMIT_S, KILL_AFTER_S, MEMORY_LIMIT_BYTES, STUCK_AFTER_S

POLL_S = 0.2  # seconds between two looks at the workers' clocks while nothing arrives
CHUNK = 128  # jobs sent to a worker at once
WINDOW = 4  # chunks per worker that may be read ahead of the slowest result
MAX_IDLE_DEATHS = 3  # workers that die with no job in hand before the pool gives up: something is broken
FLUSH_S = 0.02  # a worker hands over finished results at least this often, so that a kill loses almost nothing

_PROGRESS = struct.Struct("qd")  # index of the job in hand, the worker's CPU seconds when it began


class Sample(NamedTuple):
    """Everything that grading says about one predicted answer."""

    grade: Grade
    vote_class: str | None


def _grade_pair(predicted: str | None, expected: str, policy: str) -> Grade:
    return compare.grade(predicted, expected, policy)


def _grade_sample(predicted: str | None, expected: str, policy: str) -> Sample:
    return Sample(compare.grade(predicted, expected, policy), compare.vote_class(predicted))


def _failed_pair(predicted: str | None, status: str) -> Grade:
    return Grade(False, status)


def _failed_sample(predicted: str | None, status: str) -> Sample:
    return Sample(Grade(False, status), compare.text_class(predicted))


# Task -> what a worker does with a pair, and what is said of one that breaks a limit. "pair" leaves out the vote class: two
# answers with the same text need not be read then.
TASKS = {"pair": (_grade_pair, _failed_pair), "sample": (_grade_sample, _failed_sample)}


class _SoftTimeout(BaseException):
    """Raised by the worker's CPU timer inside the running job; BaseException: no handler in the grader may eat it."""


def _on_timer(signum: int, frame: object) -> None:
    raise _SoftTimeout


def _work(connection: multiprocessing.connection.Connection, progress, policy: str) -> None:
    """A worker: receives (task, first index, jobs), sends [(index, result), ...], until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business; it closes our pipe
    signal.signal(signal.SIGPROF, _on_timer)
    compare.grade("1", "2", policy)  # everything imported before memory is measured
    idle = psutil.Process().memory_info().vms
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = idle + MEMORY_LIMIT_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a killed worker leaves no core file
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent has ended, or was killed
        _serve(connection, progress, policy)


def _serve(connection: multiprocessing.connection.Connection, progress, policy: str) -> None:
    """Take jobs and hand over their results until the other end closes, which raises."""
    while True:
        task, indexes, jobs = connection.recv()
        run, failed = TASKS[task]
        done = []
        flushed = time.perf_counter()
        for index, job in zip(indexes, jobs, strict=True):
            _PROGRESS.pack_into(progress, 0, index, time.process_time())
            try:
                signal.setitimer(signal.ITIMER_PROF, CPU_LIMIT_S)
                try:
                    result = run(*job, policy)
                finally:
                    signal.setitimer(signal.ITIMER_PROF, 0)
            except _SoftTimeout:
                result = failed(job[0], "timeout")
            except (MemoryError, RecursionError):
                result = failed(job[0], "too_large")
            except Exception as error:  # a defect of the grader must neither stop a run of a million samples nor hide
                print(f"grader defect, please report: {error!r} on {job!r:.300}", file=sys.stderr, flush=True)
                result = failed(job[0], "too_large")
            done.append((index, result))
            if (now := time.perf_counter()) - flushed > FLUSH_S:
                connection.send(done)
                done, flushed = [], now
        _PROGRESS.pack_into(progress, 0, -1, 0.0)
        connection.send(done)


class _Worker:
    """One worker process, and the jobs it was sent and has not finished."""

    def __init__(self, context, policy: str):
        self.progress = context.RawArray("b", _PROGRESS.size)  # shared memory, read while the worker computes
        self.connection, child = context.Pipe()
        self.process = context.Process(target=_work, args=(child, self.progress, policy), daemon=True)
        _PROGRESS.pack_into(self.progress, 0, -1, 0.0)
        self.process.start()
        child.close()
        self.jobs: dict[int, object] = {}
        self.last_seen = time.monotonic()

    def send(self, task: str, jobs: dict[int, object]) -> None:
        """Only to an idle worker: it is reading, so this cannot block for long."""
        self.jobs = dict(jobs)
        self.last_seen = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died: collect() sees the closed pipe
            self.connection.send((task, list(jobs), list(jobs.values())))

    def current(self) -> int:
        """Index of the job in hand, -1 for none."""
        return _PROGRESS.unpack_from(self.progress, 0)[0]

    def overdue(self) -> bool:
        """Has the job in hand used more CPU than any job may?"""
        index, began = _PROGRESS.unpack_from(self.progress, 0)
        if index not in self.jobs:
            return False
        try:
            times = psutil.Process(self.process.pid).cpu_times()
        except psutil.NoSuchProcess:
            return False  # its death is handled where its pipe closes
        return times.user + times.system - began > KILL_AFTER_S or time.monotonic() - self.last_seen > STUCK_AFTER_S

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


class GraderPool:
    """Worker processes that grade hostile text under limits. A context manager; not thread-safe.

    processes: how many workers (default: the CPUs this process may use). policy: "default" or "paper".
    """

    def __init__(self, processes: int | None = None, policy: str = "default"):
        self._context = multiprocessing.get_context("spawn")  # fork copies locks that other threads may hold
        self._policy = policy
        self._size = processes or available_cpus()
        self._workers: list[_Worker] = []

    def __enter__(self) -> "GraderPool":
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers = []

    def grade_pairs(self, pairs: Iterable[tuple[str | None, str]]) -> Iterator[Grade]:
        """Grades of (predicted, expected) pairs, in order; reads ahead a bounded number of pairs."""
        return self._map("pair", pairs)

    def grade_samples(self, pairs: Iterable[tuple[str | None, str]]) -> Iterator[Sample]:
        """Grade and vote class of (predicted, expected) pairs, in order. What breaks a limit is a class of its own text."""
        return self._map("sample", pairs)

    def _map(self, task: str, items: Iterable) -> Iterator:
        run = _Run(task, iter(items))
        try:
            while True:
                while not run.exhausted and run.read - run.given < self._size * WINDOW * CHUNK:
                    run.read_chunk()
                    self._collect(run, wait=0)
                    self._feed(run)
                while run.given in run.results:
                    yield run.results.pop(run.given)
                    run.given += 1
                if run.exhausted and run.given == run.read:
                    return
                self._feed(run)
                if run.given not in run.results:
                    self._collect(run, wait=POLL_S)
        finally:  # an abandoned iteration leaves no results behind that the next one would take for its own
            for worker in [w for w in self._workers if w.jobs]:
                worker.stop()
                self._workers.remove(worker)

    def _feed(self, run: "_Run") -> None:
        while run.backlog:
            worker = next((w for w in self._workers if not w.jobs), None)
            if worker is None:
                if len(self._workers) == self._size:
                    return
                worker = _Worker(self._context, self._policy)
                self._workers.append(worker)
            worker.send(run.task, run.backlog.popleft())

    def _collect(self, run: "_Run", wait: float) -> None:
        busy = {worker.connection: worker for worker in self._workers if worker.jobs}
        ready = multiprocessing.connection.wait(busy, timeout=wait) if busy else []
        for connection in ready:
            worker = busy[connection]
            try:
                finished = connection.recv()
            except (EOFError, ConnectionResetError):
                self._replace(worker, run, killed=False)
                continue
            worker.last_seen = time.monotonic()
            for index, result in finished:
                run.results[index] = result
                del worker.jobs[index]
        if wait:
            for worker in busy.values():
                if worker.overdue():
                    self._replace(worker, run, killed=True)

    def _replace(self, worker: _Worker, run: "_Run", *, killed: bool) -> None:
        """Replace a dead or stuck worker; fail the job that did it, send the others again."""
        culprit = worker.current()
        worker.stop()
        self._workers.remove(worker)
        jobs = worker.jobs
        run.deaths[culprit] += 1
        if culprit in jobs and (killed or run.deaths[culprit] > 1):
            _, failed = TASKS[run.task]
            run.results[culprit] = failed(jobs.pop(culprit)[0], "timeout" if killed else "too_large")
        elif run.deaths[culprit] > MAX_IDLE_DEATHS:
            raise RuntimeError(f"grading workers die before they grade anything (exit code {worker.process.exitcode})")
        if jobs:
            run.backlog.appendleft(jobs)


class _Run:
    """The state of one pass over an iterable of jobs."""

    def __init__(self, task: str, source: Iterator):
        self.task, self.source = task, source
        self.backlog: deque[dict[int, object]] = deque()  # chunks that no worker has
        self.results: dict[int, object] = {}  # finished, not yet given out
        self.deaths: Counter[int] = Counter()  # by the job in hand when a worker died; -1: none
        self.read = self.given = 0
        self.exhausted = False

    def read_chunk(self) -> None:
        chunk = list(islice(self.source, CHUNK))
        self.exhausted = len(chunk) < CHUNK
        if chunk:
            self.backlog.append(dict(enumerate(chunk, start=self.read)))
            self.read += len(chunk)


def available_cpus() -> int:
    """CPUs this process may use, not those of the machine: a batch job gets a share of its node."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
