"""llama.cpp on CPU, from the `xllamacpp` wheel: the engine of the demo. Takes GGUF checkpoints, or a copy of one as Q8_0."""

import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from openmath.engines.launcher import LocalServer
from openmath.engines.llamacpp_slots import FOLDER
from openmath.errors import InputError
from openmath.files.records import EngineRecord
from openmath.settings.engine_kinds import engine_kind

PROGRAM = Path(__file__).with_name("llamacpp_server.py")

# A thread that waits for the others spins for some 20 microseconds, then sleeps. On two cores with nothing else to do 109 tokens/s
# instead of 65 without spinning; beside another busy process 42 instead of 62, and spinning without end 20 to 40.
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "2000"}


def engine_version(command: str | None) -> str:
    try:
        return f"xllamacpp {version('xllamacpp')}"
    except PackageNotFoundError:
        raise InputError("xllamacpp is not installed.", hint="`make env` installs it.") from None


def build(checkpoint: Path, folder: Path, description: EngineRecord) -> Path:
    """The copy of the checkpoint in `folder`, made anew."""
    from openmath.engines.q8_0 import write_q8_0

    source = _gguf_file(checkpoint)
    return write_q8_0(source, folder / f"{source.stem}-{description['settings']['dtype']}.gguf")


def _gguf_file(folder: Path) -> Path:
    weights = sorted(folder.glob("*.gguf"))
    if len(weights) != 1:
        raise InputError(
            "llama.cpp takes one GGUF file.",
            where=folder,
            expected="*.gguf",
            found=weights or "none",
        )
    return weights[0]


def server(description: EngineRecord, *, command: str | None, args: str, log: Path) -> LocalServer:
    if description["settings"].get("dtype") == engine_kind("llamacpp").stores:
        weights = Path(description["weights"])
        if not weights.is_file():
            hint = (
                "make it again: scripts/build_engine.py, or `snakemake --forcerun describe_engine`; no sample is lost."
            )
            raise InputError("The copy of the weights is not there.", where=weights, hint=hint)
    else:
        weights = _gguf_file(Path(description["checkpoint"]))
    program = shlex.split(command) if command else [sys.executable, str(PROGRAM)]
    settings = ["--model", str(weights), "--context", str(description["settings"]["context_length"])]
    if description["settings"].get("deterministic"):
        # Another batch composition means other kernels and other last bits: one request at a time, no shared prefixes.
        settings += ["--no-prompt-cache", "--slots", "1"]
        args = ""
    return LocalServer(
        name="llamacpp",
        command=lambda port: [*program, *settings, "--port", str(port), *shlex.split(args)],
        model=weights.stem,
        environment=ENVIRONMENT | {FOLDER: str(log.parent.absolute())},
        asks_key=True,
        log=log,
    )
