"""Which files the sample viewer shows of each model in the report."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from openmath.report.summaries import Summary
from openmath.report.viewer import SampleSet
from openmath.samples import run_order, sample_run_of

DATA = Path("data")  # prepared benchmarks: solutions, levels and subjects, which samples do not carry


def sample_sets(summaries: Sequence[Summary], folders: Mapping[str, Path]) -> list[SampleSet]:
    """One set per model and benchmark, with the verdicts of every judge that has a summary.

    folders: model -> folder of BENCHMARK/output-*.jsonl, where it is not results/{model}/eval-results.
    """
    results = {summary.model: summary.results for summary in summaries}
    judges = {model: [s.judge for s in summaries if s.model == model] for model in results}
    return [
        sample_set(model, grades, folders.get(model, folder / "eval-results"), judges[model])
        for model, folder in results.items()
        for grades in sorted((folder / "grades").glob("*.parquet"))
    ]


def sample_set(model: str, grades: Path, samples: Path, judges: Sequence[str]) -> SampleSet:
    benchmark, results = grades.stem, grades.parents[1]
    files = sorted((samples / benchmark).glob("output-*.jsonl"), key=lambda path: run_order(sample_run_of(path)))
    judged = {
        judge: {path.stem: path for path in (results / "judged" / judge / benchmark).glob("*.jsonl")}
        for judge in judges
    }
    details = DATA / f"{benchmark}.jsonl"
    return SampleSet(
        model=model,
        benchmark=benchmark,
        problems=files[0],
        details=details if details.exists() else None,
        grades=grades,
        samples={sample_run_of(path): path for path in files},
        judged={judge: modes for judge, modes in judged.items() if modes},
    )
