r"""The tables people read, in the recipe's layout.

    python scripts/summarize_results.py results/my-model/eval-results
    python scripts/summarize_results.py --model m --grades results/m/grades/*.parquet --output-dir results/m/summary/none

The first form takes any folder of BENCHMARK/output-*.jsonl, made by this workflow or not: rows without is_correct are graded.
The second reads grades and judged files. Both print the tables; with --output-dir they write instead:

    tables.txt, tables.md      the tables, as they are printed, and with intervals
    metrics.csv, metrics.json  one row per benchmark and mode, with everything known about it
    curves.csv                 maj@k and pass@k for k = 1, 2, 4, ..., n
    questions.parquet          one row per benchmark, mode and problem: compare_models.py reads this
    disagreements.csv          answers on which symbolic grading and judge differ
    published.md, .csv         ours beside the published numbers
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from openmath.arguments import whole
from openmath.errors import InputError, printable, run_command
from openmath.files.copies import copies_warning
from openmath.files.rows import atomic_write, read_rows, write_text
from openmath.files.sample_rows import id_of
from openmath.settings import defaults

if TYPE_CHECKING:
    import pandas

    from openmath.results.grades import Benchmark
    from openmath.results.modes import Mode

# Columns of files that may have no rows.
DISAGREEMENT_COLUMNS = ["benchmark", "mode", "id", "predicted_answer", "expected_answer", "symbolic", "judge"]
DISAGREEMENT_COLUMNS += ["judge_words"]
CURVE_COLUMNS = ["benchmark", "estimator", "grading", "k", "estimate", "ci95_low", "ci95_high"]
PUBLISHED_COLUMNS = ["set", "benchmark", "mode", "grading", "ours", "ci95_low", "ci95_high", "published", "verdict"]


def main() -> None:
    options = parse_arguments()
    # Its other threads mostly wait: 7 % more CPU time, and no less by the clock.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    import pandas

    from openmath.results.cut_short import WARNING, cut_short_warning, runs_cut_short
    from openmath.results.grades import benchmarks_of_grades
    from openmath.results.metrics import metrics_row
    from openmath.results.modes import modes_of
    from openmath.results.tables import curve_rows, disagreements, format_table, problem_scores, table_row

    if options.cluster_by and not options.problems:
        raise InputError("--cluster-by needs the problems.", expected="--problems data/BENCHMARK.jsonl")
    if options.results:
        benchmarks = benchmarks_of_folder(options.results, options.order, options.policy)
    elif options.grades:
        benchmarks = benchmarks_of_grades(options.grades, options.judged)
    else:
        raise InputError("Nothing to summarise.", expected="a results folder, or --grades")

    text, warnings, cut_short = "", [], []
    metrics, curves, scores, differing = [], [], [], []
    for benchmark in benchmarks:  # one in memory at a time
        modes = modes_of(benchmark, options.policy)
        text += format_table(benchmark.name, [table_row(mode, options.policy) for mode in modes])
        if benchmark.sampled and benchmark.sampled.copies:
            warnings.append(copies_warning(benchmark.name, benchmark.sampled.copies))
        cut_short.append((benchmark.name, runs_cut_short(benchmark)))
        metrics += [metrics_row(benchmark.name, mode) for mode in modes]
        if options.cluster_by:
            add_clustered_intervals(metrics[-len(modes) :], modes, benchmark, options)
        if options.output_dir:
            scores.append(problem_scores(benchmark, modes))
            differing += disagreements(benchmark, modes)
            if benchmark.sampled:
                curves += curve_rows(benchmark.name, benchmark.sampled, options.policy, options.k)
    if warning := cut_short_warning(cut_short):
        warnings.append(warning)
    for warning in warnings:
        print(printable(f"{WARNING}{warning}"), file=sys.stderr)
    if not options.output_dir:
        print(printable(text), end="")
        return
    write_tables(options, text, warnings, metrics, curves, pandas.concat(scores, ignore_index=True), differing)
    print(printable(f"tables: {options.output_dir / 'tables.txt'}"))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "results",
        nargs="?",
        type=Path,
        help="folder of BENCHMARK/output-*.jsonl, with eval-results in it, or of one benchmark",
    )
    parser.add_argument("--order", nargs="*", default=[], help="benchmarks to print first, in this order")
    parser.add_argument("--model", default="model", help="its name, in titles and in --published")
    parser.add_argument("--published-as", help="name of the model in --published, if another")
    parser.add_argument("--grades", nargs="+", type=Path, default=[], help="BENCHMARK.parquet of grade_answers.py")
    parser.add_argument(
        "--judged", nargs="*", type=Path, default=[], help="BENCHMARK/greedy.jsonl, BENCHMARK/majority.jsonl"
    )
    parser.add_argument("--published", type=Path, help="published numbers: config/published.yaml")
    parser.add_argument("--k", nargs="+", type=whole(1), help="points of the curves (default: 1, 2, 4, ..., n)")
    parser.add_argument(
        "--cluster-by", metavar="FIELD", help="add intervals for problems drawn in groups, by this field"
    )
    parser.add_argument("--problems", nargs="*", type=Path, default=[], help="BENCHMARK.jsonl that hold --cluster-by")
    parser.add_argument(
        "--output-dir", type=Path, help="write tables, metrics and curves there, in place of printing the tables"
    )
    parser.add_argument("--policy", choices=("default", "paper"), default=defaults.POLICY)
    return parser.parse_args()


def benchmarks_of_folder(folder: Path, order: list[str], policy: str) -> "Iterator[Benchmark]":
    """Each benchmark of a folder, by name, those of `order` first. What is not read is told on stderr."""
    from openmath.foreign.configured import size_warning
    from openmath.foreign.standing import standing_folder
    from openmath.results.grades import by_kind, read_sample_files

    benchmarks, found = standing_folder(folder)
    for line in found.skipped_lines():
        print(printable(line), file=sys.stderr)
    for name in sorted(benchmarks, key=lambda name: (order.index(name) if name in order else len(order), name)):
        benchmark = by_kind(name, read_sample_files(benchmarks[name], policy))
        for warning in size_warning(name, len(benchmark.ids)):
            print(f"warning: {warning}", file=sys.stderr)
        yield benchmark


def add_clustered_intervals(rows: list[dict], modes: "list[Mode]", benchmark: "Benchmark", options) -> None:
    """Columns clustered_low, _high and _method per grading, where the problems of this benchmark are given."""
    from openmath.statistics.intervals import clustered

    path = next((path for path in options.problems if path.stem == benchmark.name), None)
    if path is None:
        return
    field = options.cluster_by
    groups = {id_of(row, number): row.get(field) for number, row in enumerate(read_rows(path))}
    ungrouped = [name for name in benchmark.ids if groups.get(name) is None]
    if ungrouped:
        raise InputError("A problem has no group.", where=f"{path}: {ungrouped[0]}", expected=f"a field {field!r}")
    for row, mode in zip(rows, modes, strict=True):
        for grading, scores in mode.scores().items():
            bounds = clustered(scores, [str(groups[name]) for name in benchmark.ids])
            row |= {
                f"clustered_low_{grading}": bounds.low,
                f"clustered_high_{grading}": bounds.high,
                f"clustered_method_{grading}": f"{bounds.method}, by {field}",
            }


def write_tables(
    options: argparse.Namespace,
    text: str,
    warnings: list[str],
    metrics: list[dict],
    curves: list[dict],
    scores: "pandas.DataFrame",
    differing: list[dict],
) -> None:
    from openmath.files.text_tables import write_csv
    from openmath.results.cut_short import WARNING
    from openmath.results.published import compare_with_published, load_published, published_markdown
    from openmath.results.tables import markdown

    folder = options.output_dir
    # The recipe's tables have none of its own.
    below = "".join(f"{WARNING}{warning}\n" for warning in warnings) if options.policy == "default" else ""
    write_text(folder / "tables.txt", text + below)
    write_text(folder / "tables.md", markdown(options.model, metrics, curves, warnings))
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    write_csv(folder / "metrics.csv", metrics)
    write_csv(folder / "curves.csv", curves, CURVE_COLUMNS)
    write_csv(folder / "disagreements.csv", differing, DISAGREEMENT_COLUMNS)
    with atomic_write(folder / "questions.parquet") as file:
        scores.to_parquet(file, index=False)
    if options.published:
        published = load_published(options.published)
        rows = compare_with_published(metrics, options.published_as or options.model, published)
        write_text(folder / "published.md", published_markdown(options.model, rows, published))
        write_csv(folder / "published.csv", rows, PUBLISHED_COLUMNS)


if __name__ == "__main__":
    run_command(main)
