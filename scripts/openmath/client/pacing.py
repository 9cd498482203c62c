"""When the next request may be sent: what a server's headers say about its limits.

`retry-after` holds every request back, not only the one that was told. `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` are
read as a bucket that refills evenly: `reset` is the time until it is full again, or that point in time. Requests wait for their
share of it, so that the limit is met before the server has to say so. What cannot be is ignored, and whatever a server says, a
request goes out each LONGEST_HOLD. Standard library only.
"""

import asyncio
import math
import random
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")  # "6m0s", "120ms", "1h2m3.5s"
SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
FIRST_EPOCH, FIRST_EPOCH_MS = (
    1e9,
    1e12,
)  # a number from here on is a point in time, in seconds or milliseconds since 1970
# Words in place of a header: "try again in 1m12.5s" (OpenAI, Groq), "retry after 20 seconds" (Azure), "retry in 37.2s" (Gemini).
AMOUNT = r"(\d+(?:\.\d+)?) ?(ms|milliseconds?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:ours?)?)(?![a-z])"
TOLD_IN_WORDS = re.compile(rf"(?i)\b(?:retry|try again) (?:in|after) (?:(?:{AMOUNT}) ?)+")
JITTER = 0.1  # of a wait: what was held back together does not come back together
LONGEST_WAIT = 60.0  # seconds by one reading of a bucket; it is read again after that
LONGEST_HOLD = 600.0  # seconds; a server that asks for more refuses, which is not for the pacer to know
LONGEST_RESET = 2 * 86400.0  # seconds until a limit is whole again; those of a day are the longest known
SHORTEST_TOLD, TOLD_EACH = 5.0, 30.0  # seconds of a wait that is told, and between two lines


def duration(text: str | None) -> float | None:
    """Seconds of "6m0s", "120ms" or "1.5"; None for anything else."""
    if not text:
        return None
    parts = DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * SECONDS[unit] for number, unit in parts)
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def seconds_until(text: str | None) -> float | None:
    """Seconds that a header names: as a duration, or until a point in time, never less than 0; None for anything else.

    Points in time: seconds or milliseconds since 1970, a date of HTTP or of RFC 3339.
    """
    seconds = duration(text)
    if seconds is not None and seconds < FIRST_EPOCH:
        return seconds
    try:
        if seconds is not None:
            moment = seconds / 1000 if seconds >= FIRST_EPOCH_MS else seconds
        else:
            moment = _date(text or "").timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, moment - time.time())


def _date(text: str) -> datetime:
    """Raises ValueError or OverflowError. Without a zone it is that of Greenwich."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        date = parsedate_to_datetime(text)
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: retry-after-ms, or retry-after as seconds or as a point in time."""
    milliseconds = duration(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    return seconds_until(headers.get("retry-after"))  # None: our own back-off decides


def wait_in_words(words: str) -> float | None:
    """Seconds that a refusal's words ask to wait; None where they ask for none."""
    if not (told := TOLD_IN_WORDS.search(words)):
        return None
    seconds = 0.0
    for number, unit in re.findall(AMOUNT, told[0].lower()):
        seconds += float(number) * SECONDS["ms" if unit.startswith(("ms", "mil")) else unit[0]]
    return seconds


def with_told_wait(status: int, headers: dict[str, str], words: str) -> dict[str, str]:
    """The headers of a refusal; where it asks to wait by its words only, that stands among them."""
    seconds = wait_in_words(words) if status in (429, 503) and retry_after(headers) is None else None
    return headers if seconds is None else {**headers, "retry-after": f"{seconds:f}"}


@dataclass
class _Bucket:
    """What is left of one limit. need: what one request takes. rate: units that come back a second."""

    need: float
    left: float = 0.0
    limit: float = 0.0
    rate: float = 0.0
    seen: float = 0.0  # clock of the last change; 0: the server has not named this limit, or it is not in the way
    taken: float = 0.0  # clock of the last request

    def wait(self, now: float) -> float:
        """Seconds until one request fits."""
        if not self.seen:
            return 0.0
        self.left = min(self.limit, self.left + (now - self.seen) * self.rate)
        self.seen = now
        return max(0.0, min((self._share() - self.left) / self.rate, self.taken + LONGEST_HOLD - now))

    def take(self, now: float) -> None:
        """One request is sent."""
        self.left -= self._share()
        self.taken = now

    def read(self, now: float, headers: Mapping[str, str], name: str, in_flight: int) -> None:
        """What a server says about the limit `name`: nothing changes where it does not name it, or says what cannot be."""
        limit, left = (duration(headers.get(f"x-ratelimit-{field}-{name}")) for field in ("limit", "remaining"))
        reset = seconds_until(headers.get(f"x-ratelimit-reset-{name}"))
        if limit is None or left is None or reset is None or not (0 < limit < math.inf and reset <= LONGEST_RESET):
            return
        if left >= limit or not reset:
            self.seen = 0.0
            return
        self.limit, self.rate, self.seen = limit, (limit - left) / reset, now
        # The server may not have counted what is on its way to it.
        self.left = left - in_flight * self._share()

    def _share(self) -> float:
        """What a request takes: one that takes more than the whole limit is for the server to refuse."""
        return min(self.need, self.limit) if self.limit else self.need


class Pacer:
    """The limits of one endpoint, shared by all its requests."""

    def __init__(self):
        self._stopped = asyncio.Event()
        self._held_until = 0.0
        self._in_flight = 0
        self._told = -math.inf
        self._buckets = {"requests": _Bucket(1.0), "tokens": _Bucket(1.0)}

    async def turn(self) -> bool:
        """True as soon as a request may be sent, to be followed by `done`; False after `stop`."""
        while not self._stopped.is_set():
            now = time.monotonic()
            waits = {f"limit of {name}": bucket.wait(now) for name, bucket in self._buckets.items()}
            waits["retry-after"] = self._held_until - now
            reason, wait = max(waits.items(), key=lambda pair: pair[1])
            if wait <= 0:
                for bucket in self._buckets.values():
                    bucket.take(now)
                self._in_flight += 1
                return True
            self._tell(wait, reason)
            await self.pause(min(wait, LONGEST_WAIT) * random.uniform(1.0, 1.0 + JITTER))
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
            bucket.read(now, headers, name, self._in_flight)
        wait = retry_after(headers) or 0.0
        if wait <= LONGEST_HOLD:
            self._held_until = max(self._held_until, now + wait)

    def _tell(self, seconds: float, reason: str) -> None:
        """Say that we wait, and why: a job that prints nothing looks as if it hung."""
        if seconds >= SHORTEST_TOLD and time.monotonic() - self._told >= TOLD_EACH:
            self._told = time.monotonic()
            print(f"client: waiting {seconds:.0f} s, as the endpoint's headers ask ({reason})", flush=True)
