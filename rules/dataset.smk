"""Dataset: a training set written by a teacher, one of the models, by `snakemake dataset`; not part of `all`.

Needs: `dataset` in the configuration; data/{origin}.jsonl, the benchmarks with the problems to begin from.
Makes: datasets/{dataset}/solutions, of these problems; problems and new-problems, made from them; new-solutions and labels, of the
new ones; grades, kept, what the filters leave. decontamination.smk and packing.smk do the rest (docs/dataset.md).
"""

from functools import partial

from openmath.grading.grades import GRADER_VERSION
from openmath.settings.dataset_layout import DatasetLayout
from openmath.settings.sample_settings import GENERATION_VERSION

if "dataset" in config:
    DATASET = DatasetLayout(config)
    TEACHER = config["dataset"]["teacher"]

    wildcard_constraints:
        dataset=re.escape(DATASET.name),
        stage="solutions|new-solutions",
        part="|".join(map(re.escape, dict.fromkeys(part.name for part in DATASET.parts))),
        origin="|".join(map(re.escape, config["dataset"]["origins"])),

    rule dataset:
        """The training set, packed."""
        input:
            packed=DATASET.packed_files,
            figure=DATASET.figure_files,

    for job in DATASET.jobs:

        rule:
            """Sample runs of one stage of one origin, by one start of the teacher's engine."""
            name:
                f"generate_{job.name}"
            input:
                problems=job.problems,
                only=job.only,
                engine=f"models/{TEACHER}/engine/engine.json",
            output:
                samples=job.outputs,
            log:
                f"logs/generate_dataset/{DATASET.name}/{job.name}.log",
            benchmark:
                f"logs/generate_dataset/{DATASET.name}/{job.name}.benchmark.tsv"
            conda:
                OPTIONS.engine_environment(TEACHER)
            container:
                OPTIONS.engine_setting(TEACHER, "image") or None
            threads: GENERATION["threads"]
            resources:
                **OPTIONS.hardware(TEACHER, GENERATION["engines_per_job"]),
                mem_mb=GENERATION["mem_mb"],
                runtime=GENERATION["runtime"],
                scripts=SCRIPTS,
                engine_command=OPTIONS.engine_setting(TEACHER, "command"),
                engine_args=OPTIONS.engine_setting(TEACHER, "args"),
                copies=OPTIONS.copies(TEACHER),
                concurrency=GENERATION["concurrency"] or 0,
                refusals=OPTIONS.refusals(),
                # Not params, which would compute again: see generation.smk.
                sample_runs=" ".join(job.runs),
                prompt=prompt_file(job.drawn["prompt"]),
            params:
                teacher=TEACHER,
                folder=f"datasets/{DATASET.name}/{job.stage}",
                staging=f"datasets/{DATASET.name}/.staging/{job.stage}/{job.origin}",
                sampling=OPTIONS.drawn(job.drawn),
                prompt_template=job.drawn["prompt_template"],
                prompt_sha256=prompt_sha256(job.drawn["prompt"]),
                generation_version=GENERATION_VERSION,
            message:
                f"generate {job.stage} of {job.origin} by {TEACHER}: {job.runs[0]} to {job.runs[-1]}; log: {{log}}"
            shell:
                r"""
                python {resources.scripts:q}/generate.py \
                    --engine models/{params.teacher}/engine \
                    --engine-command={resources.engine_command:q} \
                    --engine-args={resources.engine_args:q} \
                    --benchmarks {input.problems:q} \
                    --only {input.only:q} \
                    --sample-runs {resources.sample_runs} \
                    --output-dir {params.folder:q} \
                    --staging {params.staging:q} \
                    --prompt {resources.prompt:q} \
                    --prompt-template {params.prompt_template} \
                    {params.sampling:q} \
                    --copies {resources.copies} \
                    --concurrency {resources.concurrency} \
                    {resources.refusals} \
                    --log {log:q}.engine \
                    2>&1 | tee {log:q}
                """

    if DATASET.jobs:
        del job

    rule collect_problems:
        """New problems of one run that are good to solve."""
        input:
            samples="datasets/{dataset}/problems/{origin}/output-rs{seed}.jsonl",
            seeds="data/{origin}.jsonl",
            earlier=earlier_problems,
        output:
            problems="datasets/{dataset}/new-problems/{origin}-rs{seed}.jsonl",
            counts="datasets/{dataset}/new-problems/{origin}-rs{seed}.counts.json",
        log:
            "logs/collect_problems/{dataset}/{origin}-rs{seed}.log",
        wildcard_constraints:
            seed=r"\d+",
        localrule: True
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=4000,
            runtime=60,
            scripts=SCRIPTS,
            prompt=problems_prompt,
        params:
            max_problem_tokens=config["dataset"]["max_problem_tokens"],
            prompt_sha256=problems_prompt_sha256,
        shell:
            r"""
            python {resources.scripts:q}/collect_problems.py \
                --samples {input.samples:q} \
                --seeds {input.seeds:q} \
                --prompt {resources.prompt:q} \
                --earlier {input.earlier:q} \
                --max-problem-tokens {params.max_problem_tokens} \
                --output {output.problems:q} \
                2>&1 | tee {log:q}
            """

    rule grade_solutions:
        """Grade all solutions of one part; of new problems, which have no reference, only answers and vote classes matter."""
        input:
            problems=part_problems,
            samples=part_samples,
        output:
            grades="datasets/{dataset}/grades/{stage}/{part}.parquet",
            manifest="datasets/{dataset}/grades/{stage}/{part}.manifest.json",
        log:
            "logs/grade_solutions/{dataset}/{stage}/{part}.log",
        conda:
            "../envs/workflow.yaml"
        threads: 2
        resources:
            mem_mb=4000,
            runtime=60,
            scripts=SCRIPTS,
        params:
            policy=POLICY,
            grader_version=GRADER_VERSION,
        shell:
            r"""
            python {resources.scripts:q}/grade_answers.py --benchmark {input.problems:q} \
                --samples {input.samples:q} \
                --output {output.grades:q} \
                --policy {params.policy} \
                --processes {threads} \
                2>&1 | tee {log:q}
            """

    rule label_problems:
        """The answer that most solutions of each new problem give."""
        input:
            grades="datasets/{dataset}/grades/new-solutions/{part}.parquet",
        output:
            labels="datasets/{dataset}/labels/{part}.jsonl",
        log:
            "logs/label_problems/{dataset}/{part}.log",
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
            scripts=SCRIPTS,
        params:
            min_votes=config["dataset"]["min_votes"],
            policy=POLICY,
        shell:
            r"""
            python {resources.scripts:q}/label_problems.py \
                --grades {input.grades:q} \
                --min-votes {params.min_votes} \
                --policy {params.policy} \
                --output {output.labels:q} \
                2>&1 | tee {log:q}
            """

    rule filter_solutions:
        """The correct solutions of one part that the filters leave."""
        input:
            problems=part_problems,
            samples=part_samples,
            grades="datasets/{dataset}/grades/{stage}/{part}.parquet",
            labels=part_labels,
        output:
            kept="datasets/{dataset}/kept/{stage}/{part}.parquet",
            counts="datasets/{dataset}/kept/{stage}/{part}.counts.json",
        log:
            "logs/filter_solutions/{dataset}/{stage}/{part}.log",
        conda:
            "../envs/workflow.yaml"
        threads: 4  # the script learns them from OMP_NUM_THREADS, which Snakemake sets, and starts as many processes
        resources:
            mem_mb=4000,
            runtime=120,
            scripts=SCRIPTS,
        params:
            labels=labels_option,
            source=part_source,
            origin=part_origin,
            filters=OPTIONS.filters(),
            policy=POLICY,
        shell:
            r"""
            python {resources.scripts:q}/filter_solutions.py \
                --problems {input.problems:q} \
                --samples {input.samples:q} \
                --grades {input.grades:q} {params.labels:q} \
                --stage {wildcards.stage} \
                --origin {params.origin:q} \
                --source {params.source:q} \
                {params.filters:q} \
                --policy {params.policy} \
                --output {output.kept:q} \
                2>&1 | tee {log:q}
            """
