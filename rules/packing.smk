"""Packing: what the filters have left becomes the set and its smaller ones; the last part of `snakemake dataset`.

Needs: datasets/{dataset}/kept of all parts, with the counts of what was dropped on the way.
Makes: datasets/{dataset}/train.parquet, smaller sets, card.md, counts.json, manifest.json, stages.svg.
"""

if "dataset" in config:

    rule pack_dataset:
        """The set and its smaller ones, shuffled, with what is to be said of them."""
        input:
            kept=[DATASET.kept_file(part) for part in DATASET.parts],
            new_problems=DATASET.problem_counts,
            clean_problems=DATASET.clean_counts,
            grades=DATASET.grades_manifests,
            engine=f"models/{TEACHER}/engine/engine.json",
        output:
            packed=DATASET.packed_files,
        log:
            f"logs/pack_dataset/{DATASET.name}.log",
        conda:
            "../envs/workflow.yaml"
        threads: 2
        resources:
            mem_mb=4000,
            runtime=120,
            scripts=SCRIPTS,
        params:
            name=DATASET.name,
            teacher=TEACHER,
            folder=f"datasets/{DATASET.name}",
            subsets=config["dataset"]["subsets"],
            seed=config["dataset"]["seed"],
            config=OPTIONS.dataset_config,
        shell:
            r"""
            python {resources.scripts:q}/pack_dataset.py --config-json \
                --name {params.name:q} \
                --teacher {params.teacher:q} \
                --kept {input.kept:q} \
                --new-problems {input.new_problems:q} \
                --clean-problems {input.clean_problems:q} \
                --sample-manifests {input.grades:q} \
                --engine {input.engine:q} \
                --subsets {params.subsets} \
                --seed {params.seed} \
                --output-dir {params.folder:q} \
                <<<{params.config:q} 2>&1 | tee {log:q}
            """

    rule draw_dataset:
        """What each step of the set left and dropped."""
        input:
            counts=f"datasets/{DATASET.name}/counts.json",
        output:
            drawing=report(
                f"datasets/{DATASET.name}/stages.svg",
                category="training set",
                labels={"figure": "stages", "shows": f"what each step of {DATASET.name} left and dropped"},
            ),
            papers=[path for path in DATASET.figure_files if not path.endswith(".svg")],
        log:
            f"logs/draw_dataset/{DATASET.name}.log",
        localrule: True
        conda:
            "../envs/workflow.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
            scripts=SCRIPTS,
        params:
            folder=f"datasets/{DATASET.name}",
        shell:
            r"""
            python {resources.scripts:q}/draw_dataset.py {params.folder:q} \
                2>&1 | tee {log:q}
            """
