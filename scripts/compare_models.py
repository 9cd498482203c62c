r"""Two models, engines or judges on the same problems: paired differences, exact tests, flipped problems.

    python scripts/compare_models.py results/model-a/summary/gpt-4o results/model-b/summary/gpt-4o --output-dir comparison

Each side is a summary folder of summarize_results.py (or its questions.parquet). Differences are first minus second.
Prints comparison.md; with --output-dir writes it, comparison.csv and flipped.csv (problems that only one side solves).
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from openmath.errors import InputError, parts_of, printable, run_command
from openmath.files.rows import write_text

if TYPE_CHECKING:
    import pandas

FLIPPED_COLUMNS = ["benchmark", "mode", "grading", "id", "first", "second", "answer_first", "answer_second"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="summary folder, or questions.parquet")
    parser.add_argument("second", type=Path)
    parser.add_argument("--names", nargs=2, help="what to call the two sides (default: their folders)")
    parser.add_argument("--output-dir", type=Path)
    options = parser.parse_args()

    from openmath.files.text_tables import write_csv
    from openmath.results.comparison import compare

    names = options.names or [str(options.first), str(options.second)]
    tables = read_questions(options.first), read_questions(options.second)
    with parts_of("the scores of two models", f"{options.first} and {options.second}"):
        rows, flips, unmatched = compare(*tables)
        text = comparison_markdown(names, rows, unmatched)
    print(printable(text), end="")
    if options.output_dir:
        write_text(options.output_dir / "comparison.md", text)
        write_csv(options.output_dir / "comparison.csv", rows)
        write_csv(options.output_dir / "flipped.csv", flips, FLIPPED_COLUMNS)


def read_questions(path: Path) -> "pandas.DataFrame":
    import pandas
    import pyarrow as pa

    path = path / "questions.parquet" if path.is_dir() else path
    try:
        return pandas.read_parquet(path)
    except (OSError, pa.ArrowException, ValueError) as error:
        raise InputError(
            "Cannot read the scores of one side.",
            where=path,
            found=" ".join(str(error).split()),
            hint="summarize_results.py --output-dir FOLDER makes it.",
        ) from None


def comparison_markdown(names: list[str], rows: list[dict], unmatched: list[str]) -> str:
    from openmath.files.text_tables import markdown_table
    from openmath.statistics.intervals import SIGNIFICANCE

    text = f"# {names[0]} against {names[1]}\n\nPercent; difference = first minus second. How each is made: docs/statistics.md.\n\n"
    text += markdown_table([_cells(row) for row in rows])
    text += f"\nverdict: the first is higher or lower, where p after Holm's correction over the benchmarks is < {SIGNIFICANCE}.\n"
    text += "detectable: the difference that so many problems would show in 80 % of repetitions.\n"
    text += f"Not on both sides: {', '.join(unmatched)}.\n" if unmatched else ""
    return text


def _cells(row: dict) -> dict:
    detectable = row["detectable_difference"]
    return {
        "benchmark": row["benchmark"],
        "mode": row["mode"],
        "grading": row["grading"],
        "n": row["n_items"],
        "first": f"{100 * row['first']:.2f}",
        "second": f"{100 * row['second']:.2f}",
        "difference": f"{100 * row['difference']:+.2f} [{100 * row['ci95_low']:+.1f}, {100 * row['ci95_high']:+.1f}]",
        "only first / second": f"{row['only_first']} / {row['only_second']}",
        "p": f"{row['p_value']:.2g}",
        "p Holm": f"{row['p_holm']:.2g}",
        "detectable": "" if detectable is None else f"{100 * detectable:.1f}",
        "verdict": row["verdict"],
    }


if __name__ == "__main__":
    run_command(main)
