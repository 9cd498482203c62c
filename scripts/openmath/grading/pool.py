"""Grading in worker processes that can be killed: a memory limit, and a clock far above what counted work can take.

    with GraderPool(processes=2) as pool:
        for grade in pool.grade_pairs([("0.5", "1/2"), (None, "3")]):
            print(grade.correct, grade.status)

What is too large for a grade is counted (limits.py); the clock is there for defects. It counts the worker's CPU seconds,
not wall time: a pair first meets a soft limit (an exception in the worker) and, if it is stuck inside a library, the
parent kills the worker; both are recorded as "timeout".

A worker that dies says little about the pair in its hand: whoever was out of memory, the system kills one of its choice.
That pair is tried again alone, with no other worker busy. Only if it breaks its worker twice by itself, or many of its
workers are killed from outside, is it "too_large".
"""

import multiprocessing
import multiprocessing.connection
import os
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import islice

from openmath.grading.grades import Grade
from openmath.grading.worker import TASKS, Sample, Worker

POLL_S = 0.2  # seconds between two looks at the workers' clocks while nothing arrives
CHUNK = 128  # jobs sent to a worker at once
WINDOW = 4  # chunks per worker that may be read ahead of the slowest result
MAX_DEATHS_ALONE = 2  # workers that a pair breaks while it is alone, before it is "too_large"
MAX_KILLS_ALONE = 10  # ... or that are killed from outside
MAX_IDLE_DEATHS = 3  # workers in a row that die with no job in hand before the pool gives up: something is broken
MAX_IDLE_KILLS = 200  # ... or are killed from outside before one of them has graded anything
KILL_PAUSE_S = 0.05  # after the first of those, so that memory may become free; longer after each
MAX_PAUSE_S = 2


class GraderPool:
    """Worker processes that grade hostile text under limits. A context manager; not thread-safe.

    processes: how many workers (default: the CPUs this process may use). policy: "default" or "paper".
    """

    def __init__(self, processes: int | None = None, policy: str = "default"):
        self._context = multiprocessing.get_context("spawn")  # fork copies locks that other threads may hold
        self._policy = policy
        self._size = processes or available_cpus()
        self._workers: list[Worker] = []

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
        while run.backlog or (run.suspects and not any(worker.jobs for worker in self._workers)):
            worker = next((w for w in self._workers if not w.jobs), None)
            if worker is None:
                if len(self._workers) == self._size:
                    return
                worker = Worker(self._context, self._policy)
                self._workers.append(worker)
            if run.backlog:
                worker.send(run.task, run.backlog.popleft())
            else:
                worker.send(run.task, dict([run.suspects.popleft()]), alone=True)

    def _collect(self, run: "_Run", wait: float) -> None:
        busy = {worker.connection: worker for worker in self._workers if worker.jobs}
        ready = multiprocessing.connection.wait(busy, timeout=wait) if busy else []
        for connection in ready:
            worker = busy[connection]
            try:
                finished = connection.recv()
            except (EOFError, OSError):  # it died, maybe in the middle of a message
                self._replace(worker, run, killed=worker.was_killed())
                continue
            worker.last_seen = time.monotonic()
            run.idle_deaths = 0
            for index, result in finished:
                run.results[index] = result
                del worker.jobs[index]
        if wait:
            for worker in [worker for worker in busy.values() if worker in self._workers]:
                overdue = worker.overdue()
                if overdue is not None or worker.stuck():
                    self._replace(worker, run, killed=True, overdue=overdue)

    def _replace(self, worker: Worker, run: "_Run", *, killed: bool, overdue: int | None = None) -> None:
        """Replace a worker that broke, or was killed. The job in its hand fails if it is overdue or has done this before while
        alone, else it is tried alone; the others go on."""
        worker.stop()
        self._workers.remove(worker)
        suspect = worker.current()
        if suspect not in worker.jobs:
            self._bear_idle_death(worker, run, killed=killed)
        else:
            job = worker.jobs.pop(suspect)
            run.deaths_alone[suspect, killed] += worker.alone
            if suspect == overdue:
                run.fail(suspect, job, "timeout")
            elif run.deaths_alone[suspect, killed] >= (MAX_KILLS_ALONE if killed else MAX_DEATHS_ALONE):
                run.fail(suspect, job, "too_large")
            else:
                run.suspects.append((suspect, job))
        if worker.jobs:
            run.backlog.appendleft(worker.jobs)

    def _bear_idle_death(self, worker: Worker, run: "_Run", *, killed: bool) -> None:
        """Go on after some workers that died with no job in hand. Raises RuntimeError after many."""
        run.idle_deaths += 1
        if run.idle_deaths > (MAX_IDLE_KILLS if killed else MAX_IDLE_DEATHS):
            why = "killed: is there too little memory?" if killed else f"exit code {worker.process.exitcode}"
            raise RuntimeError(f"grading workers die before they grade anything ({why})")
        time.sleep(min(run.idle_deaths * KILL_PAUSE_S, MAX_PAUSE_S))


class _Run:
    """The state of one pass over an iterable of jobs."""

    def __init__(self, task: str, source: Iterator):
        self.task, self.source = task, source
        self.backlog: deque[dict[int, tuple]] = deque()  # chunks that no worker has
        self.results: dict[int, object] = {}  # finished, not yet given out
        self.suspects: deque[tuple[int, tuple]] = deque()  # jobs to try alone: a worker died with them in its hand
        self.deaths_alone: Counter[tuple[int, bool]] = Counter()  # by job, and whether its worker was killed
        self.idle_deaths = 0  # in a row, of workers with no job in hand
        self.read = self.given = 0
        self.exhausted = False

    def fail(self, index: int, job: tuple, status: str) -> None:
        """Settle a job that breaks a limit."""
        _, failed = TASKS[self.task]
        self.results[index] = failed(job[0], status)

    def read_chunk(self) -> None:
        chunk = list(islice(self.source, CHUNK))
        self.exhausted = len(chunk) < CHUNK
        if chunk:
            self.backlog.append(dict(enumerate(chunk, start=self.read)))
            self.read += len(chunk)


def available_cpus() -> int:
    """CPUs this process may use, not those of the machine: a batch job gets a share of its node."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
