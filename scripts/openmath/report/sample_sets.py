"""Which files the sample viewer shows of a model."""

from collections.abc import Sequence
from pathlib import Path

from openmath.errors import InputError
from openmath.files.sample_runs import SAMPLE_FILE, run_order, sample_run_of
from openmath.report.viewer import SampleSet

DATA = Path("data")  # prepared benchmarks: solutions, levels and subjects, which samples do not carry


def sample_sets(results: Path, judges: Sequence[str], samples: Path | None = None) -> list[SampleSet]:
    """One set per graded benchmark of a model, with the verdicts of these judges.

    results: results/{model}. samples: folder of BENCHMARK/output-*.jsonl, where it is not results/{model}/eval-results.
    """
    samples = samples or results / "eval-results"
    return [sample_set(grades, samples, judges) for grades in sorted((results / "grades").glob("*.parquet"))]


def sample_set(grades: Path, samples: Path, judges: Sequence[str]) -> SampleSet:
    """Raises InputError where there is no sample of a graded benchmark."""
    benchmark, results = grades.stem, grades.parents[1]
    files = [path for path in (samples / benchmark).glob("output-*.jsonl") if SAMPLE_FILE.match(path.name)]
    files.sort(key=lambda path: run_order(sample_run_of(path)))
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
        problems=files[0],
        details=details if details.exists() else None,
        grades=grades,
        samples={sample_run_of(path): path for path in files},
        judged={judge: modes for judge, modes in judged.items() if modes},
    )
