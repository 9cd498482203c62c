r"""Make an engine from a checkpoint: a TensorRT-LLM build, or for engines without conversion only its description.

    python scripts/build_engine.py --engine vllm --checkpoint models/m/checkpoint --manifest models/m/manifest.json \
        --output models/m/engine --dtype bfloat16 --tensor-parallel 1 --context-length 8192

Writes engine.json: engine, version, model and the settings that can change answers.
"""

import argparse
import json
import shutil
import subprocess
from pathlib import Path

from openmath.engines import ENGINES
from openmath.errors import InputError, run_command
from openmath.fingerprint import fingerprint, write_manifest

# Where the conversion script lies in NVIDIA's TensorRT-LLM 1.2 image.
CONVERT = "/app/tensorrt_llm/examples/models/core/llama/convert_checkpoint.py"
# The recipe's build: 4096 tokens of prompt, 8192 in all, 128 sequences together.
MAX_INPUT_LEN, MAX_NUM_TOKENS, MAX_BATCH_SIZE = 4096, 8192, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=ENGINES, required=True)
    parser.add_argument("--output", type=Path, required=True, help="engine folder")
    parser.add_argument("--checkpoint", type=Path, help="checkpoint folder (not for endpoints)")
    parser.add_argument("--manifest", type=Path, help="what the checkpoint is, by download_checkpoint.py")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--tensor-parallel", type=int, default=1, help="GPUs that share the model")
    parser.add_argument("--context-length", type=int, default=8192, help="tokens of prompt and answer together")
    parser.add_argument("--deterministic", action="store_true", help="repeatable bits, at a fraction of the speed")
    parser.add_argument("--engine-command", help="the server program, where it is not on the PATH")
    parser.add_argument("--base-url", help="endpoint: its address")
    parser.add_argument("--served-model", help="endpoint: the model name it knows")
    parser.add_argument("--api-key-env", help="endpoint: the environment variable that holds its key")
    options = parser.parse_args()

    options.output.mkdir(parents=True, exist_ok=True)
    description = {"engine": options.engine, "version": ENGINES[options.engine].engine_version(options.engine_command)}
    if options.engine == "endpoint":
        description["model"] = {"source": options.base_url, "revision": options.served_model}
        settings = {"base_url": options.base_url, "served_model": options.served_model}
        description["settings"] = {**settings, "api_key_env": options.api_key_env}
    else:
        manifest = json.loads(options.manifest.read_text())
        description["model"] = {
            "source": manifest["source"],
            "revision": manifest["revision"],
            "files": fingerprint(manifest["files"]),
        }
        check_tensor_parallel(options)
        description["checkpoint"] = str(options.checkpoint)
        description["settings"] = {
            "dtype": options.dtype,
            "tensor_parallel": options.tensor_parallel,
            "context_length": options.context_length,
            "deterministic": options.deterministic,
        }
    if options.engine == "trtllm":
        description["weights"] = str(build_tensorrt(options))
    write_manifest(options.output / "engine.json", description)


def check_tensor_parallel(options: argparse.Namespace) -> None:
    """Fail before the GPU: each GPU must get the same number of attention heads."""
    path = options.checkpoint / "config.json"
    heads = json.loads(path.read_text()).get("num_attention_heads") if path.exists() else None
    if heads and heads % options.tensor_parallel:
        raise InputError(
            "tensor_parallel does not divide the model's attention heads.",
            where=path,
            expected=f"a divisor of {heads}",
            found=options.tensor_parallel,
        )


def build_tensorrt(options: argparse.Namespace) -> Path:
    """HF checkpoint -> TensorRT-LLM checkpoint -> engine; the intermediate one is removed."""
    converted, built = options.output / "converted.tmp", options.output / "weights"
    parallel = ["--tp_size", str(options.tensor_parallel), "--workers", str(options.tensor_parallel)]
    convert = ["python3", CONVERT, "--model_dir", str(options.checkpoint), "--output_dir", str(converted)]
    build = ["trtllm-build", "--checkpoint_dir", str(converted), "--output_dir", str(built)]
    build += ["--gpt_attention_plugin", options.dtype, "--use_paged_context_fmha", "enable"]
    build += ["--max_input_len", str(MAX_INPUT_LEN), "--max_seq_len", str(options.context_length)]
    build += ["--max_num_tokens", str(MAX_NUM_TOKENS), "--max_batch_size", str(MAX_BATCH_SIZE)]
    for command in ([*convert, "--dtype", options.dtype, *parallel], build):
        print("+", *command, flush=True)
        try:
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise InputError(
                "The TensorRT-LLM build failed.", where=command[0], found=error, hint="its own words are above."
            ) from None
    shutil.rmtree(converted)
    return built


if __name__ == "__main__":
    run_command(main)
