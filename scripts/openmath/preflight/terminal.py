"""What a person at a terminal sees of a run: what will be done, a live line per running job, finished stages, errors.

A handler of Snakemake's logger. Snakemake's own log, .snakemake/log, stays complete; so does each job's log, from which the live
lines and the errors are read.
"""

import logging
import re
import shutil
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TextIO

from openmath.errors import printable

MOST_LINES = 8  # of running jobs; of more, one line sums them up
TEXT_COLUMNS = 100
ERROR_LINES = 15
END_BYTES = 8192  # read of a log
REDRAW_SECONDS = 1.0
SAMPLES = re.compile(r"generate: (\d+)/(\d+) samples, (\d+) tokens/s")
ERASE = "\033[1A\033[2K"  # the line above
# Of a failed job Snakemake says these too, around what the error of the job says already.
SAID_BETTER = (
    "RuleException",
    "CalledProcessError",
    "Exiting because a job execution failed",
    "Shutting down, this might",
)
WORTH_SAYING = ("Nothing to be done", "Complete log")


class Running(NamedTuple):
    title: str
    stage: str
    log: str  # path
    started: float  # seconds since 1970

    def last_words(self) -> str:
        """The last line of its log; none of an earlier run's."""
        lines = _end(self.log, since=self.started)
        return lines[-1] if lines else ""


class Terminal(logging.Handler):
    """Writes what Snakemake reports to a terminal.

    here: jobs run on this machine; else they may wait in a queue, and one line sums them up.
    columns: of the terminal, at this moment.
    """

    def __init__(
        self, stream: TextIO, *, here: bool, columns: Callable[[], int] = lambda: shutil.get_terminal_size().columns
    ):
        super().__init__()
        self._stream, self._here, self._columns = stream, here, columns
        self._running: dict[int, Running] = {}
        self._left: Counter[str] = Counter()  # stage -> jobs
        self._jobs: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()  # from each job's start to its end, summed
        self._failed: set[int] = set()
        self._drawn = 0  # lines
        self._ended = threading.Event()
        self._redraw = threading.Thread(target=self._keep_drawing, daemon=True)

    def start(self) -> None:
        self._redraw.start()

    def freeze(self) -> None:
        """Leave all as it stands; takes no lock, so that a signal's handler may call it."""
        self._ended.set()

    def stop(self) -> None:
        """Take the live lines away, where nothing was written below them."""
        frozen = self._ended.is_set()
        self._ended.set()
        if self._redraw.is_alive():
            self._redraw.join()
        if not frozen:
            self._write([])

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if not self._ended.is_set() and (lines := self._lines(record)):
                self._write(lines)
        except Exception:  # as all handlers do: what is told of a run must not end it
            self.handleError(record)

    def _lines(self, record: logging.LogRecord) -> list[str]:
        match getattr(record, "event", None):
            case "run_info":
                return self._plan(record.stats)  # type: ignore[attr-defined]
            case "job_info":
                self._begin(record)
            case "job_finished":
                return self._finish(record.job_id)  # type: ignore[attr-defined]
            case "job_error":
                return self._fail(record)
            case None | "error":
                text = record.getMessage().strip()
                if record.levelno >= logging.WARNING and not any(said in text for said in SAID_BETTER):
                    return [printable(line) for line in text.splitlines()]
                return [text] if text.startswith(WORTH_SAYING) else []
        return []

    def _plan(self, stats: dict[str, int]) -> list[str]:
        for rule, jobs in stats.items():
            if rule != "total":
                self._left[_stage(rule)] += jobs
        self._jobs = self._left.copy()
        stages = ", ".join(stage if jobs == 1 else f"{stage} ({jobs})" for stage, jobs in self._jobs.items())
        return textwrap.wrap(f"To do, {self._jobs.total()} jobs: {stages}", TEXT_COLUMNS, subsequent_indent="  ")

    def _begin(self, record: logging.LogRecord) -> None:
        job = record.__dict__
        stage, values = _stage(job["rule_name"]), list(map(str, (job["wildcards"] or {}).values()))
        title = job["rule_msg"] or (" ".join([stage, *values]) if values else job["rule_name"])
        log = str(next(iter(job["log"] or ()), ""))
        if log:  # rules without one only name files
            self._running[job["jobid"]] = Running(printable(title.split("; log:")[0]), stage, log, time.time())

    def _finish(self, number: int) -> list[str]:
        job = self._running.pop(number, None)
        if job is None:
            return []
        self._left[job.stage] -= 1
        self._seconds[job.stage] += round(time.time() - job.started)
        if self._left[job.stage] > 0:
            return []
        jobs = max(self._jobs[job.stage], 1)
        return [f"done: {job.stage}, {jobs} job{'s' * (jobs > 1)}, {_clock(self._seconds[job.stage])}"]

    def _fail(self, record: logging.LogRecord) -> list[str]:
        job = record.__dict__
        if job["jobid"] in self._failed:  # Snakemake says it twice: when it happens, and at the end
            return []
        self._failed.add(job["jobid"])
        began = self._running.pop(job["jobid"], None)
        log = str(next(iter(job["log"] or ()), ""))
        lines = _end(log, since=began.started if began else 0.0)
        first = max((number for number, line in enumerate(lines) if line.startswith("error:")), default=-ERROR_LINES)
        return [
            "",
            f"failed: {began.title if began else printable(job['rule_name'])}",
            *(f"  {line}" for line in lines[first:][:ERROR_LINES]),
            *([f"  log: {log}"] if log else []),
        ]

    def _keep_drawing(self) -> None:
        while not self._ended.wait(REDRAW_SECONDS):
            with self.lock or threading.RLock():
                self._write([])

    def _write(self, lines: list[str]) -> None:
        """lines: to stay, above the live ones."""
        live = [] if self._ended.is_set() else [line[: self._columns() - 1] for line in self._live()]
        if lines or live or self._drawn:
            self._stream.write(ERASE * self._drawn + "".join(f"{line}\n" for line in [*lines, *live]))
            self._stream.flush()
        self._drawn = len(live)

    def _live(self) -> list[str]:
        jobs = list(self._running.values())
        said = [job.last_words() for job in jobs]
        if jobs and (not self._here or len(jobs) > MOST_LINES):
            stages = ", ".join(f"{count} {stage}" for stage, count in Counter(job.stage for job in jobs).items())
            counts = [tuple(map(int, match.groups())) for text in said if (match := SAMPLES.match(text))]
            done, wanted, speed = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0, 0)
            samples = f"; {done}/{wanted} samples, {speed} tokens/s" if counts else ""
            return [f"{'running' if self._here else 'submitted'}: {stages}{samples}"]
        return [
            f"{_clock(time.time() - job.started)}  {job.title}{': ' if words else ''}{words.removeprefix('generate: ')}"
            for job in jobs
            for words in [job.last_words()]
        ]


def _stage(rule: str) -> str:
    """Rules of each model have names of their own: generate_MODEL_JOB, judge_MODEL_by_JUDGE."""
    return re.sub(r"^(generate|judge)_.*", r"\1", rule).replace("_", " ")


def _clock(seconds: float) -> str:
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f}"


def _end(log: str, *, since: float) -> list[str]:
    """The last lines of a log written since then, without what could move the cursor."""
    try:
        if not log or Path(log).stat().st_mtime < since - 1:  # file systems round
            return []
        with open(log, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - END_BYTES))
            text = file.read(END_BYTES).decode(errors="replace")
    except OSError:
        return []
    return [printable(line.rstrip()) for line in text.splitlines() if line.strip()]
