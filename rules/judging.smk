"""Judging: an LLM compares greedy and majority answers with the references.

Needs: output-greedy.jsonl and output-majority.jsonl of all benchmarks; a key for a hosted judge, an engine for a self-hosted one,
neither where `replay: true`.
Makes: results/{model}/judged/{judge}/{benchmark}/{mode}.jsonl; with several judges results/{model}/judged/agreement.md.
Verdicts are kept for ever in judgements/{judge}.
"""

for model, judge in [(model, judge) for model in MODELS for judge in JUDGES]:
    served = OPTIONS.served_judge(judge)

    rule:
        """Greedy and majority answers of one model under one judge."""
        name:
            f"judge_{model}_by_{judge}"
        input:
            answers=[answers for answers, _ in judge_pairs(model, judge)],
            engine=judge_engine(judge),
        output:
            judged=[judged for _, judged in judge_pairs(model, judge)],
        log:
            f"logs/judge_answers/{model}/{judge}.log",
        benchmark:
            f"logs/judge_answers/{model}/{judge}.benchmark.tsv"
        conda:
            OPTIONS.engine_environment(served) if served else "../envs/workflow.yaml"
        container:
            (served and OPTIONS.engine_setting(served, "image")) or None
        threads: GENERATION["threads"] if served else 1
        resources:
            **OPTIONS.hardware(served),
            mem_mb=GENERATION["mem_mb"] if served else 2000,
            runtime=GENERATION["runtime"],
            scripts=SCRIPTS,
            prompt=prompt_file(JUDGES[judge]["prompt"]),
            service=OPTIONS.judge_service(judge),
        params:
            judge=judge,
            options=OPTIONS.judge(judge),
            prompt_sha256=prompt_sha256(JUDGES[judge]["prompt"]),
            grader_version=GRADER_VERSION if JUDGES[judge]["cascade"] else None,
            policy=POLICY,
        shell:
            r"""
            python {resources.scripts:q}/judge_answers.py \
                --input {input.answers:q} \
                --output {output.judged:q} \
                --judge {params.judge:q} \
                --store judgements/{params.judge:q} \
                --prompt {resources.prompt:q} \
                {params.options:q} \
                {resources.service} \
                --policy {params.policy} \
                2>&1 | tee {log:q}
            """

    del model, judge, served  # as in generation.smk


rule judge_agreement:
    """Several judges on the same answers, for all models: what a change of judge is worth."""
    input:
        agreement=agreement_files(),


rule compare_judges:
    """Accuracy under each judge, agreement, kappa, and the answers on which judges differ."""
    input:
        judged=all_judged_files,
    output:
        table="results/{model}/judged/agreement.md",
        csv="results/{model}/judged/agreement.csv",
        differing="results/{model}/judged/agreement.jsonl",
    log:
        "logs/compare_judges/{model}.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        scripts=SCRIPTS,
    params:
        judges=list(JUDGES),
    shell:
        r"""
        python {resources.scripts:q}/compare_judges.py \
            --judges {params.judges:q} \
            --judged {input.judged:q} \
            --output {output.table:q} \
            2>&1 | tee {log:q}
        """
