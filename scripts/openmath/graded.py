"""Graded samples as arrays, from grades.parquet or from sample files as they stand: what votes and statistics work on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from openmath.answers import extract_answer
from openmath.errors import InputError
from openmath.grading import GraderPool
from openmath.judging import parse_verdict, question_of
from openmath.samples import check_ids, read_rows, run_order, sample_run_of
from openmath.voting import NONE, Ballots, count_votes

COLUMNS = ("id", "sample_run", "predicted_answer", "vote_class", "is_correct", "finish_reason")


@dataclass
class Graded:
    """Samples of N problems in n runs, in benchmark and seed order. Arrays are (N, n).

    answers, classes: codes, NONE where there is no answer; texts: the answer of each code. correct: symbolic verdict.
    truncated: the sample met the token limit; None where no sample says. judged: yes | no | unparsed; None: not judged.
    """

    ids: list[str]
    runs: list[str]
    texts: list[str]
    answers: np.ndarray
    classes: np.ndarray
    correct: np.ndarray
    truncated: np.ndarray | None = None
    judged: np.ndarray | None = None

    def select(self, runs: list[str]) -> "Graded | None":
        """The same problems, only these runs; None without any."""
        columns = [self.runs.index(run) for run in runs]
        if not columns:
            return None
        parts = {
            name: None if (array := getattr(self, name)) is None else array[:, columns]
            for name in ("answers", "classes", "correct", "truncated", "judged")
        }
        return Graded(self.ids, runs, self.texts, **parts)

    def ballots(self, policy: str, correct: np.ndarray | None = None) -> Ballots:
        """The votes; correct: other verdicts (N, n) than the symbolic ones."""
        return count_votes(self.answers, self.classes, self.correct if correct is None else correct, policy)

    def answer_of(self, problem: int, run: int) -> str | None:
        code = NONE if run == NONE else self.answers[problem, run]
        return None if code == NONE else self.texts[code]


@dataclass
class Judged:
    """Judge verdicts of one mode: yes | no | unparsed per problem (N,), and the answers and references they are about."""

    verdicts: np.ndarray
    answers: list[str | None]
    expected: list[str]


@dataclass
class Benchmark:
    """Everything known of one benchmark: the greedy run, the sampled runs, and judged modes (greedy, majority)."""

    name: str
    greedy: Graded | None
    sampled: Graded | None
    judged: dict[str, Judged] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        return (self.greedy or self.sampled).ids


def read_grades(path: Path) -> Graded:
    """All runs of a grades.parquet. Only small codes stay in memory, and each distinct answer once."""
    texts = [name for name in COLUMNS if name != "is_correct"]
    try:
        table = parquet.read_table(path, columns=list(COLUMNS), read_dictionary=texts)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError("Cannot read the grades.", where=path, found=" ".join(str(error).split())) from None
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing or table.num_rows == 0:
        raise InputError("This is no table of grades.", where=path, found=f"{table.num_rows} rows, without {missing}")
    codes, names = {}, {}
    for name in texts:
        column = table[name].unify_dictionaries().combine_chunks()
        codes[name] = column.indices.fill_null(NONE).to_numpy()
        names[name] = column.dictionary.to_pylist()
    run_starts = np.flatnonzero(np.diff(codes["sample_run"], prepend=NONE))
    runs = [names["sample_run"][code] for code in codes["sample_run"][run_starts]]
    shape = (len(runs), table.num_rows // len(runs))
    regular = len(runs) * shape[1] == table.num_rows and (run_starts == np.arange(len(runs)) * shape[1]).all()
    if not regular or (codes["id"].reshape(shape) != codes["id"][: shape[1]]).any():
        raise InputError(
            "The runs in the grades do not hold the same problems in the same order.",
            where=path,
            hint="remove the file to have it made again.",
        )
    reasons = codes["finish_reason"].reshape(shape).T
    length = names["finish_reason"].index("length") if "length" in names["finish_reason"] else NONE - 1
    return Graded(
        [names["id"][code] for code in codes["id"][: shape[1]]],
        runs,
        names["predicted_answer"],
        codes["predicted_answer"].reshape(shape).T,
        codes["vote_class"].reshape(shape).T,
        table["is_correct"].to_numpy().reshape(shape).T,
        reasons == length if (reasons != NONE).any() else None,
    )


def read_judged(path: Path, ids: list[str]) -> Judged:
    """A file of judge_answers.py about the problems `ids`."""
    rows = list(read_rows(path))
    if any("judge_verdict" not in row for row in rows):
        raise InputError("A row has no judge_verdict.", where=path, expected="a file of judge_answers.py")
    check_ids([str(row.get("id", n)) for n, row in enumerate(rows)], ids, where=path, expected_from="the grades")
    return Judged(
        np.array([row["judge_verdict"] for row in rows]),
        [question_of(row)["predicted_answer"] for row in rows],
        [str(row["expected_answer"]) for row in rows],
    )


def read_sample_files(paths: Iterable[Path], policy: str) -> Graded:
    """Sample files of one benchmark as they stand: recorded verdicts and judgements are kept, missing ones graded.

    Under `paper`, where votes go to strings, nothing is graded whose verdict is recorded.
    """
    files = sorted(paths, key=lambda path: run_order(sample_run_of(path)))
    runs = [sample_run_of(path) for path in files]
    if len(set(runs)) < len(runs):
        raise InputError("Two files hold the same sample run.", found=", ".join(map(str, files)))
    table = _SampleTable()
    for path in files:
        table.read(path, policy)
    pairs = list(table.pairs)
    if policy != "paper" or table.ungraded:
        with GraderPool(policy=policy) as pool:
            samples = list(pool.grade_samples(pairs))
    else:
        samples = []
    verdicts = np.array([sample.verdict.correct for sample in samples] or [False] * len(pairs))
    texts, answers = _codes([answer for answer, _ in pairs])
    _, classes = _codes([sample.vote_class for sample in samples] or [answer for answer, _ in pairs])
    pair = np.array(table.pair_of).T
    recorded = np.array(table.recorded).T
    reasons = np.array(table.reasons).T
    judged = np.array(table.judged).T
    if (judged != None).any() and (judged == None).any():  # noqa: E711 elementwise
        raise InputError("Some rows are judged and others are not.", where=files[0].parent)
    return Graded(
        table.ids,
        runs,
        texts,
        answers[pair],
        classes[pair],
        np.where(recorded == NONE, verdicts[pair], recorded == 1),
        reasons == "length" if (reasons != None).any() else None,  # noqa: E711
        judged.astype(str) if (judged != None).any() else None,  # noqa: E711
    )


class _SampleTable:
    """Rows of sample files, each distinct (answer, expected answer) once."""

    def __init__(self):
        self.ids: list[str] = []
        self.pairs: dict[tuple[str | None, str], int] = {}
        self.pair_of, self.recorded, self.reasons, self.judged = [], [], [], []  # per run, a list over problems
        self.ungraded = False
        self._problems: list[str] | None = None

    def read(self, path: Path, policy: str) -> None:
        columns = ([], [], [], [])
        ids, problems = [], []
        for number, row in enumerate(read_rows(path)):
            answer = (
                row["predicted_answer"] if "predicted_answer" in row else extract_answer(row.get("generation") or "")
            )
            answer = answer if answer is None else str(answer)
            correct, expected = row.get("is_correct"), row.get("expected_answer")
            if correct is None:
                self.ungraded = True
                if expected is None:
                    where = f"{path}:{number + 1}"
                    raise InputError("A row has neither is_correct nor expected_answer.", where=where)
            pair = self.pairs.setdefault((answer, str(expected)), len(self.pairs))
            judgement = parse_verdict(row["judgement"], policy) if "judgement" in row else None
            for column, value in zip(
                columns,
                (pair, NONE if correct is None else int(correct), row.get("finish_reason"), judgement),
                strict=True,
            ):
                column.append(value)
            ids.append(str(row.get("id", number)))
            problems.append(str(row.get("problem")))
        if not ids:
            raise InputError("The file has no rows.", where=path)
        if self._problems is None:
            self.ids, self._problems = ids, problems
        check_ids(problems, self._problems, where=path, expected_from="the first file")
        for kept, column in zip((self.pair_of, self.recorded, self.reasons, self.judged), columns, strict=True):
            kept.append(column)


def _codes(values: Sequence[str | None]) -> tuple[list[str], np.ndarray]:
    """Distinct values in order, and the code of each value; NONE for None."""
    known: dict[str, int] = {}
    codes = [NONE if value is None else known.setdefault(value, len(known)) for value in values]
    return list(known), np.array(codes, dtype=np.int32)
