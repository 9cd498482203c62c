"""Grading: extract the boxed answers and compare each different one once with the reference.

Needs: all sample runs of a model on a benchmark, data/{benchmark}.jsonl.
Makes: results/{model}/grades/{benchmark}.parquet, one row per (problem, sample run), and manifest.json with the sha256 of all it read.
"""

from openmath.grading.grades import GRADER_VERSION


rule grade_answers:
    """Grade all sample runs of one model on one benchmark."""
    input:
        problems=problems_file,
        samples=sample_files,
    output:
        grades="results/{model}/grades/{benchmark}.parquet",
        manifest="results/{model}/grades/{benchmark}.manifest.json",
    log:
        "logs/grade_answers/{model}/{benchmark}.log",
    conda:
        "../envs/workflow.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
        scripts=SCRIPTS,
    params:
        benchmark=benchmark_option,
        policy=POLICY,
        grader_version=GRADER_VERSION,
    message:
        "grade all samples of {wildcards.model} on {wildcards.benchmark}; log: {log}"
    shell:
        r"""
        python {resources.scripts:q}/grade_answers.py {params.benchmark} \
            --samples {input.samples:q} \
            --output {output.grades:q} \
            --policy {params.policy} \
            --processes {threads} \
            2>&1 | tee {log:q}
        """
