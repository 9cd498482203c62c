r"""Wall time and memory of extracting, grading, voting and summarising large result folders, and whether the numbers are right.

    python perf/grading_scale.py --generator ../shared/grading/make_scale.py --seeds 8 64 256

For each number of seeds the generator writes PROBLEMS x SEEDS samples with known truth into a folder that is deleted
afterwards (4.4 GB for 5,000 x 256). Then the commands of the workflow run as the rules run them. Prints, for each size: wall
and CPU seconds per step, the peak memory of the whole process tree (sum of resident sizes), and metrics beside the truth.
Without a generator (or $OPENMATH_SCALE_GENERATOR) there is nothing to measure, and that is said.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
SAMPLE_EVERY_S = 0.05


def run_measured(command: list) -> tuple[float, float, int]:
    """(wall seconds, CPU seconds, peak bytes of the process and all its children together)."""
    before, began, peak = os.times(), time.perf_counter(), 0
    process = psutil.Popen([sys.executable, *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None:
        total = 0
        try:
            for member in (process, *process.children(recursive=True)):
                total += member.memory_info().rss
        except psutil.NoSuchProcess:
            pass  # it ended between two looks
        peak = max(peak, total)
        time.sleep(SAMPLE_EVERY_S)
    if process.returncode:
        sys.exit(f"{command[0]} failed: {process.stderr.read().decode()[-2000:]}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, cpu, peak


def measure(folder: Path, seeds: int, problems: int, generator: str) -> None:
    samples = folder / "samples"
    command = [sys.executable, generator, samples, "--problems", problems, "--seeds", seeds]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    truth = json.loads((samples / "truth.json").read_text())
    files = sorted(samples.glob("output-rs*.jsonl"))
    grades = folder / "scale.parquet"
    steps = {
        "extract + grade": [SCRIPTS / "grade_answers.py", "--samples", *files, "--output", grades, "--processes", 2],
        "vote": [
            SCRIPTS / "fill_majority.py",
            "--grades",
            grades,
            "--samples",
            files[0],
            "--output",
            folder / "m.jsonl",
        ],
        "metrics": [SCRIPTS / "summarize_results.py", "--grades", grades, "--output-dir", folder / "summary"],
    }
    print(
        f"\n{problems} problems x {seeds} seeds, {truth['bytes'] / 1e6:.0f} MB, {truth['distinct_pairs_total']} distinct pairs"
    )
    wall = cpu = peak = 0
    for name, step in steps.items():
        seconds, used, memory = run_measured(step)
        wall, cpu, peak = wall + seconds, cpu + used, max(peak, memory)
        print(f"  {name:16} {seconds:6.1f} s wall {used:6.1f} s CPU {memory / 2**20:6.0f} MiB")
    print(f"  {'all':16} {wall:6.1f} s wall {cpu:6.1f} s CPU {peak / 2**20:6.0f} MiB peak")
    modes = {row["mode"]: row for row in json.loads((folder / "summary" / "metrics.json").read_text())}
    for mode, known in (
        (f"pass@1[avg-of-{seeds}]", truth["pass_at_1_avg"]),
        (f"pass@{seeds}", truth["pass_at_k"]),
        (f"majority@{seeds}", truth["majority_at_k_class"]),
    ):
        print(f"  {mode:20} {100 * modes[mode]['accuracy_symbolic']:8.4f}   truth {known:8.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", default=os.environ.get("OPENMATH_SCALE_GENERATOR"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--problems", type=int, default=5000)
    parser.add_argument("--folder", type=Path, help="where to write (default: the system's folder for temporary files)")
    arguments = parser.parse_args()
    if not arguments.generator:
        print("skipped: give --generator or set OPENMATH_SCALE_GENERATOR")
        return
    for seeds in arguments.seeds:
        folder = Path(tempfile.mkdtemp(prefix="grading-scale-", dir=arguments.folder))
        try:
            measure(folder, seeds, arguments.problems, arguments.generator)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
