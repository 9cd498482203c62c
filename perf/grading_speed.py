r"""Pairs per CPU-second of the grader and of Math-Verify, in one run, on any file of labelled pairs.

    python perf/grading_speed.py ../shared/grading/dev/B.*.jsonl
    python perf/grading_speed.py ../shared/grading/dev/C.unit_cases.jsonl --limit 150
    python perf/grading_speed.py                                   # the pairs of tests/unit/grading_cases.py

Each grader runs in a fresh process on one CPU, one pair at a time, start-up and imports included. Math-Verify gets
bare answers wrapped in $...$ and its default limits. Prints pairs/s of CPU and of wall time and the ratio.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS, TESTS = str(ROOT / "scripts"), str(ROOT / "tests")


def load(paths: list[str], limit: int | None) -> list[tuple[str, str]]:
    if not paths:
        sys.path.insert(0, TESTS)
        from unit.grading_cases import RULES

        return [(one, other) for _, one, other, _ in RULES]
    pairs = []
    for path in paths:
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            predicted, expected = (
                row.get("predicted_answer", row.get("pred")),
                row.get("expected_answer", row.get("gold")),
            )
            if predicted is not None and expected is not None:
                pairs.append((predicted, expected))
    step = max(1, len(pairs) // limit) if limit else 1
    return pairs[::step]


def ours(pairs: list[tuple[str, str]]) -> int:
    from openmath.grading.compare import grade

    return sum(grade(*pair).correct for pair in pairs)


def math_verify(pairs: list[tuple[str, str]]) -> int:
    from math_verify import parse, verify

    logging.disable()

    def read(answer: str) -> list:
        return parse(answer if any(mark in answer for mark in ("$", "\\(", "\\[", "\\boxed")) else f"${answer}$")

    return sum(bool(verify(read(expected), read(predicted))) for predicted, expected in pairs)


GRADERS = {"ours": ours, "math_verify": math_verify}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--limit", type=int, help="about this many pairs, evenly spread")
    parser.add_argument("--grader", choices=GRADERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    pairs = load(arguments.files, arguments.limit)
    if arguments.grader:
        print(GRADERS[arguments.grader](pairs))
        return
    rate = {}
    for name in GRADERS:
        before, began = os.times(), time.perf_counter()
        environment = os.environ | {"PYTHONPATH": SCRIPTS}
        command = [sys.executable, __file__, *sys.argv[1:], "--grader", name]
        right = int(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)
        wall = time.perf_counter() - began
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        rate[name] = len(pairs) / cpu, len(pairs) / wall
        print(f"{name:12} {len(pairs)} pairs, {right} equal: {rate[name][0]:.0f} per CPU s, {rate[name][1]:.0f} per s")
    print(
        f"ratio        CPU {rate['ours'][0] / rate['math_verify'][0]:.1f}x, wall {rate['ours'][1] / rate['math_verify'][1]:.1f}x"
    )


if __name__ == "__main__":
    main()
