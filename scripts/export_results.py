r"""A finished evaluation of one model for other tools: NeMo-Skills' result folders, and a data set of all samples.

    python scripts/export_results.py --model m --samples results/m/eval-results --grades results/m/grades/*.parquet \
        --judged results/m/judged/*/*/*.jsonl --output results/m/export

    nemo-skills/eval-results/BENCHMARK/output-rs*.jsonl               sampled runs with the symbolic verdict
    nemo-skills/eval-results-greedy/BENCHMARK/output.jsonl            the greedy run, likewise
    nemo-skills/eval-results-judged/JUDGE/BENCHMARK/output.jsonl      greedy answers with both verdicts
    nemo-skills/eval-results-majority/JUDGE/BENCHMARK/output.jsonl    majority answers
    dataset/README.md, dataset/BENCHMARK.parquet                      for `datasets`, and for the Hugging Face hub

--judged files lie in JUDGE/BENCHMARK/greedy.jsonl or majority.jsonl; --majority files, for evaluations without a judge, in
BENCHMARK/output-majority.jsonl.
"""

import argparse
from collections import defaultdict
from pathlib import Path

from openmath.errors import InputError, parts_of, run_command
from openmath.files.fast_rows import read_rows
from openmath.files.rows import write_text
from openmath.settings import defaults

NO_JUDGE = "none"


def main() -> None:
    options = parse_arguments()
    if options.output.is_dir() and any(options.output.iterdir()):
        raise InputError("The output folder is not empty.", where=options.output, hint="name another folder.")
    with parts_of("a finished evaluation", ", ".join(map(str, options.grades))):
        export(options)


def export(options: argparse.Namespace) -> None:
    from openmath.results.export import dataset_card, export_benchmark, read_verdicts

    nemo = options.output / "nemo-skills" if "nemo-skills" in options.formats else None
    dataset = options.output / "dataset" if "dataset" in options.formats else None
    judged: dict[str, dict[str, dict[str, Path]]] = defaultdict(lambda: defaultdict(dict))
    for path in options.judged:
        judged[path.parent.parent.name][path.parent.name][path.stem] = path  # judge, benchmark, mode
    counts = {}
    for grades in options.grades:
        name = grades.stem
        verdicts = {judge: read_verdicts(modes[name].values()) for judge, modes in judged.items()} if dataset else {}
        counts[name] = export_benchmark(name, options.samples, grades, verdicts, nemo, dataset)
        if nemo:
            for judge, modes in judged.items():
                export_judged(modes[name], grades, nemo, judge, name)
        print(f"{name}: {counts[name]:,} samples", flush=True)
    if nemo:
        for path in options.majority:
            export_majority(path, nemo, NO_JUDGE, path.parent.name)
    if dataset:
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
    add(
        "--formats",
        nargs="+",
        choices=defaults.SAMPLE_FORMATS,
        default=defaults.SAMPLE_FORMATS,
        help="all, if left out",
    )
    return parser.parse_args()


def export_judged(modes: dict[str, Path], grades: Path, nemo: Path, judge: str, name: str) -> None:
    """The greedy and majority answers of one benchmark with the words of one judge."""
    from openmath.results.export import graded_rows, graded_runs, write_nemo_rows
    from openmath.results.nemo_skills import ONE_RUN, benchmark_name

    if "greedy" in modes:
        output = nemo / "eval-results-judged" / judge / benchmark_name(name) / ONE_RUN
        _, run_grades = next(graded_runs(grades))  # greedy comes first
        write_nemo_rows(output, (row for row, _ in graded_rows(modes["greedy"], run_grades)))
    if "majority" in modes:
        export_majority(modes["majority"], nemo, judge, name)


def export_majority(path: Path, nemo: Path, judge: str, name: str) -> None:
    """The recipe copied one of its sampled files here, with the majority filled in; a file of one run is read as such."""
    from openmath.results.export import with_grade, write_nemo_rows
    from openmath.results.nemo_skills import ONE_RUN, benchmark_name

    output = nemo / "eval-results-majority" / judge / benchmark_name(name) / ONE_RUN
    write_nemo_rows(output, (with_grade(row, row["is_correct"]) for row in read_rows(path)))


if __name__ == "__main__":
    run_command(main)
