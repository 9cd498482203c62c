"""TensorRT-LLM 1.2: `trtllm-serve` on an engine directory built by scripts/build_engine.py.

Every flag here and in the build was checked against TensorRT-LLM's source; tests/engines/test_trtllm.py checks them again wherever
tensorrt_llm can be imported. From 1.3 on there is no engine to build any more (the TensorRT backend was removed).
"""

import shlex
import subprocess
from pathlib import Path

from openmath.engines.launcher import LocalServer
from openmath.errors import InputError

COMMAND = "trtllm-serve"
EXTRA_BODY: dict = {}
GREEDY = {
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 1,
}  # its runtime wants a positive temperature, as the recipe's client sends
TOKENIZER = "checkpoint"
CONCURRENCY = 512  # four times max_batch_size

# Where the conversion script lies in NVIDIA's image nvcr.io/nvidia/tensorrt-llm/release:1.2.1.
CONVERT = "/app/tensorrt_llm/examples/models/core/llama/convert_checkpoint.py"


def engine_version(command: str | None) -> str:
    code = "import importlib.metadata as m; print(m.version('tensorrt_llm'))"
    try:
        reply = subprocess.run(["python3", "-c", code], capture_output=True, text=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        raise InputError(
            "TensorRT-LLM is not installed in this environment.",
            where="python3",
            hint="run the workflow with `--sdm apptainer` (docs/engines.md), or choose `engine: vllm`, which builds nothing.",
        ) from None
    version = reply.stdout.strip()
    if not version.startswith("1.2."):
        raise InputError(
            "This version of TensorRT-LLM cannot build the engine.",
            where="tensorrt_llm",
            expected="1.2.x (1.3 removed the TensorRT backend)",
            found=version,
            hint="use the image nvcr.io/nvidia/tensorrt-llm/release:1.2.1, or `engine: vllm`.",
        )
    return f"tensorrt_llm {version}"


def convert_command(checkpoint: Path, converted: Path, settings: dict) -> list[str]:
    """HF checkpoint -> TensorRT-LLM checkpoint, split over the GPUs."""
    size = str(settings["tensor_parallel"])
    command = ["python3", CONVERT, "--model_dir", str(checkpoint), "--output_dir", str(converted)]
    return [*command, "--dtype", settings["dtype"], "--tp_size", size, "--workers", size]


def build_command(converted: Path, engine: Path, settings: dict) -> list[str]:
    """TensorRT-LLM checkpoint -> engine, one file for each GPU."""
    build = settings["build"]
    command = ["trtllm-build", "--checkpoint_dir", str(converted), "--output_dir", str(engine)]
    command += ["--gpt_attention_plugin", settings["dtype"], "--use_paged_context_fmha", "enable"]
    command += ["--max_input_len", str(build["max_input_len"]), "--max_seq_len", str(settings["context_length"])]
    command += ["--max_num_tokens", str(build["max_num_tokens"]), "--max_batch_size", str(build["max_batch_size"])]
    return [*command, "--workers", str(settings["tensor_parallel"])]


def serve_flags(description: dict) -> list[str]:
    settings, build = description["settings"], description["settings"]["build"]
    flags = ["--backend", "tensorrt", "--tokenizer", description["checkpoint"], "--host", "127.0.0.1"]
    flags += ["--tp_size", str(settings["tensor_parallel"]), "--max_batch_size", str(build["max_batch_size"])]
    return [*flags, "--max_num_tokens", str(build["max_num_tokens"]), "--max_seq_len", str(settings["context_length"])]


def server(description: dict, *, command: str | None, args: str, log: Path) -> LocalServer:
    program, flags = shlex.split(command or COMMAND), serve_flags(description)
    # FORCE_DETERMINISTIC switches the reuse of cached prefixes off.
    environment = {"FORCE_DETERMINISTIC": "1"} if description["settings"].get("deterministic") else {}
    return LocalServer(
        name="trtllm",
        command=lambda port: [*program, description["weights"], *flags, "--port", str(port), *shlex.split(args)],
        model=Path(description["weights"]).name,
        environment=environment,
        log=log,
    )
