"""Summary: the tables people read.

Needs: grades of all benchmarks; judged files where a judge is configured.
Makes: results/{model}/summary/{judge}/tables.txt, metrics.json, metrics.csv, published.md.
"""


localrules:
    summarize_results,


rule summarize_results:
    """Tables and metrics of one model under one judge (`none`: symbolic grading only)."""
    input:
        grades=grades_files,
        judged=judged_files,
    output:
        tables="results/{model}/summary/{judge}/tables.txt",
        json="results/{model}/summary/{judge}/metrics.json",
        csv="results/{model}/summary/{judge}/metrics.csv",
        published="results/{model}/summary/{judge}/published.md",
    log:
        "logs/summarize_results/{model}/{judge}.log",
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        policy=POLICY,
        published_sha256=text_sha256(PUBLISHED),
    shell:
        r"""
        python {SCRIPTS:q}/summarize_results.py \
            --model {wildcards.model:q} \
            --grades {input.grades:q} \
            --judged {input.judged:q} \
            --published {PUBLISHED:q} \
            --output-dir results/{wildcards.model:q}/summary/{wildcards.judge:q} \
            --policy {params.policy} \
            2>&1 | tee {log:q}
        """
