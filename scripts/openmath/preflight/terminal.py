"""What a person sees of a run: what will be done, what is being done, finished stages, errors with their log.

A handler of Snakemake's logger. On a terminal there is a live line for each running job; a file or a pipe gets a line where a job
begins and one where it ends. Snakemake's own log, .snakemake/log, stays complete; so does each job's log, from which the live
lines and the errors are read.
"""

import logging
import re
import signal
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple, TextIO

from openmath.errors import printable
from openmath.generation.progress import clock_text

MOST_LINES = 8  # of running jobs; of more, one line sums them up
TEXT_COLUMNS = 100
LEAST_TITLE = 20  # columns that the title of a job keeps beside its last words
ERROR_LINES = 15
# Of a refused call of sbatch all that a person asked for; its job's own command follows, two thousand characters.
CAUSE_COLUMNS = 600
END_BYTES = 8192  # read of a log
REDRAW_SECONDS = 1.0
# What generate.py and judge_answers.py say of their progress.
PROGRESS = re.compile(r"(?:generate|judge): (\d+)/(\d+) (samples|questions)(?:, (\d+) tokens/s)?")
ERASE = "\033[1A\033[2K"  # the line above
SAID_BETTER = (
    "RuleException",
    "CalledProcessError",
    "Exiting because a job execution failed",
    "At least one job did not complete successfully",
)
ENDED = re.compile(r"died with <Signals\.(\w+)|returned non-zero exit status (129|1[3-5]\d)\b")  # from outside
WORTH_SAYING = ("Nothing to be done", "Creating conda environment", "Pulling singularity image")
TRIED_AGAIN = re.compile(r"Trying to restart job (\d+)\.")
# Of an executor: where to look, which the line of the logs says.
SEE_LOGS = "For further error details see the cluster/cloud log and the log files of the involved rule(s)."


class Job(NamedTuple):
    title: str
    stage: str
    log: str  # path
    started: float  # seconds since 1970

    def last_words(self) -> str:
        """The last line of its log; none of an earlier run's."""
        lines = _end(self.log, since=self.started)
        return lines[-1] if lines else ""

    def line(self, columns: int) -> str:
        """What it does, in one line; what is new of it is last, so a long title is cut before that."""
        clock, words = clock_text(time.time() - self.started), self.last_words().removeprefix("generate: ")
        room = columns - len(f"{clock}  ") - len(f": {words}") * bool(words)
        return f"{clock}  {_cut(self.title, max(room, LEAST_TITLE))}{': ' if words else ''}{words}"


class Terminal(logging.Handler):
    """Writes what Snakemake reports.

    here: whether jobs run on this machine, which Snakemake knows once it executes; else they may wait in a queue, and one line sums
    them up. untold: rules that are not spoken of.
    columns: of the terminal, at this moment; None where the stream is a file or a pipe.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        here: Callable[[], bool],
        columns: Callable[[], int] | None,
        untold: Collection[str] = frozenset(),
    ):
        super().__init__()
        self._stream, self._here, self._columns, self._untold = stream, here, columns, untold
        self._running: dict[int, Job] = {}
        self._titles: dict[int, str] = {}
        self._left: Counter[str] = Counter()  # stage -> jobs
        self._jobs: Counter[str] = Counter()
        self._seconds: Counter[str] = Counter()  # from each job's start to its end, summed
        self._failed: dict[int, str] = {}  # job -> rule
        self._drawn = 0  # lines
        self._ended = threading.Event()
        self._redraw = threading.Thread(target=self._keep_drawing, daemon=True)

    def start(self) -> None:
        if self._columns:
            self._redraw.start()

    def freeze(self) -> None:
        """Leave all as it stands; takes no lock, so that a signal's handler may call it."""
        self._ended.set()

    def stop(self) -> None:
        """Take the live lines away, where nothing was written below them; sum up what has failed."""
        frozen = self._ended.is_set()
        self._ended.set()
        if self._redraw.is_alive():
            self._redraw.join()
        if not frozen:
            self._write(self._rest())

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
                return self._begin(record.__dict__)
            case "job_finished":
                return self._finish(record.job_id)  # type: ignore[attr-defined]
            case "job_error":
                return self._fail(record.__dict__)
            case None | "error":
                text = record.getMessage().strip()
                if again := TRIED_AGAIN.match(text):
                    return [f"  tried again: {self._titles.get(int(again[1]), again[1])}"]
                if ended := ENDED.search(text):
                    name = ended[1] or signal.Signals(int(ended[2]) - 128).name
                    return [f"  ended by {name}: by somebody, by a limit, or because memory was short"]
                if record.levelno >= logging.WARNING and not said_better(text):
                    return [printable(line) for line in text.splitlines()]
                return [text] if text.startswith(WORTH_SAYING) else []
        return []

    def _plan(self, stats: dict[str, int]) -> list[str]:
        for rule, jobs in stats.items():
            if rule not in self._untold and rule != "total":
                self._left[_stage(rule)] += jobs
        self._jobs = self._left.copy()
        if not self._jobs:
            return []
        stages = ", ".join(stage if jobs == 1 else f"{stage} ({jobs})" for stage, jobs in self._jobs.items())
        width = min(TEXT_COLUMNS, self._columns() - 1) if self._columns else TEXT_COLUMNS
        return textwrap.wrap(f"To do, {_jobs(self._jobs.total())}: {stages}", width, subsequent_indent="  ")

    def _begin(self, job: dict) -> list[str]:
        number, rule = job["jobid"], job["rule_name"]
        if rule in self._untold:
            return []
        stage = _stage(rule)
        values = map(str, (job["wildcards"] or {}).values())
        title = job["rule_msg"] or " ".join([stage, *values]) + rule[len(stage) :].replace("_", " ")
        title = self._titles[number] = printable(title.split("; log:")[0])
        log = str(next(iter(job["log"] or ()), ""))
        self._running[number] = Job(title, stage, log, time.time())
        self._failed.pop(number, None)  # it is tried again
        begun = "begun" if self._here() or job.get("local") else "submitted"
        return [] if self._columns else [f"{_now()}  {begun}: {title}{'; log: ' if log else ''}{log}"]

    def _finish(self, number: int) -> list[str]:
        job = self._running.pop(number, None)
        if job is None:
            return []
        self._left[job.stage] -= 1
        seconds = time.time() - job.started
        self._seconds[job.stage] += round(seconds)
        if not self._columns:
            count = f"{self._jobs.total() - self._left.total()} of {self._jobs.total()}"
            return [f"{_now()}  done, {count}: {job.title}, {clock_text(seconds)}"]
        if self._left[job.stage] > 0:
            return []
        return [f"done: {job.stage}, {_jobs(self._jobs[job.stage])}, {clock_text(self._seconds[job.stage])}"]

    def _fail(self, job: dict) -> list[str]:
        number = job["jobid"]
        if number in self._failed:  # Snakemake says it twice: when it happens, and at the end
            return []
        self._failed[number] = job["rule_name"]
        began = self._running.pop(number, None)
        logs = [str(log) for log in job["log"] or ()]  # the rule's, and what a cluster has written beside it
        ends = [end for log in logs if (end := _end(log, since=began.started if began else 0.0))]
        lines = ends[0] if ends else []
        first = max((number for number, line in enumerate(lines) if line.startswith("error:")), default=-ERROR_LINES)
        cause = (job["rule_msg"] or "").replace(SEE_LOGS, "").strip()
        return [
            "",
            f"failed: {self._titles.get(number) or printable(job['rule_name'])}",
            *(f"  {_cut(printable(line.strip()), CAUSE_COLUMNS)}" for line in cause.splitlines()),
            *(f"  {line}" for line in lines[first:][:ERROR_LINES]),
            *(f"  log: {log}" for log in logs),
        ]

    def _rest(self) -> list[str]:
        """The last words of a run in which something failed."""
        if not self._failed:
            return []
        left = self._left.total() - sum(rule not in self._untold for rule in self._failed.values())
        not_begun = f", {_jobs(left)} not begun" if left else ""
        kept = "What is finished is kept; the same command goes on from there."
        return ["", f"{_jobs(len(self._failed))} failed{not_begun}. {kept}"]

    def _keep_drawing(self) -> None:
        while not self._ended.wait(REDRAW_SECONDS):
            with self.lock or threading.RLock():
                self._write([])

    def _write(self, lines: list[str]) -> None:
        """lines: to stay, above the live ones."""
        live = [] if self._ended.is_set() or not self._columns else self._live(self._columns() - 1)
        if lines or live or self._drawn:
            self._stream.write(ERASE * self._drawn + "".join(f"{line}\n" for line in [*lines, *live]))
            self._stream.flush()
        self._drawn = len(live)

    def _live(self, columns: int) -> list[str]:
        jobs = list(self._running.values())
        if not jobs or (self._here() and len(jobs) <= MOST_LINES):
            return [_cut(job.line(columns), columns) for job in jobs]
        stages = ", ".join(f"{count} {stage}" for stage, count in Counter(job.stage for job in jobs).items())
        done, wanted, speed = Counter[str](), Counter[str](), 0
        for match in filter(None, (PROGRESS.match(job.last_words()) for job in jobs)):
            done[match[3]] += int(match[1])
            wanted[match[3]] += int(match[2])
            speed += int(match[4] or 0)
        counts = [f"{done[unit]:,}/{wanted[unit]:,} {unit}" for unit in wanted] + [f"{speed:,} tokens/s"] * bool(speed)
        text = f"{'running' if self._here() else 'submitted'}: {stages}{'; ' * bool(counts)}{', '.join(counts)}"
        return [_cut(text, columns)]


def said_better(text: str) -> bool:
    """What Snakemake says of a failed job around the error of the job itself."""
    return any(said in text for said in SAID_BETTER)


def _stage(rule: str) -> str:
    """Rules of each model have names of their own: generate_MODEL_JOB, judge_MODEL_by_JUDGE."""
    return re.sub(r"^(generate|judge)_.*", r"\1", rule).replace("_", " ")


def _jobs(number: int) -> str:
    return f"{number:,} job{'s' * (number != 1)}"


def _now() -> str:
    return time.strftime("%H:%M:%S")


def _cut(text: str, columns: int) -> str:
    return text if len(text) <= columns else f"{text[: columns - 3]}..."


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
