r"""Compare judges on the same answers: accuracy under each, agreement, kappa, and the answers they disagree on.

    python scripts/compare_judges.py --judges gpt-4o own --judged results/m/judged/{gpt-4o,own}/*/*.jsonl \
        --output results/m/judged/agreement.md

    python scripts/compare_judges.py --stores judgements/gpt-4o judgements/new --benchmarks data/*.jsonl --output agreement.md

Judged files are named .../JUDGE/BENCHMARK/MODE.jsonl. Of stores those questions are compared that both have been asked. Also
written beside the output: the same as .csv, and the answers on which judges differ as .jsonl.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from openmath.errors import InputError, parts_of, run_command
from openmath.files.rows import read_rows, write_rows, write_text
from openmath.files.sample_rows import without_text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judges", nargs="+", default=[], help="at least two, in the order to print")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--judged", nargs="+", default=[], type=Path)
    source.add_argument(
        "--stores", nargs=2, default=[], type=Path, help="folders of verdicts: the old judge's, the new one's"
    )
    parser.add_argument(
        "--benchmarks", nargs="*", default=[], type=Path, help="with --stores: data/*.jsonl, for their names"
    )
    parser.add_argument("--output", required=True, type=Path, help="agreement.md")
    options = parser.parse_args()

    from openmath.files.text_tables import write_csv
    from openmath.judging.agreement import compare_judges, disagreements

    if not options.output.name:
        raise InputError("--output does not name a file.", found=repr(str(options.output)), expected=".../agreement.md")
    rows, differ = [], []
    for where, place, verdicts in said_by_judges(options):
        with parts_of("judged answers to compare", place):
            rows += [where | row for row in compare_judges(verdicts)]
            differ += [where | row for row in disagreements(verdicts)]
    if not rows:
        raise InputError(
            "There is nothing to compare.",
            expected="judged files of at least two judges, or two stores that share questions",
        )
    write_text(options.output, text_of(rows, len(differ), options.output.with_suffix(".jsonl").name))
    write_csv(options.output.with_suffix(".csv"), rows)
    write_rows(options.output.with_suffix(".jsonl"), differ)


def said_by_judges(options: argparse.Namespace) -> Iterator[tuple[dict, str, dict[str, list[dict]]]]:
    """(benchmark and mode, where it stands, judge -> judged rows in the same order)."""
    if options.stores:
        from openmath.judging.stored_judgements import judged_by_both

        for benchmark, verdicts in judged_by_both(options.stores, options.benchmarks).items():
            yield {"benchmark": benchmark, "mode": "stored"}, ", ".join(map(str, options.stores)), verdicts
    files: dict[tuple[str, str], dict[str, Path]] = {}
    for path in options.judged:
        mode, benchmark, judge = path.stem, path.parent.name, path.parent.parent.name
        if judge not in options.judges:
            raise InputError(
                "The folder of a judged file is not named after one of these judges.",
                where=path,
                expected=", ".join(options.judges) or "names of judges (--judges)",
            )
        if other := files.setdefault((benchmark, mode), {}).get(judge):
            raise InputError(
                "Two files are by one judge on one benchmark and mode.",
                where=f"{other}, {path}",
                hint="compare the answers of one model at a time.",
            )
        files[benchmark, mode][judge] = path
    for (benchmark, mode), paths in files.items():
        verdicts = {
            judge: list(map(without_text, read_rows(paths[judge]))) for judge in options.judges if judge in paths
        }
        yield {"benchmark": benchmark, "mode": mode}, ", ".join(map(str, paths.values())), verdicts


def text_of(rows: list[dict], differ: int, differ_file: str) -> str:
    from openmath.files.text_tables import markdown_table

    return f"""# Agreement of judges

{markdown_table([{name: _cell(value) for name, value in row.items()} for row in rows])}
{differ} answers on which judges differ: {differ_file}. An unparsed reply is not a verdict: not correct in accuracy, left
out of agreement. n_asked leaves out what needed no call, where judges cannot differ; agreement_asked and kappa are taken
over it. yes_to_no and no_to_yes: verdicts that change from judge a to judge b, and with them the accuracy (accuracy_change).
Of mode `stored` an accuracy is the share of yes among the different questions that both judges were asked.
"""


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    run_command(main)
