"""Start a server, wait until it is healthy, watch it, restart it a bounded number of times, and leave nothing behind."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from openmath.errors import InputError

KEY_VARIABLE = "OPENMATH_ENGINE_KEY"  # carries the API key to the server: a command line is visible to every user
HEALTH_POLL = 0.2  # seconds
STOP_SECONDS = 20.0  # the supervisor itself kills after 10
LAST_WORDS = 30  # lines of the server's log shown when it dies
SUPERVISOR = Path(__file__).with_name("supervise.py")


class LocalServer:
    """A server on a free loopback port with a random API key; an Endpoint for the client.

    command: port -> argument list. environment: added to ours; the key is also put under each name in `key_variables`.
    health: path that answers 200 when requests can be sent. Use as `async with LocalServer(...) as server`.
    """

    def __init__(
        self,
        *,
        name: str,
        command: Callable[[int], list[str]],
        model: str,
        log: Path,
        environment: dict[str, str] | None = None,
        key_variables: tuple[str, ...] = (KEY_VARIABLE,),
        health: str = "/health",
        start_seconds: float = 1800.0,
        restarts: int = 3,
    ):
        self.name = name
        self.model = model
        self.api_key = secrets.token_hex(16)
        self.base_url = ""
        self.restarts_left = restarts
        self._command = command
        self._environment = {**(environment or {}), **dict.fromkeys(key_variables, self.api_key)}
        self._health = health
        self._start_seconds = start_seconds
        self._log = log
        self._process: subprocess.Popen | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> "LocalServer":
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stop()

    async def available(self) -> None:
        """Return when the server runs, restarting it if it has died; InputError when it died too often."""
        if self._process and self._process.poll() is None:
            return
        async with self._turn:  # many requests notice a death at once; one of them restarts
            if self._process and self._process.poll() is None:
                return
            if self.restarts_left == 0:
                raise self._died("The engine died too often.")
            self.restarts_left -= 1
            print(f"{self.name}: the engine died; starting it again ({self.restarts_left} restarts left)", flush=True)
            await self._stop()
            await self._start()

    async def _start(self) -> None:
        port = _free_port()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = self._command(port)
        started = time.monotonic()
        with open(self._log, "ab") as log:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, str(SUPERVISOR), *command],
                    stdin=subprocess.PIPE,  # closing it, or dying, ends the server
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **self._environment},
                    start_new_session=True,  # a Ctrl-C for us must not reach the server before we have flushed
                )
            except OSError as error:
                raise InputError(f"Cannot start the engine ({error.strerror}).", where=command[0]) from None
        root = f"http://127.0.0.1:{port}"
        while not await asyncio.to_thread(_answers, root + self._health):
            if self._process.poll() is not None:
                raise self._died("The engine did not start.")
            if time.monotonic() - started > self._start_seconds:
                raise self._died(f"The engine was not ready after {self._start_seconds:g} s.")
            await asyncio.sleep(HEALTH_POLL)
        self.base_url = f"{root}/v1"
        print(f"{self.name}: engine ready after {time.monotonic() - started:.1f} s", flush=True)

    async def _stop(self) -> None:
        if not self._process:
            return
        self._process.stdin.close()
        try:
            await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        self._process = None

    def _died(self, what: str) -> InputError:
        try:
            lines = self._log.read_text(errors="replace").replace(self.api_key, "***").splitlines()[-LAST_WORDS:]
        except OSError:
            lines = []
        return InputError(
            what,
            where=self._log,
            found="its last words:\n    " + "\n    ".join(lines),
            hint="out of memory: lower the engine's batch or memory settings; not found: see envs/ for its environment.",
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        # No proxy: the environment of a cluster often names one, which cannot reach our loopback.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError, OSError):
        return False
