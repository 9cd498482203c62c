"""llama.cpp on CPU, from the `xllamacpp` wheel: the engine of the demo. Takes GGUF checkpoints."""

import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from openmath.engines.launcher import LocalServer
from openmath.errors import InputError
from openmath.files.records import EngineRecord

PROGRAM = Path(__file__).with_name("llamacpp_server.py")

# Spinning threads halve the speed as soon as another process wants a core (measured: 20-40 instead of 80 tokens/s).
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}


def engine_version(command: str | None) -> str:
    try:
        return f"xllamacpp {version('xllamacpp')}"
    except PackageNotFoundError:
        raise InputError("xllamacpp is not installed.", hint="`make env` installs it.") from None


def server(description: EngineRecord, *, command: str | None, args: str, log: Path) -> LocalServer:
    weights = sorted(Path(description["checkpoint"]).glob("*.gguf"))
    if len(weights) != 1:
        raise InputError(
            "llama.cpp takes one GGUF file.",
            where=description["checkpoint"],
            expected="*.gguf",
            found=weights or "none",
        )
    program = shlex.split(command) if command else [sys.executable, str(PROGRAM)]
    settings = ["--model", str(weights[0]), "--context", str(description["settings"]["context_length"])]
    if description["settings"].get("deterministic"):
        # Another batch composition means other kernels and other last bits: one request at a time, no shared prefixes.
        settings += ["--no-prompt-cache", "--slots", "1"]
        args = ""
    return LocalServer(
        name="llamacpp",
        command=lambda port: [*program, *settings, "--port", str(port), *shlex.split(args)],
        model=weights[0].stem,
        environment=ENVIRONMENT,
        asks_key=True,
        log=log,
    )
