r"""The majority answer of each problem over its sampled runs.

    python scripts/fill_majority.py --samples eval-results/math/output-rs*.jsonl --output output-majority.jsonl
    python scripts/fill_majority.py --grades grades/math.parquet --benchmark data/math.jsonl --output output-majority.jsonl

The second form reads grades and never the text of the samples. Inputs are never modified. Rows: id, problem, expected_answer,
predicted_answer, majority_votes, total_votes, tied, is_correct; no generation, since no single text stands behind a vote.
"""

import argparse
from pathlib import Path

import pyarrow.parquet as parquet

from openmath.answers import extract_answer
from openmath.errors import InputError, run_command
from openmath.grading import grade, vote_class
from openmath.samples import check_ids, read_rows, run_order, sample_run_of, write_rows
from openmath.voting import majority_vote


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--samples", nargs="+", type=Path, help="sampled runs; with --grades one file, for the problems"
    )
    parser.add_argument("--grades", type=Path, help="grades.parquet of grade_answers.py")
    parser.add_argument("--benchmark", type=Path, help="prepared benchmark, for the problems")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--policy", choices=("default", "paper"), default="default")
    options = parser.parse_args()
    if options.grades:
        if not (options.benchmark or options.samples):
            raise InputError("--grades needs the problems.", expected="--benchmark FILE, or --samples with one file")
        problems = list(read_rows(options.benchmark or options.samples[0]))
        runs = runs_of_grades(options.grades, len(problems))
    elif options.samples:
        files = sorted(options.samples, key=lambda path: run_order(sample_run_of(path)))
        problems = list(read_rows(files[0]))
        runs = [run_of_samples(path, problems, files[0]) for path in files]
    else:
        raise InputError("Nothing to vote on.", expected="--samples or --grades")
    write_rows(options.output, majority_rows(problems, runs, options.policy))


def runs_of_grades(path: Path, problems: int) -> list[list[tuple]]:
    """Per sampled run, in seed order: (answer, class, correct) of each problem. greedy has no vote."""
    columns = ["sample_run", "predicted_answer", "vote_class", "is_correct"]
    table = parquet.read_table(path, columns=columns).to_pydict()
    runs: dict[str, list[tuple]] = {}
    for run, *graded in zip(*(table[name] for name in columns), strict=True):
        if run != "greedy":
            runs.setdefault(run, []).append(tuple(graded))
    for run, rows in runs.items():
        if len(rows) != problems:
            raise InputError(
                "The grades do not match the problems.", where=f"{path}: {run}", expected=problems, found=len(rows)
            )
    if not runs:
        raise InputError("There are no sampled runs to vote.", where=path)
    return [runs[run] for run in sorted(runs, key=run_order)]


def run_of_samples(path: Path, problems: list[dict], first: Path) -> list[tuple]:
    rows = list(read_rows(path))
    check_ids([r["problem"] for r in rows], [p["problem"] for p in problems], where=path, expected_from=first)
    graded = []
    for row in rows:
        answer = row["predicted_answer"] if "predicted_answer" in row else extract_answer(row.get("generation") or "")
        correct = row.get("is_correct")
        if correct is None:
            correct = grade(answer, str(row["expected_answer"])).correct
        graded.append((answer, vote_class(answer), bool(correct)))
    return graded


def majority_rows(problems: list[dict], runs: list[list[tuple]], policy: str):
    for number, problem in enumerate(problems):
        answers, classes, correct = zip(*(run[number] for run in runs), strict=True)
        vote = majority_vote(list(answers), list(classes), list(correct), policy)
        shown = answers.index(vote.answer) if vote.answer is not None else None
        yield {
            "id": problem.get("id", str(number)),
            "problem": problem["problem"],
            "expected_answer": str(problem["expected_answer"]),
            "predicted_answer": vote.answer,
            "majority_votes": vote.votes,
            "total_votes": vote.total,
            "tied": vote.tied,
            "is_correct": False if shown is None else bool(correct[shown]),
        }


if __name__ == "__main__":
    run_command(main)
