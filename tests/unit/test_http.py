"""One request to servers that drip, flood, redirect or are not there; and what the environment gets wrong before any request."""

import asyncio
import contextlib
import re
import socket
import threading
import time

import pytest

from openmath.client.http import BadReply, TransportError, fetch, open_client
from openmath.errors import InputError

KEY = "sk-planted-9fQ2xW7vB4"


@contextlib.contextmanager
def raw_server(reply: bytes, *, drip: float = 0.0):
    """(address, requests) of a server that sends these bytes to everyone. drip: seconds after each byte."""
    seen: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            request = connection.makefile("rb")
            head = b"".join(iter(request.readline, b"\r\n"))
            length = re.search(rb"(?i)content-length: (\d+)", head)
            seen.append(head + request.read(int(length[1]) if length else 0))
            for part in [reply[i : i + 1] for i in range(len(reply))] if drip else [reply]:
                connection.sendall(part)
                if drip and stop.wait(drip):
                    return

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", seen
    finally:
        stop.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_one_request():
    with raw_server(http("200 OK", b'{"data": []}', "X-Some: thing")) as (address, seen):
        reply = fetch(f"{address}/v1/models", seconds=10, api_key=KEY)
        posted = fetch(f"{address}/tokenize", seconds=10, body={"a": 1})
    assert (reply.status, reply.body, reply.headers["x-some"]) == (
        200,
        b'{"data": []}',
        "thing",
    ) and posted.status == 200
    assert seen[0].startswith(b"GET /v1/models ") and f"Authorization: Bearer {KEY}\r\n".encode() in seen[0]
    assert seen[1].startswith(b"POST /tokenize ") and seen[1].endswith(b'{"a": 1}')


@pytest.mark.parametrize("dripped", [http("200 OK", b"x" * 1000), b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000])
def test_a_server_that_drips_is_given_up_in_time(dripped):
    with raw_server(dripped, drip=0.05) as (address, _):
        started = time.monotonic()
        with pytest.raises(TransportError, match=r"0\.5 s"):
            fetch(address, seconds=0.5)
        assert 0.4 < time.monotonic() - started < 3


def test_a_server_that_floods_is_cut_off():
    with raw_server(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 200_000) as (address, _):
        with pytest.raises(BadReply, match="100000 bytes"):
            fetch(address, seconds=10, most_bytes=100_000)
        assert len(fetch(address, seconds=10).body) == 200_000


def test_a_redirect_is_a_reply_and_not_followed():
    with raw_server(http("302 Found", b"", "Location: http://127.0.0.1:9/elsewhere")) as (address, seen):
        assert fetch(address, seconds=10, api_key=KEY).status == 302
    assert len(seen) == 1


def test_it_works_inside_an_event_loop():
    async def run(address):
        return fetch(address, seconds=10).status

    with raw_server(http("200 OK")) as (address, _):
        assert asyncio.run(run(address)) == 200


def test_nobody_is_there():
    with raw_server(b"") as (address, _):
        pass
    with pytest.raises(TransportError):
        fetch(address, seconds=10)
    with pytest.raises(TransportError):
        fetch("ftp://127.0.0.1", seconds=10)
    with pytest.raises(TransportError):
        fetch("http://127.0.0.1:port", seconds=10)


def test_a_file_of_certificates_that_is_not_there(monkeypatch, tmp_path):
    for path in (tmp_path / "none.pem", tmp_path, "/dev/null"):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with pytest.raises(InputError, match="SSL_CERT_FILE") as error:
            open_client("https://example.org")
        assert str(path) in str(error.value) and error.value.hint
    open_client("http://example.org")


@pytest.mark.parametrize("proxy", ["socks5://user:{}@127.0.0.1:9", "gopher://user:{}@host", "http://user:{}@host:port"])
def test_a_proxy_that_cannot_be_used(monkeypatch, proxy):
    monkeypatch.setenv("HTTP_PROXY", proxy.format(KEY))
    with pytest.raises(InputError, match="proxy") as error:
        open_client("http://example.org")
    assert "HTTP_PROXY" in str(error.value) and "NO_PROXY" in error.value.hint and KEY not in str(error.value)
    assert ("socksio" in error.value.found) == proxy.startswith("socks")
    open_client("http://127.0.0.1:80")
