r"""A finished evaluation of one model for other tools: NeMo-Skills' result folders, and a data set of all samples.

    python scripts/export_results.py --model m --samples results/m/eval-results --grades results/m/grades/*.parquet \
        --judged results/m/judged/*/*/*.jsonl --output results/m/export

    nemo-skills/eval-results/BENCHMARK/output-*.jsonl                 all sample runs with the symbolic verdict
    nemo-skills/eval-results-judged/JUDGE/BENCHMARK/output-greedy.jsonl    greedy answers with both verdicts
    nemo-skills/eval-results-majority/JUDGE/BENCHMARK/output-rs0.jsonl     majority answers, named as in the recipe
    dataset/README.md, dataset/BENCHMARK.parquet                      for `datasets`, and for the Hugging Face hub

--judged files lie in JUDGE/BENCHMARK/greedy.jsonl or majority.jsonl; --majority files, for evaluations without a judge, in
BENCHMARK/output-majority.jsonl.
"""

import argparse
from collections import defaultdict
from pathlib import Path

from openmath.errors import InputError, parts_of, run_command
from openmath.files.fast_rows import encode_row, read_rows
from openmath.files.rows import atomic_write, write_text

NO_JUDGE = "none"


def main() -> None:
    options = parse_arguments()
    if options.output.is_dir() and any(options.output.iterdir()):
        raise InputError("The output folder is not empty.", where=options.output, hint="name another folder.")
    with parts_of("a finished evaluation", ", ".join(map(str, options.grades))):
        export(options)


def export(options: argparse.Namespace) -> None:
    from openmath.results.export import dataset_card, export_benchmark, graded_rows, graded_runs, read_verdicts

    nemo, dataset = options.output / "nemo-skills", options.output / "dataset"
    judged: dict[str, dict[str, dict[str, Path]]] = defaultdict(lambda: defaultdict(dict))
    for path in options.judged:
        judged[path.parent.parent.name][path.parent.name][path.stem] = path  # judge, benchmark, mode
    counts = {}
    for grades in options.grades:
        name = grades.stem
        verdicts = {judge: read_verdicts(modes[name].values()) for judge, modes in judged.items()}
        counts[name] = export_benchmark(name, options.samples, grades, verdicts, nemo / "eval-results", dataset)
        for judge, modes in judged.items():
            if "greedy" in modes[name]:
                output = nemo / "eval-results-judged" / judge / name / "output-greedy.jsonl"
                _, run_grades = next(graded_runs(grades))  # greedy comes first
                write(output, (row for row, _ in graded_rows(modes[name]["greedy"], run_grades)))
            if "majority" in modes[name]:
                export_majority(modes[name]["majority"], nemo, judge, name)
        print(f"{name}: {counts[name]:,} samples", flush=True)
    for path in options.majority:
        export_majority(path, nemo, NO_JUDGE, path.parent.name)
    write_text(dataset / "README.md", dataset_card(options.model, counts, list(judged)))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", required=True, help="its name on the card of the data set")
    add("--samples", required=True, type=Path, help="folder of BENCHMARK/output-*.jsonl")
    add("--grades", required=True, nargs="+", type=Path, help="BENCHMARK.parquet, of grade_answers.py")
    add("--judged", nargs="*", default=[], type=Path, help="files of judge_answers.py")
    add("--majority", nargs="*", default=[], type=Path, help="files of fill_majority.py that no judge has seen")
    add("--output", required=True, type=Path, help="a new or empty folder")
    return parser.parse_args()


def export_majority(path: Path, nemo: Path, judge: str, name: str) -> None:
    """The recipe's own name: it copies one of the sampled files after filling the majority into it."""
    from openmath.results.export import with_grade

    output = nemo / "eval-results-majority" / judge / name / "output-rs0.jsonl"
    write(output, (with_grade(row, row["is_correct"]) for row in read_rows(path)))


def write(path: Path, rows) -> None:
    with atomic_write(path) as file:
        for row in rows:
            file.write(encode_row(row))


if __name__ == "__main__":
    run_command(main)
