"""Majority: the answer most sampled runs agree on, per problem.

Needs: results/{model}/grades/{benchmark}.parquet.
Makes: results/{model}/eval-results-majority/{benchmark}/output-majority.jsonl.
"""


rule fill_majority:
    """Vote over the sampled runs; greedy has no vote."""
    input:
        grades="results/{model}/grades/{benchmark}.parquet",
        problems=problems_file,
    output:
        answers="results/{model}/eval-results-majority/{benchmark}/output-majority.jsonl",
    log:
        "logs/fill_majority/{model}/{benchmark}.log",
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
        scripts=SCRIPTS,
    params:
        problems=problems_option,
        policy=POLICY,
    shell:
        r"""
        python {resources.scripts:q}/fill_majority.py \
            --grades {input.grades:q} \
            {params.problems} {input.problems:q} \
            --output {output.answers:q} \
            --policy {params.policy} \
            2>&1 | tee {log:q}
        """
