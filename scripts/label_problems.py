r"""The answers that most solutions of new problems give, as their labels.

    python scripts/label_problems.py --grades datasets/d/grades/new-solutions/gsm8k-train-rs0.parquet \
        --output datasets/d/labels/gsm8k-train-rs0.jsonl

One line a problem, in order: id, outcome (labelled, no_answer, tied, few_votes), expected_answer, majority_votes, total_votes,
sample_run: the first that gave the answer. The grades are read for their answers and vote classes only.
"""

import argparse
from collections import Counter
from pathlib import Path

from openmath.arguments import whole
from openmath.errors import run_command
from openmath.settings import defaults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grades", required=True, type=Path)
    parser.add_argument("--min-votes", type=whole(0), default=0, help="runs that have to agree")
    parser.add_argument(
        "--policy",
        choices=("default", "paper"),
        default=defaults.POLICY,
        help="paper: strings vote, the first seen wins ties",
    )
    parser.add_argument("--output", required=True, type=Path)
    options = parser.parse_args()

    from openmath.dataset.labels import labels
    from openmath.files.rows import write_rows
    from openmath.results.grades import read_grades

    found = list(labels(read_grades(options.grades), options.policy, options.min_votes))
    write_rows(options.output, found)
    counts = Counter(label["outcome"] for label in found)
    print(f"{options.output}: {', '.join(f'{number:,} {outcome}' for outcome, number in counts.items())}")


if __name__ == "__main__":
    run_command(main)
