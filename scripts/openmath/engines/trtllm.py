"""TensorRT-LLM: `trtllm-serve` on an engine directory built by scripts/build_engine.py (TensorRT-LLM 1.2.x)."""

import shlex
import subprocess
from pathlib import Path

from openmath.engines.launcher import LocalServer
from openmath.errors import InputError

COMMAND = "trtllm-serve"
EXTRA_BODY: dict = {}
CONCURRENCY = 512  # four times max_batch_size


def engine_version(command: str | None) -> str:
    code = "import importlib.metadata as m; print(m.version('tensorrt_llm'))"
    try:
        reply = subprocess.run(["python3", "-c", code], capture_output=True, text=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError):
        raise InputError(
            "TensorRT-LLM is not installed in this environment.",
            where="python3",
            hint="run the workflow with `--sdm apptainer` (see envs/), or choose `engine: vllm`, which needs no conversion.",
        ) from None
    return f"tensorrt_llm {reply.stdout.strip()}"


def server(description: dict, *, command: str | None, args: str, log: Path) -> LocalServer:
    settings = description["settings"]
    flags = ["--backend", "tensorrt", "--tokenizer", description["checkpoint"], "--host", "127.0.0.1"]
    flags += ["--tp_size", str(settings["tensor_parallel"])]
    return LocalServer(
        name="trtllm",
        command=lambda port: [
            *shlex.split(command or COMMAND),
            description["weights"],
            *flags,
            "--port",
            str(port),
            *shlex.split(args),
        ],
        model=Path(description["weights"]).name,
        log=log,
    )
