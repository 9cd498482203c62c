"""Export: a finished evaluation for other tools, by `snakemake export`; not part of `all`, since it copies all samples.

Needs: all sample runs, grades, judged files (without a judge: majority answers) of a model; its summaries.
Makes: results/{model}/export, all samples for NeMo-Skills and `datasets`; results/{model}/records, the results alone as a table, for
the Hugging Face Hub, Every Eval Ever and readers of lm-evaluation-harness. `export` in the configuration chooses (docs/export.md).
"""

from openmath.settings.defaults import RESULT_FORMATS, SAMPLE_FORMATS


rule export:
    """All models."""
    input:
        folders=exported_folders(),


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
        formats=OPTIONS.exported(SAMPLE_FORMATS),
    shell:
        r"""
        python {resources.scripts:q}/export_results.py \
            --model {wildcards.model:q} \
            --samples {params.samples:q} \
            --grades {input.grades:q} \
            --judged {input.judged:q} \
            --majority {input.majority:q} \
            --output {output.folder:q} \
            --formats {params.formats} \
            2>&1 | tee {log:q}
        """


rule export_metrics:
    """The results of one model, under all judges."""
    input:
        manifests=model_manifests,
    output:
        folder=directory("results/{model}/records"),
    log:
        "logs/export_metrics/{model}.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        scripts=SCRIPTS,
        judge_prompts=OPTIONS.judge_prompts(),
    params:
        summaries=model_summary_folders,
        formats=OPTIONS.exported(RESULT_FORMATS),
        publisher=OPTIONS.publisher,
    shell:
        r"""
        python {resources.scripts:q}/export_metrics.py {params.summaries:q} \
            --output {output.folder:q} \
            --formats {params.formats} \
            --judge-prompts {resources.judge_prompts} \
            {params.publisher:q} \
            2>&1 | tee {log:q}
        """
