"""The OpenAI Batch API over HTTP: upload, create, look up, poll, read results; its errors as messages that name the state file."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import openai

from openmath.api_keys import without_key
from openmath.client.failures import words_of
from openmath.client.first_look import Unreachable, look_at_endpoint
from openmath.client.http import BadReply, TransportError, readable_environment
from openmath.errors import InputError
from openmath.files.rows import arriving_lines
from openmath.judging.batch_results import Batch, batch_of, usable_name

MOST_LISTED = 2000  # batches looked through for one whose id was lost
TRIES = 5  # of each request but the creation, which is looked up before it is tried again
READ_BYTES = 2**16  # of a result file at once
SHOWN_WORDS = 500  # characters of the service's words
ASIDE = "move this file aside: its questions are then asked, and paid, again."


class BatchService:
    """Use as `with BatchService(...) as service`. pause: seconds before a look-up or another try to read a file."""

    def __init__(self, base_url: str, api_key: str, pause: float):
        self._base_url, self.api_key, self._pause = base_url, api_key, pause
        # A redirect would carry the file of questions to whichever host a reply names.
        with readable_environment():
            http = openai.DefaultHttpxClient(follow_redirects=False)
            self._client = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=TRIES, http_client=http)

    def __enter__(self) -> "BatchService":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        """Close; what the HTTP libraries raised becomes a message."""
        self._client.close()
        if isinstance(error, openai.OpenAIError | TransportError | BadReply):
            refused = isinstance(error, openai.APIStatusError)
            raise InputError(
                "The endpoint refuses the batch." if refused else "The batch service cannot be reached.",
                where=self._base_url,
                found=self._words(error),
                hint="every verdict and every batch id is kept; run the same command again to go on.",
            ) from None

    def look(self, model: str) -> None:
        """Before anything is sent: InputError where the key is refused, or the service has no such model."""
        with suppress(Unreachable):
            look_at_endpoint(self._base_url, self.api_key, model, where=self._base_url)

    def upload(self, requests: Path) -> str:
        """The id of the uploaded file."""
        with open(requests, "rb") as file:
            uploaded = self._client.files.create(file=("requests.jsonl", file), purpose="batch")
        return usable_name(getattr(uploaded, "id", None), self.api_key)

    def create(self, file_id: str, name: str, state: Path) -> str:
        """The id of the batch; looked up by its name, before it is created again, where a reply got lost."""
        failures = 0
        while True:
            try:
                with _naming(state, (openai.NotFoundError, openai.BadRequestError), self._words):
                    batch = self._client.with_options(max_retries=0).batches.create(
                        input_file_id=file_id,
                        endpoint="/v1/chat/completions",
                        completion_window="24h",
                        metadata={"openmath": name},
                    )
                return batch_of(batch, self.api_key).id
            except (openai.APIConnectionError, openai.InternalServerError) as error:
                failures += 1
                if failures == TRIES:
                    raise
                print(f"judge: no reply to the creation of a batch ({type(error).__name__}); looking it up", flush=True)
                time.sleep(self._pause)
                if found := self.found(name):  # it may have been created all the same
                    return found["batch_id"]

    def found(self, name: str) -> dict:
        """{"batch_id": ...} of the batch with this name, if the service has it."""
        for batch in itertools.islice(self._client.batches.list(limit=100), MOST_LISTED):
            if (found := batch_of(batch, self.api_key)).name == name:
                return {"batch_id": found.id}
        return {}

    def retrieve(self, batch_id: str, name: str, state: Path) -> Batch:
        """The batch as the service shows it; InputError where it is gone, or is not the one of this name."""
        with _naming(state, (openai.NotFoundError, openai.PermissionDeniedError), self._words):
            batch = batch_of(self._client.batches.retrieve(batch_id), self.api_key)
        found = batch.name or name
        if (batch.id, found) != (batch_id, name):
            raise InputError(
                "The service shows another batch than it was asked for.",
                where=state,
                expected=f"{batch_id} ({name})",
                found=f"{batch.id} ({found})",
                hint=f"was the state copied from another store? If the batch is lost, {ASIDE}",
            )
        return batch

    def lines(self, file_id: str, state: Path) -> Iterator[bytes]:
        """The lines of a result file as they arrive; from its start again where the connection breaks."""
        for failures in itertools.count(1):
            try:
                with (
                    _naming(state, (openai.NotFoundError, openai.PermissionDeniedError), self._words),
                    self._client.files.with_streaming_response.content(file_id) as reply,
                ):
                    for lines in arriving_lines(reply.iter_bytes(READ_BYTES), f"result file {file_id}"):
                        yield from lines
                return
            except TransportError:
                if failures == TRIES:
                    raise
                time.sleep(self._pause)

    def shown(self, words: str) -> str:
        """Words of the service, without the key."""
        return without_key(words, self.api_key)[:SHOWN_WORDS]

    def _words(self, error: Exception) -> str:
        words = words_of(getattr(error, "body", None)) or " ".join(str(error).split())
        status = f"HTTP {error.status_code}: " if isinstance(error, openai.APIStatusError) else ""
        return self.shown(status + words)


@contextmanager
def _naming(state: Path, errors: tuple[type[Exception], ...], words) -> Iterator[None]:
    """Around what the service may have forgotten, or keep from this key: each later run would end there too."""
    try:
        yield
    except errors as error:
        raise InputError(
            "The service does not give this batch.",
            where=state,
            found=words(error),
            hint=f"ask with the key and the base_url that submitted it. If it is gone for good, {ASIDE}",
        ) from None
