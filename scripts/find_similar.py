r"""The test problems that each new problem is nearest to, as questions for a judge: are these two the same problem?

    python scripts/find_similar.py --problems datasets/d/new-problems/gsm8k-train-rs0.jsonl \
        --benchmarks data/gsm8k.jsonl data/math.jsonl --embedder models/multi-qa-MiniLM-L6-cos-v1 \
        --output datasets/d/similar/gsm8k-train-rs0.jsonl

Two rows for each pair, one in each order, in the form that judge_answers.py reads. --field compares a training set from elsewhere.
"""

import argparse
from pathlib import Path

from openmath.arguments import whole
from openmath.errors import run_command
from openmath.settings import defaults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--problems", required=True, nargs="+", type=Path, help="new problems")
    add("--field", help="--problems are any training set, .parquet or JSON lines, whose rows hold the problem here")
    add("--benchmarks", required=True, nargs="+", type=Path, help="prepared benchmarks, data/*.jsonl")
    add("--embedder", required=True, help="folder of a sentence-transformers model, or ngrams")
    add(
        "--top",
        type=whole(1),
        default=defaults.TOP,
        help="test problems for each new problem, of all benchmarks together",
    )
    add("--output", required=True, type=Path)
    options = parser.parse_args()

    from openmath.dataset.similar import embedder, nearest, problems_of, questions
    from openmath.files.fast_rows import read_rows
    from openmath.files.rows import write_rows

    tests = [(path.stem, row) for path in options.benchmarks for row in read_rows(path)]
    problems = list(problems_of(options.problems, options.field))
    found = nearest(
        [row["problem"] for row in problems],
        [row["problem"] for _, row in tests],
        options.top,
        embedder(options.embedder),
    )
    rows = (
        question
        for problem, near in zip(problems, found, strict=True)
        for number, similarity in near
        for question in questions(problem, tests[number][1], tests[number][0], similarity)
    )
    write_rows(options.output, rows)
    pairs = len(problems) * min(options.top, len(tests))
    print(f"{options.output}: {pairs:,} pairs of {len(problems):,} new and {len(tests):,} test problems")


if __name__ == "__main__":
    run_command(main)
