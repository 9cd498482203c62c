"""From the samples of a task to files in our layout: the same problems in the same order in each, one row for each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from openmath.answers import as_text
from openmath.files.copies import copied_runs, copies_warning, text_mark
from openmath.files.fast_rows import encode_row
from openmath.files.rows import atomic_write
from openmath.files.same_problems import Problem
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
        # Several texts may hold one problem (prompts in two wordings): the first stands for all of them.
        firsts: dict[str, int] = {}
        self._same = {number: firsts.setdefault(text, number) for number, text in places.items()}
        keys = {run: {key for key, _ in self._samples(entries)} for run, entries in task.runs.items()}
        self._count_repeats()
        problems = self._with_references(set().union(*keys.values()))
        complete = [run for run, of_run in keys.items() if len(of_run & problems) == len(problems)]
        if complete:
            for run in (run for run in keys if run not in complete):
                here = len(keys[run] & problems)
                self.warnings.append(
                    f"{label(run)} is left out: {here:,} of {len(problems):,} problems, which other runs have"
                )
        elif problems:
            complete, every = list(keys), len(problems)
            problems = problems.intersection(*keys.values())
            self.warnings.append(f"problems left out that not each run has: {every - len(problems):,}")
        self.problems = sorted(problems, key=self._order)
        self.matched = sum(self._known(key) is not None for key in self.problems)
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
        marks: dict[str, list[int]] = {}
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
            known, theirs = self._known(key), self._task.references[key[0]]
            if (
                known
                and known.reference is not None
                and theirs is not None
                and theirs.split() != known.reference.split()
            ):
                yield theirs, known.reference

    def _row(self, key: Key, identifier: str, offset: int, seed: int | None) -> dict:
        row = self._collection.row(offset)
        row.pop("id", None)
        known, reference = self._known(key), self._task.references[key[0]]
        text = known.text if known else self._collection.texts[key[0]]
        if known and reference is None:
            reference = known.reference
        return {"id": identifier, "problem": text, "expected_answer": reference} | row | {"seed": seed}

    def _known(self, key: Key) -> Problem | None:
        """The problem of ours; None where it is none."""
        text = self._places.get(key[0])
        return None if text is None or self._ours is None else self._ours.problems[self._ours.times[text][key[1]]]

    def _samples(self, entries: Entries) -> Iterator[tuple[Key, int]]:
        """Each problem of a run once: its first sample. A text counts again where ours has it again, or else under another id."""
        times: Counter[int] = Counter()
        seen: set[tuple[int, int]] = set()
        for text, identifier, offset in entries:
            problem = self._same.get(text, text)
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
                f"rows that repeat a problem of their run: {count:,} (first in {where}); the first of them counts"
            )

    def _with_references(self, keys: set[Key]) -> set[Key]:
        """The problems that have a reference, theirs or ours."""
        named = {key for key in keys if self._task.references[key[0]] is not None or self._known(key)}
        if len(named) < len(keys):
            self.warnings.append(f"problems left out that have no reference: {len(keys) - len(named):,}")
        if contradicted := len(self._task.contradicted):
            self.warnings.append(
                f"problems with different references in several rows: {contradicted:,}; the first counts"
            )
        return named

    def _order(self, key: Key) -> tuple:
        """Ours in their order, then the others as they came."""
        text = self._places.get(key[0])
        return (1, *key) if text is None or self._ours is None else (0, self._ours.times[text][key[1]])

    def _ids(self) -> list[str]:
        """Ours where a problem is one of ours; else their own, or, where two have the same, numbers."""
        if not self.runs:
            return []
        first = dict(self._samples(self._task.runs[next(iter(self.runs.values()))]))
        problems = [(key, self._known(key)) for key in self.problems]
        ids = [known.id if known else as_text(self._collection.row(first[key]).get("id")) for key, known in problems]
        if None not in ids and len(set(ids)) == len(ids):
            return [str(one) for one in ids]
        if repeated := sum(times - 1 for one, times in Counter(ids).items() if one is not None):
            self.warnings.append(f"ids that stand at several problems: {repeated:,}; problems are numbered anew")
        return [known.id if known else f"{self.imported.name}-row-{n}" for n, (_, known) in enumerate(problems)]


def label(run: int | None) -> str:
    return "greedy" if run is GREEDY else f"rs{run}"


def _renumbered(seeds: list[int]) -> str:
    moved = [f"rs{seed} is rs{number}" for number, seed in enumerate(seeds) if seed != number]
    return ", ".join(moved[:3]) + (f" and {len(moved) - 3} more" if moved[3:] else "")
