"""HTTP for many small JSON requests at once: the `openai` library's own HTTP library, in pools of few connections.

Why not the library's `client.chat.completions.create`: with 64 requests in flight it takes 1.4 ms of CPU a request, more than
twice what this module takes (perf/judging_speed.py prints both). Half of that is one connection pool searched for each
request, the other half models of the reply that nobody reads.

No error shows the key that was sent (api_keys.py). `fetch` is one request for whoever has no event loop.

Imports what `openai` brings along and the standard library only: this module also runs inside engine containers.
"""

import asyncio
import json
import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from openmath.api_keys import NO_KEY, SHOWN_PART, checked_key, without_key, without_key_inside
from openmath.client.failures import status_text, without_markup, words_of
from openmath.errors import InputError

try:
    import httpx2 as httpx  # what openai 3 uses
except ImportError:
    import httpx  # type: ignore[no-redef] # the same interface under its older name

# Fewer: more pools to keep; more: a slower search in each (4 to 32 measured alike, 64 a third slower)
POOL_CONNECTIONS = 16

# Bytes of one reply: a sample of 100,000 tokens has 0.5 MB, 3 MB if every character were escaped. Without a limit a broken or
# hostile server fills the memory before the deadline of a request.
MAX_REPLY = 16 * 2**20
SHOWN = 500  # characters of a server's words
SEARCHED = 2**16  # characters of them that are searched for the key first

# No connection, a broken one, no reply in time, or one that is not HTTP or not what its encoding says.
TransportError = httpx.RequestError


class StatusError(Exception):
    """The server answered with a status that is no success. body: JSON, or text; it has lost the key."""

    def __init__(self, status: int, headers: dict[str, str], body: object):
        super().__init__(status)
        self.status, self.headers, self.body = status, headers, body

    def words(self) -> str:
        """The server's own explanation, in one line of bounded length; may be empty."""
        return words_of(self.body)[:SHOWN]

    def text(self) -> str:
        """Status and words, or where it leads."""
        return status_text(self.status, self.words(), self.location())

    def location(self) -> str | None:
        """Where a redirect leads."""
        return self.headers.get("location")

    def codes(self) -> set[str]:
        """What the server calls the error."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        said = [error.get("code"), error.get("type")] if isinstance(error, dict) else []
        return {code for code in said if isinstance(code, str)}


class BadReply(Exception):
    """A success without the JSON that it should carry."""


class Reply(NamedTuple):
    """A reply of any status. headers: names in lower case. body: unpacked, with the key in it if the server sent it back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(
    url: str, *, seconds: float, api_key: str = NO_KEY, body: dict | None = None, most_bytes: int = MAX_REPLY
) -> Reply:
    """One GET, or a POST of `body` as JSON, that ends within `seconds`, however slowly the server sends its headers or its body.

    A timeout of urllib or httpx is that of one read: a server that drips holds such a request for ever. Redirects are not followed;
    the local host is asked without a proxy. Works inside a running event loop too, which it blocks.
    Raises TransportError (no reply, or none in time) or BadReply (more than `most_bytes`); neither shows the key.
    """
    outcome: Future[Reply] = Future()

    def ask() -> None:
        try:
            outcome.set_result(asyncio.run(_fetch(url, seconds, api_key, body, most_bytes)))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(
        target=ask, daemon=True
    ).start()  # a name server that hangs cannot be interrupted: it is left behind
    try:
        return outcome.result(seconds + 1.0)
    except TimeoutError:
        raise httpx.ReadTimeout(f"no whole reply within {seconds:g} s") from None


async def _fetch(url: str, seconds: float, api_key: str, body: dict | None, most_bytes: int) -> Reply:
    async with asyncio.timeout(seconds), open_client(url) as client:
        return await _exchange(client, url, api_key, body, most_bytes)


async def _exchange(
    client: httpx.AsyncClient, url: str, api_key: str, body: dict | None, most_bytes: int = MAX_REPLY
) -> Reply:
    """One request and its reply. Raises TransportError, without the key, or BadReply."""
    headers = {} if body is None else {"Content-Type": "application/json"}
    headers["Authorization"] = f"Bearer {checked_key(api_key, where=url)}"
    content = None if body is None else json.dumps(body).encode()
    try:
        async with client.stream("GET" if body is None else "POST", url, content=content, headers=headers) as reply:
            read = bytearray()
            async for block in reply.aiter_bytes():
                read += block
                if len(read) > most_bytes:
                    raise BadReply(f"HTTP {reply.status_code} with a body of more than {most_bytes} bytes")
            return Reply(reply.status_code, reply.headers, bytes(read))
    except httpx.InvalidURL as error:
        raise httpx.UnsupportedProtocol(without_key(str(error), api_key)) from None  # a TransportError
    except TransportError as error:
        raise type(error)(without_key(str(error), api_key)) from None


def open_client(url: str, context: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """A client of few connections for the server at `url`. context: of an earlier one, which spares 20 ms.

    Proxies are taken from the environment, but never for the local host.
    """
    limits = httpx.Limits(max_connections=POOL_CONNECTIONS, max_keepalive_connections=POOL_CONNECTIONS)
    verify = context or ssl_context(url)
    with readable_environment():
        return httpx.AsyncClient(
            verify=verify, limits=limits, timeout=None, trust_env=not _is_local(url), follow_redirects=False
        )


def ssl_context(url: str) -> ssl.SSLContext:
    """What a connection to this server needs; no certificate is read for one without TLS."""
    if not url.startswith("https://"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with readable_environment():
        return httpx.create_ssl_context()


@contextmanager
def readable_environment() -> Iterator[None]:
    """Around the making of a client: InputError where a proxy or a file of certificates that the environment names is of no use."""
    try:
        yield
    except OSError as error:
        raise InputError(
            "The file of certificates cannot be read.",
            where="the environment variable SSL_CERT_FILE",
            found=f"{os.environ.get('SSL_CERT_FILE')}: {error.strerror or error}",
            hint="let it name a PEM file of certificate authorities, or unset it.",
        ) from None
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # the value is not shown: it may hold a password
        variables = [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "all_proxy")]
        socks = isinstance(error, ImportError)
        raise InputError(
            "A proxy that the environment names cannot be used.",
            where=", ".join(sorted(variables)),
            expected="http://HOST:PORT" + ("" if socks else ", or socks5://HOST:PORT"),
            found="a SOCKS proxy, but no library for one (socksio)" if socks else "another value",
            hint="install socksio beside this Python's httpx, or name an http proxy, or name the endpoint's host in NO_PROXY.",
        ) from None


def _is_local(url: str) -> bool:
    try:
        return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:
        return False


@dataclass
class _Pool:
    client: httpx.AsyncClient
    in_flight: int = 0


@dataclass
class JsonPoster:
    """POSTs JSON and reads JSON."""

    _pools: list[_Pool] = field(default_factory=list)
    _ssl: ssl.SSLContext | None = None

    async def post(self, url: str, api_key: str, body: dict) -> tuple[dict, dict[str, str]]:
        """(reply, headers in lower case). Raises StatusError, TransportError or BadReply; has no time limit of its own.

        Errors have lost the key; of the reply see `completion_of`.
        """
        pool = self._free_pool(url)
        pool.in_flight += 1
        try:
            status, headers, text = await _exchange(pool.client, url, api_key, body)
        finally:
            pool.in_flight -= 1
        content: object = None
        with suppress(ValueError, RecursionError):  # ValueError: bad JSON or bad UTF-8
            content = json.loads(text)
        if 200 <= status < 300 and isinstance(content, dict):
            return content, dict(headers)
        words = without_key(without_markup(text[:SEARCHED].decode("utf-8", "replace")), api_key)
        if 200 <= status < 300:
            raise BadReply(f"HTTP {status} with a body that is no JSON object: {words[:80]!r}")
        try:
            content = without_key_inside(content, api_key, part=SHOWN_PART)
        except RecursionError:
            content = None
        headers = without_key_inside(dict(headers), api_key, part=SHOWN_PART)
        raise StatusError(status, headers, words if content is None else content)

    async def close(self) -> None:
        for pool in self._pools:
            await pool.client.aclose()
        self._pools.clear()

    def _free_pool(self, url: str) -> _Pool:
        pool = min(self._pools, key=lambda p: p.in_flight, default=None)
        if pool is None or pool.in_flight >= POOL_CONNECTIONS:
            self._ssl = self._ssl or ssl_context(url)  # one for all pools
            pool = _Pool(open_client(url, self._ssl))
            self._pools.append(pool)
        return pool
