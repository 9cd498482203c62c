"""Graded samples as arrays, from grades.parquet or from sample files as they stand: what votes and statistics work on."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from openmath.answers import answer_of, as_text, is_unfinished, not_boxed, reference_of
from openmath.errors import InputError
from openmath.files.columns import one_number, values_of
from openmath.files.copies import copied_runs, text_mark
from openmath.files.fast_rows import read_rows
from openmath.files.rows import check_ids
from openmath.files.same_problems import Problem, SameProblems
from openmath.files.sample_rows import REFUSED_REASONS, id_of
from openmath.files.sample_runs import run_order, sample_run_of
from openmath.judging.judged_files import verdict_of
from openmath.results.grades_table import EXTRACTION, TEXT_COLUMNS, read_grades_table
from openmath.statistics.votes import NONE, Ballots, count_votes


@dataclass
class Graded:
    """Samples of N problems in n runs, in benchmark and seed order. Arrays are (N, n).

    answers, classes: codes, NONE where there is no answer; texts: the answer of each code. correct: the symbolic grades.
    truncated: the sample met the token limit; refused: its question was declined, there is no generation; both None where no
    sample says why it ended. unfinished: its thought never ended, so that it has no answer. not_boxed: its answer stands outside a
    box; None where none does. judged: yes | no | unparsed, "" where a sample is not judged; None where none is. copies: sampled run
    -> the run of which it is a copy.
    """

    ids: list[str]
    runs: list[str]
    texts: list[str]
    answers: np.ndarray
    classes: np.ndarray
    correct: np.ndarray
    truncated: np.ndarray | None = None
    judged: np.ndarray | None = None
    refused: np.ndarray | None = None
    unfinished: np.ndarray | None = None
    not_boxed: np.ndarray | None = None
    copies: dict[str, str] = field(default_factory=dict)

    def select(self, runs: list[str]) -> "Graded":
        """The same problems, only these runs."""
        columns = [self.runs.index(run) for run in runs]
        parts: dict = {
            name: None if (array := getattr(self, name)) is None else array[:, columns]
            for name in ("answers", "classes", "correct", "truncated", "refused", "unfinished", "not_boxed", "judged")
        }
        copies = {run: original for run, original in self.copies.items() if run in runs}
        return Graded(self.ids, runs, self.texts, **parts, copies=copies)

    def ballots(self, policy: str, correct: np.ndarray | None = None) -> Ballots:
        """The votes; correct: other grades (N, n) than the symbolic ones."""
        return count_votes(self.answers, self.classes, self.correct if correct is None else correct, policy)

    def answer_of(self, problem: int, run: int) -> str | None:
        """The text of an answer; None where there is none, and for the run NONE."""
        code = NONE if run == NONE else self.answers[problem, run]
        return None if code == NONE else self.texts[code]


@dataclass
class Judged:
    """Judge verdicts of one mode: yes | no | unparsed per problem (N,), and the answers and references they are about.

    asked: whether the judge was asked, (N,) bool. outcomes: cut | empty | refused per problem, "" for all others, (N,). Both None
    where the file does not say.
    """

    verdicts: np.ndarray
    answers: list[str | None]
    expected: list[str]
    asked: np.ndarray | None = None
    outcomes: np.ndarray | None = None


@dataclass
class Benchmark:
    """Everything known of one benchmark: the greedy run, the sampled runs, and judged modes (greedy, majority)."""

    name: str
    greedy: Graded | None
    sampled: Graded | None
    judged: dict[str, Judged] = field(default_factory=dict)

    def __post_init__(self):
        for graded in filter(None, (self.greedy, self.sampled)):
            if graded.judged is None:
                continue
            unjudged = graded.judged == ""
            if unjudged.all():
                graded.judged = None
            elif unjudged.any():
                raise InputError(
                    "Some of the sampled runs are judged and others are not.",
                    where=self.name,
                    found=f"{graded.runs[int(unjudged.any(axis=0).argmax())]} has rows without a judgement",
                )

    @property
    def ids(self) -> list[str]:
        """Of the problems, in order."""
        return next(graded.ids for graded in (self.greedy, self.sampled) if graded)


def read_grades(path: Path) -> Graded:
    """All runs of a grades.parquet. Only small codes stay in memory, and each distinct answer once."""
    table = read_grades_table(path)
    codes, names = {}, {}  # column -> code of each row, and the text of each code
    for name in (*TEXT_COLUMNS, *[EXTRACTION] * (EXTRACTION in table.column_names)):
        column = table[name].unify_dictionaries().combine_chunks()
        codes[name] = values_of(column.indices.fill_null(one_number(NONE)))
        names[name] = column.dictionary.to_pylist()
    run_starts = np.flatnonzero(np.diff(codes["sample_run"], prepend=NONE))
    runs = [names["sample_run"][code] for code in codes["sample_run"][run_starts]]
    shape = (len(runs), table.num_rows // len(runs))
    regular = len(runs) * shape[1] == table.num_rows and (run_starts == np.arange(len(runs)) * shape[1]).all()
    if not regular or (codes["id"].reshape(shape) != codes["id"][: shape[1]]).any():
        raise InputError(
            "The runs in the grades do not hold the same problems in the same order.",
            where=path,
            hint="move the file away to have it made again.",
        )
    said = (codes["finish_reason"] != NONE).any()

    def having(column: str, *words: str) -> np.ndarray:
        return np.isin(codes[column], [c for c, name in enumerate(names[column]) if name in words]).reshape(shape).T

    return Graded(
        [names["id"][code] for code in codes["id"][: shape[1]]],
        runs,
        names["predicted_answer"],
        codes["predicted_answer"].reshape(shape).T,
        codes["vote_class"].reshape(shape).T,
        values_of(table["is_correct"].combine_chunks()).reshape(shape).T,
        truncated=having("finish_reason", "length") if said else None,
        refused=having("finish_reason", *REFUSED_REASONS) if said else None,
        unfinished=having("grade_status", "unfinished"),
        not_boxed=(codes[EXTRACTION] != NONE).reshape(shape).T if EXTRACTION in codes else None,
        copies=_copies(table, runs),
    )


def _copies(table: pa.Table, runs: list[str]) -> dict[str, str]:
    """What the grader has found of copied runs."""
    try:
        found = json.loads((table.schema.metadata or {}).get(b"copied_runs", b"{}"))
        return {run: original for run, original in found.items() if run in runs and original in runs}
    except (ValueError, AttributeError, TypeError):
        return {}


def read_judged(path: Path, ids: list[str]) -> Judged:
    """A file of judge_answers.py about the problems `ids`."""
    found, verdicts, answers, expected, asked, outcomes = [], [], [], [], [], []
    for number, row in enumerate(read_rows(path)):
        for name in ("judge_verdict", "problem", "expected_answer"):
            if row.get(name) is None:
                raise InputError(f"A row has no {name}.", where=path, expected="a file of judge_answers.py")
        found.append(id_of(row, number))
        verdicts.append(str(row["judge_verdict"]))
        answers.append(answer_of(row))
        expected.append(reference_of(row))
        asked.append("judge_prefilled" in row and row["judge_prefilled"] is None)
        outcomes.append(str(row.get("judge_outcome", "")))
    check_ids(found, ids, where=path, expected_from="the grades")
    return Judged(np.array(verdicts), answers, expected, np.array(asked), np.array(outcomes))


def read_sample_files(paths: Iterable[Path], policy: str) -> Graded:
    """Sample files of one benchmark as they stand: recorded grades and judgements are kept, missing ones graded.

    Under `paper`, where votes go to strings, rows with a recorded grade are not graded.
    """
    files = sorted(paths, key=lambda path: run_order(sample_run_of(path)))
    runs = [sample_run_of(path) for path in files]
    if not files:
        raise InputError("There are no sample files.", expected="output-greedy.jsonl or output-rs*.jsonl")
    if len(set(runs)) < len(runs):
        raise InputError("Two files hold the same sample run.", found=", ".join(map(str, files)))
    pairs: dict[tuple[str | None, str], int] = {}  # distinct (answer, expected answer) -> code
    same = SameProblems(files[0], map(Problem.of, read_rows(files[0]), count()))
    if not same.ids:
        raise InputError("The file has no rows.", where=files[0])
    columns: list[list[np.ndarray]] = []
    marks: dict[str, tuple[int, ...]] = {}
    for path in files:
        rows = []
        for number, row in enumerate(read_rows(path)):
            same.check(path, number, row)
            rows.append(_sample(row, policy, f"{path}:{number + 1}"))
        same.check_count(path, len(rows))
        pair_of, marks[sample_run_of(path)], *others = zip(*rows, strict=True)  # each field of all its rows
        codes = [pairs.setdefault(pair, len(pairs)) for pair in pair_of]
        columns.append([np.array(values) for values in (codes, *others)])
    pair, recorded, reasons, judged, unfinished, unboxed = (
        np.stack(values, axis=1) for values in zip(*columns, strict=True)
    )

    texts, answers = _codes([answer for answer, _ in pairs])
    if policy == "paper" and (recorded != NONE).all():
        classes, correct = answers, recorded == 1
    else:
        from openmath.grading.pool import GraderPool  # only here: tables of grades need none

        with GraderPool(policy=policy) as pool:
            samples = list(pool.grade_samples(pairs))
        _, classes = _codes([sample.vote_class for sample in samples])
        grades = np.array([sample.grade.correct for sample in samples])
        correct = np.where(recorded == NONE, grades[pair], recorded == 1)
    said = (reasons != "").any()
    ended = [np.isin(reasons, words) if said else None for words in ("length", REFUSED_REASONS)]
    grades_of = answers[pair], classes[pair], correct, ended[0], judged, ended[1], unfinished
    outside = unboxed if unboxed.any() else None
    return Graded(same.ids, runs, texts, *grades_of, outside, copies=copied_runs(marks))


def benchmarks_of_grades(grades: list[Path], judged: list[Path]) -> Iterator[Benchmark]:
    """One benchmark per file of grades, in their order, with its judged modes."""
    names = [path.stem for path in grades]
    for path in judged:
        if path.parent.name not in names:
            raise InputError("There are no grades for a judged file.", where=path, expected=", ".join(names))
    for path in grades:
        benchmark = by_kind(path.stem, read_grades(path))
        for file in judged:
            if file.parent.name == benchmark.name:
                benchmark.judged[file.stem] = read_judged(file, benchmark.ids)
        yield benchmark


def by_kind(name: str, graded: Graded) -> Benchmark:
    """The greedy run and the sampled runs, in seed order."""
    sampled = sorted((run for run in graded.runs if run != "greedy"), key=run_order)
    greedy = graded.select(["greedy"]) if "greedy" in graded.runs else None
    return Benchmark(name, greedy, graded.select(sampled) if sampled else None)


class _Sample(NamedTuple):
    """pair: answer, expected answer; recorded: the grade in the row itself or NONE; finish_reason, judged: "" for none;
    unfinished: there is no answer since the thought never ends; not_boxed: it stands outside a box; mark: copies.text_mark."""

    pair: tuple[str | None, str]
    mark: int
    recorded: int
    finish_reason: str
    judged: str
    unfinished: bool
    not_boxed: bool


def _sample(row: dict, policy: str, where: str) -> _Sample:
    correct = row.get("is_correct", row.get("symbolic_correct"))  # the second: NeMo-Skills' name since 2025
    expected = as_text(row.get("expected_answer"))
    if correct is None and expected is None:
        raise InputError("A row has neither is_correct nor expected_answer.", where=where)
    if correct not in (None, False, True):
        raise InputError("is_correct is neither true, false nor null.", where=where, found=f"{correct!r:.80}")
    answer = answer_of(row, policy)
    return _Sample(
        (answer, str(expected)),
        text_mark(row),
        NONE if correct is None else int(correct),
        str(row.get("finish_reason") or ""),
        verdict_of(row, policy) if "judgement" in row else "",
        answer is None and is_unfinished(row, policy),
        not_boxed(row, policy) is not None,
    )


def _codes(values: Sequence[str | None]) -> tuple[list[str], np.ndarray]:
    """Distinct values in order, and the code of each value; NONE for None."""
    known: dict[str, int] = {}
    codes = [NONE if value is None else known.setdefault(value, len(known)) for value in values]
    return list(known), np.array(codes, dtype=np.int32)
