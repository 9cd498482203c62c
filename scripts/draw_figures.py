r"""Figures of one model under one judge, as SVG, PNG and PDF, and the tables behind them.

    python scripts/draw_figures.py results/my-model/summary/none --grades results/my-model/grades/*.parquet \
        --problems data/math.jsonl data/gsm8k.jsonl

Writes into FOLDER/figures:
    curves    maj@k and pass@k with 95 % bands (the table: FOLDER/curves.csv)
    groups    accuracy by level, subject or difficulty, where the problems have such a field
    lengths   generated tokens of correct, wrong, missing and cut-off answers
    matrix    symbolic grading against the judge
"""

import argparse
from pathlib import Path

import pandas

from openmath.errors import InputError, parts_of, run_command
from openmath.files.json_files import read_json
from openmath.files.rows import write_text
from openmath.report.figure_tables import group_table, length_table, matrix_table, problem_groups, sample_lengths
from openmath.report.figures import draw_curves, draw_groups, draw_lengths, draw_matrix, save_figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("summary", type=Path, help="folder that summarize_results.py --output-dir has written")
    parser.add_argument("--grades", nargs="+", required=True, type=Path, help="BENCHMARK.parquet of grade_answers.py")
    parser.add_argument("--problems", nargs="*", default=[], type=Path, help="one per file of grades, in their order")
    options = parser.parse_args()
    if options.problems and len(options.problems) != len(options.grades):
        raise InputError(
            "--problems and --grades differ in number.", expected=len(options.grades), found=len(options.problems)
        )
    if not (options.summary / "metrics.json").exists():
        raise InputError(
            "This is not a summary folder.",
            where=options.summary,
            expected="metrics.json",
            hint="summarize_results.py --output-dir FOLDER makes it.",
        )
    with parts_of("a summary with its grades", options.summary):
        draw(options)


def draw(options: argparse.Namespace) -> None:
    benchmarks = [path.stem for path in options.grades]
    problems = zip(benchmarks, options.problems, strict=False)
    groups = group_table(
        pandas.read_parquet(options.summary / "questions.parquet"),
        {benchmark: problem_groups(path) for benchmark, path in problems},
    )
    lengths = pandas.concat([sample_lengths(path, path.stem) for path in options.grades])
    matrix = matrix_table(
        read_json(options.summary / "metrics.json", "the metrics"),
        pandas.read_csv(options.summary / "disagreements.csv", keep_default_na=False),
    )
    folder = options.summary / "figures"
    save_figure(draw_curves(pandas.read_csv(options.summary / "curves.csv")), folder, "curves")
    save_figure(draw_groups(groups), folder, "groups")
    save_figure(draw_lengths(lengths), folder, "lengths")
    save_figure(draw_matrix(matrix), folder, "matrix")
    for name, table in (("groups", groups), ("lengths", length_table(lengths)), ("matrix", matrix)):
        write_text(folder / f"{name}.csv", table.to_csv(index=False))


if __name__ == "__main__":
    run_command(main)
