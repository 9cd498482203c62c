"""One client over several engines: each request goes to the one with the fewest in flight."""

import asyncio
import math
from collections.abc import Callable, Sequence

from openmath.client.completion import Completion, CompletionClient, Endpoint
from openmath.engines.launcher import LocalServer

TRIES = 5  # of one request to an engine of ours
TRIES_OF_OTHERS = 8  # about two minutes of back-off, what a rate limit by the minute needs
TOLD_AGAIN = 1.25  # a change of what is in flight by this factor


class BalancedClient:
    """Completions from any of `servers`; use as `async with BalancedClient(servers, request_seconds=600) as client`.

    most: requests in flight for one server; others wait here. held: tokens that a request has in a server's cache on average, by
    which it gets fewer; it is asked at each request, and None lets `most` count alone. A server may join later: its `base_url` is
    empty until then. reached: the most requests that were in flight at a time, over all servers.
    """

    def __init__(
        self,
        servers: Sequence[Endpoint],
        *,
        request_seconds: float,
        most: float = math.inf,
        held: Callable[[], float] | None = None,
    ):
        self._clients = [
            CompletionClient(
                server, request_seconds=request_seconds, tries=TRIES if server.watched else TRIES_OF_OTHERS
            )
            for server in servers
        ]
        self._in_flight = [0] * len(servers)
        self._most, self._held = most, held
        self._told = [most] * len(servers)
        self.reached = 0
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
            self._in_flight[chosen] += 1
            self.reached = max(self.reached, sum(self._in_flight))
            if self._least_busy() is not None:
                self._room.notify()  # one that has just joined takes many
        try:
            return await self._clients[chosen].complete(prompt, sampling, extra)
        finally:
            self._in_flight[chosen] -= 1
            async with self._room:
                self._room.notify()

    def _least_busy(self) -> int | None:
        """The server with the fewest requests in flight, of those that run and have room."""
        running = (number for number, client in enumerate(self._clients) if client.endpoint.base_url)
        free = (number for number in running if self._in_flight[number] < self._most_of(number))
        return min(free, key=self._in_flight.__getitem__, default=None)

    def _most_of(self, number: int) -> float:
        """Requests in flight for one server."""
        server = self._clients[number].endpoint
        if not self._held or not isinstance(server, LocalServer):
            return self._most
        held = self._held()
        most = min(self._most, server.capacity.requests(held))
        if max(most, self._told[number]) > TOLD_AGAIN * min(most, self._told[number]):
            self._told[number] = most
            why = f", since {server.capacity.words(held)}" if most < self._most else ""
            print(f"{server.name}: {most:,.0f} requests in flight, of {self._most:,.0f} at most{why}", flush=True)
        return most

    @property
    def unsent(self) -> frozenset[str]:
        """Parameters that a server refuses, and is asked without."""
        return frozenset().union(*(client.parameters.unsent for client in self._clients))

    def stop(self) -> None:
        """As CompletionClient.stop."""
        for client in self._clients:
            client.stop()
