"""Decontamination: new problems that repeat a test problem go before anybody solves them; a part of `snakemake dataset`.

Needs: datasets/{dataset}/new-problems, data/{benchmark}.jsonl of all benchmarks.
Makes: datasets/{dataset}/similar, the nearest test problems; same/{judge}, whether a judge calls them the same; clean-problems.
"""

if "decontamination" in config.get("dataset", {}):
    DECONTAMINATION = config["dataset"]["decontamination"]
    JUDGE = DECONTAMINATION.get("judge")

    rule find_similar:
        """The test problems that each new problem is nearest to."""
        input:
            problems="datasets/{dataset}/new-problems/{part}.jsonl",
            benchmarks=expand("data/{benchmark}.jsonl", benchmark=BENCHMARKS),
        output:
            pairs="datasets/{dataset}/similar/{part}.jsonl",
        log:
            "logs/find_similar/{dataset}/{part}.log",
        conda:
            "../envs/workflow.yaml"
        threads: 2
        resources:
            mem_mb=4000,
            runtime=120,
            scripts=SCRIPTS,
        params:
            embedder=DECONTAMINATION["embedder"],
            top=DECONTAMINATION["top"],
        shell:
            r"""
            python {resources.scripts:q}/find_similar.py \
                --problems {input.problems:q} \
                --benchmarks {input.benchmarks:q} \
                --embedder {params.embedder:q} \
                --top {params.top} \
                --output {output.pairs:q} \
                2>&1 | tee {log:q}
            """

    if JUDGE:

        rule judge_similar:
            """Whether a new problem is a test problem in other words, asked in both orders."""
            input:
                pairs="datasets/{dataset}/similar/{part}.jsonl",
                engine=judge_engine(JUDGE),
            output:
                judged=f"datasets/{{dataset}}/same/{JUDGE}/{{part}}.jsonl",
            log:
                "logs/judge_similar/{dataset}/{part}.log",
            conda:
                judge_environment(JUDGE)
            container:
                judge_image(JUDGE)
            threads: GENERATION["threads"] if OPTIONS.served_judge(JUDGE) else 1
            resources:
                **OPTIONS.hardware(OPTIONS.served_judge(JUDGE)),
                mem_mb=GENERATION["mem_mb"] if OPTIONS.served_judge(JUDGE) else 2000,
                runtime=GENERATION["runtime"],
                scripts=SCRIPTS,
                prompt=prompt_file(DECONTAMINATION["prompt"]),
                service=OPTIONS.judge_service(JUDGE),
            params:
                judge=JUDGE,
                options=OPTIONS.same_problem_judge(JUDGE),
                prompt_sha256=prompt_sha256(DECONTAMINATION["prompt"]),
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

    rule decontaminate_problems:
        """New problems without those that repeat a test problem."""
        input:
            problems="datasets/{dataset}/new-problems/{part}.jsonl",
            similar=(
                f"datasets/{{dataset}}/same/{JUDGE}/{{part}}.jsonl"
                if JUDGE
                else "datasets/{dataset}/similar/{part}.jsonl"
            ),
        output:
            problems="datasets/{dataset}/clean-problems/{part}.jsonl",
            counts="datasets/{dataset}/clean-problems/{part}.counts.json",
        log:
            "logs/decontaminate_problems/{dataset}/{part}.log",
        localrule: True
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
            scripts=SCRIPTS,
        params:
            similarity=[] if JUDGE else ["--similarity", DECONTAMINATION["similarity"]],
            benchmarks=BENCHMARKS,
        shell:
            r"""
            python {resources.scripts:q}/decontaminate_problems.py \
                --problems {input.problems:q} \
                --similar {input.similar:q} \
                --benchmarks {params.benchmarks:q} {params.similarity} \
                --output {output.problems:q} \
                2>&1 | tee {log:q}
            """
