"""Models: from a checkpoint to an engine.

Needs: the network for `hf:` and `pypi:` sources.
Makes: models/{model}/checkpoint with its manifest.json, and models/{model}/engine/engine.json.
"""

BUILT = [name for name in SERVED if OPTIONS.kind(name).environment is None]  # models whose engine only a container has


rule download_checkpoint:
    """Make a checkpoint available and write down exactly which one it is."""
    output:
        checkpoint=directory("models/{model}/checkpoint"),
        manifest="models/{model}/manifest.json",
    log:
        "logs/download_checkpoint/{model}.log",
    wildcard_constraints:
        model=names_of([name for name in SERVED if "trained" not in MODELS[name]]),
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
        scripts=SCRIPTS,
    params:
        source=OPTIONS.download_checkpoint,
    shell:
        r"""
        python {resources.scripts:q}/download_checkpoint.py {params.source:q} \
            --output {output.checkpoint:q} \
            --manifest {output.manifest:q} \
            2>&1 | tee {log:q}
        """


rule build_engine:
    """Convert a checkpoint for TensorRT-LLM, on a GPU of the kind that it will run on; its PyTorch backend is only described."""
    input:
        manifest=checkpoint_manifest,
    output:
        engine="models/{model}/engine/engine.json",
    log:
        "logs/build_engine/{model}.log",
    wildcard_constraints:
        model=names_of(BUILT),
    container:
        # The one engine that is built has one image.
        OPTIONS.engine_setting(BUILT[0], "image") or None if BUILT else None
    threads: 1
    resources:
        mem_mb=GENERATION["mem_mb"],
        runtime=120,
        gpu=build_gpus,
        gpu_model=GENERATION["gpu_model"],
        scripts=SCRIPTS,
    params:
        options=OPTIONS.build_engine,
        command=OPTIONS.engine_command,
    shell:
        r"""
        python {resources.scripts:q}/build_engine.py {params.options:q} {params.command:q} \
            --output models/{wildcards.model:q}/engine \
            2>&1 | tee {log:q}
        """


rule describe_engine:
    """Write down what an engine is that serves the checkpoint as it stands, or runs elsewhere."""
    input:
        manifest=checkpoint_manifest,
    output:
        engine="models/{model}/engine/engine.json",
    log:
        "logs/describe_engine/{model}.log",
    wildcard_constraints:
        model=names_of([name for name in SERVED if name not in BUILT]),
    localrule: True
    conda:
        OPTIONS.describe_environment
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        scripts=SCRIPTS,
    params:
        options=OPTIONS.build_engine,
        command=OPTIONS.engine_command,
    shell:
        r"""
        python {resources.scripts:q}/build_engine.py {params.options:q} {params.command:q} \
            --output models/{wildcards.model:q}/engine \
            2>&1 | tee {log:q}
        """
