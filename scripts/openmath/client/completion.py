"""The asynchronous client of every OpenAI-compatible endpoint; generation and judging both go through it.

A request is tried a bounded number of times with jittered back-off; what can never succeed fails at once with the server's own
words. Prompts are token ids (self-hosted engines: nothing is tokenised twice) or chat messages (hosted APIs).

Imports what `openai` brings along and the standard library only: this module also runs inside engine containers.
"""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from openmath.api_keys import without_key
from openmath.client.failures import about_one_request, status_hint, transport_hint
from openmath.client.first_look import Unreachable, look_at_endpoint
from openmath.client.http import SHOWN, BadReply, JsonPoster, StatusError, TransportError
from openmath.client.pacing import LONGEST_HOLD, TOLD_EACH, Pacer, retry_after, with_told_wait
from openmath.client.parameters import NEUTRAL, Parameters
from openmath.client.replies import Completion, NoAnswer, completion_of
from openmath.errors import InputError

# And every 5xx; any other 4xx says the same again however often we ask. 424 is TGI's failed generation, 498 Groq's lack of room,
# 499 a gateway's lost connection.
RETRIED_STATUS = {408, 409, 424, 425, 429, 498, 499}
NEVER_RETRIED = {"insufficient_quota", "billing_not_active"}  # codes that come with a 429, and do not pass by waiting
LONGEST_PAUSE = 60.0  # seconds between two tries, unless the server itself asks for more

Item = TypeVar("Item")
Result = TypeVar("Result")


class RequestRefused(InputError):
    """The endpoint answered that this request cannot succeed (filtered, too long; wrong key, unknown model).

    status: the HTTP status; None where a reply refuses in a success. about_request: other requests may well succeed. words: the
    server's own, without the key. parameter: the one refused by its name, which is optional: without it the request may succeed.
    """

    status: int | None
    about_request: bool
    words: str
    parameter: str | None


class RequestFailed(InputError):
    """The endpoint did not answer the request within the allowed tries."""


@dataclass
class Load:
    """What an endpoint works on; kept by the client, and read by whoever watches the engine behind it.

    last_progress: by time.monotonic(), when a request ended, or one came to an idle endpoint. longest: tokens of the longest answer
    that was asked for.
    """

    in_flight: int = 0
    last_progress: float = 0.0
    longest: int = 0

    def begin(self, sampling: dict) -> None:
        if not self.in_flight:
            self.last_progress = time.monotonic()
        self.in_flight += 1
        self.longest = max(self.longest, sampling.get("max_tokens", 0))

    def end(self) -> None:
        self.in_flight -= 1
        self.last_progress = time.monotonic()


class Endpoint(Protocol):
    """Where requests go. A self-hosted engine may change `base_url` when it is restarted; `starts` then counts on."""

    base_url: str
    api_key: str
    model: str
    extra_body: dict  # sampling switches of this server
    starts: int
    load: Load
    watched: bool  # it is ended where it hangs: its requests need no deadline, and may wait for each other however long

    async def available(self) -> None:
        """Return when the endpoint can take requests; raise InputError when it never will."""

    async def outlives_reply(self, start: int) -> bool:
        """Whether what was asked, by its number in `starts`, goes on after its reply: what is being ended sends half answers."""


@dataclass
class HostedEndpoint:
    """An endpoint that somebody else keeps running."""

    base_url: str
    api_key: str
    model: str
    extra_body: dict = field(default_factory=dict)
    starts: int = 0
    load: Load = field(default_factory=Load)
    watched: bool = False

    async def available(self) -> None:
        return None

    async def outlives_reply(self, start: int) -> bool:
        return True

    async def __aenter__(self) -> "HostedEndpoint":
        """Fail now where the key or the model's name is wrong; one that does not answer yet gets its tries."""
        with suppress(Unreachable):
            await asyncio.to_thread(look_at_endpoint, self.base_url, self.api_key, self.model, where=self.base_url)
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None


class CompletionClient:
    """Completions from one endpoint; use as `async with CompletionClient(endpoint) as client`.

    request_seconds: deadline of one try, if nobody watches the endpoint. tries: per request. first_pause: seconds before the second
    try, doubled each time. parameters: what the endpoint takes, and what may be left out; else the seed, and what changes nothing.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        request_seconds: float,
        tries: int = 5,
        first_pause: float = 1.0,
        parameters: Parameters | None = None,
    ):
        self.endpoint = endpoint
        self._deadline = None if endpoint.watched else request_seconds
        self.tries = tries
        self.first_pause = first_pause
        self.parameters = parameters or Parameters(idle=frozenset({"seed"}), neutral=NEUTRAL)  # drawn without, too
        self._http = JsonPoster()
        self._pacer = Pacer()
        self._expired, self._told = 0, -TOLD_EACH

    async def __aenter__(self) -> "CompletionClient":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._http.close()

    async def complete(self, prompt: list[int] | list[dict], sampling: dict, extra: dict | None = None) -> Completion:
        """One completion of token ids or chat messages.

        sampling: arguments of the OpenAI API (max_tokens, temperature, top_p, seed, stop ...); extra: arguments that only this
        engine knows. The token limit is sent under the name that the endpoint takes, an idle parameter only if it does.
        Raises RequestRefused or RequestFailed.
        """
        last_error, hint = "it was not asked: the client has stopped", "run the same command again."
        for attempt in range(self.tries):
            await self.endpoint.available()
            if not await self._pacer.turn():
                break
            headers, tokens = None, None
            sent = self.parameters.as_taken(sampling)
            self.endpoint.load.begin(sampling)
            try:
                async with asyncio.timeout(self._deadline):  # of the whole request, not of each read
                    reply, headers = await self._send(prompt, sent, extra)
                completion = completion_of(reply, self.endpoint.api_key)
                tokens = (completion.num_prompt_tokens or 0) + (completion.num_generated_tokens or 0)
                return completion
            except StatusError as error:
                headers = error.headers = with_told_wait(error.status, error.headers, error.words())
                final, base_url = self._is_final(error), self.endpoint.base_url
                last_error = _waits(error)
                hint = status_hint(error.status, base_url, error.location(), passes=not final)
                if final:
                    parameter = self.parameters.learn(error.status, error.body, sent)
                    if self.parameters.asks_the_same(parameter, sent):
                        continue
                    raise self._refused(error.status, last_error, hint, parameter) from None
            except NoAnswer as error:
                raise self._refused(None, str(error)[:SHOWN], status_hint(None, self.endpoint.base_url)) from None
            except (TransportError, BadReply, TimeoutError) as error:
                kind = "" if isinstance(error, BadReply) else type(error).__name__
                words = " ".join(f"{kind} {error}".split())
                last_error, hint = without_key(words, self.endpoint.api_key)[:SHOWN], transport_hint(error)
                if isinstance(error, TimeoutError):
                    self._tell_expired()
            finally:
                self.endpoint.load.end()
                self._pacer.done(headers, tokens)
            if attempt + 1 < self.tries:
                pause = min(self.first_pause * 2**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1.0)
                await self._pacer.pause(max(pause, retry_after(headers or {}) or 0.0))
        raise RequestFailed(
            "The endpoint did not answer.",
            where=self.endpoint.base_url,
            expected=f"an answer within {self.tries} tries" + (f" of {self._deadline:g} s" if self._deadline else ""),
            found=last_error,
            hint=hint,
        )

    def _tell_expired(self) -> None:
        """Answers that take too long are lost, and with them mostly long ones: nobody should have to guess that."""
        self._expired += 1
        if time.monotonic() - self._told >= TOLD_EACH:
            self._told = time.monotonic()
            print(
                f"client: warning: {self._expired} requests so far had no answer within {self._deadline:g} s (request_seconds); "
                f"each is asked {self.tries} times at most",
                flush=True,
            )

    def stop(self) -> None:
        """Nothing new is sent and nothing tried again; what is in flight may still end."""
        self._pacer.stop()

    async def _send(
        self, prompt: list[int] | list[dict], sampling: dict, extra: dict | None
    ) -> tuple[dict, dict[str, str]]:
        """Reply and headers of one try."""
        body = {"model": self.endpoint.model, **sampling, **(extra or {})}
        if prompt and isinstance(prompt[0], dict):
            body, path = {"messages": prompt, **body}, "chat/completions"
        else:
            body, path = {"prompt": prompt, **body}, "completions"
        start, refusal = self.endpoint.starts, None
        try:
            reply = await self._http.post(f"{self.endpoint.base_url.rstrip('/')}/{path}", self.endpoint.api_key, body)
        except StatusError as error:
            refusal = error
        if not await self.endpoint.outlives_reply(start):
            raise BadReply("the engine ended while it answered")
        if refusal:
            raise refusal
        return reply

    def _is_final(self, error: StatusError) -> bool:
        """Whether asking again cannot help."""
        if error.status < 500 and error.status not in RETRIED_STATUS:
            return True
        return not NEVER_RETRIED.isdisjoint(error.codes()) or (retry_after(error.headers) or 0.0) > LONGEST_HOLD

    def _refused(self, status: int | None, words: str, hint: str, parameter: str | None = None) -> RequestRefused:
        refused = RequestRefused(
            "The endpoint refuses the request.", where=self.endpoint.base_url, found=words, hint=hint
        )
        refused.status, refused.words, refused.parameter = status, words, parameter
        refused.about_request = about_one_request(status, words)
        return refused


def _waits(error: StatusError) -> str:
    """Status and words, and for how long the server wants to be left alone, where that ends the job."""
    seconds = retry_after(error.headers) or 0.0
    return error.text() + (f" (retry-after: {seconds:.0f} s)" if seconds > LONGEST_HOLD else "")


async def map_concurrently(
    work: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, concurrency: int
) -> AsyncGenerator[Result, None]:
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
