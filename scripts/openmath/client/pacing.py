"""When the next request may be sent: what a server's headers say about its limits.

`retry-after` holds every request back, not only the one that was told. `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` are
read as a bucket that refills evenly: `reset` is the time until it is full again. Requests wait for their share of it, so that the
limit is met before the server has to say so. Standard library only.
"""

import asyncio
import random
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")  # "6m0s", "120ms", "1h2m3.5s"
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
JITTER = 0.1  # of a wait: what was held back together does not come back together
LONGEST_WAIT = 60.0  # seconds by one reading of a bucket; it is read again after that
LONGEST_HOLD = 600.0  # seconds; a server that asks for more refuses, which is not for the pacer to know


def duration(text: str | None) -> float | None:
    """Seconds of "6m0s", "120ms" or "1.5"; None for anything else."""
    if not text:
        return None
    parts = DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * SECONDS[unit] for number, unit in parts)
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: retry-after-ms, or retry-after as seconds or as a date."""
    milliseconds = duration(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = duration(text)
    if seconds is None and text:
        try:
            seconds = max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
        except ValueError:  # neither: our own back-off decides
            return None
    return seconds


@dataclass
class _Bucket:
    """What is left of one limit. need: what one request takes. rate: units that come back a second."""

    need: float
    left: float = 0.0
    limit: float = 0.0
    rate: float = 0.0
    seen: float = 0.0  # clock of the last change; 0: the server has not named this limit

    def wait(self, now: float) -> float:
        """Seconds until one request fits."""
        if not self.seen or self.rate <= 0:
            return 0.0
        self.left = min(self.limit, self.left + (now - self.seen) * self.rate)
        self.seen = now
        need = min(self.need, self.limit)  # more than the whole limit: let the server say so
        return 0.0 if self.left >= need else min((need - self.left) / self.rate, LONGEST_WAIT)


class Pacer:
    """The limits of one endpoint, shared by all its requests."""

    def __init__(self):
        self._stopped = asyncio.Event()
        self._held_until = 0.0
        self._in_flight = 0
        self._buckets = {"requests": _Bucket(1.0), "tokens": _Bucket(1.0)}

    async def turn(self) -> bool:
        """True as soon as a request may be sent, to be followed by `done`; False after `stop`."""
        while not self._stopped.is_set():
            now = time.monotonic()
            wait = max(self._held_until - now, *(bucket.wait(now) for bucket in self._buckets.values()))
            if wait <= 0:
                for bucket in self._buckets.values():
                    bucket.left -= bucket.need
                self._in_flight += 1
                return True
            await self.pause(wait * random.uniform(1.0, 1.0 + JITTER))
        return False

    async def pause(self, seconds: float) -> None:
        """Sleep, until `stop` at the longest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopped.wait()

    def stop(self) -> None:
        """No further request gets its turn, and nobody waits any longer."""
        self._stopped.set()

    def done(self, headers: Mapping[str, str] | None, tokens: int | None = None) -> None:
        """One request has ended. headers: of the reply, lower case, or None; tokens: what the request used."""
        self._in_flight -= 1
        if tokens:
            self._buckets["tokens"].need = tokens
        if not headers:
            return
        now = time.monotonic()
        for name, bucket in self._buckets.items():
            limit, left = (duration(headers.get(f"x-ratelimit-{field}-{name}")) for field in ("limit", "remaining"))
            reset = duration(headers.get(f"x-ratelimit-reset-{name}"))
            if limit is None or left is None or not reset:
                continue
            # The server may not have counted what is on its way to it.
            bucket.left, bucket.limit = left - self._in_flight * bucket.need, limit
            bucket.rate, bucket.seen = (limit - left) / reset, now
        wait = retry_after(headers) or 0.0
        if wait <= LONGEST_HOLD:
            self._held_until = max(self._held_until, now + wait)
