"""Who else could answer in an engine's place: impostors on its port, before it starts and when it has died."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_engine import SERVER, ask, server, started

from openmath.engines import launcher
from openmath.engines.balance import BalancedClient
from openmath.engines.listener import Stranger, listening_socket
from openmath.errors import InputError

NOBODY = 65534
FORGED = b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 52\r\n\r\n{"choices":[{"text":"forged","finish_reason":"stop"}]}'
ROOT_ONLY = pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")


class Impostors:
    """Processes that listen on ports and answer everything; what they were sent is in the file `heard`."""

    def __init__(self, heard: Path):
        self.heard, self.pids = heard, []

    def take(self, port: int, user: int) -> None:
        ready, done = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                heard = os.open(self.heard, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
                os.setresuid(user, user, user)
                taken = socket.create_server(("127.0.0.1", port))
                os.write(done, b"1")
                while True:
                    answer_falsely(taken, lambda request: os.write(heard, request))
            finally:
                os._exit(1)
        os.close(done)
        assert os.read(ready, 1), "the impostor has no port"
        os.close(ready)
        self.pids.append(pid)

    def end(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def answer_falsely(taken: socket.socket, hear) -> None:
    connection, _ = taken.accept()
    with connection, contextlib.suppress(OSError):
        hear(connection.recv(2**16))
        connection.sendall(FORGED)


@pytest.fixture
def impostors(tmp_path) -> Iterator[Impostors]:
    made = Impostors(tmp_path / "heard")
    yield made
    made.end()


def robbed(folder: Path, impostors: Impostors, *, user: int, times: int):
    """An engine whose first ports are taken between its start and its listening."""
    engine = server(folder)
    command, ports = engine.command, []

    def commanded(port: int) -> list[str]:
        ports.append(port)
        if len(ports) <= times:
            impostors.take(port, user)
        return command(port)

    engine.command = commanded
    return engine


@pytest.mark.parametrize("user", [pytest.param(NOBODY, marks=ROOT_ONLY), os.getuid()])
def test_an_impostor_on_the_port_is_sent_nothing_and_the_engine_starts_on_another(tmp_path, impostors, capsys, user):
    async def work():
        engine = robbed(tmp_path, impostors, user=user, times=1)
        async with engine, BalancedClient([engine], request_seconds=60) as client:
            return await ask(client, 3), started(tmp_path)

    answers, pids = asyncio.run(work())
    assert set(answers) == {str(pids[-2])}, "only the engine that listens has answered"
    assert impostors.heard.read_bytes() == b"", "neither key nor prompt went there"
    assert f"user id {user} listens on the engine's port" in capsys.readouterr().out


def test_an_engine_that_never_gets_its_port_is_one_message(tmp_path, impostors):
    async def work():
        async with robbed(tmp_path, impostors, user=os.getuid(), times=launcher.PORTS):
            pass

    with pytest.raises(InputError, match=rf"port was taken[^@]*user id {os.getuid()}, 3 times[^@]*docker"):
        asyncio.run(work())
    assert impostors.heard.read_bytes() == b""


def test_whoever_takes_the_port_of_a_dead_engine_is_not_believed(tmp_path):
    heard: list[bytes] = []

    async def work():
        engine = server(tmp_path)
        async with engine, BalancedClient([engine], request_seconds=60) as client:
            os.kill(started(tmp_path)[0], signal.SIGKILL)  # nobody has noticed yet
            while True:
                with contextlib.suppress(OSError):
                    taken = socket.create_server(("127.0.0.1", engine._port))
                    break
            threading.Thread(
                target=lambda: [answer_falsely(taken, heard.append) for _ in range(9)], daemon=True
            ).start()
            return await ask(client, 3), started(tmp_path)

    answers, pids = asyncio.run(work())
    assert set(answers) == {str(pids[2])} and not heard


# Told to end, it sends what it has of each answer, as a whole one; in the other order it lets go of its port first.
HASTY = """
import signal, threading
ended = threading.Event()
def end(*_):
    ended.set()
    if LETS_GO: served.socket.close()
    threading.Timer(0.05, os._exit, [0]).start()
signal.signal(signal.SIGTERM, end)
class Hasty(Handler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        text = "half" if ended.wait(0.5) else "whole"
        data = json.dumps({"choices": [{"text": text, "finish_reason": "stop"}]}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(data)))
        self.end_headers(); self.wfile.write(data)
served = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hasty)
threading.Thread(target=served.serve_forever).start()
while True: signal.pause()
"""


@pytest.mark.parametrize("lets_go", [True, False])
def test_half_answers_of_an_engine_that_is_being_ended_are_asked_again(tmp_path, lets_go):
    code = SERVER.rpartition("http.server")[0] + HASTY.replace("LETS_GO", str(lets_go))

    async def work():
        engine = server(tmp_path, code)
        async with engine, BalancedClient([engine], request_seconds=60) as client:
            answers = asyncio.ensure_future(ask(client, 4))
            await asyncio.sleep(0.2)
            os.kill(started(tmp_path)[0], signal.SIGTERM)
            return await answers

    assert asyncio.run(work()) == ["whole"] * 4


REFUSES = """self.send_response(200 if self.path == "/health" or os.environ["OPENMATH_ENGINE_KEY"] in self.headers["Authorization"]
                           else 401)"""


@pytest.mark.parametrize(
    ("code", "asks_key", "says"),
    [
        (SERVER, True, "error"),
        (SERVER, False, "asks for no key"),  # an engine of one's own may have none: it is only said
        (SERVER.replace("self.send_response(200)", REFUSES, 1), True, ""),
    ],
)
def test_a_wrong_key_is_tried(tmp_path, capsys, code, asks_key, says):
    async def work():
        async with server(tmp_path, code, asks_key=asks_key):
            pass

    if says == "error":
        with pytest.raises(InputError, match=r"takes requests with a wrong key[^@]*OPENMATH_ENGINE_KEY"):
            asyncio.run(work())
        return
    asyncio.run(work())
    assert ("asks for no key" in capsys.readouterr().out) == bool(says)


DRIPPING = """
import itertools, socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    c, _ = s.accept(); c.recv(9999)
    try:
        for byte in itertools.chain(b"HTTP/1.1 200 OK\\r\\n", itertools.cycle(b"A: b\\r\\n")):
            c.sendall(bytes([byte])); time.sleep(0.05)
    except OSError: pass
"""


def test_a_server_that_drips_its_headers_misses_the_deadline_of_a_start(tmp_path, monkeypatch):
    monkeypatch.setattr(launcher, "REPLY_SECONDS", 0.3)

    async def work():
        async with asyncio.timeout(30):
            async with server(tmp_path, DRIPPING, start_seconds=1):
                pass

    with pytest.raises(InputError, match="not ready after 1 s"):
        asyncio.run(work())


def test_whose_socket_it_is(impostors):
    impostors.take(taken := launcher.free_port(), os.getuid())
    with pytest.raises(Stranger):  # of this user, but not of that process nor of what it started
        listening_socket(taken, os.getpid() + 2**22)
    assert listening_socket(taken, os.getpid()).link.startswith(f"/proc/{impostors.pids[0]}/"), "a child is ours"
    with socket.create_server(("0.0.0.0", 0)) as ours:
        port = ours.getsockname()[1]
        held = listening_socket(port, os.getpid())
        assert held.held()
    assert not held.held() and listening_socket(port, os.getpid()) is None
