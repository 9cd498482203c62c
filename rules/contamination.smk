"""Contamination: benchmark problems that stand in a training set, by `snakemake contamination`; not part of `all`.

Needs: `contamination` in the configuration, data/{benchmark}.jsonl.
Makes: results/contamination/report.md, and {benchmark}.csv with the pairs. With `paraphrases` also paraphrases.md, and clean.jsonl
with the problems that repeat none, decided as decontamination.smk decides about new problems.
"""

if "contamination" in config:
    PARAPHRASES = config["contamination"].get("paraphrases", {})

    rule contamination:
        """The reports on all benchmarks."""
        input:
            report="results/contamination/report.md",
            paraphrases=["results/contamination/paraphrases.md"] if PARAPHRASES else [],

    rule find_contamination:
        """Compare all benchmarks with the training set, which is read once."""
        input:
            benchmarks=expand("data/{benchmark}.jsonl", benchmark=BENCHMARKS),
            training_set=config["contamination"]["training_set"],
        output:
            report="results/contamination/report.md",
            pairs=expand("results/contamination/{benchmark}.csv", benchmark=BENCHMARKS),
        log:
            "logs/find_contamination.log",
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=120,
            scripts=SCRIPTS,
        params:
            field=config["contamination"]["field"],
            ngram=config["contamination"]["ngram"],
            similarity=config["contamination"]["similarity"],
        shell:
            r"""
            python {resources.scripts:q}/find_contamination.py \
                --benchmarks {input.benchmarks:q} \
                --training-set {input.training_set:q} \
                --field {params.field:q} \
                --ngram {params.ngram} \
                --similarity {params.similarity} \
                --output-dir results/contamination \
                2>&1 | tee {log:q}
            """

    if PARAPHRASES:
        PARAPHRASES_JUDGE = PARAPHRASES.get("judge")

        rule find_paraphrases:
            """The test problems that each problem of the set is nearest to."""
            input:
                training_set=config["contamination"]["training_set"],
                benchmarks=expand("data/{benchmark}.jsonl", benchmark=BENCHMARKS),
            output:
                pairs="results/contamination/pairs.jsonl",
            log:
                "logs/find_paraphrases.log",
            conda:
                "../envs/workflow.yaml"
            threads: 2
            resources:
                mem_mb=4000,
                runtime=120,
                scripts=SCRIPTS,
            params:
                field=config["contamination"]["field"],
                embedder=PARAPHRASES["embedder"],
                top=PARAPHRASES["top"],
            shell:
                r"""
                python {resources.scripts:q}/find_similar.py \
                    --problems {input.training_set:q} \
                    --field {params.field:q} \
                    --benchmarks {input.benchmarks:q} \
                    --embedder {params.embedder:q} \
                    --top {params.top} \
                    --output {output.pairs:q} \
                    2>&1 | tee {log:q}
                """

        rule report_paraphrases:
            """What of the set repeats a test problem, and the set's problems without it."""
            input:
                training_set=config["contamination"]["training_set"],
                pairs=(
                    f"results/contamination/same/{PARAPHRASES_JUDGE}.jsonl"
                    if PARAPHRASES_JUDGE
                    else "results/contamination/pairs.jsonl"
                ),
            output:
                report="results/contamination/paraphrases.md",
                clean="results/contamination/clean.jsonl",
                counts="results/contamination/clean.counts.json",
            log:
                "logs/report_paraphrases.log",
            conda:
                "../envs/workflow.yaml"
            threads: 1
            resources:
                mem_mb=4000,
                runtime=60,
                scripts=SCRIPTS,
            params:
                field=config["contamination"]["field"],
                similarity=[] if PARAPHRASES_JUDGE else ["--similarity", PARAPHRASES["similarity"]],
                benchmarks=BENCHMARKS,
            shell:
                r"""
                python {resources.scripts:q}/decontaminate_problems.py \
                    --problems {input.training_set:q} \
                    --field {params.field:q} \
                    --similar {input.pairs:q} \
                    --benchmarks {params.benchmarks:q} {params.similarity} \
                    --output {output.clean:q} \
                    --report {output.report:q} \
                    2>&1 | tee {log:q}
                """

        if PARAPHRASES_JUDGE:

            rule judge_paraphrases:
                """Whether a problem of the set is a test problem in other words, asked in both orders."""
                input:
                    pairs="results/contamination/pairs.jsonl",
                    engine=judge_engine(PARAPHRASES_JUDGE),
                output:
                    judged=f"results/contamination/same/{PARAPHRASES_JUDGE}.jsonl",
                log:
                    f"logs/judge_paraphrases/{PARAPHRASES_JUDGE}.log",
                conda:
                    judge_environment(PARAPHRASES_JUDGE)
                container:
                    judge_image(PARAPHRASES_JUDGE)
                threads: GENERATION["threads"] if OPTIONS.served_judge(PARAPHRASES_JUDGE) else 1
                resources:
                    **OPTIONS.hardware(OPTIONS.served_judge(PARAPHRASES_JUDGE)),
                    mem_mb=GENERATION["mem_mb"] if OPTIONS.served_judge(PARAPHRASES_JUDGE) else 2000,
                    runtime=GENERATION["runtime"],
                    scripts=SCRIPTS,
                    prompt=prompt_file(PARAPHRASES["prompt"]),
                    service=OPTIONS.judge_service(PARAPHRASES_JUDGE),
                params:
                    judge=PARAPHRASES_JUDGE,
                    options=OPTIONS.same_problem_judge(PARAPHRASES_JUDGE),
                    prompt_sha256=prompt_sha256(PARAPHRASES["prompt"]),
                    policy=POLICY,
                shell:
                    r"""
                    python {resources.scripts:q}/judge_answers.py \
                        --input {input.pairs:q} \
                        --output {output.judged:q} \
                        --judge {params.judge:q} \
                        --store judgements/{params.judge:q} \
                        --prompt {resources.prompt:q} \
                        --policy {params.policy} \
                        {params.options:q} {resources.service} \
                        2>&1 | tee {log:q}
                    """
