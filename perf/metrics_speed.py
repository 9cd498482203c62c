r"""Time and memory of all tables and metrics of the paper's five benchmarks with 256 seeds, on synthetic grades.

    python perf/metrics_speed.py
    python perf/metrics_speed.py --seeds 1024

The synthetic votes are shaped like a real model's: problems differ in difficulty (beta distribution), wrong answers follow
a power law with a long tail of single votes, equal answers have several spellings, some samples have no answer.
Prints the wall time, CPU time and peak memory of one summarize_results.py over all grades, and of one fill_majority.py;
then exact maj@k against a Monte Carlo estimate of 1,000 draws per problem, in time and error.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from openmath.grading.table import SCHEMA  # noqa: E402

# problems, beta(a, b) of the chance to be right: means 0.10, 0.40, 0.65, 0.90, 0.20, spread as a real model's
BENCHMARKS = {
    "aime24": (30, 0.2, 1.8),
    "amc23": (40, 0.5, 0.75),
    "math": (5000, 0.8, 0.43),
    "gsm8k": (1319, 1.8, 0.2),
    "omni-math": (4428, 0.3, 1.2),
}
MONTE_CARLO = 1000  # draws per problem
COMPARED_PROBLEMS = 300


def write_grades(path: Path, problems: int, a: float, b: float, seeds: int, rng: np.random.Generator) -> None:
    """A grades.parquet with greedy and `seeds` runs, one row group per run, as grade_answers.py writes it."""
    chance = rng.beta(a, b, problems)
    exponent = rng.uniform(1.2, 2.5, problems)  # 1.2: almost every wrong answer is another one; 2.5: one favourite
    runs = ["greedy", *(f"rs{seed}" for seed in range(seeds))]
    ids = [f"{path.stem}-{i}" for i in range(problems)]
    with parquet.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for run in runs:
            right = rng.random(problems) < chance
            number = np.where(right, 0, np.minimum(rng.zipf(exponent), 10**6))
            silent = ~right & (rng.random(problems) < 0.05)
            spelling = rng.integers(0, 3, problems)
            classes = [None if s else f"{v} of {i}" for v, s, i in zip(number, silent, ids, strict=True)]
            answers = [None if c is None else f"{c} {'x' * s}" for c, s in zip(classes, spelling, strict=True)]
            columns = [
                ids,
                pa.DictionaryArray.from_arrays(pa.array([0] * problems, pa.int32()), pa.array([run])),
                answers,
                classes,
                right,
                ["no_answer" if s else "ok" for s in silent],
                ["length" if s else "stop" for s in silent],
                rng.integers(50, 4096, problems),
            ]
            arrays = [
                pa.array(c, f.type) if not isinstance(c, pa.Array) else c for c, f in zip(columns, SCHEMA, strict=True)
            ]
            writer.write_table(pa.table(arrays, schema=SCHEMA))


def measure(name: str, *command: object) -> None:
    """Run a command alone and print what it took. Peak memory is of the largest child so far: run the largest last."""
    before, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *map(str, command)], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{name:22} {wall:6.1f} s wall, {cpu:6.1f} s CPU, peak {peak:.2f} GiB", flush=True)


def exact_against_monte_carlo(path: Path) -> None:
    """maj@k of the first problems by the exact expectation and by sampling subsets."""
    from openmath.results.grades import read_grades
    from openmath.statistics.maj_at_k import majority_at_k
    from openmath.statistics.votes import Ballots

    graded = read_grades(path)
    every = graded.select(graded.runs[1:]).ballots("default")
    kept = every.problem < COMPARED_PROBLEMS
    ballots = Ballots(
        COMPARED_PROBLEMS,
        every.runs,
        every.problem[kept],
        every.votes[kept],
        every.correct[kept],
        every.first_run[kept],
    )
    rng = np.random.default_rng(0)
    majority_at_k(ballots, 2)  # imports and first calls
    for k in (8, 64):
        began = time.perf_counter()
        exact = majority_at_k(ballots, k)
        exact_s = time.perf_counter() - began
        began = time.perf_counter()
        estimate = np.array([monte_carlo(ballots, problem, k, rng) for problem in range(COMPARED_PROBLEMS)])
        sampled_s = time.perf_counter() - began
        error = np.abs(estimate - exact)
        print(
            f"maj@{k} of {COMPARED_PROBLEMS} problems: exact {exact_s:.2f} s, Monte Carlo {sampled_s:.2f} s, ratio "
            f"{sampled_s / exact_s:.1f}; Monte Carlo is off by {100 * error.mean():.2f} points a problem, "
            f"at most {100 * error.max():.2f}"
        )


def monte_carlo(ballots, problem: int, k: int, rng: np.random.Generator) -> float:
    mine = ballots.problem == problem
    votes = ballots.votes[mine]
    drawn = rng.multivariate_hypergeometric([*votes, ballots.runs - votes.sum()], k, size=MONTE_CARLO)[:, :-1]
    most = drawn.max(axis=1, keepdims=True, initial=1)
    winners = drawn == most
    return float(((winners * ballots.correct[mine]).sum(axis=1) / np.maximum(1, winners.sum(axis=1))).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=256)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.parquet" for name in BENCHMARKS]
        for path, (problems, a, b) in zip(paths, BENCHMARKS.values(), strict=True):
            write_grades(path, problems, a, b, options.seeds, rng)
        rows = sum(parquet.read_metadata(path).num_rows for path in paths)
        print(f"{len(paths)} benchmarks, {options.seeds} seeds: {rows:,} samples")
        problems_file = Path(folder) / "math.jsonl"
        lines = [json.dumps({"id": f"math-{i}", "problem": f"{i}?", "expected_answer": "0"}) for i in range(5000)]
        problems_file.write_text("\n".join(lines) + "\n")
        fill = ["--grades", paths[2], "--benchmark", problems_file, "--output", Path(folder) / "majority.jsonl"]
        measure("fill_majority (math)", SCRIPTS / "fill_majority.py", *fill)
        measure("summarize_results", SCRIPTS / "summarize_results.py", "--grades", *paths, "--output-dir", folder)
        print((Path(folder) / "tables.md").read_text().partition("## math")[2].partition("## gsm8k")[0])
        exact_against_monte_carlo(paths[2])


if __name__ == "__main__":
    main()
