"""Start a server, wait until it is healthy, watch it, restart it a bounded number of times, and leave nothing behind.

Another user of the machine may take the port before the server does, or when it dies, and answer in its place. So nothing is
sent but to a socket of a process that we started (listener.py), and a reply counts only while that process still listens.
"""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from openmath.client.completion import Load
from openmath.engines.listener import HeldSocket, Stranger, can_tell, free_port, listening_socket
from openmath.engines.local_http import REPLY_SECONDS, metrics_of, status_of
from openmath.engines.vitals import Capacity, capacity
from openmath.engines.watch import Watch
from openmath.errors import InputError

KEY_VARIABLE = "OPENMATH_ENGINE_KEY"  # carries the API key to the server: a command line is visible to every user
HEALTH_POLL = 0.2  # seconds, while the server starts
LOG_BYTES = 2**24  # of a start; later lines are of requests
KEY_TRIES = 12  # of REPLY_SECONDS each: it may be busy
# A reply counts if the server still listens so much later: one that is being ended sends what it has
SETTLE_SECONDS = 0.2
PORTS = 3  # tries to find one that nobody else takes before the server does
WATCH_POLL = 10.0  # seconds, afterwards
STOP_SECONDS = 25.0  # the supervisors themselves kill after 10 and 15
LAST_LINES = 30  # lines of the server's log shown when it dies
SUPERVISOR = Path(__file__).with_name("supervise.py")


class LocalServer:
    """A server on a free loopback port with a random API key; an Endpoint for the client.

    command: port -> argument list. environment: added to ours; the key is also put under each name in `key_variables`.
    asks_key: it must refuse a wrong key; else it is only said that it does not. health: path that answers 200 when requests can
    be sent. start_seconds: deadline of a start; hung_seconds, stalled_seconds: of signs of life later on, as Watch says. A server
    that misses one is ended and, like one that died, started again, `restarts` times at most. Use as
    `async with LocalServer(...) as server`.
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
        asks_key: bool = False,
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
        self.starts = 0  # the number of this start: another one is another server
        self.extra_body: dict = {}  # sampling switches of this server
        self.command = command
        self._key_variables = key_variables
        self.environment = {**(environment or {}), **dict.fromkeys(key_variables, self.api_key)}
        self._asks_key = asks_key
        self._health = health
        self._start_seconds = start_seconds
        self._hung_seconds = hung_seconds
        self._stalled_seconds = stalled_seconds
        self._watcher: asyncio.Task | None = None
        self._log = log
        self.load, self.watched = Load(), True
        self.capacity = Capacity()  # known once it runs
        self._process: subprocess.Popen | None = None
        self._port = 0
        self._socket: HeldSocket | None = None  # None also where the system cannot tell
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
        """Return when the server listens, restarting it if it has died; InputError when it died too often."""
        if self._listens():
            return
        async with self._turn:  # many requests notice a death at once; one of them restarts, the others wait here
            if self._listens():
                return
            if self.restarts_left == 0:
                raise self._died("The engine died too often.")
            self.restarts_left -= 1
            print(f"{self.name}: the engine died; starting it again ({self.restarts_left} restarts left)", flush=True)
            await self._stop()
            async with self.starting:
                await self._start()

    async def outlives_reply(self, start: int) -> bool:
        """Whether the server that was asked, by its number in `starts`, still serves a moment after its reply."""
        await asyncio.sleep(SETTLE_SECONDS)
        return start == self.starts and self._listens()

    def _listens(self) -> bool:
        """Whether requests reach the server that we started and found healthy. Costs microseconds."""
        if not (self._ready and self._process and self._runs()):
            return False
        if self._socket and not self._socket.held():
            try:  # a server of several processes may have passed its socket on
                self._socket = listening_socket(self._port, self._process.pid)
            except Stranger:
                self._socket = None
            self._ready = self._socket is not None  # once it does not listen, it is over
        return self._ready

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
        watch = Watch(
            self.load,
            healthy=lambda: self._answers(min(REPLY_SECONDS, self._hung_seconds)),
            metrics=lambda: metrics_of(self._port, self.api_key),
            hung_seconds=self._hung_seconds,
            stalled_seconds=self._stalled_seconds,
        )
        while True:
            await asyncio.sleep(min(WATCH_POLL, self._hung_seconds / 4))
            process = self._process
            if self._turn.locked() or not self._runs():
                watch.begin_anew()
            elif fault := await asyncio.to_thread(watch.fault):
                print(f"{self.name}: {fault}; ending the engine", flush=True)
                _hang_up(process)
                watch.begin_anew()

    async def _start(self) -> None:
        """Start the server on a port that nobody else took first."""
        for _ in range(PORTS):
            try:
                return await self._start_on(free_port())
            except Stranger as stranger:
                taken = stranger
                print(f"{self.name}: {taken} listens on the engine's port; starting it on another", flush=True)
                await self._stop()
        raise InputError(
            "The engine's port was taken before the engine had it.",
            where=f"127.0.0.1:{self._port}",
            expected="the engine, or a process that it started, to listen there",
            found=f"{taken}, {PORTS} times",
            hint="is the server started by a daemon, as docker does? Start it yourself, and use it as an `endpoint`. Else ask who "
            "else uses this machine.",
        )

    async def _start_on(self, port: int) -> None:
        """Start the server and wait until it is healthy. Raises Stranger where another process has the port."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = self.command(port)
        started, log_start = time.monotonic(), self._log.stat().st_size if self._log.exists() else 0
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
        self._port, self._socket = port, None
        while not await asyncio.to_thread(self._is_healthy, self._process.pid):
            if not self._runs():
                raise self._died("The engine did not start.")
            if time.monotonic() - started > self._start_seconds:
                raise self._died(f"The engine was not ready after {self._start_seconds:g} s.")
            await asyncio.sleep(HEALTH_POLL)
        await asyncio.to_thread(self._check_key)
        self.capacity = await asyncio.to_thread(self._measured, log_start)
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.starts += 1
        self._ready = True
        print(f"{self.name}: engine ready after {time.monotonic() - started:.1f} s", flush=True)

    def _is_healthy(self, supervisor: int) -> bool:
        """Whether the server listens, and answers that it is ready."""
        if can_tell() and not (self._socket and self._socket.held()):
            self._socket = listening_socket(self._port, supervisor)
            if not self._socket:
                return False
        return self._answers(REPLY_SECONDS)

    def _answers(self, seconds: float) -> bool:
        return status_of(self._port, self._health, seconds=seconds) == 200

    def _measured(self, log_start: int) -> Capacity:
        """What it has room for, by its words since its start. log_start: bytes of the log before it."""
        with open(self._log, "rb") as log:
            log.seek(log_start)
            printed = log.read(LOG_BYTES)
        return capacity(metrics_of(self._port, self.api_key).decode(errors="replace"), printed.decode(errors="replace"))

    def _check_key(self) -> None:
        """Once a start: does the server refuse a wrong key? InputError where it should. Says what other users may then do."""
        if not can_tell():
            print(
                f"{self.name}: this system does not tell who listens on a port: other users could answer instead",
                flush=True,
            )
        for _ in range(KEY_TRIES):
            status = status_of(self._port, "/v1/completions", seconds=REPLY_SECONDS, api_key=secrets.token_hex(16))
            if status in (401, 403):
                return
            if status:
                break
        else:
            raise self._died("The engine answers nothing but whether it is healthy.")
        if self._asks_key:
            raise InputError(
                "The engine takes requests with a wrong key: other users of this machine could send it some.",
                where=self.name,
                expected="HTTP 401 for a wrong key",
                hint=f"does the program get the variable {', '.join(self._key_variables)}? A wrapper may have removed it.",
            )
        print(
            f"{self.name}: the engine asks for no key: other users of this machine could send it requests", flush=True
        )

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


def _hang_up(process: subprocess.Popen | None) -> None:
    """Its supervisor ends the server when its input ends."""
    if process and process.stdin:
        process.stdin.close()
