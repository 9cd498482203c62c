"""How good is a math language model? Checkpoint -> engine -> samples -> grades -> majority -> judge -> tables.

Reproduces the evaluation of OpenMathInstruct-2, for any model. Quick start: `make demo`. The paper's: `snakemake --cores 8`.
Results: results/{model}/summary/{judge}/tables.txt. Configuration: config/config.yaml, explained in config/README.md.
"""

import sys

from snakemake.utils import min_version

min_version("9.0")
ROOT = str(workflow.current_basedir)  # of this file: as a module of another workflow, `basedir` is the other's
sys.path.append(f"{ROOT}/scripts")  # the library that the scripts use, for checking the configuration


if not workflow.overwrite_configfiles:  # a --configfile replaces the paper's configuration, it does not extend it

    configfile: f"{ROOT}/config/config.yaml"


include: "rules/common.smk"
include: "rules/benchmarks.smk"
include: "rules/models.smk"
include: "rules/generation.smk"
include: "rules/grading.smk"
include: "rules/majority.smk"
include: "rules/judging.smk"
include: "rules/summary.smk"
include: "rules/provenance.smk"
include: "rules/report.smk"
include: "rules/plan.smk"
include: "rules/export.smk"
include: "rules/contamination.smk"
include: "rules/dataset.smk"
include: "rules/decontamination.smk"
include: "rules/packing.smk"
include: "rules/training.smk"


rule all:
    """Everything the configuration asks for; a file that was removed is made again."""
    input:
        samples=all_sample_files(),
        grades=all_grades_files(),
        answers=majority_files(),
        tables=summary_files(),
        methods=methods_files(),
        comparisons=comparison_files(),
        agreement=agreement_files(),
        trainings=TRAINING.pages,
        report="results/report.html",
        figure="results/figures/models.svg",
    message:
        "all that the configuration asks for"


rule fetch:
    """All that needs a network: run it on a login node when compute nodes have none."""
    input:
        benchmarks=benchmark_files(),
        checkpoints=checkpoint_files(),


rule greedy:
    """Greedy samples of all models, graded."""
    input:
        samples=greedy_files(),


rule majority:
    """Majority answers of all models."""
    input:
        answers=majority_files(),


rule tables:
    """The summary tables of all models and judges."""
    input:
        tables=summary_files(),


rule report:
    """The page of all results, with its figures."""
    input:
        page="results/report.html",
        figure="results/figures/models.svg",
