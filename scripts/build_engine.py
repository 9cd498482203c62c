r"""Make an engine from a checkpoint: a TensorRT-LLM build, or for engines without conversion only its description.

    python scripts/build_engine.py --engine vllm --checkpoint models/m/checkpoint --manifest models/m/manifest.json \
        --output models/m/engine --dtype bfloat16 --tensor-parallel 1 --context-length 8192

Writes engine.json: engine, version, model and the settings that can change answers.
"""

import argparse
import shutil
import subprocess
from pathlib import Path

from openmath.arguments import json_object, whole
from openmath.engines import engine_module, trtllm
from openmath.engines.architecture import check_architecture
from openmath.engines.own import TOKENIZERS
from openmath.errors import InputError, parts_of, run_command
from openmath.files.fingerprint import canonical_json, write_manifest
from openmath.files.json_files import read_json
from openmath.files.rows import write_text
from openmath.settings import defaults
from openmath.settings.engine_kinds import KINDS, engine_kind
from openmath.settings.sample_settings import checkpoint_identity, endpoint_identity, engine_settings

DISK_FACTOR = 2.2  # a build holds the converted checkpoint and the engine, each about the size of the weights


def main() -> None:
    options = parse_arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    description = {"engine": options.engine, "settings": engine_settings(options.engine, vars(options))}
    if options.engine == "endpoint":
        description["model"] = endpoint_identity(vars(options))
    else:
        if not (options.checkpoint and options.manifest):
            raise InputError("This engine needs a checkpoint.", expected="--checkpoint and --manifest")
        manifest = read_json(options.manifest, "what the checkpoint is")
        with parts_of("the manifest of a checkpoint", options.manifest):
            description["model"] = checkpoint_identity(manifest)
        description["checkpoint"] = str(options.checkpoint)
        if options.engine not in KINDS:
            check_own_engine(options)
        check_checkpoint(options)
    command = options.version or options.engine_command
    description["version"] = engine_module(options.engine).engine_version(command)
    if options.engine == "trtllm":
        description["weights"] = str(build_tensorrt(options, description))
    write_manifest(options.output / "engine.json", description)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--engine", required=True, help=f"{', '.join(KINDS)}, or a name of your own with --serve and --version")
    add("--output", type=Path, required=True, help="engine folder")
    add("--checkpoint", type=Path, help="checkpoint folder (not for endpoints)")
    add("--manifest", type=Path, help="what the checkpoint is, by download_checkpoint.py")
    add("--dtype", default=defaults.DTYPE)
    add("--tensor-parallel", type=whole(0), default=defaults.TENSOR_PARALLEL, help="GPUs that share the model")
    add("--context-length", type=whole(1), default=defaults.CONTEXT_LENGTH, help="tokens of prompt and answer together")
    add("--deterministic", action="store_true", help="repeatable bits, at a fraction of the speed")
    add("--engine-command", help="the server program, where it is not on the PATH")
    add("--base-url", help="endpoint: its address")
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
    path = options.checkpoint / "config.json"
    if not engine_kind(options.engine).on_gpus or options.tokenizer != "checkpoint":
        return  # GGUF files carry their own description
    config = read_json(path, "the model's configuration", hint=f"{options.engine} needs a HF checkpoint.")
    parallel = options.tensor_parallel or 1  # 0: an engine of your own without GPUs
    with parts_of("the configuration of a model", path):
        sizes = {"tensor_parallel": parallel, "context_length": options.context_length}
        for problem in check_architecture(str(path), config, **sizes):
            raise problem


def build_tensorrt(options: argparse.Namespace, description: dict) -> Path:
    """HF checkpoint -> TensorRT-LLM checkpoint -> engine. The intermediate one is reused by a second try, and then removed."""
    check_room(options)
    converted, built = options.output / "converted", options.output / "weights"
    unfinished = options.output / "converted.tmp"
    made_from = canonical_json({key: description[key] for key in ("version", "model", "settings")})
    stamp = options.output / "converted.json"
    if not (converted.is_dir() and stamp.is_file() and stamp.read_text() == made_from):
        for path in (converted, unfinished):
            shutil.rmtree(path, ignore_errors=True)
        run(trtllm.convert_command(options.checkpoint, unfinished, description["settings"]))
        unfinished.rename(converted)
        write_text(stamp, made_from)
    shutil.rmtree(built, ignore_errors=True)
    run(trtllm.build_command(converted, built, description["settings"]))
    if not (built / "config.json").is_file():
        raise InputError(
            "trtllm-build ended without making an engine.", where=built, hint="its own messages are above."
        )
    shutil.rmtree(converted)
    stamp.unlink()
    return built


def check_room(options: argparse.Namespace) -> None:
    """Fail before the conversion: room on the disk, GPUs of the right number and memory."""
    weights = sum(path.stat().st_size for path in options.checkpoint.glob("*.safetensors"))
    free, needed = shutil.disk_usage(options.output).free, int(weights * DISK_FACTOR)
    if free < needed:
        raise InputError(
            "There is not enough disk space for the build.",
            where=options.output,
            expected=f"{needed / 1e9:.0f} GB free",
            found=f"{free / 1e9:.0f} GB",
        )
    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        reply = subprocess.run(query, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        raise InputError(
            "TensorRT-LLM builds an engine on the type of GPU that will run it, and there is no GPU here.",
            where="nvidia-smi",
            hint="give the rule build_engine a GPU (profiles/slurm), and the container `--nv`.",
        ) from None
    memory = [int(line) * 2**20 for line in reply.stdout.split()]
    if len(memory) < options.tensor_parallel:
        raise InputError(
            "There are too few GPUs.", where="nvidia-smi", expected=options.tensor_parallel, found=len(memory)
        )
    if weights / options.tensor_parallel > min(memory):
        raise InputError(
            "A GPU is too small for its share of the weights.",
            where="tensor_parallel",
            expected=f"{weights / options.tensor_parallel / 2**30:.0f} GiB and room for the cache",
            found=f"{min(memory) / 2**30:.0f} GiB",
            hint="raise tensor_parallel.",
        )


def run(command: list[str]) -> None:
    print("+", *command, flush=True)
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError(
            "The TensorRT-LLM build failed.", where=command[0], found=error, hint="its own messages are above."
        ) from None


if __name__ == "__main__":
    run_command(main)
