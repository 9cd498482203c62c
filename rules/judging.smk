"""Judging: an LLM compares greedy and majority answers with the references.

Needs: output-greedy.jsonl and output-majority.jsonl of all benchmarks; a key for a hosted judge, an engine for a self-hosted one,
neither where `replay: true`.
Makes: results/{model}/judged/{judge}/{benchmark}/{mode}.jsonl; with several judges results/{model}/judged/agreement.md.
Verdicts are kept for ever in judgements/{judge}.
"""

import shlex


localrules:
    compare_judges,


def judge_engine(judge):
    """Engine of a self-hosted judge; a hosted or replayed one needs none."""
    settings = JUDGES[judge]
    served = None if settings["replay"] else settings.get("self_hosted")
    return [f"models/{served}/engine/engine.json"] if served else []


def judge_options(judge):
    """Who judges and how, as options of judge_answers.py: all that can change a verdict."""
    settings = JUDGES[judge]
    options = ["--prompt", prompt_file(settings["prompt"]), "--max-new-tokens", settings["max_new_tokens"]]
    options += ["--tries-unparsed", settings["tries_unparsed"]]
    if settings["cascade"]:
        options += ["--cascade"]
    if "model" in settings:
        return [*options, "--model", settings["model"]]
    if settings["replay"]:
        return [*options, "--self-hosted"]
    return [*options, "--engine", f"models/{settings['self_hosted']}/engine"]


def judge_service(judge):
    """How the judge is reached and paid, as one string of options: none of it changes a verdict."""
    settings = JUDGES[judge]
    options = ["--concurrency", settings["concurrency"], "--request-seconds", settings["request_seconds"]]
    options += [
        "--mode",
        settings["mode"],
        "--poll-seconds",
        settings["poll_seconds"],
        "--base-url",
        settings["base_url"],
    ]
    if "api_key_env" in settings:
        options += ["--api-key-env", settings["api_key_env"]]
    if "prices" in settings:
        options += ["--prices", settings["prices"]["input"], settings["prices"]["output"]]
    if "budget_usd" in settings:
        options += ["--budget-usd", settings["budget_usd"]]
    if settings["replay"]:
        options += ["--replay"]
    for option in ("command", "args"):
        if judge_engine(judge) and engine_setting(settings["self_hosted"], option):
            options += [f"--engine-{option}={engine_setting(settings['self_hosted'], option)}"]
    return shlex.join(map(str, options))


def agreement_files():
    """The comparison of the judges of each model, where there are several."""
    return expand("results/{model}/judged/agreement.md", model=MODELS if len(JUDGES) > 1 else [])


def all_judged_files(wildcards):
    """Judged files of one model under all judges."""
    return [judged for judge in JUDGES for _, judged in judge_pairs(wildcards.model, judge)]


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
            container:
                (judge_engine(judge) and engine_setting(JUDGES[judge]["self_hosted"], "image")) or None
            threads: GENERATION["threads"] if judge_engine(judge) else 1
            resources:
                mem_mb=GENERATION["mem_mb"] if judge_engine(judge) else 2000,
                runtime=GENERATION["runtime"],
                gpu=gpus(JUDGES[judge]["self_hosted"]) if judge_engine(judge) else 0,
                service=judge_service(judge),
            params:
                judge=judge,
                options=judge_options(judge),
                prompt_sha256=prompt_sha256(JUDGES[judge]["prompt"]),
                grader_version=GRADER_VERSION if JUDGES[judge]["cascade"] else None,
                policy=POLICY,
            shell:
                r"""
                python {SCRIPTS:q}/judge_answers.py \
                    --input {input.answers:q} \
                    --output {output.judged:q} \
                    --judge {params.judge:q} \
                    --store judgements/{params.judge:q} \
                    {params.options:q} \
                    {resources.service} \
                    --policy {params.policy} \
                    2>&1 | tee {log:q}
                """


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
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        judges=list(JUDGES),
    shell:
        r"""
        python {SCRIPTS:q}/compare_judges.py \
            --judges {params.judges:q} \
            --judged {input.judged:q} \
            --output {output.table:q} \
            2>&1 | tee {log:q}
        """
