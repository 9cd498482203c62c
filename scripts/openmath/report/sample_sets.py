"""Which files the sample viewer shows of a model, and their rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from openmath.errors import InputError
from openmath.files.fast_rows import read_rows, read_rows_at
from openmath.files.sample_runs import SAMPLE_FILE, files_by_run
from openmath.grading.kept import KeptGrades, find_kept

DATA = Path("data")  # prepared benchmarks: solutions, levels and subjects, which samples do not carry


@dataclass
class SampleSet:
    """One model on one benchmark.

    problems: rows with id, problem and expected_answer, as sample files have them. grades: grades.parquet.
    samples: sample run -> file. judged: judge -> mode (greedy | majority) -> judged file.
    details: the prepared benchmark, for solutions, levels and subjects.
    """

    model: str
    benchmark: str
    problems: Path
    grades: Path
    samples: dict[str, Path]
    judged: dict[str, dict[str, Path]] = field(default_factory=dict)
    details: Path | None = None

    def sample_file(self, run: str) -> Path:
        if run not in self.samples:
            raise InputError(
                "A sample file of these grades is missing.",
                where=self.grades,
                expected=f"output-{run}.jsonl beside {next(iter(self.samples.values()))}",
                hint="restore it, or grade the files that are left.",
            )
        return self.samples[run]

    @cached_property
    def _kept(self) -> KeptGrades | None:
        return find_kept(self.grades)

    def rows(self, run: str, numbers: list[int]) -> Iterator[tuple[int, dict]]:
        """(number, row) of these rows, ascending, of a sample file; only they are read where the grader has kept their places."""
        path = self.sample_file(run)
        kept = self._kept.read([run]) if self._kept and self._kept.unchanged({run: path}) else None
        if kept is not None:
            return zip(numbers, read_rows_at(path, kept["row_start"].take(numbers).to_pylist()), strict=True)
        wanted = set(numbers)
        return ((number, row) for number, row in enumerate(read_rows(path)) if number in wanted)


def sample_sets(
    results: Path, judges: Sequence[str], samples: Path | None = None, grades: Sequence[Path] = ()
) -> list[SampleSet]:
    """One set per graded benchmark of a model, with the verdicts of these judges.

    results: results/{model}. samples: folder of BENCHMARK/output-*.jsonl, where it is not results/{model}/eval-results.
    grades: BENCHMARK.parquet in the order to show; where there are none, all of results/{model}/grades by name.
    """
    samples = samples or results / "eval-results"
    return [sample_set(path, samples, judges) for path in grades or sorted((results / "grades").glob("*.parquet"))]


def sample_set(grades: Path, samples: Path, judges: Sequence[str]) -> SampleSet:
    """Raises InputError where there is no sample of a graded benchmark."""
    benchmark, results = grades.stem, grades.parents[1]
    found = [path for path in (samples / benchmark).glob("output-*.jsonl*") if SAMPLE_FILE.match(path.name)]
    files = {run: Path(path) for run, path in files_by_run(found).items()}
    if not files:
        raise InputError(
            "The samples of these grades are missing.",
            where=grades,
            expected=f"{samples / benchmark}/output-*.jsonl",
            hint="imported samples: name their folder, --samples.",
        )
    judged = {
        judge: {path.stem: path for path in (results / "judged" / judge / benchmark).glob("*.jsonl")}
        for judge in judges
    }
    details = DATA / f"{benchmark}.jsonl"
    return SampleSet(
        model=results.name,
        benchmark=benchmark,
        problems=next(iter(files.values())),
        details=details if details.exists() else None,
        grades=grades,
        samples=files,
        judged={judge: modes for judge, modes in judged.items() if modes},
    )
