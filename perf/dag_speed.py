r"""CPU time and memory of Snakemake on the paper's evaluation: dry runs of 1, 10 and 100 models, and a run with nothing to do.

    python perf/dag_speed.py
    python perf/dag_speed.py --models 1 10 --plot docs/images/dag_speed.svg

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

from openmath.preflight.needs import missing_files  # noqa: E402
from openmath.settings.config import checked_config  # noqa: E402

BARE = """
BENCHMARKS = ["aime24", "amc23", "math", "gsm8k", "omni-math"]
MODELS = [f"model{{i}}" for i in range({models})]
BLOCKS = {{"greedy": ["greedy"], **{{f"b{{s}}": [f"rs{{i}}" for i in range(s, s + 16)] for s in range(0, 256, 16)}}}}
RUNS = [run for runs in BLOCKS.values() for run in runs]
SAMPLES = "results/{{model}}/eval-results/{{benchmark}}/output-{{run}}.jsonl"
GRADES, VOTES = "results/{{model}}/grades/{{benchmark}}", "results/{{model}}/votes/{{benchmark}}"

rule all:
    input:
        expand(SAMPLES, model=MODELS, benchmark=BENCHMARKS, run=RUNS),
        expand("results/{{model}}/{{file}}", model=MODELS, file=["tables", "methods"]),
        "results/report",

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

rule methods:
    input: lambda w: expand(GRADES, model=w.model, benchmark=BENCHMARKS), "results/{{model}}/tables"
    output: "results/{{model}}/methods", "results/{{model}}/manifest"
    shell: "false"

rule figures:
    input: lambda w: expand(GRADES, model=w.model, benchmark=BENCHMARKS), "results/{{model}}/tables"
    output: expand("results/{{model}}/figures/{{number}}", number=range(15), allow_missing=True)
    shell: "false"

rule report:
    input: expand("results/{{model}}/{{file}}", model=MODELS, file=["tables", "figures/0"])
    output: "results/report"
    shell: "false"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", type=int, default=[1, 10, 100])
    parser.add_argument(
        "--plot", metavar="FILE.svg", type=Path, help="draw CPU seconds of the dry runs against their files"
    )
    options = parser.parse_args()
    plot = options.plot and options.plot.resolve()
    rows = []
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
            rows.append((len(missing_files(checked_config(config))), ours[0], bare[0]))
            report("dry run", models, rows[-1][0], ours, bare)
        no_op_run(1)
    if plot:
        draw(rows, plot)


def configuration(models: int) -> dict:
    """The paper's configuration with so many models."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    [settings] = config["models"].values()
    return config | {"models": {f"model{i}": dict(settings) for i in range(models)}}


def no_op_run(models: int) -> None:
    """Ours and the bare graph over their finished files."""
    Path("config.yaml").write_text(yaml.safe_dump(configuration(models)))
    Path("Bare").write_text(BARE.format(models=models))
    files, *ours = measure_no_op(Path("ours"), "-s", ROOT / "Snakefile", "--configfile", Path("config.yaml").resolve())
    _, *bare = measure_no_op(Path("bare"), "-s", "Bare")
    report("no-op run", models, files, ours, bare)


def measure_no_op(folder: Path, *workflow: object) -> tuple[int, float, float]:
    """(files, CPU seconds, peak MB) of a run of a workflow over empty files that count as made by it, in a folder of its own."""
    command = [sys.executable, "-m", "snakemake", *map(str, workflow), "--directory", folder]
    table = subprocess.run([*command, "--summary"], capture_output=True, text=True, check=True).stdout
    files = [line.split("\t")[0] for line in table.splitlines()[1:]]
    for path in (folder / file for file in files):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if path.name == "checkpoint" else path.touch()
    options = ("--directory", folder, "--cores", "1", "--rerun-triggers", "mtime", "params", "input")
    measure(*workflow, *options, "--touch")  # marks all as made, in the order of the graph
    return len(files), *measure(*workflow, *options, expect="Nothing to be done")


def measure(*options: object, expect: str = "") -> tuple[float, float]:
    """(CPU seconds, peak MB) of one Snakemake run."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["OPENAI_API_KEY"] = "any"  # a dry run asks whether there is one
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


def draw(rows: list[tuple[int, float, float]], path: Path) -> None:
    """Dry runs as (files, CPU seconds of ours, of the bare graph)."""
    from matplotlib.figure import Figure

    files, ours, bare = zip(*sorted(rows), strict=True)
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.add_subplot(
        xlabel="files of the evaluation", ylabel="CPU seconds of a dry run", xscale="log", yscale="log"
    )
    axes.plot(files, ours, "o-", label="this workflow, with plan")
    axes.plot(files, bare, "s--", label="bare graph of the same files")
    axes.set_xticks(files, [f"{count:,}" for count in files])
    axes.set_yticks(seconds := [1, 2, 5, 10, 20, 50], seconds)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
