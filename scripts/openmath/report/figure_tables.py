"""The rows that figures.py names: accuracy by level or subject, lengths of samples, symbolic grading against the judge."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas
import pyarrow.parquet as parquet

from openmath.benchmarks.registry import group_fields, read_registry
from openmath.files.json_files import read_json
from openmath.files.rows import read_rows
from openmath.files.sample_rows import id_of, without_text
from openmath.report.figures import Sources
from openmath.statistics.intervals import interval

MAX_GROUPS = 30  # a field with more values sorts nothing: it is free text
OUTCOMES = ("correct", "wrong", "no answer", "unfinished", "cut off")

GROUP_COLUMNS = ["benchmark", "field", "group", "mode", "grading", "n_items", "accuracy", "ci95_low", "ci95_high"]
LENGTH_COLUMNS = ["benchmark", "outcome", "samples", "share", "tokens_p10", "tokens_median", "tokens_p90"]
PARTS = ("thought", "answer")  # of samples whose thought was counted
MODEL_COLUMNS = [
    "benchmark",
    "model",
    "judge",
    "mode",
    "grading",
    "n_items",
    "accuracy",
    "ci95_low",
    "ci95_high",
    "published",
]
MATRIX_COLUMNS = ["benchmark", "mode", "symbolic", "judge", "answers"]


def curve_points(sources: Sources) -> pandas.DataFrame:
    """maj@k and pass@k with intervals: curves.csv."""
    return pandas.read_csv(sources.summary / "curves.csv")


def group_accuracies(sources: Sources) -> pandas.DataFrame:
    """group_table of all benchmarks."""
    registry, benchmarks = read_registry(), [path.stem for path in sources.grades]
    problems = dict(zip(benchmarks, sources.problems, strict=False))
    groups = {name: problem_groups(path, group_fields(name, registry)) for name, path in problems.items()}
    return group_table(pandas.read_parquet(sources.summary / "questions.parquet"), groups)


def all_lengths(sources: Sources) -> pandas.DataFrame:
    """sample_lengths of all benchmarks."""
    return pandas.concat([sample_lengths(path, path.stem) for path in sources.grades])


def grading_matrix(sources: Sources) -> pandas.DataFrame:
    """matrix_table of all modes."""
    disagreements = pandas.read_csv(sources.summary / "disagreements.csv", keep_default_na=False)
    return matrix_table(read_json(sources.summary / "metrics.json", "the metrics"), disagreements)


def problem_groups(path: Path, fields: Iterable[str]) -> dict[str, dict[str, str]]:
    """Field -> problem id -> group, of those fields that all problems of a benchmark have; from its rows."""
    rows = list(map(without_text, read_rows(path)))
    groups = {}
    for field in fields:
        names = [(id_of(row, number), group_name(row.get(field))) for number, row in enumerate(rows)]
        named = {problem: name for problem, name in names if name is not None}
        if len(named) == len(dict(names)) and 1 < len(set(named.values())) <= MAX_GROUPS:
            groups[field] = named
    return groups


def group_name(value: object) -> str | None:
    """'Level 3' -> 'Level 3'; 7.5 -> '7' (whole points); ['Mathematics -> Algebra -> ...'] -> 'Algebra'."""
    if isinstance(value, list) and value:
        value = value[0]
    if value is None or value == "" or isinstance(value, (list, dict)):
        return None
    path = str(value).strip("[]'\"").split(" -> ")
    name = path[min(1, len(path) - 1)].strip(" '\"")
    number = re.fullmatch(r"(\d+)\.\d+", name)
    return number[1] if number else name


def model_rows(summaries: list[Path]) -> pandas.DataFrame:
    """Greedy and majority of every model and judge on each benchmark; by the judge where there is one. Accuracies 0 to 1.

    summaries: results/{model}/summary/{judge}. published: of the same mode and grading, in the first set that has it.
    """
    rows = []
    for folder in summaries:
        published = pandas.read_csv(folder / "published.csv", keep_default_na=False)
        for row in read_json(folder / "metrics.json", "the metrics"):
            if row["mode"] != "greedy" and not row["mode"].startswith("majority@"):
                continue
            grading = "judge" if "accuracy_judge" in row else "symbolic"
            same = published[
                (published[["benchmark", "mode", "grading"]] == [row["benchmark"], row["mode"], grading]).all(axis=1)
            ]
            theirs = same["published"].iloc[0] / 100 if len(same) else None
            values = (row[f"{name}_{grading}"] for name in ("accuracy", "ci95_low", "ci95_high"))
            names = row["benchmark"], folder.parents[1].name, folder.name, row["mode"], grading
            rows.append((*names, row["n_items"], *values, theirs))
    return pandas.DataFrame(rows, columns=MODEL_COLUMNS)


def group_table(problem_scores: pandas.DataFrame, groups: dict[str, dict[str, dict[str, str]]]) -> pandas.DataFrame:
    """Accuracy of each group of problems in greedy and majority (without them, in the average of samples).

    problem_scores: of tables.problem_scores. groups: benchmark -> problem_groups. By the judge where there is one, else symbolic.
    """
    rows = []
    for (benchmark, mode), scores in chosen_modes(problem_scores):
        grading = "judge" if scores["judge"].notna().all() else "symbolic"
        for field, named in groups.get(benchmark, {}).items():
            group = scores["id"].map(named)
            for name in sorted(group.dropna().unique(), key=natural):
                values = scores.loc[group == name, grading].to_numpy()
                bounds = interval(values, averaged=mode.startswith("pass@1["))
                row = (benchmark, field, name, mode, grading, len(values), values.mean(), bounds.low, bounds.high)
                rows.append(dict(zip(GROUP_COLUMNS, row, strict=True)))
    return pandas.DataFrame(rows, columns=GROUP_COLUMNS)


def chosen_modes(problem_scores: pandas.DataFrame) -> Iterable[tuple[tuple[str, str], pandas.DataFrame]]:
    for benchmark, of_benchmark in problem_scores.groupby("benchmark", sort=False):
        by_mode = dict(iter(of_benchmark.groupby("mode", sort=False)))
        chosen = [mode for mode in by_mode if mode == "greedy" or mode.startswith("majority@")]
        for mode in chosen or list(by_mode)[:1]:
            yield (benchmark, mode), by_mode[mode]


def natural(name: str) -> list:
    """Sort key: 'Level 2' before 'Level 10'."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def sample_lengths(grades: Path, benchmark: str) -> pandas.DataFrame:
    """benchmark, outcome, tokens of each sample whose length is known. A correct answer is correct, also where it was cut off.

    Where thoughts were counted, also the rows of PARTS: their benchmark is "NAME, thought" and "NAME, answer".
    """
    columns = ["predicted_answer", "is_correct", "finish_reason", "grade_status", "num_generated_tokens"]
    counted = "num_reasoning_tokens" in parquet.read_schema(grades).names
    table = pandas.read_parquet(grades, columns=columns + ["num_reasoning_tokens"] * counted)
    table = table.dropna(subset="num_generated_tokens")
    outcome = np.select(
        [
            table["is_correct"],
            table["grade_status"] == "unfinished",
            table["finish_reason"] == "length",
            table["predicted_answer"].isna(),
        ],
        ["correct", "unfinished", "cut off", "no answer"],
        "wrong",
    )
    tokens = table["num_generated_tokens"].to_numpy(dtype=float)
    lengths = [pandas.DataFrame({"benchmark": benchmark, "outcome": outcome, "tokens": tokens})]
    if counted:
        thought = table["num_reasoning_tokens"].to_numpy(dtype=float)
        for part, of_part in zip(PARTS, (thought, tokens - thought), strict=True):
            known = lengths[0].assign(benchmark=f"{benchmark}, {part}", tokens=of_part)
            lengths.append(known.dropna(subset="tokens"))
    return pandas.concat(lengths, ignore_index=True)


def length_table(lengths: pandas.DataFrame) -> pandas.DataFrame:
    """Number, share and quantiles of the lengths of each outcome. lengths: sample_lengths of all benchmarks."""
    rows = []
    for benchmark, samples in lengths.groupby("benchmark", sort=False):
        for outcome in OUTCOMES:
            tokens = samples.loc[samples["outcome"] == outcome, "tokens"]
            if len(tokens):
                p10, median, p90 = tokens.quantile([0.1, 0.5, 0.9])
                row = (benchmark, outcome, len(tokens), len(tokens) / len(samples), p10, median, p90)
                rows.append(dict(zip(LENGTH_COLUMNS, row, strict=True)))
    return pandas.DataFrame(rows, columns=LENGTH_COLUMNS)


def matrix_table(metrics: list[dict], disagreements: pandas.DataFrame) -> pandas.DataFrame:
    """Answers by symbolic grading (yes | no) and judge (yes | no | unparsed), of the modes whose answers were judged.

    metrics: metrics.metrics_row of each mode. disagreements: disagreements.csv, all answers on which the two differ.
    """
    rows = []
    for mode in metrics:
        if mode.get("both") is None:
            continue
        names = mode["benchmark"], mode["mode"]
        mine = disagreements[(disagreements["benchmark"] == names[0]) & (disagreements["mode"] == names[1])]
        counts = dict(mine.groupby(["symbolic", "judge"]).size())
        counts["yes", "yes"] = round(mode["both"] * mode["n_items"])
        counts["no", "no"] = mode["n_items"] - sum(counts.values())
        for symbolic in ("yes", "no"):
            for judge in ("yes", "no", "unparsed"):
                row = (*names, symbolic, judge, int(counts.get((symbolic, judge), 0)))
                rows.append(dict(zip(MATRIX_COLUMNS, row, strict=True)))
    return pandas.DataFrame(rows, columns=MATRIX_COLUMNS)
