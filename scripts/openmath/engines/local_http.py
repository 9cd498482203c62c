"""One question to a server on this machine, beside its work.

Standard library only, besides the client: this module also runs inside engine containers.
"""

from openmath.api_keys import NO_KEY
from openmath.client.http import BadReply, Reply, TransportError, fetch

REPLY_SECONDS = 5.0  # of a whole reply, however slowly it drips
REPLY_BYTES = 2**24  # a thousand steps of TensorRT-LLM, as its metrics list them, have 2 MB


def reply_of(port: int, path: str, *, seconds: float = REPLY_SECONDS, api_key: str = NO_KEY) -> Reply | None:
    """What it says; None: nobody there, too slow, too long, or another protocol."""
    try:
        return fetch(f"http://127.0.0.1:{port}{path}", seconds=seconds, api_key=api_key, most_bytes=REPLY_BYTES)
    except (TransportError, BadReply):
        return None


def status_of(port: int, path: str, *, seconds: float = REPLY_SECONDS, api_key: str = NO_KEY) -> int | None:
    """Its HTTP status; None as of `reply_of`."""
    reply = reply_of(port, path, seconds=seconds, api_key=api_key)
    return reply and reply.status


def metrics_of(port: int, api_key: str) -> bytes:
    """What it counts, under /metrics; empty where it does not say."""
    reply = reply_of(port, "/metrics", api_key=api_key)
    return reply.body if reply and reply.status == 200 else b""
