"""Start a server, wait until it is healthy, watch it, restart it a bounded number of times, and leave nothing behind."""

import asyncio
import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from openmath.errors import InputError

KEY_VARIABLE = "OPENMATH_ENGINE_KEY"  # carries the API key to the server: a command line is visible to every user
HEALTH_POLL = 0.2  # seconds, while the server starts
HEALTH_TIMEOUT = 5.0
WATCH_POLL = 10.0  # seconds, afterwards
STOP_SECONDS = 25.0  # the supervisors themselves kill after 10 and 15
LAST_LINES = 30  # lines of the server's log shown when it dies
SUPERVISOR = Path(__file__).with_name("supervise.py")


class LocalServer:
    """A server on a free loopback port with a random API key; an Endpoint for the client.

    command: port -> argument list. environment: added to ours; the key is also put under each name in `key_variables`.
    health: path that answers 200 when requests can be sent. start_seconds: deadline of a start; hung_seconds: of a health answer
    later on; stalled_seconds: between finished requests. A server that misses one is ended and, like one that died, started
    again, `restarts` times at most. Use as `async with LocalServer(...) as server`.
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
        hung_seconds: float = 300.0,
        stalled_seconds: float = 1800.0,
        restarts: int = 3,
    ):
        self.name = name
        self.model = model
        self.api_key = secrets.token_hex(16)
        self.base_url = ""
        self.restarts_left = restarts
        self.extra_body: dict = {}  # sampling switches of this server
        self._command = command
        self.environment = {**(environment or {}), **dict.fromkeys(key_variables, self.api_key)}
        self._health = health
        self._start_seconds = start_seconds
        self._hung_seconds = hung_seconds
        self._stalled_seconds = stalled_seconds
        self._watcher: asyncio.Task | None = None
        self._log = log
        self.in_flight, self.last_progress = 0, 0.0  # kept by the client: requests, and when one began or ended last
        self._process: subprocess.Popen | None = None
        self._ready = False
        self._turn = asyncio.Lock()
        self.starting: AbstractAsyncContextManager = nullcontext()  # a lock of all engines that share a GPU

    async def __aenter__(self) -> "LocalServer":
        try:
            async with self.starting:
                await self._start()
        except BaseException:
            await self._stop()
            raise
        self._watcher = asyncio.ensure_future(self._watch())
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._watcher:
            self._watcher.cancel()
        await self._stop()

    async def available(self) -> None:
        """Return when the server runs, restarting it if it has died; InputError when it died too often."""
        if self._ready and self._runs():
            return
        async with self._turn:  # many requests notice a death at once; one of them restarts, the others wait here
            if self._ready and self._runs():
                return
            if self.restarts_left == 0:
                raise self._died("The engine died too often.")
            self.restarts_left -= 1
            print(f"{self.name}: the engine died; starting it again ({self.restarts_left} restarts left)", flush=True)
            await self._stop()
            async with self.starting:
                await self._start()

    def _runs(self) -> bool:
        """Whether the server itself runs, ready or not; a dead one's supervisor may still be ending what it left behind."""
        if self._process is None:
            return False
        try:
            return os.read(self._status, 1) != b""
        except BlockingIOError:
            return True

    async def _watch(self) -> None:
        """End a server that runs but does not work any more; its requests then fail and `available` starts it again."""
        answered = time.monotonic()
        while True:
            await asyncio.sleep(min(WATCH_POLL, self._hung_seconds / 4))
            process = self._process
            starting = self._turn.locked() or not self._runs()
            url = self.base_url.removesuffix("/v1") + self._health
            if starting or await asyncio.to_thread(_answers, url, min(HEALTH_TIMEOUT, self._hung_seconds)):
                answered = time.monotonic()
            now, why = time.monotonic(), ""
            if now - answered > self._hung_seconds:
                why = f"no health answer for {self._hung_seconds:g} s"
            elif not starting and self.in_flight and now - self.last_progress > self._stalled_seconds:
                why = f"no request finished for {self._stalled_seconds:g} s"
            if why:
                print(f"{self.name}: {why}; ending the engine", flush=True)
                _hang_up(process)
                answered = self.last_progress = now

    async def _start(self) -> None:
        port = _free_port()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = self._command(port)
        started = time.monotonic()
        self._status, status = os.pipe()  # its writing end is closed when the server ends
        os.set_blocking(self._status, False)
        with open(self._log, "ab") as log:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, str(SUPERVISOR), str(status), *command],
                    pass_fds=(status,),
                    stdin=subprocess.PIPE,  # closing it, or dying, ends the server
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **self.environment},
                    start_new_session=True,  # a Ctrl-C for us must not reach the server before we have flushed
                )
            except OSError as error:
                raise InputError(f"Cannot start the engine ({error.strerror}).", where=command[0]) from None
            finally:
                os.close(status)
        root = f"http://127.0.0.1:{port}"
        while not await asyncio.to_thread(_answers, root + self._health):
            if not self._runs():
                raise self._died("The engine did not start.")
            if time.monotonic() - started > self._start_seconds:
                raise self._died(f"The engine was not ready after {self._start_seconds:g} s.")
            await asyncio.sleep(HEALTH_POLL)
        self.base_url = f"{root}/v1"
        self._ready = True
        print(f"{self.name}: engine ready after {time.monotonic() - started:.1f} s", flush=True)

    async def _stop(self) -> None:
        self._ready = False
        if not self._process:
            return
        _hang_up(self._process)
        try:
            await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        self._process = None
        os.close(self._status)

    def _died(self, what: str) -> InputError:
        try:
            lines = self._log.read_text(errors="replace").replace(self.api_key, "***").splitlines()[-LAST_LINES:]
        except OSError:
            lines = []
        return InputError(
            what,
            where=self._log,
            found="its last lines:\n    " + "\n    ".join(lines),
            hint="out of memory: lower the engine's batch or memory settings; not found: see envs/ for its environment.",
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(url: str, timeout: float = HEALTH_TIMEOUT) -> bool:
    try:
        # No proxy: the environment of a cluster often names one, which cannot reach our loopback.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=timeout) as reply:
            return reply.status == 200
    except (OSError, http.client.HTTPException):  # nobody there, too slow, an error status; another protocol
        return False


def _hang_up(process: subprocess.Popen | None) -> None:
    """Its supervisor ends the server when its input ends."""
    if process and process.stdin:
        process.stdin.close()
