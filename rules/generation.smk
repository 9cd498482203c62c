"""Generation: one job starts one engine and serves a block of sample runs of all benchmarks (or as many as the config says).

Needs: data/{benchmark}.jsonl, models/{model}/engine/engine.json.
Makes: results/{model}/eval-results/{benchmark}/output-greedy.jsonl and output-rs{seed}.jsonl.
Finished samples are kept in results/{model}/.staging, so a rerun computes only what is missing.
"""

from openmath.staging import GENERATION_VERSION


def sampling_options():
    """The sampling of the configuration, as options of generate.py."""
    options = ["--temperature", GENERATION["temperature"], "--top-p", GENERATION["top_p"]]
    options += ["--max-new-tokens", GENERATION["max_new_tokens"]]
    return options + (["--limit", GENERATION["limit"]] if GENERATION["limit"] else [])


def blocks(model):
    """Sample runs that belong together: greedy, and the seeds. More seeds add blocks; only a short last one grows."""
    seeds, size = seed_runs(model), GENERATION["seeds_per_job"]
    greedy = [["greedy"]] if "greedy" in sample_runs(model) else []
    return greedy + [seeds[start : start + size] for start in range(0, len(seeds), size)]


def generation_jobs(model):
    """Job name -> (benchmarks, sample runs): the blocks dealt in order to `num_jobs` jobs (-1: one each)."""
    all_blocks = blocks(model)
    count = len(all_blocks) if GENERATION["num_jobs"] == -1 else min(GENERATION["num_jobs"], len(all_blocks))
    size = GENERATION["benchmarks_per_job"] or len(BENCHMARKS)
    jobs = {}
    for number in range(count):
        mine = all_blocks[number * len(all_blocks) // count : (number + 1) * len(all_blocks) // count]
        runs = [run for block in mine for run in block]
        name = runs[0] if runs == ["greedy"] else f"{runs[0]}_to_{runs[-1]}"
        for start in range(0, len(BENCHMARKS), size):
            group = BENCHMARKS[start : start + size]
            jobs[name if len(group) == len(BENCHMARKS) else f"{name}_on_{'_'.join(group)}"] = group, runs
    return jobs


for model in SERVED:
    for job, (benchmarks, runs) in generation_jobs(model).items():

        rule:
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
            container:
                engine_setting(model, "image") or None
            threads: GENERATION["threads"]
            resources:
                mem_mb=GENERATION["mem_mb"],
                runtime=GENERATION["runtime"],
                gpu=gpus(model) * GENERATION["engines_per_job"],
                engine_command=engine_setting(model, "command"),
                engine_args=engine_setting(model, "args"),
                copies=GENERATION["engines_per_job"],
                concurrency=GENERATION["concurrency"] or 0,
                # Not params, which would compute again: which runs share a job, and where the prompt lies, change no sample.
                sample_runs=" ".join(runs),
                prompt=prompt_file(MODELS[model]["prompt"]),
            params:
                model=model,
                sampling=sampling_options(),
                prompt_template=MODELS[model]["prompt_template"],
                prompt_sha256=prompt_sha256(MODELS[model]["prompt"]),
                generation_version=GENERATION_VERSION,
            shell:
                r"""
                python {SCRIPTS:q}/generate.py \
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
                    --log {log:q}.engine \
                    2>&1 | tee {log:q}
                """
