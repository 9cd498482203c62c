"""One client over several copies of an engine: each request goes to the copy with the fewest in flight."""

import time
from collections.abc import Sequence

from openmath.client.completion import Completion, CompletionClient, Endpoint
from openmath.engines.launcher import LocalServer


class BalancedClient:
    """Completions from any of `servers`; use as `async with BalancedClient(servers, request_seconds=600) as client`."""

    def __init__(self, servers: Sequence[Endpoint], *, request_seconds: float):
        self._clients = [CompletionClient(server, request_seconds=request_seconds) for server in servers]
        self._in_flight = [0] * len(servers)

    async def __aenter__(self) -> "BalancedClient":
        return self

    async def __aexit__(self, *exc: object) -> None:
        for client in self._clients:
            await client.__aexit__(*exc)

    async def complete(self, prompt: list[int] | list[dict], sampling: dict, extra: dict | None = None) -> Completion:
        """As CompletionClient.complete."""
        chosen = min(range(len(self._clients)), key=self._in_flight.__getitem__)
        if self._in_flight[chosen] == 0:
            self._note_progress(chosen)
        self._in_flight[chosen] += 1
        try:
            return await self._clients[chosen].complete(prompt, sampling, extra)
        finally:
            self._in_flight[chosen] -= 1
            self._note_progress(chosen)

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
