r"""Grade sample files of one benchmark into a table, or answer pairs as they come.

    python scripts/grade_answers.py --benchmark data/gsm8k.jsonl --samples results/m/eval-results/gsm8k/output-*.jsonl \
        --output results/m/grades/gsm8k.parquet
    echo '{"predicted_answer": "\\frac{2}{4}", "expected_answer": "0.5"}' | python scripts/grade_answers.py --pairs

The table has one row per problem and sample run (greedy first, then by seed; benchmark order inside a run): id,
sample_run, predicted_answer, vote_class, is_correct, grade_status, finish_reason, num_generated_tokens.
GRADES.manifest.json beside it holds the sha256 of every file read, what graded them and where.
--pairs writes one line {"correct": ..., "status": ...} per line read, in order, as soon as it is known. A line that is no
pair stops it, with exit code 2, when all lines before it have their verdicts.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from openmath.answers import as_text
from openmath.arguments import whole
from openmath.errors import InputError, run_command
from openmath.files.fingerprint import identity, write_manifest
from openmath.files.records import GradesRecord
from openmath.files.rows import arriving_lines
from openmath.grading.grades import GRADER_VERSION, POLICIES
from openmath.settings import defaults

READ_BYTES = 1 << 16  # what a pipe holds: --pairs grades whatever has arrived, and never waits for more


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--benchmark", help="prepared benchmark; without it rows are graded against their own expected_answer"
    )
    parser.add_argument("--samples", nargs="+", metavar="FILE", help="output-greedy.jsonl, output-rs0.jsonl, ...")
    parser.add_argument("--output", help="parquet file to write")
    parser.add_argument("--pairs", action="store_true", help="grade pairs from stdin to stdout")
    parser.add_argument(
        "--policy", choices=POLICIES, default=defaults.POLICY, help="rules of equality (docs/grading.md)"
    )
    parser.add_argument(
        "--verify", action="store_true", help="read every file, also those that are unchanged since they were graded"
    )
    parser.add_argument("--processes", type=whole(1), help="grading workers (default: the CPUs this process may use)")
    arguments = parser.parse_args()
    if arguments.pairs == bool(arguments.samples):
        parser.error("give either --samples and --output, or --pairs")
    if arguments.samples and not arguments.output:
        parser.error("--samples needs --output")
    return arguments


def parse_pair(line: bytes, number: int) -> tuple[str | None, str]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not isinstance(row.get("expected_answer"), str):
        raise InputError(
            "A line is not a pair of answers.",
            where=f"stdin:{number}",
            expected='{"predicted_answer": text or null, "expected_answer": text}',
            found=repr(line[:80].decode("utf-8", "replace")),
        )
    return as_text(row.get("predicted_answer")), row["expected_answer"]


def grade_stream(policy: str, processes: int | None) -> None:
    from openmath.grading.pool import GraderPool

    number = 0
    with GraderPool(processes, policy) as pool:
        arrived = iter(lambda: os.read(sys.stdin.fileno(), READ_BYTES), b"")
        for lines in arriving_lines(arrived, "stdin"):
            pairs, bad_line = [], None
            for line in lines:
                number += 1
                try:
                    if line.strip():
                        pairs.append(parse_pair(line, number))
                except InputError as error:
                    bad_line = error
                    break
            for grade in pool.grade_pairs(pairs):
                print(json.dumps({"correct": grade.correct, "status": grade.status}), flush=False)
            sys.stdout.flush()
            if bad_line:  # only now: what stands before it keeps its verdicts
                raise bad_line


def main() -> None:
    arguments = parse_arguments()
    if arguments.pairs:
        grade_stream(arguments.policy, arguments.processes)
        return

    from openmath.grading.table import grade_files
    from openmath.machine import machine, versions

    started = time.monotonic()
    graded = grade_files(
        arguments.samples,
        arguments.output,
        benchmark=arguments.benchmark,
        policy=arguments.policy,
        processes=arguments.processes,
        verify=arguments.verify,
    )
    record: GradesRecord = {
        "grader_version": GRADER_VERSION,
        "policy": arguments.policy,
        "samples": {run: {"sha256": file["sha256"], "bytes": file["bytes"]} for run, file in graded.files.items()},
        "problems": None if arguments.benchmark is None else identity(arguments.benchmark),
        "grades": identity(arguments.output),
        "rows": graded.samples,
        "distinct_answers": graded.pairs,
        "unsettled": graded.unsettled,
        "seconds": round(time.monotonic() - started, 1),
        "machine": machine(),
        "versions": versions(),
    }
    write_manifest(Path(arguments.output).with_suffix(".manifest.json"), record)
    print(
        f"{arguments.output}: {graded.samples} samples, {graded.pairs} distinct answers, "
        f"{graded.unsettled} not settled within the limits",
        file=sys.stderr,
    )


if __name__ == "__main__":
    run_command(main)
