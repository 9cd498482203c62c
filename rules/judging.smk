"""Judging: an LLM compares greedy and majority answers with the references.

Needs: output-greedy.jsonl and output-majority.jsonl of all benchmarks; a key for a hosted judge, an engine for a self-hosted one.
Makes: results/{model}/judged/{judge}/{benchmark}/{mode}.jsonl. Verdicts are kept for ever in judgements/{judge}.
"""


def judge_engine(judge):
    """Engine of a self-hosted judge; a hosted one has none."""
    served = JUDGES[judge].get("self_hosted")
    return [f"models/{served}/engine/engine.json"] if served else []


def judge_options(judge):
    """Who judges, as options of judge_answers.py."""
    settings = JUDGES[judge]
    options = [
        "--prompt",
        prompt_file(settings["prompt"]),
        "--max-new-tokens",
        settings["max_new_tokens"],
    ]
    if "self_hosted" in settings:
        return [*options, "--engine", f"models/{settings['self_hosted']}/engine"]
    options += ["--base-url", settings["base_url"], "--model", settings["model"]]
    return options + (["--api-key-env", settings["api_key_env"]] if "api_key_env" in settings else [])


def judge_resource(judge, key):
    """Speed setting or GPU count of a self-hosted judge's engine."""
    served = JUDGES[judge].get("self_hosted")
    if key == "gpu":
        return gpus(served) if served else 0
    return engine_setting(served, key) if served else ""


for model in MODELS:
    for judge in JUDGES:

        rule:
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
            threads: GENERATION["threads"] if judge_engine(judge) else 1
            resources:
                mem_mb=GENERATION["mem_mb"] if judge_engine(judge) else 2000,
                runtime=GENERATION["runtime"],
                gpu=judge_resource(judge, "gpu"),
                engine_args=judge_resource(judge, "args"),
                concurrency=JUDGES[judge]["concurrency"],
            params:
                judge=judge,
                options=judge_options(judge),
                prompt_sha256=prompt_sha256(JUDGES[judge]["prompt"]),
                policy=POLICY,
            shell:
                r"""
                python {SCRIPTS:q}/judge_answers.py \
                    --input {input.answers:q} \
                    --output {output.judged:q} \
                    --judge {params.judge:q} \
                    --store judgements/{params.judge:q} \
                    {params.options:q} \
                    --engine-args={resources.engine_args:q} \
                    --concurrency {resources.concurrency} \
                    --policy {params.policy} \
                    2>&1 | tee {log:q}
                """
