"""From the samples of a task to files in our layout: the same problems in the same order in each, one row for each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from openmath.answers import as_text
from openmath.files.copies import copied_runs, copies_warning, text_mark
from openmath.files.fast_rows import encode_row
from openmath.files.rows import atomic_write
from openmath.foreign.collection import NO_ID, Collection, Entries, Task
from openmath.foreign.found import GREEDY
from openmath.foreign.matching import Benchmark

Key = tuple[int, int]  # number of a problem's text, and how often the text stood before in the run


@dataclass
class Imported:
    """A task as it is published. name: of its folder. ours: the benchmark that its problems are of, if one; matched: so many are.

    runs: ours -> the tool's number, GREEDY for the greedy run. warnings: what a reader of the numbers has to know.
    """

    task: Task
    name: str
    ours: Benchmark | None
    problems: int
    matched: int
    runs: dict[str, int | None]
    warnings: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


class Publication:
    """The problems of a task in order, and its runs without what cannot be counted.

    places: number of a problem's text -> text of the problem of `ours` that it is.
    """

    def __init__(self, collection: Collection, task: Task, name: str, ours: Benchmark | None, places: dict[int, str]):
        self._collection, self._task, self._places, self._ours = collection, task, places, ours
        self.warnings: list[str] = []
        keys = {run: {key for key, _ in self._samples(entries)} for run, entries in task.runs.items()}
        self._count_repeats()
        problems = self._with_references(set().union(*keys.values()))
        complete = [run for run, of_run in keys.items() if len(of_run & problems) == len(problems)]
        if complete:
            for run in keys.keys() - set(complete):
                here = len(keys[run] & problems)
                self.warnings.append(
                    f"{label(run)} is left out: {here:,} of {len(problems):,} problems, which other runs have"
                )
        elif problems:
            complete, every = list(keys), len(problems)
            problems = problems.intersection(*keys.values())
            self.warnings.append(f"{every - len(problems):,} problems are left out: not each run has them")
        self.problems = sorted(problems, key=self._order)
        self.matched = sum(self._problem_of_ours(key) is not None for key in self.problems)
        seeds = sorted(run for run in complete if run is not GREEDY)
        self.runs = ({"greedy": GREEDY} if GREEDY in complete else {}) | {
            f"rs{n}": seed for n, seed in enumerate(seeds)
        }
        absent = sorted(set(range(seeds[-1] + 1 if seeds else 0)) - set(seeds))
        if absent:
            told = ", ".join(f"rs{seed}" for seed in absent[:5]) + (
                f" and {len(absent) - 5} more" if absent[5:] else ""
            )
            self.warnings.append(f"no {told}: the sampled runs are numbered anew, {_renumbered(seeds)}")
        self.imported = Imported(task, name, ours, len(self.problems), self.matched, self.runs, self.warnings)

    def write(self, folder: Path) -> Imported:
        """Write output-{run}.jsonl of each run into the folder."""
        marks = {}
        ids = self._ids()
        for run, theirs in self.runs.items():
            samples = dict(self._samples(self._task.runs[theirs]))
            path = folder / f"output-{run}.jsonl"
            marks[run] = []
            with atomic_write(path) as file:
                for key, identifier in zip(self.problems, ids, strict=True):
                    row = self._row(key, identifier, samples[key], None if run == "greedy" else int(run[2:]))
                    marks[run].append(text_mark(row))
                    file.write(encode_row(row))
            self.imported.files.append(path)
        if copies := copied_runs(marks):
            self.warnings.append(copies_warning("copies", copies))
        return self.imported

    def references(self) -> Iterator[tuple[str, str]]:
        """(theirs, ours) where both are known and not the same text."""
        for key in self.problems:
            number = self._problem_of_ours(key)
            theirs = self._task.references[key[0]]
            if self._ours and number is not None and theirs is not None:
                expected = self._ours.problems[number].reference
                if expected is not None and theirs.split() != expected.split():
                    yield theirs, expected

    def _row(self, key: Key, identifier: str, offset: int, seed: int | None) -> dict:
        row = self._collection.row(offset)
        row.pop("id", None)
        number = self._problem_of_ours(key)
        known = self._ours.problems[number] if self._ours and number is not None else None
        text = known.text if known else self._collection.texts[key[0]]
        reference = self._task.references[key[0]]
        first = {
            "id": identifier,
            "problem": text,
            "expected_answer": reference if reference is not None else known.reference,
        }
        return first | row | {"seed": seed}

    def _samples(self, entries: Entries) -> Iterator[tuple[Key, int]]:
        """Each problem of a run once: its first sample. A text counts again where ours has it again, or else under another id."""
        times: Counter[int] = Counter()
        seen: set[tuple[int, int]] = set()
        for problem, identifier, offset in entries:
            if identifier != NO_ID and (problem, identifier) in seen:
                continue
            seen.add((problem, identifier))
            if times[problem] < self._allowed(problem, identifier):
                yield (problem, times[problem]), offset
            times[problem] += 1

    def _allowed(self, problem: int, identifier: int) -> float:
        if self._ours and problem in self._places:
            return len(self._ours.times[self._places[problem]])
        return 1 if identifier == NO_ID else float("inf")

    def _count_repeats(self) -> None:
        repeated = {run: len(e.problems) - sum(1 for _ in self._samples(e)) for run, e in self._task.runs.items()}
        if count := sum(repeated.values()):
            where = label(next(run for run, times in repeated.items() if times))
            self.warnings.append(
                f"{count:,} rows repeat a problem of their run (first in {where}): the first row counts"
            )

    def _with_references(self, keys: set[Key]) -> set[Key]:
        """The problems that have a reference, theirs or ours."""
        named = {
            key for key in keys if self._task.references[key[0]] is not None or self._problem_of_ours(key) is not None
        }
        if len(named) < len(keys):
            self.warnings.append(f"{len(keys) - len(named):,} problems are left out: they have no reference")
        if contradicted := len(self._task.contradicted):
            self.warnings.append(
                f"{contradicted:,} problems have different references in several runs: the first counts"
            )
        return named

    def _problem_of_ours(self, key: Key) -> int | None:
        text = self._places.get(key[0])
        return self._ours.times[text][key[1]] if self._ours and text is not None else None

    def _order(self, key: Key) -> tuple:
        number = self._problem_of_ours(key)
        return (1, *key) if number is None else (0, number)

    def _ids(self) -> list[str]:
        """Ours where a problem is one of ours; else their own, or, where two have the same, numbers."""
        if not self.runs:
            return []
        first = dict(self._samples(self._task.runs[next(iter(self.runs.values()))]))
        ids = [self._id_of_ours(key) or as_text(self._collection.row(first[key]).get("id")) for key in self.problems]
        if None not in ids and len(set(ids)) == len(ids):
            return [str(one) for one in ids]
        if repeated := sum(times - 1 for one, times in Counter(ids).items() if one is not None):
            self.warnings.append(f"{repeated:,} ids stand at several problems: problems are numbered anew")
        return [self._id_of_ours(key) or f"{self.imported.name}-row-{n}" for n, key in enumerate(self.problems)]

    def _id_of_ours(self, key: Key) -> str | None:
        number = self._problem_of_ours(key)
        return None if number is None or self._ours is None else self._ours.problems[number].id


def label(run: int | None) -> str:
    return "greedy" if run is GREEDY else f"rs{run}"


def _renumbered(seeds: list[int]) -> str:
    moved = [f"rs{seed} is rs{number}" for number, seed in enumerate(seeds) if seed != number]
    return ", ".join(moved[:3]) + (f" and {len(moved) - 3} more" if moved[3:] else "")
