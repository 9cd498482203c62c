"""HTTP for many small JSON requests at once: the `openai` library's own HTTP library, in pools of few connections.

Why not the library's `client.chat.completions.create`: with 64 requests in flight it takes 1.4 ms of CPU a request, more than
twice what this module takes (perf/judging_speed.py prints both). Half of that is one connection pool searched for each
request, the other half models of the reply that nobody reads.

Imports what `openai` brings along and the standard library only: this module also runs inside engine containers.
"""

import json
import ssl
from contextlib import suppress
from dataclasses import dataclass, field

try:
    import httpx2 as httpx  # what openai 3 uses
except ImportError:
    import httpx  # type: ignore[no-redef] # the same interface under its older name

POOL_CONNECTIONS = (
    16  # fewer: more pools to keep; more: a slower search in each (4 to 32 measured alike, 64 a third slower)
)

# Bytes of one reply: a sample of 100,000 tokens has 0.5 MB, 3 MB if every character were escaped. Without a limit a broken or
# hostile server fills the memory before the deadline of a request.
MAX_REPLY = 16 * 2**20
SHOWN = 500  # characters of a server's words

# No connection, a broken one, or a reply that is not HTTP or not what its encoding says.
TransportError = httpx.RequestError


class StatusError(Exception):
    """The server answered with a status that is no success."""

    def __init__(self, status: int, headers: dict[str, str], body: object):
        super().__init__(status)
        self.status, self.headers, self.body = status, headers, body

    def words(self) -> str:
        """The server's own explanation, in one line of bounded length."""
        error = self.body.get("error", self.body) if isinstance(self.body, dict) else self.body
        message = error.get("message") if isinstance(error, dict) else error
        return " ".join(str(message).split())[:SHOWN]

    def code(self) -> str | None:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error.get("code") if isinstance(error, dict) else None


class BadReply(Exception):
    """A success without the JSON that it should carry."""


async def _body(reply: httpx.Response) -> bytes:
    """The decoded body; BadReply beyond MAX_REPLY."""
    body = bytearray()
    async for block in reply.aiter_bytes():
        body += block
        if len(body) > MAX_REPLY:
            raise BadReply(f"HTTP {reply.status_code} with a body of more than {MAX_REPLY} bytes")
    return bytes(body)


@dataclass
class _Pool:
    client: httpx.AsyncClient
    in_flight: int = 0


@dataclass
class JsonPoster:
    """POSTs JSON and reads JSON. Proxies are taken from the environment, but never for the local host."""

    _pools: list[_Pool] = field(default_factory=list)
    _ssl: ssl.SSLContext | None = None

    async def post(self, url: str, api_key: str, body: dict) -> tuple[dict, dict[str, str]]:
        """(reply, headers in lower case). Raises StatusError, TransportError or BadReply; has no time limit of its own."""
        pool = self._free_pool(url)
        pool.in_flight += 1
        try:
            async with pool.client.stream(
                "POST",
                url,
                content=json.dumps(body).encode(),
                headers={"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
            ) as reply:
                text = await _body(reply)
        except httpx.InvalidURL as error:
            raise httpx.UnsupportedProtocol(str(error)) from None  # a TransportError
        finally:
            pool.in_flight -= 1
        headers = dict(reply.headers)
        content: object = None
        with suppress(ValueError, RecursionError):  # ValueError: bad JSON or bad UTF-8
            content = json.loads(text)
        if not reply.is_success:
            words = text[:SHOWN].decode("utf-8", "replace")
            raise StatusError(reply.status_code, headers, words if content is None else content)
        if not isinstance(content, dict):
            words = text[:80].decode("utf-8", "replace")
            raise BadReply(f"HTTP {reply.status_code} with a body that is no JSON object: {words!r}")
        return content, headers

    async def close(self) -> None:
        for pool in self._pools:
            await pool.client.aclose()
        self._pools.clear()

    def _free_pool(self, url: str) -> _Pool:
        pool = min(self._pools, key=lambda p: p.in_flight, default=None)
        if pool is None or pool.in_flight >= POOL_CONNECTIONS:
            self._ssl = self._ssl or httpx.create_ssl_context()  # 20 ms: one for all pools
            local = url.startswith(("http://127.0.0.1", "http://localhost"))
            limits = httpx.Limits(max_connections=POOL_CONNECTIONS, max_keepalive_connections=POOL_CONNECTIONS)
            client = httpx.AsyncClient(
                verify=self._ssl, limits=limits, timeout=None, trust_env=not local, follow_redirects=False
            )
            pool = _Pool(client)
            self._pools.append(pool)
        return pool
