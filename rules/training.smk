"""Training: models fine-tuned on a training set, by `snakemake train`; a model with `trained` is evaluated as any other.

Needs: `training` in the configuration; the training set; models/{base}/checkpoint.
Makes: training/{run}/checkpoints, curve.csv, training.json; models/{model}/checkpoint, the mean of some of them; and once that model
is evaluated, models/{model}/card.md and training/{run}/learning_curve.svg (docs/training.md).
"""

from openmath.settings.training_layout import TrainingLayout

TRAINING = TrainingLayout(config)
TRAINED = TRAINING.models

if TRAINING.runs:

    rule train:
        """All trainings, and the models that come out of them."""
        input:
            trainings=expand("training/{run}/training.json", run=TRAINING.runs),
            curves=expand("training/{run}/curve.svg", run=TRAINING.runs),
            models=expand("models/{model}/manifest.json", model=TRAINED),


for run, settings in TRAINING.runs.items():

    rule:
        """Fine-tune a model. Checkpoints and curve.csv are no outputs: Snakemake would remove them before the next try, which goes on
        from them."""
        name:
            f"train_model_{run}"
        input:
            base=f"models/{settings['base']}/manifest.json",
            dataset=TRAINING.data_file(run),
        output:
            record=f"training/{run}/training.json",
        log:
            f"logs/train_model/{run}.log",
        benchmark:
            f"logs/train_model/{run}.benchmark.tsv"
        retries: settings["tries"] - 1
        conda:
            "../envs/train.yaml"
        threads: settings["threads"]
        resources:
            **TRAINING.hardware(run),
            mem_mb=settings["mem_mb"],
            runtime=settings["runtime"],
            scripts=SCRIPTS,
            python=settings["python"],
            # Not params, which would compute again: speed, and where the prompt lies, change no weight.
            prompt=TRAINING.prompt_file(run),
            settings=TRAINING.settings(run),
            devices=f"--gpus {settings['gpus']} --nodes {settings['nodes']}",
        params:
            run=run,
            base=settings["base"],
            recipe=TRAINING.recipe(run),
            prompt_options=TRAINING.prompt_options(run),
            prompt_sha256=prompt_sha256(settings["prompt"]),
        shell:
            r"""
            {resources.python:q} {resources.scripts:q}/train_model.py \
                --base models/{params.base}/checkpoint \
                --dataset {input.dataset:q} \
                --prompt {resources.prompt:q} \
                {params.prompt_options:q} \
                --settings {resources.settings:q} \
                {resources.devices} \
                --output-dir training/{params.run} \
                2>&1 | tee {log:q}
            """


for model in TRAINED:

    rule:
        """The mean of a training's checkpoints, as a checkpoint to evaluate."""
        name:
            f"average_checkpoints_{model}"
        input:
            record=f"training/{MODELS[model]['trained']}/training.json",
        output:
            checkpoint=directory(f"models/{model}/checkpoint"),
            manifest=f"models/{model}/manifest.json",
        log:
            f"logs/average_checkpoints/{model}.log",
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=4000,
            runtime=240,
            scripts=SCRIPTS,
        params:
            run=MODELS[model]["trained"],
            checkpoints=TRAINING.averaged(model),
            dtype=TRAINING.averaged_dtype(model),
            gguf=TRAINING.gguf_option(model),
            steps=TRAINING.steps_option(model),
        shell:
            r"""
            python {resources.scripts:q}/average_checkpoints.py \
                --checkpoints {params.checkpoints:q} \
                --dtype {params.dtype} {params.gguf:q} \
                --training {params.run} {params.steps} \
                --output {output.checkpoint:q} \
                --manifest {output.manifest:q} \
                2>&1 | tee {log:q}
            """


for model in TRAINED:

    rule:
        """What is to be said of a trained model, with its results."""
        name:
            f"write_model_card_{model}"
        input:
            record=f"training/{MODELS[model]['trained']}/training.json",
            dataset=TRAINING.data_file(MODELS[model]["trained"]),
            manifest=f"models/{model}/manifest.json",
            methods=[f"{folder}/methods.md" for folder in TRAINING.summaries(model)],
            figures=[f"{folder}/figures/{FIGURES[0].name}.svg" for folder in TRAINING.summaries(model)],  # as in build_report
            comparisons=TRAINING.comparisons(model),
        output:
            card=f"models/{model}/card.md",
        log:
            f"logs/write_model_card/{model}.log",
        localrule: True
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
            scripts=SCRIPTS,
        params:
            checkpoint=f"models/{model}/checkpoint",
            summaries=TRAINING.summaries(model),
        shell:
            r"""
            python {resources.scripts:q}/write_model_card.py \
                --training {input.record:q} \
                --dataset {input.dataset:q} \
                --checkpoint {params.checkpoint:q} \
                --summaries {params.summaries:q} \
                --comparisons {input.comparisons:q} \
                --output {output.card:q} \
                2>&1 | tee {log:q}
            """


for run in TRAINING.learning_curves:

    rule:
        """What the models after single steps of a training solve, where the configuration has at least two of them."""
        name:
            f"draw_learning_curve_{run}"
        input:
            metrics=[f"{folder}/metrics.json" for folder in TRAINING.step_summaries(run)],
            published=[f"{folder}/published.csv" for folder in TRAINING.step_summaries(run)],
        output:
            drawings=expand(f"training/{run}/learning_curve.{{kind}}", kind=["svg", "png", "pdf", "csv"]),
        log:
            f"logs/draw_learning_curve/{run}.log",
        localrule: True
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
            scripts=SCRIPTS,
        params:
            run=run,
            summaries=list(TRAINING.step_summaries(run)),
            steps=list(TRAINING.step_summaries(run).values()),
        shell:
            r"""
            python {resources.scripts:q}/draw_learning_curve.py \
                --summaries {params.summaries:q} \
                --steps {params.steps} \
                --output-dir training/{params.run} \
                2>&1 | tee {log:q}
            """


if TRAINING.runs:

    rule draw_curve:
        """Loss, speed and memory of a training by step, as a figure."""
        input:
            record="training/{run}/training.json",
        output:
            drawings=expand("training/{{run}}/curve.{kind}", kind=["svg", "png", "pdf"]),
        log:
            "logs/draw_curve/{run}.log",
        wildcard_constraints:
            run=names_of(TRAINING.runs),
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
            python {resources.scripts:q}/draw_curve.py training/{wildcards.run:q}/curve.csv 2>&1 | tee {log:q}
            """
