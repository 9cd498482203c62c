"""Sample files of one benchmark -> grades.parquet: one row per problem and sample run.

Every file is read once, a row at a time; what stays in memory is 18 bytes per sample and each distinct
(problem, answer) once, which is also graded once. Cost grows with distinct answers, not with samples.
"""

import json
import sys
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as parquet

from openmath.answers import answer_of, as_text, is_unfinished
from openmath.errors import InputError
from openmath.files import same_problems
from openmath.files.copies import copied_runs, copies_warning, text_mark
from openmath.files.fast_rows import read_rows
from openmath.files.rows import atomic_write, valid_text
from openmath.files.same_problems import SameProblems
from openmath.files.sample_rows import REFUSED_REASONS, id_of
from openmath.files.sample_runs import run_order, sample_run_of
from openmath.grading.grades import GRADER_VERSION
from openmath.grading.pool import GraderPool
from openmath.grading.worker import Sample

PROGRESS_EVERY_S = 5  # seconds between two progress lines on stderr
NO_COUNT = -1  # num_generated_tokens of a row that does not say
MAX_TOKENS = 2**31 - 1  # what the int32 column can hold
SCHEMA = pa.schema(  # of grades.parquet
    [
        ("id", pa.string()),
        ("sample_run", pa.dictionary(pa.int32(), pa.string())),
        ("predicted_answer", pa.string()),
        ("vote_class", pa.string()),
        ("is_correct", pa.bool_()),
        ("grade_status", pa.string()),
        ("finish_reason", pa.string()),
        ("num_generated_tokens", pa.int32()),
    ]
)
REASONING = pa.field("num_reasoning_tokens", pa.int32())  # a column more where a sample says it


class Problem:
    """One problem: its id and text where known, its reference answer, and the distinct answers given to it."""

    __slots__ = ("answers", "expected", "id", "text")

    def __init__(self, id: str, text: str | None, expected: str):
        self.id, self.text, self.expected = id, text, expected
        self.answers: dict[str | None, int] = {}  # answer -> index into the list of all distinct pairs


def read_benchmark(path: str | Path) -> list[Problem]:
    """The problems of a prepared benchmark, in order."""
    return _read_problems(path, "A benchmark row has no expected_answer.")


def problems_of_samples(path: str | Path) -> list[Problem]:
    """The problems of a sample file made elsewhere, which carries its own reference answers."""
    message_if_missing = "A row has no expected_answer, and no benchmark was given."
    return _read_problems(path, message_if_missing, hint="pass --benchmark data/NAME.jsonl.")


def _read_problems(path: str | Path, message_if_missing: str, hint: str | None = None) -> list[Problem]:
    problems = []
    for number, row in enumerate(read_rows(path)):
        expected = as_text(row.get("expected_answer"))
        if expected is None:
            raise InputError(message_if_missing, where=f"{path}:{number + 1}", hint=hint)
        problems.append(Problem(id_of(row, number), row.get("problem"), expected))
    if not problems:
        raise InputError("The file is empty.", where=path)
    return problems


class SampleTable:
    """What is kept of the sample files: per sample the number of its distinct pair, finish reason and token counts."""

    def __init__(
        self, problems: list[Problem], origin: str | Path, from_benchmark: bool = False, policy: str = "default"
    ):
        self.problems, self._policy = problems, policy
        # Given, a benchmark's references count, whatever the samples say.
        stated = [same_problems.Problem(problem.id, problem.text, problem.expected) for problem in problems]
        self._same = SameProblems(origin, stated, references=not from_benchmark)
        self.runs: list[str] = []
        self.pair_of: list[array] = []  # per run, in benchmark order: index of the distinct (problem, answer) pair
        self.finish: list[array] = []  # per run: index into finish_reasons
        self.tokens: list[array] = []  # per run: num_generated_tokens, NO_COUNT where unknown
        self.thought: list[array] = []  # per run: num_reasoning_tokens, likewise
        self.unfinished: list[bytearray] = []  # per run: whether there is no answer since the thought never ends
        self.marks: dict[str, array] = {}  # per run: copies.text_mark
        self.finish_reasons: dict[str | None, int] = {None: 0}
        self.answers: list[str | None] = []  # per distinct pair
        self._started = self._told = time.monotonic()

    def read(self, paths: Sequence[str | Path]) -> Iterator[tuple[str | None, str]]:
        """Read the files in run order and yield each distinct (answer, expected) pair once, when first seen."""
        by_run: dict[str, str | Path] = {}
        for path in paths:
            run = sample_run_of(path)
            if run in by_run:
                raise InputError(
                    "Two files hold the same sample run.", where=path, found=f"{run} also in {by_run[run]}"
                )
            by_run[run] = path
        for run in sorted(by_run, key=run_order):
            yield from self._read_file(run, by_run[run])
            self._report_progress(
                f"read {len(self.runs)} of {len(by_run)} sample runs, {len(self.answers)} distinct answers"
            )

    def _read_file(self, run: str, path: str | Path) -> Iterator[tuple[str | None, str]]:
        pair_of, finish, marks = array("i"), array("h"), array("q")
        tokens, thought, unfinished = array("i"), array("i"), bytearray()
        number = 0
        for number, row in enumerate(read_rows(path), start=1):
            if number > len(self.problems):
                continue  # counted, reported below
            problem = self.problems[number - 1]
            self._same.check(path, number - 1, row)
            answer = answer_of(row, self._policy)
            pair = problem.answers.get(answer)
            if pair is None:
                pair = problem.answers[answer] = len(self.answers)
                self.answers.append(answer)
                yield answer, problem.expected
            pair_of.append(pair)
            reason = as_text(row.get("finish_reason"))
            finish.append(self.finish_reasons.setdefault(reason, len(self.finish_reasons)))
            tokens.append(_count(row.get("num_generated_tokens")))
            thought.append(_count(row.get("num_reasoning_tokens")))
            unfinished.append(answer is None and is_unfinished(row, self._policy))
            marks.append(text_mark(row))
        self._same.check_count(path, number)
        self.runs.append(run)
        self.pair_of.append(pair_of)
        self.finish.append(finish)
        self.tokens.append(tokens)
        self.thought.append(thought)
        self.unfinished.append(unfinished)
        self.marks[run] = marks

    def _report_progress(self, message: str) -> None:
        if (now := time.monotonic()) - self._told > PROGRESS_EVERY_S:
            print(f"[{now - self._started:6.0f} s] {message}", file=sys.stderr, flush=True)
            self._told = now

    def write(self, path: str | Path, samples: list[Sample], policy: str) -> None:
        """Write the parquet file, one row group per sample run; it appears complete or not at all."""
        metadata = {"grader_version": str(GRADER_VERSION), "grading_policy": policy}
        if copies := copied_runs(self.marks):
            metadata["copied_runs"] = json.dumps(copies)
            print(f"warning: {copies_warning(Path(path).stem, copies)}", file=sys.stderr)
        counted = any(max(thought, default=NO_COUNT) != NO_COUNT for thought in self.thought)
        schema = pa.schema([*SCHEMA, *[REASONING] * counted], metadata)
        of_pair = pa.table(
            {
                "predicted_answer": _strings(self.answers),
                "vote_class": _strings(sample.vote_class for sample in samples),
                "is_correct": pa.array([sample.grade.correct for sample in samples], pa.bool_()),
                "grade_status": _strings(sample.grade.status for sample in samples),
            }
        )
        ids = _strings(problem.id for problem in self.problems)
        reasons = _strings(self.finish_reasons)
        with atomic_write(path) as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            of_runs = (self.runs, self.pair_of, self.finish, self.tokens, self.thought, self.unfinished)
            for run, pair_of, finish, tokens, thought, unfinished in zip(*of_runs, strict=True):
                rows = of_pair.take(pa.array(pair_of, pa.int32()))
                finish_reason = reasons.take(pa.array(finish, pa.int32()))
                unanswered = pa.compute.equal(rows["grade_status"], "no_answer")
                refused = pa.compute.and_(unanswered, pa.compute.is_in(finish_reason, pa.array(REFUSED_REASONS)))
                status = pa.compute.if_else(
                    pa.array(map(bool, unfinished), pa.bool_()), "unfinished", rows["grade_status"]
                )
                columns = [
                    ids,
                    pa.DictionaryArray.from_arrays(pa.array([0] * len(ids), pa.int32()), pa.array([run])),
                    rows["predicted_answer"],
                    rows["vote_class"],
                    rows["is_correct"],
                    pa.compute.if_else(refused, "refused", status),
                    finish_reason,
                    *map(_counts, (tokens, thought)[: 1 + counted]),
                ]
                writer.write_table(pa.table(columns, schema=schema))


def grade_files(
    paths: Sequence[str | Path],
    output: str | Path,
    *,
    benchmark: str | Path | None = None,
    policy: str = "default",
    processes: int | None = None,
) -> tuple[int, int, int]:
    """Grade sample files into a parquet file. Returns (samples, distinct pairs, pairs with a status other than ok)."""
    origin = benchmark if benchmark is not None else min(paths, key=lambda path: run_order(sample_run_of(path)))
    problems = read_benchmark(origin) if benchmark is not None else problems_of_samples(origin)
    table = SampleTable(problems, origin, from_benchmark=benchmark is not None, policy=policy)
    with GraderPool(processes, policy) as pool:
        samples = list(pool.grade_samples(table.read(paths)))
    table.write(output, samples, policy)
    unsettled = sum(sample.grade.status in ("timeout", "too_large") for sample in samples)
    return len(table.runs) * len(problems), len(samples), unsettled


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value <= MAX_TOKENS else NO_COUNT


def _counts(values: array) -> pa.Array:
    counts = pa.array(values, pa.int32())
    return pa.compute.if_else(pa.compute.equal(counts, NO_COUNT), None, counts)


def _strings(texts: Iterable[str | None]) -> pa.Array:
    return pa.array([None if text is None else valid_text(text) for text in texts], pa.string())
