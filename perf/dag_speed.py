r"""CPU time and memory of Snakemake on the paper's evaluation: dry runs of 1, 10 and 100 models, and a run with nothing to do.

    python perf/dag_speed.py
    python perf/dag_speed.py --models 1 10

The measure is a bare graph of the same files, in the same run: no configuration, schema, plan or preflight, only rules. Prints CPU
seconds, peak memory and the ratio. The no-op run has every file (empty ones) and Snakemake's records of how they were made.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "scripts"))

from openmath.config import checked_config  # noqa: E402
from openmath.preflight.needs import missing_files  # noqa: E402

SUMMARY = ("tables.md", "metrics.json", "metrics.csv", "curves.csv", "questions.parquet", "disagreements.csv")
SUMMARY += ("published.md", "published.csv")
BARE = """
BENCHMARKS = ["aime24", "amc23", "math", "gsm8k", "omni-math"]
MODELS = [f"model{{i}}" for i in range({models})]
BLOCKS = {{"greedy": ["greedy"], **{{f"b{{s}}": [f"rs{{i}}" for i in range(s, s + 16)] for s in range(0, 256, 16)}}}}
RUNS = [run for runs in BLOCKS.values() for run in runs]
SAMPLES = "results/{{model}}/eval-results/{{benchmark}}/output-{{run}}.jsonl"
GRADES, VOTES = "results/{{model}}/grades/{{benchmark}}", "results/{{model}}/votes/{{benchmark}}"

rule all:
    input: expand(SAMPLES, model=MODELS, benchmark=BENCHMARKS, run=RUNS), expand("results/{{model}}/tables", model=MODELS)

for model in MODELS:
    for block, runs in BLOCKS.items():
        rule:
            name: f"generate_{{model}}_{{block}}"
            output: expand(SAMPLES, model=model, benchmark=BENCHMARKS, run=runs)
            shell: "false"

rule grade:
    input: lambda w: expand(SAMPLES, model=w.model, benchmark=w.benchmark, run=RUNS)
    output: GRADES
    shell: "false"

rule vote:
    input: GRADES
    output: VOTES
    shell: "false"

rule tables:
    input: lambda w: expand(GRADES, model=w.model, benchmark=BENCHMARKS) + expand(VOTES, model=w.model, benchmark=BENCHMARKS)
    output: "results/{{model}}/tables"
    shell: "false"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", type=int, default=[1, 10, 100])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        measure("--version")  # writes byte code, which is not what we measure
        print(
            f"{'':12} {'models':>6} {'files':>8} {'CPU s':>7} {'bare':>7} {'ratio':>6} {'MB':>6} {'bare':>6} {'ratio':>6}"
        )
        for models in options.models:
            config = configuration(models)
            Path("config.yaml").write_text(yaml.safe_dump(config))
            Path("Bare").write_text(BARE.format(models=models))
            ours = measure("-n", "-s", ROOT / "Snakefile", "--configfile", "config.yaml")
            bare = measure("-n", "-s", "Bare", "--quiet", "rules", "reason", "host")
            report("dry run", models, len(missing_files(checked_config(config))), ours, bare)
        no_op_run(1)


def configuration(models: int) -> dict:
    """The paper's configuration with so many models."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    [settings] = config["models"].values()
    return config | {"models": {f"model{i}": dict(settings) for i in range(models)}}


def no_op_run(models: int) -> None:
    config = configuration(models)
    files = missing_files(checked_config(config))
    for model in config["models"]:
        files |= {f"results/{model}/summary/{judge}/{name}" for judge in config["judges"] for name in SUMMARY}
    Path("config.yaml").write_text(yaml.safe_dump(config))
    ours = measure_no_op(Path("ours"), files, ("-s", ROOT / "Snakefile", "--configfile", Path("config.yaml").resolve()))
    votes = {f"results/{m}/votes/{b}" for m in config["models"] for b in config["benchmarks"]}
    bare_files = {path for path in files if "eval-results/" in path} | {f"results/{m}/tables" for m in config["models"]}
    bare_files |= votes | {path.replace("/votes/", "/grades/") for path in votes}
    Path("Bare").write_text(BARE.format(models=models))
    bare = measure_no_op(Path("bare"), bare_files, ("-s", "Bare"))
    report("no-op run", models, len(files), ours, bare)


def measure_no_op(folder: Path, files: set[str], workflow: tuple) -> tuple[float, float]:
    """A run of a workflow over empty files that count as made by it, in a folder of its own."""
    for path in sorted(files):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
        if path.endswith("manifest.json"):
            (folder / path).with_name("checkpoint").mkdir()
    options = ("--directory", folder, "--cores", "1", "--rerun-triggers", "mtime", "params", "input")
    measure(*workflow, *options, "--touch")  # marks all as made, in the order of the graph
    return measure(*workflow, *options, expect="Nothing to be done")


def measure(*options: object, expect: str = "") -> tuple[float, float]:
    """(CPU seconds, peak MB) of one Snakemake run."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "snakemake", *map(str, options)]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if process.returncode or expect not in said:
        sys.exit(f"{' '.join(command)}\n{said[-3000:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def report(what: str, models: int, files: int, ours: tuple[float, float], bare: tuple[float, float]) -> None:
    (cpu, memory), (bare_cpu, bare_memory) = ours, bare
    print(
        f"{what:12} {models:6} {files:8,} {cpu:7.2f} {bare_cpu:7.2f} {cpu / bare_cpu:5.2f}x "
        f"{memory:6.0f} {bare_memory:6.0f} {memory / bare_memory:5.2f}x",
        flush=True,
    )


if __name__ == "__main__":
    main()
