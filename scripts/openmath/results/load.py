"""Finished results as data frames: the part of this library that is meant for notebooks and other programs (docs/results.md).

    from openmath.results.load import load_results
    results = load_results("results")
    results[results.metric == "accuracy_judge"].pivot_table(index="model", columns=["benchmark", "mode"], values="value")

Each function takes `results`, the folder of a model below it, or that of one summary. Accuracies, rates and intervals are
proportions (0 to 1), counts are counts (docs/statistics.md lists the metrics). What no judge has a part in stands once for a model,
under the judge `none`. InputError where a folder holds no results.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pandas

from openmath.errors import InputError
from openmath.files.json_files import read_json
from openmath.results.metrics import METRICS
from openmath.results.modes import GRADINGS

RESULT_COLUMNS = ["model", "judge", "benchmark", "mode", "metric", "value"]
RESULT_COLUMNS += ["ci95_low", "ci95_high", "ci_method", "n_items", "n_samples"]
SUMMARIES = ("metrics.json", "*/metrics.json", "summary/*/metrics.json", "*/summary/*/metrics.json")
JUDGED = {f"accuracy_{GRADINGS[1]}"} | {metric.name for metric in METRICS if metric.judged}
NO_JUDGE = "none"  # also the name of a summary without one


def load_results(folder: str | Path) -> pandas.DataFrame:
    """One row for each result: RESULT_COLUMNS.

    metric: accuracy_symbolic, accuracy_judge, or one of metrics.METRICS; only accuracies have an interval. mode: greedy,
    pass@1[avg-of-n], majority@n, pass@n. n_items: problems; n_samples: of each.
    """
    return results_table(summary_folders(folder))


def results_table(folders: Iterable[Path]) -> pandas.DataFrame:
    """The same of these summaries."""
    rows = [row for folder in folders for row in _rows(folder, read_json(folder / "metrics.json", "the metrics"))]
    return pandas.DataFrame(rows, columns=RESULT_COLUMNS).drop_duplicates(ignore_index=True)


def load_curves(folder: str | Path) -> pandas.DataFrame:
    """maj@k and pass@k: model, judge, benchmark, estimator, k, estimate, ci95_low, ci95_high, ci_method, n_items, n_samples."""
    read = partial(pandas.read_csv, keep_default_na=False)  # a benchmark may be called NA
    return _graded(summary_folders(folder), lambda summary: read(summary / "curves.csv"))


def load_scores(folder: str | Path) -> pandas.DataFrame:
    """One row for each problem, what every accuracy is the mean of: model, judge, benchmark, mode, id, answer, score.

    answer: that the score is about; missing in modes of several answers.
    """
    return scores_of(summary_folders(folder))


def scores_of(folders: Iterable[Path]) -> pandas.DataFrame:
    """The same of these summaries."""
    keys = ["benchmark", "mode", "id", "answer"]

    def scores(summary: Path) -> pandas.DataFrame:
        table = pandas.read_parquet(summary / "questions.parquet")
        return table.melt(keys, list(GRADINGS), "grading", "score").dropna(subset="score")

    return _graded(folders, scores)


def load_grades(folder: str | Path) -> pandas.DataFrame:
    """One row for each sample: model, benchmark, and the columns of grades.parquet (docs/files.md). No texts of generations."""
    models = dict.fromkeys(summary.parents[1] for summary in summary_folders(folder))
    tables = [
        pandas.read_parquet(path).assign(model=model.name, benchmark=path.stem)
        for model in models
        for path in sorted(model.glob("grades/*.parquet"))
    ]
    if not tables:
        raise InputError("There are no grades here.", where=folder, expected="grades/BENCHMARK.parquet of a model")
    return _named_first(pandas.concat(tables, ignore_index=True), ["model", "benchmark"])


def summary_folders(folder: str | Path) -> list[Path]:
    """Each results/{model}/summary/{judge} at or below a folder, by name."""
    found = sorted({path.parent.absolute() for pattern in SUMMARIES for path in Path(folder).glob(pattern)})
    if not found:
        raise InputError(
            "There are no results here.",
            where=folder,
            expected="results, results/MODEL or results/MODEL/summary/JUDGE, with metrics.json in it",
        )
    return found


def _rows(folder: Path, metrics: list[dict]) -> Iterator[dict]:
    """The results of one summary."""
    names = [*(f"accuracy_{grading}" for grading in GRADINGS), *(metric.name for metric in METRICS)]
    for row in metrics:
        for name in names:
            if row.get(name) is None or row[name] != row[name]:  # not known
                continue
            grading = name.removeprefix("accuracy_")
            bounds = {key: row.get(f"{key}_{grading}") for key in ("ci95_low", "ci95_high", "ci_method")}
            of = {"model": folder.parents[1].name, "judge": folder.name if name in JUDGED else NO_JUDGE}
            kept = {key: row[key] for key in ("benchmark", "mode", "n_items", "n_samples")}
            yield of | kept | {"metric": name, "value": row[name]} | bounds


def _graded(folders: Iterable[Path], read: Callable[[Path], pandas.DataFrame]) -> pandas.DataFrame:
    """The tables of all summaries; `grading` becomes `judge`: its name, or `none` and then once for a model."""
    tables = []
    for summary in folders:
        table = read(summary)
        judge = table.pop("grading").map({GRADINGS[0]: NO_JUDGE, GRADINGS[1]: summary.name})
        tables.append(table.assign(model=summary.parents[1].name, judge=judge))
    together = pandas.concat(tables, ignore_index=True).drop_duplicates(ignore_index=True)
    return _named_first(together, ["model", "judge"])


def _named_first(table: pandas.DataFrame, columns: list[str]) -> pandas.DataFrame:
    return table[[*columns, *table.columns.difference(columns, sort=False)]]
