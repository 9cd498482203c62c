"""Summary: the tables people read.

Needs: grades of all benchmarks; judged files where a judge is configured.
Makes: results/{model}/summary/{judge}/tables.txt and the files listed in scripts/summarize_results.py; for each pair under
`compare` in the configuration results/compare/{model}-vs-{other}/{judge}/comparison.md, comparison.csv, flipped.csv.
"""


rule summarize_results:
    """Tables and metrics of one model under one judge (`none`: symbolic grading only)."""
    input:
        grades=grades_files,
        judged=judged_files,
    output:
        tables="results/{model}/summary/{judge}/tables.txt",
        markdown="results/{model}/summary/{judge}/tables.md",
        json="results/{model}/summary/{judge}/metrics.json",
        csv="results/{model}/summary/{judge}/metrics.csv",
        curves="results/{model}/summary/{judge}/curves.csv",
        questions="results/{model}/summary/{judge}/questions.parquet",
        disagreements="results/{model}/summary/{judge}/disagreements.csv",
        published="results/{model}/summary/{judge}/published.md",
        published_csv="results/{model}/summary/{judge}/published.csv",
    log:
        "logs/summarize_results/{model}/{judge}.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        scripts=SCRIPTS,
        published=PUBLISHED,
    params:
        policy=POLICY,
        published_as=OPTIONS.published,
        published_sha256=text_sha256(PUBLISHED),
    shell:
        r"""
        python {resources.scripts:q}/summarize_results.py \
            --model {wildcards.model:q} \
            --grades {input.grades:q} \
            --judged {input.judged:q} \
            --published {resources.published:q} {params.published_as:q} \
            --output-dir results/{wildcards.model:q}/summary/{wildcards.judge:q} \
            --policy {params.policy} \
            2>&1 | tee {log:q}
        """


rule compare_models:
    """Two models on the same problems: paired differences, exact tests, flipped problems."""
    input:
        model="results/{model}/summary/{judge}/questions.parquet",
        other="results/{other}/summary/{judge}/questions.parquet",
    output:
        markdown="results/compare/{model}-vs-{other}/{judge}/comparison.md",
        csv="results/compare/{model}-vs-{other}/{judge}/comparison.csv",
        flipped="results/compare/{model}-vs-{other}/{judge}/flipped.csv",
    log:
        "logs/compare_models/{model}-vs-{other}/{judge}.log",
    wildcard_constraints:
        other="|".join(map(re.escape, MODELS)),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        scripts=SCRIPTS,
    shell:
        r"""
        python {resources.scripts:q}/compare_models.py {input.model:q} {input.other:q} \
            --names {wildcards.model:q} {wildcards.other:q} \
            --output-dir results/compare/{wildcards.model:q}-vs-{wildcards.other:q}/{wildcards.judge:q} \
            2>&1 | tee {log:q}
        """
