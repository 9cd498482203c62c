"""The samples of one model, read once into a spool; what stays in memory of each is a few numbers, and each problem once."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from openmath.answers import as_text
from openmath.errors import InputError
from openmath.files.fast_rows import encode_row, loads
from openmath.foreign.found import GREEDY, Found, Source
from openmath.foreign.matching import without_space

NO_ID = -1
MAX_RUNS = 20_000  # of a file: each becomes a file
SECOND = "the same runs as another file, which holds judgements, more problems, or is newer"


@dataclass
class Entries:
    """The samples of one run as they came: numbers of their problem and of their id (or NO_ID), and where they lie in the spool."""

    problems: array = field(default_factory=lambda: array("q"))
    ids: array = field(default_factory=lambda: array("q"))
    offsets: array = field(default_factory=lambda: array("q"))

    def add(self, problem: int, identifier: int, offset: int) -> None:
        self.problems.append(problem)
        self.ids.append(identifier)
        self.offsets.append(offset)

    def extend(self, other: "Entries") -> None:
        self.problems.extend(other.problems)
        self.ids.extend(other.ids)
        self.offsets.extend(other.offsets)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        return zip(self.problems, self.ids, self.offsets, strict=True)


@dataclass
class Task:
    """All samples of one model on what a tool calls one benchmark.

    references: number of a problem -> its reference. contradicted: problems that have another one in some run.
    """

    tool: str
    name: str
    files: list[Source] = field(default_factory=list)
    runs: dict[int | None, Entries] = field(default_factory=dict)
    references: dict[int, str | None] = field(default_factory=dict)
    contradicted: set[int] = field(default_factory=set)


class Collection:
    """spool: a file for all rows, which is written here and read again by `row`."""

    def __init__(self, spool: IO[bytes]):
        self._spool, self._end = spool, 0
        self._numbers: dict[str, int] = {}  # text without white space -> number of the problem
        self._ids: dict[str, int] = {}
        self.texts: list[str] = []  # of the problems, as they were first written

    def numbers(self) -> dict[str, int]:
        """Text of each problem, without white space -> its number."""
        return self._numbers

    def row(self, offset: int) -> dict:
        """A row of the spool."""
        self._spool.seek(offset)
        row = loads(self._spool.readline())
        assert isinstance(row, dict), "the spool holds the rows that were added"
        return row

    def read(self, tool: str, name: str, sources: Iterable[Source], found: Found) -> Task:
        """Read the files of one benchmark. Of files that hold the same run one counts; other sampled runs are added to it."""
        task = Task(tool, name)
        read = [(source, self._read(source, task)) for source in sources]
        read.sort(key=lambda one: one[0].started, reverse=True)
        read.sort(key=lambda one: (one[0].rank, -max((len(set(e.problems)) for e in one[1].values()), default=0)))
        first = read[0][0]
        for source, runs in read:
            if not runs:
                found.skip("no samples in it", source.paths[0])
            elif not task.runs.keys() & runs.keys():
                task.runs |= runs
                task.files.append(source)
            elif source.settings and source.settings == first.settings and GREEDY not in runs.keys() | task.runs.keys():
                further = 1 + max(run for run in task.runs if run is not GREEDY)
                task.runs |= {further + run: entries for run, entries in runs.items() if run is not GREEDY}
                task.files.append(source)
            else:
                found.skip(SECOND, source.paths[0])
        return task

    def _read(self, source: Source, task: Task) -> dict[int | None, Entries]:
        runs: dict[int | None, Entries] = {}
        for run, row in source.rows():
            problem, reference = row.pop("problem", None), as_text(row.pop("expected_answer", None))
            self._check(source, problem, row)
            number = self._numbers.setdefault(without_space(problem), len(self._numbers))
            if number == len(self.texts):
                self.texts.append(problem)
            if task.references.setdefault(number, reference) is None:
                task.references[number] = reference
            elif reference is not None and reference != task.references[number]:
                task.contradicted.add(number)
            identifier = row.get("id")
            known = NO_ID if identifier is None else self._ids.setdefault(str(identifier), len(self._ids))
            line = encode_row(row)
            runs.setdefault(run, Entries()).add(number, known, self._end)
            if len(runs) > MAX_RUNS:
                raise InputError("A file holds too many runs.", where=source.paths[0], expected=f"at most {MAX_RUNS:,}")
            self._spool.write(line)
            self._end += len(line)
        return runs

    def _check(self, source: Source, problem: object, row: dict) -> None:
        where = f"{source.paths[0]}: id {row.get('id')!r:.80}"
        if not isinstance(problem, str) or not problem.strip():
            raise InputError("A row has no problem.", where=where, expected="text", found=f"{problem!r:.80}")
        said = row.get("generation")
        if not (isinstance(said, str) or (said is None and "predicted_answer" in row)):
            expected = "generation, a text, or predicted_answer"
            raise InputError("A row has no sample.", where=where, expected=expected, found=f"{said!r:.80}")
        for key, kind in (("is_correct", bool), ("finish_reason", str), ("judgement", str)):
            if row.get(key) is not None and not isinstance(row[key], kind):
                raise InputError(f"The {key} of a row has another type.", where=where, found=f"{row[key]!r:.80}")
