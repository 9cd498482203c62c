r"""CPU seconds and memory of filtering and packing a training set, and their growth.

    python perf/packing_scale.py
    python perf/packing_scale.py --rows 500000 1000000 2000000

Synthetic solutions of some 800 characters with four calculations each, 18 to a problem. For each number of rows: one process
filters a tenth of the rows (all filters, no tokenizer), another packs all of them, into the full set and a fair tenth. Prints what
OpenMathInstruct-2's 14 million rows would take by the growth between the last two sizes. In CPU seconds: they hold on a busy
machine too.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ALL_ROWS = 14_000_000
TO_A_PROBLEM = 18
MEASURED = """
import os, resource, runpy, sys
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
used = resource.getrusage(resource.RUSAGE_SELF)
print("measured", used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", type=int, default=[100_000, 200_000])
    options = parser.parse_args()
    costs: list[tuple[int, dict[str, tuple[float, float]]]] = []
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            cost = {"filter": filtered(Path(folder), rows // 10), "pack": packed(Path(folder), rows)}
        costs.append((rows, cost))
        for step, (seconds, mib) in cost.items():
            count = rows // 10 if step == "filter" else rows
            print(
                f"{step:7}{count:>12,} rows: {seconds:7.1f} CPU s, {seconds / count * 1e6:6.1f} us a row, {mib:6,.0f} MiB"
            )
    if len(costs) > 1:
        (less, before), (more, after) = costs[-2:]
        for step, part in (("filter", 10), ("pack", 1)):
            slopes = [(b - a) * part / (more - less) for a, b in zip(before[step], after[step], strict=True)]
            seconds, mib = (
                cost + slope * (ALL_ROWS / part - more / part) for cost, slope in zip(after[step], slopes, strict=True)
            )
            whole = seconds * part / 60
            print(f"{step:7}{ALL_ROWS:>12,} rows: {whole:.0f} CPU minutes, {mib / 1024:.1f} GiB in one process")


def filtered(folder: Path, rows: int) -> tuple[float, float]:
    """(CPU seconds, MiB) of filter_solutions.py on so many correct samples."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from openmath.files.fast_rows import encode_row
    from openmath.grading.table import SCHEMA

    count = rows // TO_A_PROBLEM
    problems = [{"id": f"p-{n}", "problem": problem(n), "expected_answer": str(n)} for n in range(count)]
    (folder / "problems.jsonl").write_bytes(b"".join(map(encode_row, problems)))
    tables = []
    for run in range(TO_A_PROBLEM):
        chance = random.Random(run)
        samples = [
            row | {"generation": solution(chance, row["expected_answer"]), "num_generated_tokens": 250}
            for row in problems
        ]
        (folder / f"output-rs{run}.jsonl").write_bytes(b"".join(map(encode_row, samples)))
        grades = {"sample_run": f"rs{run}", "grade_status": "ok", "finish_reason": "stop"}
        answers = [grades | {"id": row["id"], "predicted_answer": row["expected_answer"]} for row in problems]
        tables.append([one | {"vote_class": one["predicted_answer"], "is_correct": True} for one in answers])
    parquet.write_table(
        pa.Table.from_pylist([row for table in tables for row in table], SCHEMA), folder / "grades.parquet"
    )
    return measured(
        *("filter_solutions.py", "--problems", folder / "problems.jsonl", "--grades", folder / "grades.parquet"),
        *("--samples", *(folder / f"output-rs{run}.jsonl" for run in range(TO_A_PROBLEM))),
        *("--source", "synthetic", "--output", folder / "filtered.parquet"),
    )


def packed(folder: Path, rows: int) -> tuple[float, float]:
    """(CPU seconds, MiB) of pack_dataset.py on so many kept solutions."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from openmath.dataset.kept import SCHEMA

    count, chance = rows // TO_A_PROBLEM, random.Random(0)
    counts = '{"source": "s", "stage": "solutions", "origin": "o", "problems": 1, "labels": null, "samples": 1, "correct": 1,'
    with parquet.ParquetWriter(folder / "kept.parquet", SCHEMA, compression="zstd") as writer:
        for start in range(0, rows, 4096):
            numbers = [n % count for n in range(start, min(rows, start + 4096))]
            table = {
                "problem": [problem(n) for n in numbers],
                "generated_solution": [solution(chance, str(n)) for n in numbers],
                "expected_answer": [str(n) for n in numbers],
                "problem_source": ["synthetic"] * len(numbers),
                "id": [f"p-{n}" for n in numbers],
                "sample_run": ["rs0"] * len(numbers),
            }
            writer.write_table(pa.table(table, schema=SCHEMA))
    (folder / "kept.counts.json").write_text(f'{counts} "filters": [], "kept": {rows}, "solved": {count}}}')
    return measured(
        *("pack_dataset.py", "--name", "perf", "--teacher", "none", "--kept", folder / "kept.parquet"),
        *("--subsets", rows // 10, "--output-dir", folder / "packed"),
    )


def problem(number: int) -> str:
    return f"Problem {number}. " + "A baker sells some rolls in the morning and others later. How many are left? " * 3


def solution(chance: random.Random, answer: str) -> str:
    steps = []
    for step in range(4):
        a, b, c = (chance.randrange(2, 1000) for _ in range(3))
        steps.append(
            f"{step + 1}. The number of rolls in hour {a} is $ {a} + {b} \\cdot {c} = {a + b * c} $, more than before. "
        )
    text = "\n".join(steps)
    return f"{text}\n{'We add what is left over. ' * 15}\nThe answer is \\boxed{{{answer}}}."


def measured(script: str, *options: object) -> tuple[float, float]:
    """(CPU seconds, peak MiB) of a script, its threads included."""
    command = [sys.executable, "-c", MEASURED, str(ROOT / "scripts" / script), *map(str, options)]
    reply = subprocess.run(command, capture_output=True, text=True)
    if reply.returncode:
        sys.exit(reply.stderr)
    seconds, mib = reply.stdout.split("measured ")[1].split()
    return float(seconds), float(mib)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "scripts"))
    main()
