r"""Rows a second and memory of the search for benchmark problems in a training set.

    python perf/contamination_speed.py
    python perf/contamination_speed.py --rows 500000 --problems 10000

Benchmark and training set are generated: problems of 20 to 60 words, each different; one training row in a hundred copies a problem
of the benchmark. Runs scripts/find_contamination.py and prints what OpenMathInstruct-2's 14 million rows would take at that speed.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts/find_contamination.py"
ALL_ROWS = 14_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--problems", type=int, default=5000)
    options = parser.parse_args()
    pick = random.Random(1)
    words = [f"w{number}" for number in range(5000)]

    def problem() -> str:
        return " ".join(pick.choices(words, k=pick.randint(20, 60)))

    with tempfile.TemporaryDirectory() as folder:
        benchmark, training = Path(folder, "bench.jsonl"), Path(folder, "train.jsonl")
        problems = [problem() for _ in range(options.problems)]
        rows = [{"id": f"p{n}", "problem": text, "expected_answer": "1"} for n, text in enumerate(problems)]
        benchmark.write_text("".join(json.dumps(row) + "\n" for row in rows))
        with open(training, "w") as file:
            for number in range(options.rows):
                text = pick.choice(problems) if number % 100 == 0 else problem()
                file.write(json.dumps({"problem": text}) + "\n")
        command = [
            sys.executable,
            SCRIPT,
            "--benchmarks",
            benchmark,
            "--training-set",
            training,
            "--output-dir",
            folder,
        ]
        subprocess.run([*map(str, command)], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    print(
        f"{options.rows:,} rows against {options.problems:,} problems: {seconds:.1f} CPU s, {used.ru_maxrss / 1e6:.2f} GB"
    )
    print(
        f"{options.rows / seconds:,.0f} rows a CPU second; {ALL_ROWS:,} rows: {ALL_ROWS / options.rows * seconds / 60:.0f} min"
    )


if __name__ == "__main__":
    main()
