"""Engines: how to start an OpenAI-compatible server for a checkpoint. One small file per engine; own.py for all others.

What is known of each without starting it: settings/engine_kinds.py. A new engine is an entry there, and a file here of its name.

`build_engine.py` writes what an engine is into `models/{model}/engine/engine.json`; `running_engine` starts it:

    async with running_engine("models/smollm2-135m/engine") as engine:
        async with CompletionClient(engine, request_seconds=600) as client: ...

engine.json holds what can change answers (engine, version, model, settings). Speed settings are arguments of the server's
own command line, given at each start.
"""

import asyncio
import importlib
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import ModuleType

from openmath.arguments import ADDRESS, ADDRESS_WORDS
from openmath.client.completion import HostedEndpoint
from openmath.engines import own
from openmath.engines.launcher import LocalServer
from openmath.errors import InputError
from openmath.files.records import EngineRecord
from openmath.settings.engine_kinds import KINDS, engine_kind


def engine_module(name: str) -> ModuleType:
    """How an engine is started; one that is not ours is described by the configuration (own.py)."""
    return importlib.import_module(f"openmath.engines.{name}") if name in KINDS else own


def read_engine(engine_dir: str | Path) -> EngineRecord:
    """The content of engine.json."""
    path = Path(engine_dir) / "engine.json"
    try:
        description = json.loads(path.read_text())
        settings = description["settings"]
        known = description["engine"] in KINDS or "serve" in settings
        usable = known and isinstance(settings, dict) and {"version", "model"} <= description.keys()
        usable = usable and not _missing_fields(description)
    except OSError as error:
        raise InputError(
            f"Cannot read the engine ({error.strerror}).",
            where=path,
            hint="build it with scripts/build_engine.py, or `snakemake` the file models/MODEL/engine/engine.json.",
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        usable = False
    if not usable:
        raise InputError("This is not the description of an engine.", where=path)
    if engine_kind(description["engine"]).hosted and not re.fullmatch(ADDRESS, settings["base_url"]):
        raise InputError("The engine's address cannot be used.", where=f"{path}: base_url", expected=ADDRESS_WORDS)
    return description


def _missing_fields(description: EngineRecord) -> list[str]:
    """Parts of a description that its engine needs and that are not there, or of another type."""
    kind, places = engine_kind(description["engine"]), {**description, **description["settings"]}
    counts = () if kind.hosted else ("tensor_parallel", "context_length")
    missing = [name for name in kind.described_by if not isinstance(places.get(name), str)]
    return missing + [name for name in counts if not isinstance(places.get(name), int) or places[name] < 0]


@asynccontextmanager
async def running_engine(
    engine_dir: str | Path,
    *,
    command: str | None = None,
    args: str = "",
    log: Path = Path("engine.log"),
    environment: dict[str, str] | None = None,
) -> AsyncIterator[LocalServer | HostedEndpoint]:
    """Start the engine; yields an Endpoint with `extra_body` (sampling switches of this server) and `description`.

    command: the server program, where it is not on the PATH. args: speed settings, in the server's own flags. log: file
    for the server's output. environment: added to the server's.
    """
    description = read_engine(engine_dir)
    engine = description["engine"]
    server = engine_module(engine).server(description, command=command, args=args, log=log)
    if environment:
        server.environment |= environment
    async with server:
        server.extra_body = engine_kind(engine).extra_body | description["settings"].get("extra_body", {})
        server.description = description
        yield server


@asynccontextmanager
async def running_engines(
    engine_dir: str | Path, copies: int, *, command: str | None = None, args: str = "", log: Path = Path("engine.log")
) -> AsyncIterator[list[LocalServer | HostedEndpoint]]:
    """Start `copies` of the engine at once, each on `tensor_parallel` GPUs of its own."""
    gpus = _gpu_groups(read_engine(engine_dir), copies)
    async with AsyncExitStack() as stack:
        starts = []
        for number, visible in enumerate(gpus):
            copy_log = log if copies == 1 else log.with_name(f"{log.name}.{number}")
            starts.append(running_engine(engine_dir, command=command, args=args, log=copy_log, environment=visible))
        # Each is entered in a task, all at the same time; whatever has started is stopped if another fails.
        started = await asyncio.gather(*map(stack.enter_async_context, starts), return_exceptions=True)
        servers = []
        for server in started:
            if isinstance(server, BaseException):
                raise server
            servers.append(server)
        yield servers


def _gpu_groups(description: EngineRecord, copies: int) -> list[dict[str, str]]:
    """The environment of each copy: which GPUs it sees. Nothing is restricted where there is one copy."""
    if copies == 1:
        return [{}]
    size = description["settings"]["tensor_parallel"] if engine_kind(description["engine"]).on_gpus else 0
    if not size:
        raise InputError(
            "Only engines on GPUs can be run in several copies.",
            where="engines_per_job",
            found=description["engine"],
        )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(copies * size)))).split(",")
    if len(visible) < copies * size:
        raise InputError(
            "There are too few GPUs for the copies of the engine.",
            where="CUDA_VISIBLE_DEVICES",
            expected=f"{copies} copies x {size} GPUs",
            found=",".join(visible),
        )
    return [{"CUDA_VISIBLE_DEVICES": ",".join(visible[i * size : (i + 1) * size])} for i in range(copies)]
