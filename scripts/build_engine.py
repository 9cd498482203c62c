r"""Make an engine from a checkpoint: a TensorRT-LLM build, llama.cpp's copy of the weights, or only its description.

    python scripts/build_engine.py --engine vllm --checkpoint models/m/checkpoint --manifest models/m/manifest.json \
        --output models/m/engine --dtype bfloat16 --tensor-parallel 1 --context-length 8192

Writes engine.json: engine, version, model and the settings that can change answers.
"""

import argparse
from pathlib import Path

from openmath.arguments import address, json_object, whole
from openmath.errors import InputError, parts_of, run_command
from openmath.files.fingerprint import write_manifest
from openmath.files.json_files import read_json
from openmath.settings import defaults
from openmath.settings.engine_kinds import KINDS, TOKENIZERS, engine_kind
from openmath.settings.sample_settings import checkpoint_identity, endpoint_identity, engine_settings


def main() -> None:
    options = parse_arguments()

    from openmath.engines import engine_module

    kind, engine = engine_kind(options.engine, options.backend), engine_module(options.engine)
    options.output.mkdir(parents=True, exist_ok=True)
    description = {"engine": options.engine, "settings": engine_settings(options.engine, vars(options))}
    if kind.hosted:
        description["model"] = endpoint_identity(vars(options))
    else:
        if not (options.checkpoint and options.manifest):
            raise InputError("This engine needs a checkpoint.", expected="--checkpoint and --manifest")
        manifest = read_json(options.manifest, "what the checkpoint is")
        if bool(options.adapter) != ("adapter" in manifest):
            raise InputError(
                "An adapter is made available together with its base.",
                where=options.manifest,
                expected="--adapter here and of download_checkpoint.py, or neither",
                found=f"--adapter {options.adapter}" if options.adapter else "an adapter in the manifest only",
            )
        with parts_of("the manifest of a checkpoint", options.manifest):
            description["model"] = checkpoint_identity(manifest)
        description["checkpoint"] = str(options.checkpoint)
        if options.adapter:
            description["adapter"] = str(options.adapter)
        if options.engine not in KINDS:
            check_own_engine(options)
        check_checkpoint(options)
    command = options.version or options.engine_command
    description["version"] = engine.engine_version(command)
    if kind.builder or options.dtype == kind.stores:
        description["weights"] = str(engine.build(options.checkpoint, options.output, description))
    write_manifest(options.output / "engine.json", description)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--engine", required=True, help=f"{', '.join(KINDS)}, or a name of your own with --serve and --version")
    add("--output", type=Path, required=True, help="engine folder")
    add("--checkpoint", type=Path, help="checkpoint folder (not for endpoints)")
    add("--manifest", type=Path, help="what the checkpoint is, by download_checkpoint.py")
    add("--adapter", type=Path, help="vllm: folder of a LoRA adapter, which the manifest names too")
    add(
        "--dtype",
        default=defaults.DTYPE,
        help="numbers of the weights; llamacpp: q8_0 serves a copy that is often faster",
    )
    add("--tensor-parallel", type=whole(0), default=defaults.TENSOR_PARALLEL, help="GPUs that share the model")
    add("--pipeline-parallel", type=whole(1), default=1, help="vllm: parts that the layers are dealt to")
    add("--context-length", type=whole(1), default=defaults.CONTEXT_LENGTH, help="tokens of prompt and answer together")
    add("--deterministic", action="store_true", help="repeatable bits, at a fraction of the speed")
    add("--engine-command", help="the server program, where it is not on the PATH")
    add("--base-url", type=address, help="endpoint: its address")
    add("--served-model", help="endpoint: the model name it knows")
    add("--api-key-env", help="endpoint: the environment variable that holds its key")
    add("--serve", help="own engine: command line of its server, with {checkpoint} and {port}; docs/extending.md")
    add("--version", help="own engine: command that prints its version")
    add("--health", default=defaults.HEALTH, help="own engine: path that answers 200 once requests can be sent")
    add(
        "--tokenizer",
        choices=TOKENIZERS,
        default=defaults.TOKENIZER,
        help="own engine: who makes token ids; none: messages",
    )
    add("--extra-body", type=json_object, default={}, help="own engine: JSON put into each request")
    add("--backend", choices=["tensorrt", "pytorch"], default="tensorrt", help="trtllm: pytorch builds nothing")
    # The recipe's build.
    add("--max-input-len", type=whole(1), default=defaults.MAX_INPUT_LEN, help="trtllm: tokens of the longest prompt")
    add("--max-num-tokens", type=whole(1), default=defaults.MAX_NUM_TOKENS, help="trtllm: tokens in one step")
    add("--max-batch-size", type=whole(1), default=defaults.MAX_BATCH_SIZE, help="trtllm: sequences in one step")
    return parser.parse_args()


def check_own_engine(options: argparse.Namespace) -> None:
    """An engine that is none of ours is described whole."""
    if not options.serve or not options.version:
        raise InputError(
            "An engine of your own needs the command of its server and one for its version.",
            where=f"--engine {options.engine}",
            expected=f"--serve and --version, or one of {', '.join(KINDS)}",
        )


def check_checkpoint(options: argparse.Namespace) -> None:
    """Fail before the GPU: each GPU must get the same number of heads, and the model must know so many positions."""
    from openmath.engines.architecture import check_architecture
    from openmath.engines.trtllm import check_numbers

    path = options.checkpoint / "config.json"
    if not engine_kind(options.engine).on_gpus or options.tokenizer != "checkpoint":
        return  # GGUF files carry their own description
    config = read_json(path, "the model's configuration", hint=f"{options.engine} needs a HF checkpoint.")
    parallel = options.tensor_parallel or 1  # 0: an engine of your own without GPUs
    with parts_of("the configuration of a model", path):
        sizes = {"tensor_parallel": parallel, "context_length": options.context_length}
        sizes["pipeline_parallel"] = options.pipeline_parallel
        for problem in check_architecture(str(path), config, **sizes):
            raise problem
        if options.engine == "trtllm" and options.backend == "pytorch":
            check_numbers(options.checkpoint, config, options.dtype)


if __name__ == "__main__":
    run_command(main)
