"""One client over several engines: each request goes to the one with the fewest in flight."""

import asyncio
import math
import time
from collections.abc import Sequence

from openmath.client.completion import Completion, CompletionClient, Endpoint
from openmath.engines.launcher import LocalServer


class BalancedClient:
    """Completions from any of `servers`; use as `async with BalancedClient(servers, request_seconds=600) as client`.

    most: requests in flight for one server; others wait here. A server may join later: its `base_url` is empty until then.
    """

    def __init__(self, servers: Sequence[Endpoint], *, request_seconds: float, most: float = math.inf):
        self._clients = [CompletionClient(server, request_seconds=request_seconds) for server in servers]
        self._in_flight = [0] * len(servers)
        self._most = most
        self._room = asyncio.Condition()

    async def __aenter__(self) -> "BalancedClient":
        return self

    async def __aexit__(self, *exc: object) -> None:
        for client in self._clients:
            await client.__aexit__(*exc)

    async def complete(self, prompt: list[int] | list[dict], sampling: dict, extra: dict | None = None) -> Completion:
        """As CompletionClient.complete."""
        async with self._room:
            while (chosen := self._least_busy()) is None:
                await self._room.wait()
            if self._in_flight[chosen] == 0:
                self._note_progress(chosen)
            self._in_flight[chosen] += 1
            if self._least_busy() is not None:
                self._room.notify()  # one that has just joined takes many
        try:
            return await self._clients[chosen].complete(prompt, sampling, extra)
        finally:
            self._in_flight[chosen] -= 1
            self._note_progress(chosen)
            async with self._room:
                self._room.notify()

    def _least_busy(self) -> int | None:
        """The server with the fewest requests in flight, of those that run and have room."""
        joined = [number for number, client in enumerate(self._clients) if client.endpoint.base_url]
        chosen = min(joined, key=self._in_flight.__getitem__)
        return chosen if self._in_flight[chosen] < self._most else None

    def stop(self) -> None:
        """As CompletionClient.stop."""
        for client in self._clients:
            client.stop()

    def _note_progress(self, chosen: int) -> None:
        """For the watch over engines that answer health checks but finish nothing."""
        server = self._clients[chosen].endpoint
        if isinstance(server, LocalServer):
            server.last_progress = time.monotonic()
            server.in_flight = self._in_flight[chosen]
