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
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

from openmath.arguments import ADDRESS, ADDRESS_WORDS
from openmath.client.completion import HostedEndpoint
from openmath.engines import own
from openmath.engines.launcher import LocalServer
from openmath.engines.sharing import EnginesPerGpu, shares
from openmath.engines.slurm_nodes import over_nodes
from openmath.errors import InputError
from openmath.files.records import EngineRecord
from openmath.settings.engine_kinds import KINDS, STORED, engine_kind, gpus_of


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
    kind = engine_kind(description["engine"], description["settings"].get("backend"))
    places = {**description, **description["settings"]}
    texts = (*kind.described_by, "weights") if description["settings"].get("dtype") in STORED else kind.described_by
    counts = () if kind.hosted else ("tensor_parallel", "context_length")
    missing = [name for name in texts if not isinstance(places.get(name), str)]
    return missing + [name for name in counts if not isinstance(places.get(name), int) or places[name] < 0]


@asynccontextmanager
async def running_engine(
    engine_dir: str | Path,
    *,
    nodes: int = 1,
    command: str | None = None,
    args: str = "",
    log: Path = Path("engine.log"),
) -> AsyncIterator[LocalServer | HostedEndpoint]:
    """Start the engine; yields an Endpoint with `extra_body` (sampling switches of this server) and `description`.

    nodes: of this Slurm job, that it runs on. command: the server program, where it is not on the PATH. args: speed settings, in
    the server's own flags. log: file for the server's output.
    """
    async with _server(read_engine(engine_dir), command, args, log, nodes) as server:
        yield server


@asynccontextmanager
async def running_engines(
    engine_dir: str | Path,
    copies: int,
    *,
    per_gpu: EnginesPerGpu = 1,
    nodes: int = 1,
    command: str | None = None,
    args: str = "",
    log: Path = Path("engine.log"),
) -> AsyncIterator[list[LocalServer | HostedEndpoint]]:
    """Start `copies` of the engine at once, each on GPUs of its own, and `per_gpu` engines on each of these.

    nodes: of this Slurm job, that the one copy runs on, which is then alone on its GPUs.
    Yields as soon as the first engine of each copy runs. Those that share its GPUs start one after the other meanwhile, since
    each measures how much memory is free; one joins when its `base_url` is set. One that does not start is told, and left out.
    """
    description = read_engine(engine_dir)
    if nodes > 1 and (copies, per_gpu) != (1, 1):
        raise InputError(
            "One copy of the model is spread over the nodes of a job.",
            where=f"nodes: {nodes}",
            expected="one copy, and one engine on each GPU",
            found=f"{copies} copies, {per_gpu} engines on each GPU",
        )
    gpus = _gpu_groups(description, copies)
    engines, share = shares(description, per_gpu, args=args)
    if engines > 1:
        print(f"{description['engine']}: {engines} engines on each GPU", flush=True)
    servers: list[LocalServer | HostedEndpoint] = []
    starting = [asyncio.Lock() for _ in gpus]
    for number, visible in enumerate(gpus * engines):
        one_log = log if copies * engines == 1 else log.with_name(f"{log.name}.{number}")
        own_args = shlex.join([*shlex.split(args), *share]) if share else args
        server = _server(description, command, own_args, one_log, nodes)
        if isinstance(server, LocalServer):
            server.environment |= visible
            server.starting = starting[number % copies]
        servers.append(server)
    starts = [asyncio.ensure_future(server.__aenter__()) for server in servers]
    try:
        await asyncio.wait(starts[:copies])
        for start in starts[:copies]:
            start.result()
        for start in starts[copies:]:
            start.add_done_callback(_tell)
        yield servers
    finally:
        for start in starts:
            start.cancel()  # nothing happens to those that have ended
        ended = await asyncio.gather(*starts, return_exceptions=True)
        running = (server for server, end in zip(servers, ended, strict=True) if not isinstance(end, BaseException))
        await asyncio.gather(*(server.__aexit__(None, None, None) for server in running))


def _server(
    description: EngineRecord, command: str | None, args: str, log: Path, nodes: int = 1
) -> LocalServer | HostedEndpoint:
    """The engine's server, which starts where it is entered."""
    engine = description["engine"]
    server = engine_module(engine).server(description, command=command, args=args, log=log)
    server.extra_body = engine_kind(engine).extra_body | description["settings"].get("extra_body", {})
    server.description = description
    if nodes > 1:
        if "nodes" not in engine_kind(engine).takes:
            raise InputError("This engine runs on one node only.", where=f"nodes: {nodes}", found=engine)
        server.command = over_nodes(server.command, nodes)
    return server


def _tell(start: asyncio.Task) -> None:
    """Say that an engine that was to join the others on its GPU did not start."""
    if not start.cancelled() and (error := start.exception()):
        print(f"An engine more on this GPU did not start; the others go on without it. {error}", flush=True)


def _gpu_groups(description: EngineRecord, copies: int) -> list[dict[str, str]]:
    """The environment of each copy: which GPUs it sees. Nothing is restricted where there is one copy."""
    if copies == 1:
        return [{}]
    size = gpus_of(description["settings"]) if engine_kind(description["engine"]).on_gpus else 0
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
