r"""Show what is missing and what it will take, before anything runs. Reads files, writes nothing.

python scripts/plan_compute.py --configfile config/demo.yaml
"""

import argparse
from pathlib import Path

import yaml

from openmath.config import checked_config
from openmath.errors import InputError, run_command
from openmath.samples import read_rows

BENCHMARK_ROWS = Path(__file__).parents[1] / "config" / "benchmarks.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", nargs="+", required=True, type=Path)
    options = parser.parse_args()
    config: dict = {}
    for path in options.configfile:
        try:
            config |= yaml.safe_load(path.read_text())
        except (OSError, yaml.YAMLError, TypeError) as error:
            raise InputError("Cannot read the configuration.", where=path, found=error) from None
    print_plan(checked_config(config))


def print_plan(config: dict) -> None:
    generation = config["generation"]
    print(
        f"{'model':24} {'benchmark':18} {'runs':>5} {'present':>7} {'partial':>7} {'missing':>7} {'samples left':>12}"
    )
    for model, settings in config["models"].items():
        if "samples" in settings:
            continue
        seeds, greedy = settings.get("seeds", generation["seeds"]), settings.get("greedy", generation["greedy"])
        runs = ["greedy"] * greedy + [f"rs{seed}" for seed in range(seeds)]
        incomplete, total_left = set(), 0
        for benchmark in config["benchmarks"]:
            rows = benchmark_rows(benchmark)
            rows = min(rows, generation["limit"] or rows)
            present = partial = left = 0
            for run in runs:
                if Path(f"results/{model}/eval-results/{benchmark}/output-{run}.jsonl").exists():
                    present += 1
                    continue
                incomplete.add(run)
                staged = staged_rows(model, benchmark, run)
                partial += staged > 0
                left += max(0, rows - staged)
            total_left += left
            missing = len(runs) - present - partial
            print(f"{model:24} {benchmark:18} {len(runs):5} {present:7} {partial:7} {missing:7} {left:12,}")
        size = generation["seeds_per_job"]
        jobs = {run if run == "greedy" else int(run[2:]) // size for run in incomplete}
        speed, source = measured_speed(model) or (generation["tokens_per_second"], "assumed in the configuration")
        tokens = total_left * generation["tokens_per_sample"]
        print(
            f"{model}: {total_left:,} samples, {tokens:,.0f} tokens at {generation['tokens_per_sample']:g} a sample, "
            f"{len(jobs)} engine starts, {tokens / speed / 3600:.2f} engine hours at {speed:,.0f} tokens/s ({source})"
        )


def benchmark_rows(benchmark: str) -> int:
    """Problems of a benchmark: counted where it is prepared, else as registered, else 0."""
    path = Path(f"data/{benchmark}.jsonl")
    if path.exists():
        return sum(1 for _ in read_rows(path))
    registry = yaml.safe_load(BENCHMARK_ROWS.read_text())
    registry = registry.get("benchmarks", registry)
    return registry.get(benchmark, {}).get("rows", 0)


def staged_rows(model: str, benchmark: str, run: str) -> int:
    """Finished samples in the most advanced staging file of a run (older fingerprints may lie beside it)."""
    files = Path(f"results/{model}/.staging").glob(f"*/{benchmark}/output-{run}.jsonl")
    return max((sum(1 for _ in read_rows(path, torn_tail=True)) for path in files), default=0)


def measured_speed(model: str) -> tuple[float, str] | None:
    """Tokens per second over earlier jobs of this model, if there were any."""
    path = Path(f"results/{model}/.staging/jobs.jsonl")
    records = list(read_rows(path, torn_tail=True)) if path.exists() else []
    seconds = sum(record["seconds"] for record in records)
    if not seconds:
        return None
    return sum(record["tokens"] for record in records) / seconds, f"measured over {len(records)} earlier jobs"


if __name__ == "__main__":
    run_command(main)
