"""Whether a running engine still works: it answers health checks, and ends requests, or at least makes tokens for them."""

import time
from collections.abc import Callable

from openmath.client.completion import Load
from openmath.engines.vitals import counters
from openmath.settings.defaults import MAX_NEW_TOKENS


class Watch:
    """Looks at one server, which may start anew under its eyes.

    load: what it works on. healthy: asks it. metrics: content of its /metrics, empty where it has none. hung_seconds: without a
    health answer. stalled_seconds: without a token; of an engine that counts none, without the end of an answer of MAX_NEW_TOKENS:
    the last answers of 64k tokens take hours, in which none ends.
    """

    def __init__(
        self,
        load: Load,
        *,
        healthy: Callable[[], bool],
        metrics: Callable[[], bytes],
        hung_seconds: float,
        stalled_seconds: float,
    ):
        self._load, self._healthy, self._metrics = load, healthy, metrics
        self._hung_seconds, self._stalled_seconds = hung_seconds, stalled_seconds
        self._counted = b""
        self.begin_anew()

    def begin_anew(self) -> None:
        """The server is being started: nothing is expected of it yet."""
        self._answered = self._load.last_progress = time.monotonic()

    def fault(self) -> str:
        """What is wrong with the server; empty while nothing is. Takes as long as the server's answers."""
        if self._healthy():
            self._answered = time.monotonic()
        elif time.monotonic() - self._answered > self._hung_seconds:
            return f"no health answer for {self._hung_seconds:g} s"
        silent = time.monotonic() - self._load.last_progress
        if not self._load.in_flight or silent < self._stalled_seconds / 4:  # it works: no reason to disturb it
            return ""
        counted = counters(self._metrics())
        if counted and counted != self._counted:
            self._counted, self._load.last_progress = counted, time.monotonic()
            return ""
        if self._counted:
            return f"no token for {self._stalled_seconds:g} s" if silent > self._stalled_seconds else ""
        patience = self._stalled_seconds * max(1.0, self._load.longest / MAX_NEW_TOKENS)
        return f"no request finished for {patience:g} s" if silent > patience else ""
