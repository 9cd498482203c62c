r"""Figures of one model under one judge, as SVG, PNG and PDF, and the tables behind them.

    python scripts/draw_figures.py results/my-model/summary/none --grades results/my-model/grades/*.parquet \
        --problems data/math.jsonl data/gsm8k.jsonl

Writes into FOLDER/figures, each as NAME.svg, NAME.png and NAME.pdf, and its numbers as NAME.csv:
"""

import argparse
from pathlib import Path
from pkgutil import resolve_name

from openmath.errors import InputError, parts_of, run_command
from openmath.files.rows import write_text
from openmath.report.figures import FIGURES, Sources


def main() -> None:
    figures = "".join(f"    {figure.name:9} {figure.title}\n" for figure in FIGURES)
    parser = argparse.ArgumentParser(
        description=__doc__ + figures, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
        draw(Sources(options.summary, options.grades, options.problems))


def draw(sources: Sources) -> None:
    """All figures, each from its own rows, with the numbers behind it."""
    from openmath.files.text_tables import csv_text
    from openmath.report.drawing import message, save_figure  # matplotlib: not for --help

    folder = sources.summary / "figures"
    for figure in FIGURES:
        rows = resolve_name(figure.rows)(sources)
        save_figure(message(figure.nothing) if rows.empty else resolve_name(figure.draw)(rows), folder, figure.name)
        if figure.numbers is None:
            numbers = resolve_name(figure.summarised)(rows) if figure.summarised else rows
            write_text(sources.summary / figure.csv, csv_text(numbers))


if __name__ == "__main__":
    run_command(main)
