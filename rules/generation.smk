"""Generation: one job starts one engine and serves a block of sample runs of all benchmarks (or as many as the config says).

Needs: data/{benchmark}.jsonl, models/{model}/engine/engine.json.
Makes: results/{model}/eval-results/{benchmark}/output-greedy.jsonl and output-rs{seed}.jsonl.
Finished samples are kept in results/{model}/.staging, so a rerun computes only what is missing.
"""

from functools import partial

from openmath.settings.sample_settings import GENERATION_VERSION

for model, (job, (benchmarks, runs)) in [(model, job) for model in SERVED for job in generation_jobs(model).items()]:

    rule:
        """Sample runs of one model, by one start of its engine."""
        name:
            f"generate_{model}_{job}"
        input:
            benchmarks=expand("data/{benchmark}.jsonl", benchmark=benchmarks),
            engine=f"models/{model}/engine/engine.json",
        output:
            samples=[sample_file(model, benchmark, run) for run in runs for benchmark in benchmarks],
        log:
            f"logs/generate/{model}/{job}.log",
        benchmark:
            f"logs/generate/{model}/{job}.benchmark.tsv"
        conda:
            OPTIONS.engine_environment(model)
        container:
            OPTIONS.engine_setting(model, "image") or None
        threads: GENERATION["threads"]
        resources:
            **OPTIONS.hardware(model, GENERATION["engines_per_job"]),
            mem_mb=GENERATION["mem_mb"],
            runtime=GENERATION["runtime"],
            scripts=SCRIPTS,
            engine_command=OPTIONS.engine_setting(model, "command"),
            engine_args=OPTIONS.engine_setting(model, "args"),
            copies=OPTIONS.copies(model),
            concurrency=GENERATION["concurrency"] or 0,
            refusals=OPTIONS.refusals() + OPTIONS.compression(),
            # Not params, which would compute again: which runs share a job, and where the prompt lies, change no sample.
            sample_runs=" ".join(runs),
            prompt=prompt_file(MODELS[model]["prompt"]),
        params:
            model=model,
            sampling=partial(OPTIONS.sampling, model),
            prompt_template=MODELS[model]["prompt_template"],
            prompt_sha256=prompt_sha256(MODELS[model]["prompt"]),
            generation_version=GENERATION_VERSION,
        message:
            # In place of a list of all files, which errors and --report still show.
            f"generate samples of {model}: {' to '.join(dict.fromkeys((runs[0], runs[-1])))} on {', '.join(benchmarks)}; log: {{log}}"
        shell:
            r"""
            python {resources.scripts:q}/generate.py \
                --engine models/{params.model}/engine \
                --engine-command={resources.engine_command:q} \
                --engine-args={resources.engine_args:q} \
                --benchmarks {input.benchmarks:q} \
                --sample-runs {resources.sample_runs} \
                --output-dir results/{params.model}/eval-results \
                --staging results/{params.model}/.staging \
                --prompt {resources.prompt:q} \
                --prompt-template {params.prompt_template} \
                {params.sampling:q} \
                --copies {resources.copies} \
                --concurrency {resources.concurrency} \
                {resources.refusals} \
                --log {log:q}.engine \
                2>&1 | tee {log:q}
            """

    # Shell strings can name what is global: in another rule {model} would be the last one here.
    del model, job, benchmarks, runs
