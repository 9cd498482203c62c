"""Export: a finished evaluation for other tools, by `snakemake export`; not part of `all`, since it copies all samples.

Needs: all sample runs, grades, judged files (without a judge: majority answers) of a model.
Makes: results/{model}/export/nemo-skills, folders that NeMo-Skills' summarize_results reads, and results/{model}/export/dataset,
parquet files with a card for the Hugging Face hub (docs/export.md).
"""


rule export:
    """All models."""
    input:
        folders=expand("results/{model}/export", model=MODELS),


rule export_results:
    """All samples and verdicts of one model."""
    input:
        samples=model_sample_files,
        grades=grades_files,
        judged=all_judged_files,
        majority=unjudged_majority_files,
    output:
        folder=directory("results/{model}/export"),
    log:
        "logs/export_results/{model}.log",
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
        scripts=SCRIPTS,
    params:
        samples=samples_folder,
    shell:
        r"""
        python {resources.scripts:q}/export_results.py \
            --model {wildcards.model:q} \
            --samples {params.samples:q} \
            --grades {input.grades:q} \
            --judged {input.judged:q} \
            --majority {input.majority:q} \
            --output {output.folder:q} \
            2>&1 | tee {log:q}
        """
