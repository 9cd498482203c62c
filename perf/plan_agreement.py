r"""Does the plan agree with what a run then takes? The demo on CPU: engine time predicted and taken, and their ratio.

    python perf/plan_agreement.py [--rounds 3]

Each round runs one small job (greedy, 20 samples), asks for the plan of a block of 8 sample runs that no round has had before (160
samples), runs it and compares. `after a block` is the plan for the same block when the jobs of the earlier rounds count too. The
time is that of the engine: its start, and from the first request to the last answer. Other work on the machine moves the ratio.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "scripts"))

from openmath.plan import make_plan  # noqa: E402
from openmath.settings.config import checked_config  # noqa: E402
from openmath.settings.layout import Layout  # noqa: E402

MODEL = "smollm2-135m"
STAGING = Path(f"results/{MODEL}/.staging")
JOBS, EARLIER = STAGING / "jobs.jsonl", Path("earlier-jobs.jsonl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        settings = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
        settings["generation"]["seeds"] = 8 * options.rounds
        Path("config.yaml").write_text(yaml.safe_dump(settings))
        config = checked_config(settings)
        greedy, *blocks = [
            [Layout(config).sample_file(MODEL, benchmark, run) for run in runs for benchmark in benchmarks]
            for benchmarks, runs in Layout(config).generation_jobs(MODEL).values()
        ]
        worst = 1.0
        print(f"{'':7}{'plan':>8}{'margin':>8}{'taken':>8}{'plan / taken':>14}{'after a block':>16}", flush=True)
        for number, block in enumerate(blocks, start=1):
            earlier = EARLIER.read_text() if EARLIER.exists() else ""
            shutil.rmtree(STAGING.parent, ignore_errors=True)
            small = run(greedy)
            hours = predict(config, block)
            later = with_jobs(earlier, lambda block=block: predict(config, block)) if earlier else None
            taken = run(block)
            EARLIER.write_text(earlier + small["line"] + taken["line"])
            ratio = hours["engine_hours"] * 3600 / taken["took"]
            after = f"{later['engine_hours'] * 3600 / taken['took']:16.2f}" if later else f"{'-':>16}"
            planned = hours["engine_hours"] * 3600
            print(
                f"round {number}{planned:7.1f}s{hours['margin']:8.0%}{taken['took']:7.1f}s{ratio:14.2f}{after}",
                flush=True,
            )
            worst = max(worst, ratio, 1 / ratio)
        print(f"RATIO plan / taken from one small job, worst of {options.rounds}: off by {worst - 1:.0%}")


def run(files: list[str]) -> dict:
    """Make these files; `took`: seconds of engine time of their one generation job, `line`: its record."""
    command = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", *files, "--cores", "all"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command += ["--configfile", "config.yaml"]
    reply = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
    if reply.returncode:
        sys.exit(reply.stdout + reply.stderr)
    line = JOBS.read_text().splitlines(keepends=True)[-1]
    job = json.loads(line)
    return {"line": line, "took": job["start_seconds"] + job["seconds"]}


def predict(config: dict, files: list[str]) -> dict:
    [cost] = make_plan(config, due=set(files), count_judge_calls=False)["generation"]
    return cost


def with_jobs(earlier: str, work):
    """work() as if the jobs of earlier rounds were known too."""
    mine = JOBS.read_text()
    JOBS.write_text(earlier + mine)
    try:
        return work()
    finally:
        JOBS.write_text(mine)


if __name__ == "__main__":
    main()
