r"""The majority answer of each problem over its sampled runs.

    python scripts/fill_majority.py --samples eval-results/math/output-rs*.jsonl --output output-majority.jsonl
    python scripts/fill_majority.py --grades grades/math.parquet --benchmark data/math.jsonl --output output-majority.jsonl

The second form reads grades and never the text of the samples. Inputs are never modified. Rows: id, problem, expected_answer,
predicted_answer, majority_votes, total_votes, tied, is_correct; no generation, since a vote has no single one.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from openmath.answers import reference_of
from openmath.errors import InputError, parts_of, run_command
from openmath.files.fingerprint import identity, write_manifest
from openmath.files.records import MajorityRecord
from openmath.files.rows import check_ids, read_rows, write_rows
from openmath.files.sample_rows import MajorityRow, id_of, without_text
from openmath.files.sample_runs import run_order, sample_run_of
from openmath.settings import defaults

if TYPE_CHECKING:
    from openmath.results.grades import Graded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--samples", nargs="+", type=Path, help="sampled runs; with --grades one file, for the problems"
    )
    parser.add_argument("--grades", type=Path, help="grades.parquet of grade_answers.py")
    parser.add_argument("--benchmark", type=Path, help="prepared benchmark, for the problems")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--policy", choices=("default", "paper"), default=defaults.POLICY)
    options = parser.parse_args()
    problems_file, graded = read_votes(options)
    sampled = sorted((run for run in graded.runs if run != "greedy"), key=run_order)  # greedy has no vote
    if not sampled:
        raise InputError("There are no sampled runs to vote on.", where=options.grades or options.samples[0])
    problems = list(map(without_text, read_rows(problems_file)))
    if len(problems) != len(graded.ids):
        raise InputError(
            "The problems do not match the votes.", where=problems_file, expected=len(graded.ids), found=len(problems)
        )
    ids = [known if row.get("id") is None else str(row["id"]) for row, known in zip(problems, graded.ids, strict=True)]
    check_ids(ids, graded.ids, where=problems_file, expected_from=options.grades or problems_file)
    with parts_of("a file of problems", problems_file):
        rows = list(majority_rows(problems, graded.select(sampled), options.policy))
    write_rows(options.output, rows)
    record: MajorityRecord = {
        "policy": options.policy,
        "sample_runs": sampled,
        "grades": identity(options.grades) if options.grades else None,
        "problems": identity(problems_file),
        "answers": identity(options.output),
    }
    write_manifest(options.output.with_suffix(".manifest.json"), record)


def read_votes(options: argparse.Namespace) -> "tuple[Path, Graded]":
    """(the file that holds the problems, the graded samples)."""
    from openmath.results.grades import read_grades, read_sample_files

    if options.output.resolve() in {path.resolve() for path in options.samples or []}:
        raise InputError("The output is one of the inputs, which are never modified.", where=options.output)
    if options.grades:
        if not (options.benchmark or options.samples):
            raise InputError("--grades needs the problems.", expected="--benchmark FILE, or --samples with one file")
        return options.benchmark or options.samples[0], read_grades(options.grades)
    if options.samples:
        first = min(options.samples, key=lambda path: run_order(sample_run_of(path)))
        return first, read_sample_files(options.samples, options.policy)
    raise InputError("Nothing to vote on.", expected="--samples or --grades")


def majority_rows(problems: list[dict], runs: "Graded", policy: str) -> Iterator[MajorityRow]:
    """One row per problem, in order, with the winning answer of these runs."""
    from openmath.statistics.votes import NONE, majority

    vote = majority(runs.ballots(policy), policy)
    for number, problem in enumerate(problems):
        run, expected = vote.run[number], reference_of(problem)
        answer = runs.answer_of(number, run)
        if policy == "paper":
            correct = answer == expected  # the reference compares strings here, whatever the grader said
        else:
            correct = bool(run != NONE and runs.correct[number, run])
        yield {
            "id": id_of(problem, number),
            "problem": problem["problem"],
            "expected_answer": expected,
            "predicted_answer": answer,
            "majority_votes": int(vote.votes[number]),
            "total_votes": len(runs.runs),
            "tied": bool(vote.tied[number]),
            "is_correct": correct,
        }


if __name__ == "__main__":
    run_command(main)
