"""One grading worker: its process, its limits, and the jobs it was sent and has not finished. pool.py commands several."""

import contextlib
import multiprocessing.connection
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import psutil

from openmath.grading.grades import Grade
from openmath.grading.limits import CPU_LIMIT_S, KILL_AFTER_S, MEMORY_LIMIT_BYTES, STUCK_AFTER_S

FLUSH_S = 0.02  # a worker hands over finished results at least this often, so that a kill loses almost nothing
EXIT_WAIT_S = 5  # for a worker whose pipe has closed to be gone, so that its exit code says why

_PROGRESS = struct.Struct("qd")  # index of the job in hand, the worker's CPU seconds when it began


class Sample(NamedTuple):
    """Everything that grading says about one predicted answer."""

    grade: Grade
    vote_class: str | None


def _grade_pair(predicted: str | None, expected: str, policy: str) -> Grade:
    from openmath.grading import compare  # here, in a worker: whoever only commands workers does not need it

    return compare.grade(predicted, expected, policy)


def _grade_sample(predicted: str | None, expected: str, policy: str) -> Sample:
    from openmath.grading import compare

    return Sample(compare.grade(predicted, expected, policy), compare.vote_class(predicted))


def _failed_pair(predicted: str | None, status: str) -> Grade:
    return Grade(False, status)


def _failed_sample(predicted: str | None, status: str) -> Sample:
    from openmath.grading import compare

    return Sample(Grade(False, status), compare.text_class(predicted))


# Task -> what a worker does with a pair, and what is said of one that breaks a limit. "pair" leaves out the vote class: two
# answers with the same text need not be read then.
TASKS: dict[str, tuple[Callable[..., object], Callable[[str | None, str], object]]] = {
    "pair": (_grade_pair, _failed_pair),
    "sample": (_grade_sample, _failed_sample),
}


class _SoftTimeout(BaseException):
    """Raised by the worker's CPU timer inside the running job; BaseException: no handler in the grader may eat it."""


def _on_timer(signum: int, frame: object) -> None:
    raise _SoftTimeout


def work(connection: multiprocessing.connection.Connection, progress, policy: str) -> None:
    """A worker: receives (task, first index, jobs), sends [(index, result), ...], until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business; it closes our pipe
    signal.signal(signal.SIGPROF, _on_timer)
    _grade_sample("1", "2", policy)  # everything imported before memory is measured
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


@contextlib.contextmanager
def _hash_seed(seed: str) -> Iterator[None]:
    """Processes started within it hash texts alike."""
    before = os.environ.get("PYTHONHASHSEED")
    os.environ["PYTHONHASHSEED"] = seed
    try:
        yield
    finally:
        os.environ.pop("PYTHONHASHSEED")
        if before is not None:
            os.environ["PYTHONHASHSEED"] = before


class Worker:
    """One worker process, and the jobs it was sent and has not finished."""

    def __init__(self, context, policy: str):
        self.progress = context.RawArray("b", _PROGRESS.size)  # shared memory, read while the worker computes
        self.connection, child = context.Pipe()
        self.process = context.Process(target=work, args=(child, self.progress, policy), daemon=True)
        _PROGRESS.pack_into(self.progress, 0, -1, 0.0)
        with _hash_seed("0"):  # the order of sets, and with it the steps of SymPy
            self.process.start()
        child.close()
        self.jobs: dict[int, tuple] = {}
        self.alone = False
        self.last_seen = time.monotonic()

    def send(self, task: str, jobs: dict[int, tuple], *, alone: bool = False) -> None:
        """Only to an idle worker: it is reading, so this cannot block for long. alone: no other worker is busy."""
        self.jobs, self.alone = dict(jobs), alone
        self.last_seen = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died: collect() sees the closed pipe
            self.connection.send((task, list(jobs), list(jobs.values())))

    def current(self) -> int:
        """Index of the job in hand, -1 for none."""
        return _PROGRESS.unpack_from(self.progress, 0)[0]

    def overdue(self) -> int | None:
        """Index of the job in hand if it has used more CPU than any job may."""
        index, began = _PROGRESS.unpack_from(self.progress, 0)
        if index not in self.jobs:
            return None
        try:
            times = psutil.Process(self.process.pid).cpu_times()
        except psutil.NoSuchProcess:
            return None  # its death is handled where its pipe closes
        return index if times.user + times.system - began > KILL_AFTER_S else None

    def stuck(self) -> bool:
        """Has it neither computed much nor answered for long? Then it was suspended, or the machine is at a standstill."""
        return time.monotonic() - self.last_seen > STUCK_AFTER_S

    def was_killed(self) -> bool:
        """Of a worker whose pipe has closed: was it killed, rather than broken by what it was doing?"""
        self.process.join(EXIT_WAIT_S)
        return self.process.exitcode in (-signal.SIGKILL, -signal.SIGTERM)

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()
