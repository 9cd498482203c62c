r"""The correct solutions of one part of a training set that its filters leave, and how many each filter has let through.

    python scripts/filter_solutions.py --problems data/gsm8k-train.jsonl --grades datasets/d/grades/solutions/gsm8k-train.parquet \
        --samples datasets/d/solutions/gsm8k-train/output-rs*.jsonl --source gsm8k \
        --output datasets/d/kept/solutions/gsm8k-train.parquet

Without --labels a sample is correct if its grade says so; with them, if it gives the label of its problem. Beside the output
stands OUTPUT.counts.json.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import cast, get_args

from openmath.arguments import whole
from openmath.errors import InputError, run_command
from openmath.machine import granted_cores
from openmath.settings import defaults


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--problems", required=True, type=Path, help="the problems of the part")
    add("--samples", required=True, nargs="+", type=Path, help="output-rs0.jsonl, ...: all that are graded")
    add("--grades", required=True, type=Path)
    add("--labels", type=Path, help="of label_problems.py, for problems without a reference")
    add("--source", required=True, help="what the column problem_source says")
    add("--stage", default="solutions", help="for the counts")
    add("--origin", default="", help="for the counts")
    add("--filters", nargs="*", metavar="FILTER", help="in order; default: all")
    add("--tokenizer", type=Path, help="folder or tokenizer.json that counts tokens; default: the engine's own counts")
    add("--min-solution-characters", type=whole(0), default=defaults.MIN_SOLUTION_CHARACTERS)
    add("--max-solution-tokens", type=whole(1), default=defaults.MAX_SOLUTION_TOKENS)
    add("--max-problem-tokens", type=whole(1), default=defaults.MAX_PROBLEM_TOKENS)
    add("--policy", choices=("default", "paper"), default=defaults.POLICY)
    add("--processes", type=whole(1), default=granted_cores(), help="default: the job's cores")
    add("--output", required=True, type=Path)
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()

    from openmath.dataset.filtering import WORTH_PROCESSES, Filtering, Rules
    from openmath.dataset.kept import KeptSolutions
    from openmath.dataset.labels import Label, agreeing
    from openmath.files.fast_rows import read_rows
    from openmath.files.fingerprint import write_manifest
    from openmath.results.grades import read_grades
    from openmath.settings.config_dataset import Filter

    names = list(get_args(Filter)) if options.filters is None else options.filters
    for name in names:
        if name not in get_args(Filter):
            raise InputError("Unknown filter.", where="--filters", expected=", ".join(get_args(Filter)), found=name)
    problems = list(read_rows(options.problems))
    graded = read_grades(options.grades)
    correct, expected = graded.correct, [problem.get("expected_answer") for problem in problems]
    if options.labels:
        labels = cast(list[Label], list(read_rows(options.labels)))
        correct = agreeing(graded, labels, options.policy)
        expected = [label["expected_answer"] for label in labels]
    if graded.ids != [problem["id"] for problem in problems] or len(expected) != len(problems):
        raise InputError("Problems, grades and labels are not of the same problems.", where=options.grades)
    rules = Rules(
        names,
        options.min_solution_characters,
        options.max_solution_tokens,
        options.max_problem_tokens,
        options.tokenizer,
        options.policy,
    )
    filtering = Filtering(rules, options.processes if correct.sum() > WORTH_PROCESSES else 1)
    kept = KeptSolutions(problems, expected, correct, graded.runs)
    found = kept.write(options.output, options.samples, filtering, options.source)
    counts = {
        "source": options.source,
        "stage": options.stage,
        "origin": options.origin,
        "problems": len(problems),
        "labels": dict(Counter(label["outcome"] for label in labels)) if options.labels else None,
        **found,
    }
    write_manifest(options.output.with_suffix(".counts.json"), counts)
    if kept.uncounted and "lengths" in names and options.tokenizer is None:
        text = "no length in tokens is known; a tokenizer counts them (dataset: tokenizer)"
        print(f"warning: of {kept.uncounted:,} solutions or their problems {text}", file=sys.stderr)
    print(f"{options.output}: {found['kept']:,} of {found['samples']:,} samples, of {found['solved']:,} problems")


if __name__ == "__main__":
    run_command(main)
