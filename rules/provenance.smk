"""Provenance: what stands behind the tables.

Needs: the summary, and the records that the stages have left beside their results.
Makes: results/{model}/summary/{judge}/manifest.json and methods.md, a paragraph for a paper. Trace a number: scripts/trace.py.
"""


rule write_methods:
    """Merge the records of all stages, hash every file, and write the paragraph."""
    input:
        grades=grades_manifests,
        summary=rules.summarize_results.output,
    output:
        manifest="results/{model}/summary/{judge}/manifest.json",
        methods="results/{model}/summary/{judge}/methods.md",
    log:
        "logs/write_methods/{model}/{judge}.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        scripts=SCRIPTS,
    params:
        config=OPTIONS.summary_config,
    shell:
        r"""
        python {resources.scripts:q}/write_methods.py --config-json \
            --model {wildcards.model:q} \
            --judge {wildcards.judge:q} \
            --summary {input.summary:q} \
            --output-dir results/{wildcards.model:q}/summary/{wildcards.judge:q} \
            <<<{params.config:q} 2>&1 | tee {log:q}
        """
