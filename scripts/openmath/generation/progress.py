"""How far a generation job is, and how fast: what people see while it runs, and what plans are made from afterwards.

Standard library only: this module also runs inside engine containers.
"""

import math
import time
from typing import Literal, TypedDict

from openmath.files.records import Machine

PROGRESS_SECONDS = 5.0


def clock_text(seconds: float) -> str:
    """How long something takes, for people: 0:07, 12:30, 3:05:00."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class JobSpeed(TypedDict):
    """How fast a finished job was. Seconds are by the clock, and do not count the start of the engine."""

    started: float  # seconds since 1970
    samples: int
    tokens: int  # generated
    seconds: float
    # While the engine was full; 0 where there were too few requests to fill it.
    full_samples: int
    full_tokens: int
    full_seconds: float


class JobRecord(JobSpeed):
    """A line of jobs.jsonl: how fast a job was, for plans, and where it ran, for the manifest of the results."""

    start_seconds: float  # from the start of the job to the first request
    copies: int  # of the engine, each on GPUs of its own
    engines_per_gpu: int | Literal["auto"]  # as asked for; older lines have none: 1
    concurrency: int  # requests in flight, the most that were; of older lines the most that were allowed
    engine: str  # its version
    engine_args: str  # speed settings, in the server's own flags
    runs: list[str]  # sample runs
    settings: dict[str, str]  # benchmark -> fingerprint of what its samples are
    gpus: int
    machine: Machine
    versions: dict[str, str]
    answered_by: list[str]  # model and system_fingerprint, as servers that are not ours name them
    asked_without: list[str]  # parameters that the endpoint refuses, so not sent; older lines have none


# Of a job's record. Older ones have only some.
AMOUNTS = (*JobSpeed.__annotations__, "start_seconds", "copies", "concurrency", "gpus")
NEEDED = ("samples", "tokens", "seconds")
NEEDED_WHEN_FULL = ("full_tokens", "full_seconds", "copies", "concurrency")


def is_job(line: dict) -> bool:
    """Whether a line of jobs.jsonl is the record of a job, with amounts that plans can count with."""
    needed = NEEDED + (NEEDED_WHEN_FULL if line.get("full_samples") else ())
    return (
        isinstance(line.get("engine"), str)
        and isinstance(line.get("settings", {}), dict)
        and all(name in line for name in needed)
        and all(_is_amount(line[name]) for name in AMOUNTS if name in line)
    )


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


class Progress:
    """Counts finished samples and says so every few seconds.

    The engine is full from the first finished request to the last one sent: then it has read the common beginning of the prompts,
    and always has the next request. The speed of this stretch holds for jobs of any size; what comes before and after it takes
    about as long in a small job as in a large one.
    """

    def __init__(self, wanted: int):
        self._wanted = wanted
        self.done, self._tokens = 0, 0
        self._started = self._shown = time.monotonic()
        self._first_finished = self._last_sent = 0.0
        self._full_samples, self._full_tokens = 0, 0.0
        self._finished: list[tuple[float, float, int]] = []  # (sent, finished, tokens), since the last request was sent

    def sent(self) -> float:
        """A request is about to be sent. Returns the time, for `finished`."""
        self._last_sent = time.monotonic()
        self._count_full()
        return self._last_sent

    def finished(self, sent: float, tokens: int) -> None:
        """A request has got its answer."""
        now = time.monotonic()
        if tokens:  # one that was never sent (its prompt is too long) says nothing of the engine
            self._first_finished = self._first_finished or now
            self._finished.append((sent, now, tokens))

    def add(self, tokens: int) -> None:
        """A sample is kept."""
        self.done, self._tokens = self.done + 1, self._tokens + tokens
        if time.monotonic() - self._shown < PROGRESS_SECONDS and self.done < self._wanted:
            return
        self._shown = time.monotonic()
        seconds = self._shown - self._started
        left = seconds / self.done * (self._wanted - self.done)
        print(
            f"generate: {self.done}/{self._wanted} samples, {self._tokens / seconds:.0f} tokens/s, "
            f"{clock_text(left)} left",
            flush=True,
        )

    def record(self) -> JobSpeed:
        seconds = time.monotonic() - self._started
        self._count_full()
        return {
            "started": round(time.time() - seconds, 1),
            "samples": self.done,
            "tokens": self._tokens,
            "seconds": round(seconds, 1),
            "full_samples": self._full_samples,
            "full_tokens": round(self._full_tokens),
            "full_seconds": round(max(0.0, self._last_sent - self._first_finished) if self._first_finished else 0.0, 1),
        }

    def _count_full(self) -> None:
        """Add the part of each request that lies in the full stretch as known by now; its tokens came evenly over its time."""
        for sent, finished, tokens in self._finished:
            inside = min(finished, self._last_sent) - max(sent, self._first_finished)
            if inside > 0:
                self._full_tokens += tokens * inside / (finished - sent)
                self._full_samples += finished <= self._last_sent
        self._finished.clear()
