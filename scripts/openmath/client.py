"""The asynchronous client of every OpenAI-compatible endpoint; generation and judging both go through it.

A request is tried a bounded number of times with jittered back-off; what can never succeed fails at once with the server's own
words. Prompts are token ids (self-hosted engines: nothing is tokenised twice) or chat messages (hosted APIs).

Imports `openai` and the standard library only: this module also runs inside engine containers.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import openai

from openmath.errors import InputError

RETRIED_STATUS = {408, 409, 425, 429}  # and every 5xx; any other 4xx says the same thing again however often we ask
LONGEST_PAUSE = 60.0  # seconds between two tries, unless the server itself asks for more
LONGEST_RETRY_AFTER = 600.0  # seconds; a server that asks for more is treated as refusing
POOL_SIZE = 64  # connections

Item = TypeVar("Item")
Result = TypeVar("Result")


class RequestRefused(InputError):
    """The endpoint answered that this request cannot succeed (wrong key, unknown model, malformed request)."""


class RequestFailed(InputError):
    """The endpoint did not answer the request within the allowed tries."""


@dataclass(frozen=True)
class Completion:
    """One answer of an endpoint. finish_reason: 'stop', 'length' (cut at the token limit), or what the server says."""

    text: str
    finish_reason: str | None
    num_prompt_tokens: int | None
    num_generated_tokens: int | None
    model: str | None
    system_fingerprint: str | None


class Endpoint(Protocol):
    """Where requests go. A self-hosted engine may change `base_url` when it is restarted."""

    base_url: str
    api_key: str
    model: str

    async def available(self) -> None:
        """Return when the endpoint can take requests; raise InputError when it never will."""


@dataclass
class HostedEndpoint:
    """An endpoint that somebody else keeps running."""

    base_url: str
    api_key: str
    model: str

    async def available(self) -> None:
        return None

    async def __aenter__(self) -> "HostedEndpoint":
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None


@dataclass
class _Pool:
    """Some connections to the endpoint."""

    client: openai.AsyncOpenAI
    in_flight: int = 0


class CompletionClient:
    """Completions from one endpoint; use as `async with CompletionClient(endpoint) as client`.

    request_seconds: deadline of one try. tries: per request. first_pause: seconds before the second try, doubled each time.
    """

    def __init__(self, endpoint: Endpoint, *, request_seconds: float, tries: int = 5, first_pause: float = 1.0):
        self.endpoint = endpoint
        self.request_seconds = request_seconds
        self.tries = tries
        self.first_pause = first_pause
        self._pools: list[_Pool] = []
        self._old_pools: list[_Pool] = []
        self._base_url = ""

    async def __aenter__(self) -> "CompletionClient":
        return self

    async def __aexit__(self, *exc: object) -> None:
        for pool in self._pools + self._old_pools:
            await pool.client.close()

    async def complete(self, prompt: list[int] | list[dict], sampling: dict, extra: dict | None = None) -> Completion:
        """One completion of token ids or chat messages.

        sampling: arguments of the OpenAI API (max_tokens, temperature, top_p, seed, stop ...); extra: arguments that only this
        engine knows (extra_body). Raises RequestRefused or RequestFailed.
        """
        last_error = "no try was made"
        for attempt in range(self.tries):
            await self.endpoint.available()
            pause = min(self.first_pause * 2**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1.0)
            try:
                return await self._send(prompt, sampling, extra)
            except openai.APIStatusError as error:
                last_error = f"HTTP {error.status_code}: {_words(error)}"
                retry_after = _seconds(error.response.headers.get("retry-after"))
                if error.status_code < 500 and error.status_code not in RETRIED_STATUS:
                    raise self._refused(last_error) from None
                if retry_after and retry_after > LONGEST_RETRY_AFTER:
                    raise self._refused(f"{last_error} (asks to wait {retry_after:.0f} s)") from None
                pause = max(pause, retry_after or 0.0)
            except (openai.APIConnectionError, TimeoutError) as error:  # APITimeoutError is a connection error
                last_error = type(error).__name__
            if attempt + 1 < self.tries:
                await asyncio.sleep(pause)
        raise RequestFailed(
            "The endpoint did not answer.",
            where=self.endpoint.base_url,
            expected=f"an answer within {self.tries} tries of {self.request_seconds:g} s",
            found=last_error,
            hint="look at the engine's log, or lower the number of concurrent requests.",
        )

    async def _send(self, prompt: list[int] | list[dict], sampling: dict, extra: dict | None) -> Completion:
        chat = bool(prompt) and isinstance(prompt[0], dict)
        path = "/chat/completions" if chat else "/completions"
        body = {"model": self.endpoint.model, "messages" if chat else "prompt": prompt, **sampling, **(extra or {})}
        pool = self._free_pool()
        pool.in_flight += 1
        try:
            async with asyncio.timeout(self.request_seconds):  # of the whole request, not of each read
                # Not completions.create(): it looks at each token id of the prompt twice (twice our CPU time a request).
                answer = await pool.client.post(path, cast_to=object, body=body)
            choice, usage = answer["choices"][0], answer.get("usage") or {}
            text = choice["message"]["content"] if chat else choice["text"]
        except (LookupError, TypeError, ValueError, AttributeError):
            raise openai.APIConnectionError(message="an answer without choices", request=None) from None
        finally:
            pool.in_flight -= 1
        return Completion(
            text=text or "",
            finish_reason=choice.get("finish_reason"),
            num_prompt_tokens=usage.get("prompt_tokens"),
            num_generated_tokens=usage.get("completion_tokens"),
            model=answer.get("model"),
            system_fingerprint=answer.get("system_fingerprint"),
        )

    def _free_pool(self) -> "_Pool":
        """A pool of connections that is not full; they are small because a pool looks at all of them for each request."""
        if self._base_url != self.endpoint.base_url:  # a restarted engine has another port
            self._base_url = self.endpoint.base_url
            self._old_pools += self._pools  # left to their requests in flight, which end with their server
            self._pools = []
        for pool in self._pools:
            if pool.in_flight < POOL_SIZE:
                return pool
        own: dict = {}
        if self._base_url.startswith("http://127.0.0.1:"):
            # A cluster's proxy cannot reach our loopback; and loading certificates for nothing takes 17 ms a pool.
            own["http_client"] = openai.DefaultAsyncHttpxClient(verify=False, trust_env=False)
        client = openai.AsyncOpenAI(
            base_url=self.endpoint.base_url,
            api_key=self.endpoint.api_key,
            max_retries=0,  # retries are ours: bounded, jittered, and aware of engine restarts
            timeout=self.request_seconds,
            **own,
        )
        self._pools.append(_Pool(client))
        return self._pools[-1]

    def _refused(self, words: str) -> RequestRefused:
        return RequestRefused(
            "The endpoint refuses the request.",
            where=self.endpoint.base_url,
            found=words,
            hint="check the model name, the API key variable and the request limits of this endpoint.",
        )


async def map_concurrently(
    work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, concurrency: int
) -> AsyncIterator[Result]:
    """Yield work(item) of every item as each finishes, `concurrency` at a time; `items` is read only as far as needed.

    An exception of one piece cancels the others and is raised.
    """
    items = iter(items)
    running: set[asyncio.Task] = set()
    finished: asyncio.Queue[asyncio.Task] = (
        asyncio.Queue()
    )  # not asyncio.wait: it looks at every running task each time
    try:
        while True:
            for item in itertools.islice(items, concurrency - len(running)):
                task = asyncio.ensure_future(work(item))
                task.add_done_callback(finished.put_nowait)
                running.add(task)
            if not running:
                return
            task = await finished.get()
            running.remove(task)
            yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _words(error: openai.APIStatusError) -> str:
    """The server's own explanation, in one line of bounded length."""
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or error.message).split())[:500]


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:  # the HTTP-date form: rare; our own back-off then decides
        return None
