"""Sample files of one benchmark -> grades.parquet: one row per problem and sample run.

Every file is read once, a row at a time, and hashed on the way; files that were graded before and are unchanged are not read
(kept.py). What stays in memory is 37 bytes per sample and each distinct (problem, answer) once, which is also graded once. Cost
grows with distinct answers, not with samples.
"""

import itertools
import json
import sys
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as parquet

from openmath.files import same_problems
from openmath.files.columns import bools, counts, numbers, one_number, one_text, strings, values_of
from openmath.files.copies import copied_runs, copies_warning
from openmath.files.known_files import KnownFile
from openmath.files.rows import atomic_write
from openmath.files.same_problems import SameProblems
from openmath.files.sample_rows import REFUSED_REASONS
from openmath.files.sample_runs import files_by_run
from openmath.grading.grades import GRADER_VERSION, Grade
from openmath.grading.kept import COLUMNS, keeping, usable_kept
from openmath.grading.pool import GraderPool, available_cpus
from openmath.grading.problems import Problem, read_benchmark
from openmath.grading.sample_files import NO_COUNT, FileSamples, Noted, read_sample_file, read_sample_files
from openmath.grading.worker import Sample

PROGRESS_EVERY_S = 5  # seconds between two progress lines on stderr
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
# A column more where a sample says it.
REASONING, EXTRACTION = pa.field("num_reasoning_tokens", pa.int32()), pa.field("extraction", pa.string())


class Run(NamedTuple):
    """The samples of one run. Arrays are in benchmark order.

    pair_of: index of the distinct (problem, answer) pair. finish, extraction: index into SampleTable.words.
    """

    file: KnownFile
    pair_of: array
    finish: array
    extraction: array
    noted: Noted


class SampleTable:
    """What is kept in memory of the sample files.

    benchmark: file of the problems and references; without it those of the first sample file count. policy: how answers are read.
    """

    def __init__(self, benchmark: str | Path | None = None, policy: str = "default"):
        self.problems: list[Problem] = []
        self._policy = policy
        self._from_benchmark = benchmark is not None
        self._same: SameProblems | None = None  # None until the problems are known
        if benchmark is not None:
            self._know_problems(benchmark, read_benchmark(benchmark))
        self.runs: dict[str, Run] = {}  # in run order
        self.words: dict[str | None, int] = {None: 0}  # finish reasons and extractions
        self.answers: list[str | None] = []  # per distinct pair
        self.samples: list[Sample] = []  # per distinct pair: its grade and class
        self._unchanged: dict[str, Run] = {}
        self._started = self._told = time.monotonic()

    def _know_problems(self, origin: str | Path, problems: list[Problem]) -> None:
        self.problems = problems
        # Given, a benchmark's references count, whatever the samples say.
        stated = [same_problems.Problem(*problem.texts) for problem in problems]
        self._same = SameProblems(origin, stated, references=not self._from_benchmark)

    def take_kept(self, grades: str | Path, paths: Mapping[str, str | Path]) -> None:
        """Take the grades, kept beside a table of them, of all files that are unchanged. paths: by run, in run order."""
        kept = usable_kept(grades, self._policy, from_benchmark=self._from_benchmark)
        runs = kept.unchanged(paths) if kept else []
        if not kept or not runs:
            return
        first = next(iter(paths))
        if self._from_benchmark:
            usable = kept.problems == [problem.texts for problem in self.problems]
        else:
            usable = first == runs[0] == next(iter(kept.files))  # whose problems all other files are held against
        rows = kept.read(runs) if usable else None
        if rows is None:
            return
        if not self._from_benchmark:
            self._know_problems(paths[first], list(map(Problem, kept.problems)))
        pair_of = self._take_pairs(rows, len(runs))
        finish, extraction = (
            list(map(self._code_of, rows[name].to_pylist())) for name in ("finish_reason", "extraction")
        )
        tokens = rows["num_generated_tokens"].fill_null(one_number(NO_COUNT)).to_pylist()
        thought = rows["num_reasoning_tokens"].fill_null(one_number(NO_COUNT)).to_pylist()
        unfinished = rows["unfinished"].to_pylist()
        marks, starts = rows["text_mark"].to_pylist(), rows["row_start"].to_pylist()
        for number, run in enumerate(runs):
            part = slice(number * len(self.problems), (number + 1) * len(self.problems))
            self._unchanged[run] = Run(
                kept.files[run],
                array("i", pair_of[part]),
                array("i", finish[part]),
                array("i", extraction[part]),
                Noted(
                    array("i", tokens[part]),
                    array("i", thought[part]),
                    array("b", unfinished[part]),
                    array("q", marks[part]),
                    array("q", starts[part]),
                ),
            )
        print(f"{len(runs)} of {len(paths)} sample files are unchanged: not read again", file=sys.stderr)

    def _take_pairs(self, rows: pa.Table, runs: int) -> np.ndarray:
        """Take the distinct pairs of kept rows with their grades; the pair of each row."""
        problem = np.tile(np.arange(len(self.problems)), runs)
        column = rows["predicted_answer"].combine_chunks()
        answer = values_of(column.dictionary_encode(null_encoding="encode").indices)
        _, distinct, pair_of = np.unique(problem * (answer.max() + 1) + answer, return_index=True, return_inverse=True)
        pairs = (
            rows.select(["predicted_answer", "is_correct", "grade_status", "vote_class"])
            .take(numbers(distinct, pa.int64()))
            .to_pydict()
        )
        for number, text, correct, status, vote_class in zip(problem[distinct], *pairs.values(), strict=True):
            self.problems[number].answers[text] = len(self.answers)
            self.answers.append(text)
            self.samples.append(Sample(Grade(correct, status), vote_class))
        return pair_of

    def _code_of(self, word: str | None) -> int:
        return self.words.setdefault(word, len(self.words))

    def read(self, paths: Mapping[str, str | Path], processes: int) -> Iterator[tuple[str | None, str]]:
        """Read the files (by run, in run order) and yield each (answer, expected) pair that has no grade, when first seen."""
        left = [run for run in paths if run not in self._unchanged]
        if left and self._same is None:
            first = read_sample_file(paths[left[0]], self._policy, None)
            self._know_problems(paths[left[0]], list(map(Problem, first.problems)))
            read: Iterator[FileSamples] = itertools.chain(
                [first], self._read_files([paths[run] for run in left[1:]], processes)
            )
        else:
            read = self._read_files([paths[run] for run in left], processes)
        for run in paths:
            if run in self._unchanged:
                self.runs[run] = self._unchanged.pop(run)
            else:
                yield from self._take_file(run, next(read))
            self._report_progress(
                f"read {len(self.runs)} of {len(paths)} sample runs, {len(self.answers)} distinct answers"
            )

    def _read_files(self, paths: list[str | Path], processes: int) -> Iterator[FileSamples]:
        assert self._same is not None, "the first file has told its problems"
        return read_sample_files(paths, self._policy, self._same, processes)

    def _take_file(self, run: str, samples: FileSamples) -> Iterator[tuple[str | None, str]]:
        pair_of = array("i")
        for problem, answer in zip(self.problems, samples.answers, strict=True):
            pair = problem.answers.get(answer)
            if pair is None:
                pair = problem.answers[answer] = len(self.answers)
                self.answers.append(answer)
                yield answer, problem.expected
            pair_of.append(pair)
        codes = list(map(self._code_of, samples.words))
        finish, extraction = (array("i", [codes[code] for code in of]) for of in (samples.finish, samples.extraction))
        self.runs[run] = Run(samples.file, pair_of, finish, extraction, samples.noted)

    def _report_progress(self, message: str) -> None:
        if (now := time.monotonic()) - self._told > PROGRESS_EVERY_S:
            print(f"[{now - self._started:6.0f} s] {message}", file=sys.stderr, flush=True)
            self._told = now

    def write(self, path: str | Path) -> None:
        """Write the parquet file, one row group per sample run, and keep the grades; it appears complete or not at all."""
        metadata = {"grader_version": str(GRADER_VERSION), "grading_policy": self._policy}
        if copies := copied_runs({run: samples.noted.marks for run, samples in self.runs.items()}):
            metadata["copied_runs"] = json.dumps(copies)
            print(f"warning: {copies_warning(Path(path).stem, copies)}", file=sys.stderr)
        counted = any(max(samples.noted.thought, default=NO_COUNT) != NO_COUNT for samples in self.runs.values())
        unboxed = any(any(samples.extraction) for samples in self.runs.values())
        schema = pa.schema([*SCHEMA, *[REASONING] * counted, *[EXTRACTION] * unboxed], metadata)
        of_pair = pa.table(
            {
                "predicted_answer": strings(self.answers),
                "vote_class": strings(sample.vote_class for sample in self.samples),
                "is_correct": bools([sample.grade.correct for sample in self.samples]),
                "grade_status": strings(sample.grade.status for sample in self.samples),
            }
        )
        ids = strings(problem.texts[0] for problem in self.problems)
        words, refusals = strings(self.words), strings(REFUSED_REASONS)
        with ExitStack() as stack:
            kept = stack.enter_context(self._keeping(path))
            file = stack.enter_context(atomic_write(path))
            writer = stack.enter_context(parquet.ParquetWriter(file, schema, compression="zstd"))
            for run, samples in self.runs.items():
                rows = of_pair.take(numbers(samples.pair_of, pa.int32()))
                tokens, thought = (counts(of, NO_COUNT) for of in (samples.noted.tokens, samples.noted.thought))
                unfinished = bools(samples.noted.unfinished)
                finish_reason = words.take(numbers(samples.finish, pa.int32()))
                extraction = words.take(numbers(samples.extraction, pa.int32()))
                unanswered = pa.compute.equal(rows["grade_status"], one_text("no_answer"))
                refused = pa.compute.and_(unanswered, pa.compute.is_in(finish_reason, refusals))
                status = pa.compute.if_else(unfinished, one_text("unfinished"), rows["grade_status"])
                columns = [
                    ids,
                    pa.DictionaryArray.from_arrays(
                        numbers(array("i", bytes(4 * len(ids))), pa.int32()), strings([run])
                    ),
                    rows["predicted_answer"],
                    rows["vote_class"],
                    rows["is_correct"],
                    pa.compute.if_else(refused, one_text("refused"), status),
                    finish_reason,
                    tokens,
                    *[thought] * counted,
                    *[extraction] * unboxed,
                ]
                writer.write_table(pa.table(columns, schema=schema))
                marks, starts = (numbers(of, pa.int64()) for of in (samples.noted.marks, samples.noted.starts))
                of_file = [finish_reason, extraction, tokens, thought, unfinished, marks, starts]
                kept.write_table(pa.table([*rows.columns, *of_file], schema=COLUMNS))

    def _keeping(self, path: str | Path):
        texts = [problem.texts for problem in self.problems]
        files = {run: samples.file for run, samples in self.runs.items()}
        return keeping(path, self._policy, texts, files, from_benchmark=self._from_benchmark)


class Graded(NamedTuple):
    """What was graded. files: by sample run. samples, pairs: how many, and how many distinct (problem, answer) pairs.

    unsettled: pairs that were not settled within the limits.
    """

    files: dict[str, KnownFile]
    samples: int
    pairs: int
    unsettled: int


def grade_files(
    paths: Sequence[str | Path],
    output: str | Path,
    *,
    benchmark: str | Path | None = None,
    policy: str = "default",
    processes: int | None = None,
    verify: bool = False,
) -> Graded:
    """Grade sample files into a parquet file. verify: read and grade also those of which unchanged grades are kept."""
    by_run = files_by_run(paths)
    table = SampleTable(benchmark, policy)
    if not verify:
        table.take_kept(output, by_run)
    processes = processes or available_cpus()
    with GraderPool(processes, policy) as pool:
        table.samples += pool.grade_samples(table.read(by_run, processes))
    table.write(output)
    unsettled = sum(sample.grade.status in ("timeout", "too_large") for sample in table.samples)
    files = {run: samples.file for run, samples in table.runs.items()}
    return Graded(files, len(files) * len(table.problems), len(table.samples), unsettled)
