r"""Which share of samples is the same text when only the number of requests in flight changes.

    python perf/generation_repeatability.py --engine models/m/engine --benchmark data/gsm8k.jsonl --limit 200

Batch composition changes the last bits of the logits unless the engine takes care (`deterministic: true`). Runs
scripts/generate.py three times: with 512 requests in flight, with 8, and with 512 again; greedy and one seed. Needs --engine.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
RUNS = ("greedy", "rs0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=Path, help="engine folder, by build_engine.py")
    parser.add_argument("--benchmark", type=Path)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--work", type=Path, default=Path("repeatability-bench"))
    parser.add_argument("--engine-command")
    parser.add_argument("--engine-args", default="")
    parser.add_argument("--concurrency", type=int, nargs=2, default=[512, 8], metavar=("MANY", "FEW"))
    options = parser.parse_args()
    if not options.engine or not options.benchmark:
        print("needs --engine and --benchmark; see --help")
        return
    many, few = options.concurrency
    first = texts(options, "first", many)
    for name, concurrency in (("few", few), ("again", many)):
        other = texts(options, name, concurrency)
        for run in RUNS:
            print(f"{run}: {many} in flight against {concurrency}: {same(first, other, run)}", flush=True)


def texts(options: argparse.Namespace, name: str, concurrency: int) -> dict[tuple[str, str], str]:
    from openmath.files.rows import read_rows

    folder = options.work / name
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, ROOT / "scripts/generate.py"]
    command += ["--engine", options.engine, "--benchmarks", options.benchmark]
    command += ["--sample-runs", *RUNS, "--output-dir", folder, "--staging", folder / "staging"]
    command += ["--prompt", ROOT / "config/prompts/math.yaml", "--prompt-template", "chat", "--limit", options.limit]
    command += ["--max-new-tokens", options.max_new_tokens, "--concurrency", concurrency]
    command += ["--engine-command", options.engine_command] if options.engine_command else []
    command += [f"--engine-args={options.engine_args}", "--log", folder / "engine.log"]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    files = {run: folder / options.benchmark.stem / f"output-{run}.jsonl" for run in RUNS}
    return {(run, row["id"]): row["generation"] for run, path in files.items() for row in read_rows(path)}


def same(first: dict, second: dict, run: str) -> str:
    keys = [key for key in first if key[0] == run]
    return f"{sum(first[key] == second[key] for key in keys)}/{len(keys)} equal"


if __name__ == "__main__":
    main()
