"""Engines: how to start an OpenAI-compatible server for a checkpoint. One small file per engine.

`build_engine.py` writes what an engine is into `models/{model}/engine/engine.json`; `running_engine` starts it:

    async with running_engine("models/smollm2-135m/engine") as engine:
        async with CompletionClient(engine, request_seconds=600) as client: ...

engine.json holds what can change answers (engine, version, model, settings). Speed settings are arguments of the server's
own command line, given at each start.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

from openmath.client import HostedEndpoint
from openmath.engines import endpoint, llamacpp, trtllm, vllm
from openmath.engines.launcher import LocalServer
from openmath.errors import InputError

ENGINES: dict[str, ModuleType] = {"vllm": vllm, "trtllm": trtllm, "llamacpp": llamacpp, "endpoint": endpoint}


def read_engine(engine_dir: str | Path) -> dict:
    """The content of engine.json."""
    path = Path(engine_dir) / "engine.json"
    try:
        description = json.loads(path.read_text())
        ENGINES[description["engine"]]
    except OSError as error:
        raise InputError(
            f"Cannot read the engine ({error.strerror}).",
            where=path,
            hint="build it with scripts/build_engine.py, or `snakemake` the file models/MODEL/engine/engine.json.",
        ) from None
    except (ValueError, KeyError):
        raise InputError("This is not the description of an engine.", where=path) from None
    return description


@asynccontextmanager
async def running_engine(
    engine_dir: str | Path, *, command: str | None = None, args: str = "", log: Path = Path("engine.log")
) -> AsyncIterator[LocalServer | HostedEndpoint]:
    """Start the engine; yields an Endpoint with `extra_body` (sampling switches of this server) and `description`.

    command: the server program, where it is not on the PATH. args: speed settings, in the server's own flags. log: file
    for the server's output.
    """
    description = read_engine(engine_dir)
    engine = ENGINES[description["engine"]]
    server = engine.server(description, command=command, args=args, log=log)
    async with server:
        server.extra_body = engine.EXTRA_BODY
        server.description = description
        yield server
