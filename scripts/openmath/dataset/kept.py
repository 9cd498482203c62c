"""Samples of one part -> the correct solutions that the filters leave: a parquet file by run, then by problem."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from openmath.dataset.filtering import BATCH, Batch, Filtering
from openmath.dataset.filters import Solution
from openmath.dataset.written import written, written_tokens
from openmath.errors import InputError
from openmath.files.fast_rows import read_rows
from openmath.files.rows import atomic_write, valid_text
from openmath.files.sample_rows import id_of
from openmath.files.sample_runs import run_order, sample_run_of

WRITTEN = 4096  # rows written together
# Of kept/*.parquet. The first four are the set's own columns; the others lead back to the sample.
SCHEMA = pa.schema(
    [
        ("problem", pa.string()),
        ("generated_solution", pa.string()),
        ("expected_answer", pa.string()),
        ("problem_source", pa.string()),
        ("id", pa.string()),
        ("sample_run", pa.string()),
    ]
)


class Counts(TypedDict):
    """What became of the samples of a part. filters: in order, each with its counts before, after, changed.

    problems, solved: all problems of the part, and those with a solution that is kept. labels: problems by labels.Outcome;
    None where the problems have references.
    """

    source: str
    stage: str
    origin: str
    problems: int
    labels: dict[str, int] | None
    samples: int
    correct: int
    filters: list[dict]
    kept: int
    solved: int


class KeptSolutions:
    """problems: rows of the part's problems, in order. expected: their answers, None where a problem has no label.

    correct: whether each sample (N, n) has that answer, in the order of `runs`.
    uncounted: correct solutions whose tokens, or those of their problem, nobody has counted.
    """

    def __init__(self, problems: list[dict], expected: Sequence[str | None], correct: np.ndarray, runs: list[str]):
        self._problems, self._expected, self._correct = problems, expected, correct
        self._column = {run: number for number, run in enumerate(runs)}
        self.uncounted = 0

    def write(self, output: Path, paths: Sequence[Path], filtering: Filtering, source: str) -> dict:
        """Write the file; returns of Counts what it knows: samples, correct, filters, kept, solved."""
        counts = {"samples": 0, "correct": 0, "kept": 0}
        solved: set[int] = set()

        def correct_ones() -> Iterator[tuple[tuple[int, str], Solution]]:
            for path in sorted(paths, key=lambda path: run_order(sample_run_of(path))):
                run = sample_run_of(path)
                for number, row, correct in self._samples(path, run):
                    counts["samples"] += 1
                    counts["correct"] += correct
                    if correct:
                        solution = self._solution(number, row)
                        self.uncounted += None in (solution.tokens, solution.problem_tokens)
                        yield (number, run), solution

        def rows() -> Iterator[dict]:
            ones = correct_ones()
            batches: Iterator[Batch[tuple[int, str]]] = iter(lambda: list(islice(ones, BATCH)), [])
            for batch in filtering.left(batches):
                for (number, run), kept in batch:
                    counts["kept"] += 1
                    solved.add(number)
                    yield {
                        "problem": kept.problem,
                        "generated_solution": valid_text(kept.text),
                        "expected_answer": self._expected[number],
                        "problem_source": source,
                        "id": self._problems[number]["id"],
                        "sample_run": run,
                    }

        with atomic_write(output) as file, parquet.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            made = rows()
            while written := list(islice(made, WRITTEN)):
                writer.write_table(pa.Table.from_pylist(written, SCHEMA))
        return counts | {"filters": filtering.counts, "solved": len(solved)}

    def _samples(self, path: Path, run: str) -> Iterator[tuple[int, dict, bool]]:
        """(number of the problem, sample, whether it is correct). InputError where the samples are not of these problems."""
        column, number = self._correct[:, self._column[run]].tolist(), -1
        for number, row in enumerate(read_rows(path)):
            known = self._problems[number]["id"] if number < len(column) else None
            if id_of(row, number) != known:
                raise InputError(
                    "A sample is not of the problem in its place.",
                    where=f"{path}:{number + 1}",
                    expected=f"id {known}",
                    found=f"id {row.get('id')!r:.80}",
                )
            correct = column[number] and self._expected[number] is not None
            # Policy `paper` also finds answers in a thought that never ends: no solution stands behind it.
            yield number, row, correct and written(row) != ""
        if number + 1 != len(column):
            raise InputError("Samples are missing.", where=path, expected=f"{len(column)} rows", found=number + 1)

    def _solution(self, number: int, row: dict) -> Solution:
        problem = self._problems[number]
        return Solution(problem["problem"], written(row), problem.get("num_generated_tokens"), written_tokens(row))
