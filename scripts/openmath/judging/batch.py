"""Questions asked through the OpenAI Batch API: half the price, a reply within 24 hours.

Nothing is paid twice, whenever this process dies. Before the server hears of a batch its name lies on disk, in
`judgements/{judge}/batches/{name}.json`; the batch carries the name as metadata. A batch whose id did not reach the disk is
looked up by name before it is created again. Verdicts are stored before a batch is marked as collected.
"""

import itertools
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import openai

from openmath.api_keys import NO_KEY, without_key, without_key_inside
from openmath.client.failures import words_of
from openmath.client.first_look import Unreachable, look_at_endpoint
from openmath.client.http import BadReply, StatusError, TransportError, readable_environment
from openmath.client.replies import Completion, NoAnswer, completion_of
from openmath.errors import InputError, printable
from openmath.files.append_only import kept_rows
from openmath.files.fingerprint import write_manifest
from openmath.files.rows import arriving_lines, encode_row, write_rows
from openmath.judging.budget import Budget, Prices
from openmath.judging.online import verdict_record
from openmath.judging.questions import Attempts
from openmath.judging.settings import JudgeSettings
from openmath.judging.store import VerdictRecord, VerdictStore, read_batch

MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000  # of one batch, by the API's documentation
ENDED = ("completed", "expired", "cancelled", "failed")
MOST_LISTED = 2000  # batches looked through for one whose id was lost
TRIES = 5  # of each request but the creation, which is looked up before it is tried again
SHOWN = 3  # errors in a message
LOOKUP_SECONDS = 5.0  # before a look-up: a batch may be listed a little after its creation
READ_BYTES = 2**16  # of a result file at once
MOST_FAILED_POLLS = 30  # in a row; a night with a broken network should not end the job


class BatchJudge:
    """Asks questions in batches. paid: the records that this run collected."""

    def __init__(
        self,
        judge: str,
        attempts: Attempts,
        store: VerdictStore,
        *,
        base_url: str,
        api_key: str,
        model: str,
        prices: Prices | None,
        budget_usd: float | None,
        poll_seconds: float,
    ):
        self.judge, self.attempts, self.store, self.model = judge, attempts, store, model
        self.prices, self.budget_usd, self.poll_seconds = prices, budget_usd, poll_seconds
        self.paid: list[VerdictRecord] = []
        self._shown: dict[str, str] = {}
        self._key, self._base_url = api_key, base_url
        with readable_environment():
            self._client = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=TRIES)
        self._last_error = "nothing"

    def ask(self, questions: list[dict]) -> None:
        """Submit, wait and collect, again for expired parts and second tries, until every question has a verdict or no try left."""
        with self._readable_errors(), self._client:
            while True:
                with self.store.lock():
                    waiting = self._submit_missing(questions)
                if not waiting:
                    return
                if not self._collect_ended(waiting):
                    raise InputError(
                        "A batch has ended without any verdict.",
                        where=", ".join(str(path) for path in waiting),
                        found=self._last_error,
                        hint="every verdict kept so far stays; run the same command again to ask for the rest.",
                    )

    def _submit_missing(self, questions: list[dict]) -> list[Path]:
        """Submit what is neither stored nor in a batch; the batches (state files) that hold any of the questions."""
        pending = {path: read_batch(path) for path in self.store.pending_batches()}
        for path, state in pending.items():
            self._submit(path, state)  # does nothing where it was submitted
        wanted = {}
        for question in questions:
            attempt = self.attempts.next_attempt(question, self.store.records)
            if attempt:
                wanted[self.attempts.settings.key(question, attempt)] = (question, attempt)
        waiting, in_batches = [], set()
        for path in pending:
            keys = {row["key"] for row in kept_rows(path.with_suffix(".questions"), _is_asked)}
            in_batches |= keys
            if keys & wanted.keys():
                waiting.append(path)
        budget = Budget(
            self.prices, self.budget_usd, self.store.spent + sum(s["usd_at_most"] for s in pending.values())
        )
        missing = [(key, *asked) for key, asked in wanted.items() if key not in in_batches]
        if missing:
            with suppress(Unreachable):
                look_at_endpoint(self._base_url, self._key, self.model, where=self._base_url)
        for requests, rows, usd in self._chunks(missing, budget, waited_for=bool(waiting)):
            path, state = self._prepare(requests, rows, usd)
            self._submit(path, state)
            print(printable(f"judge: batch {state['batch_id']} with {len(rows)} questions is submitted"), flush=True)
            waiting.append(path)
        return waiting

    def _chunks(
        self, missing: list[tuple[str, dict, int]], budget: Budget, waited_for: bool
    ) -> Iterator[tuple[list[bytes], list[dict], float]]:
        """Batches of (request lines, question rows, highest price), as many as the limits and the budget allow."""
        requests: list[bytes] = []
        rows: list[dict] = []
        size, price = 0, 0.0
        settings = self.attempts.settings
        for key, question, attempt in missing:
            messages = settings.messages(question, self.attempts.replies(question, self.store.records))
            usd = self.prices.at_most(messages, settings.sampling["max_tokens"]) if self.prices else 0.0
            if not budget.fits(usd):
                if not rows and not waited_for:
                    raise budget.spent_error(usd)
                break  # the rest after these: they may turn out cheaper
            body = {"model": self.model, "messages": messages, **settings.sampling}
            line = encode_row({"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body})
            if rows and (len(rows) == MOST_REQUESTS or size + len(line) > MOST_BYTES):
                yield requests, rows, price
                waited_for = True
                requests, rows, size, price = [], [], 0, 0.0
            requests.append(line)
            rows.append({"key": key, "attempt": attempt, "usd_at_most": usd, **question})
            size, price = size + len(line), price + usd
            budget.spent += usd
        if rows:
            yield requests, rows, price

    def _prepare(self, requests: list[bytes], rows: list[dict], usd: float) -> tuple[Path, dict]:
        """Everything about a batch on disk, before the server hears of it."""
        path = self.store.batches / f"{secrets.token_hex(8)}.json"
        state: dict = {"name": path.stem, "settings": self.attempts.settings.described()}
        state |= {"questions": len(rows), "usd_at_most": usd}
        write_rows(path.with_suffix(".questions"), rows)
        path.with_suffix(".requests").write_bytes(b"".join(requests))
        write_manifest(path, state)
        return path, state

    def _submit(self, path: Path, state: dict) -> None:
        """Upload and create, from wherever an earlier process stopped; each id is on disk before anything else happens."""
        if "batch_id" in state:
            return
        if "file_id" in state:  # an earlier process may have got further than its notes
            state |= self._found(state["name"])
        else:
            with open(path.with_suffix(".requests"), "rb") as file:
                uploaded = self._client.files.create(file=("requests.jsonl", file), purpose="batch")
            state["file_id"] = self._usable(uploaded.id)
            write_manifest(path, state)
        for failures in itertools.count(1):
            if "batch_id" in state:
                break
            try:
                batch = self._client.with_options(max_retries=0).batches.create(
                    input_file_id=state["file_id"],
                    endpoint="/v1/chat/completions",
                    completion_window="24h",
                    metadata={"openmath": state["name"]},
                )
                state["batch_id"] = self._usable(batch.id)
            except (openai.APIConnectionError, openai.InternalServerError) as error:
                if failures == TRIES:
                    raise
                print(f"judge: no reply to the creation of a batch ({type(error).__name__}); looking it up", flush=True)
                time.sleep(min(LOOKUP_SECONDS, self.poll_seconds))
                state |= self._found(state["name"])  # it may have been created all the same
        write_manifest(path, state)

    def _usable(self, name: str) -> str:
        """A name that the server gives to a file or batch, which is written down."""
        if not isinstance(name, str) or without_key(name, self._key) != name:
            raise InputError(
                "The endpoint names a file or a batch by what is no name, or by the key.", where=self._base_url
            )
        return name

    def _found(self, name: str) -> dict:
        """{"batch_id": ...} of the batch with this name, if the server has it."""
        for batch in itertools.islice(self._client.batches.list(limit=100), MOST_LISTED):
            if (batch.metadata or {}).get("openmath") == name:
                return {"batch_id": self._usable(batch.id)}
        return {}

    def _collect_ended(self, waiting: list[Path]) -> int:
        """Wait until all these batches have ended; the number of verdicts that they brought."""
        before, failed_polls, waiting = len(self.paid), 0, list(waiting)
        collected_elsewhere = 0
        while waiting:
            for path in list(waiting):
                state = read_batch(path)
                try:
                    batch = self._client.batches.retrieve(state["batch_id"])
                    failed_polls = 0
                except (openai.APIConnectionError, openai.InternalServerError, openai.RateLimitError):
                    failed_polls += 1
                    if failed_polls == MOST_FAILED_POLLS:
                        raise
                    continue
                self._show(batch)
                if batch.status in ENDED:
                    waiting.remove(path)
                    with self.store.lock():
                        state = read_batch(path)
                        if "status" in state:
                            collected_elsewhere += 1
                        else:
                            self._collect(path, state, batch)
            if waiting:
                time.sleep(self.poll_seconds)
        return len(self.paid) - before + collected_elsewhere

    def _show(self, batch) -> None:
        """Print how far a batch is, when that has changed."""
        counts = batch.request_counts
        state = batch.status + (f", {counts.completed} of {counts.total} done" if counts else "")
        if self._shown.get(batch.id) != state:
            self._shown[batch.id] = state
            print(printable(without_key(f"judge: batch {batch.id}: {state}", self._key)), flush=True)

    def _collect(self, path: Path, state: dict, batch) -> None:
        """Store the verdicts of an ended batch, then mark it. Results come in any order, some perhaps as errors."""
        questions = {row["key"]: row for row in kept_rows(path.with_suffix(".questions"), _is_asked)}
        settings, taken = JudgeSettings(**state["settings"]), 0
        errors = [str(error.message) for error in (batch.errors.data if batch.errors else None) or []]
        for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
            for line in self._lines(file_id):
                key, reply = _parse_result(line, self._key)
                question = questions.get(key)
                if isinstance(reply, str):
                    errors.append(reply)
                if isinstance(reply, str) or question is None or key in self.store.records:
                    continue
                usd = Budget(self.prices, None, 0.0).usd(reply, question["usd_at_most"])
                fields = {name: question[name] for name in ("problem", "predicted_answer", "expected_answer")}
                record = verdict_record(self.judge, settings, fields, question["attempt"], reply, usd)
                record["batch"] = state["batch_id"]
                self.store.add(record, settings)
                self.paid.append(record)
                taken += 1
        self.store.sync()
        self._last_error = without_key("; ".join(errors[:SHOWN]), self._key) or "nothing"
        write_manifest(path, {**state, "status": batch.status, "verdicts": taken, "error": self._last_error})
        path.with_suffix(".questions").unlink()
        path.with_suffix(".requests").unlink()
        told = f"judge: batch {state['batch_id']} is {batch.status}: {taken} of {len(questions)} questions answered"
        print(printable(told), flush=True)

    def _lines(self, file_id: str) -> Iterator[bytes]:
        """The lines of a result file as they arrive; from its start again where the connection breaks: stored keys are known."""
        for failures in itertools.count(1):
            try:
                with self._client.files.with_streaming_response.content(file_id) as reply:
                    for lines in arriving_lines(reply.iter_bytes(READ_BYTES), f"result file {file_id}"):
                        yield from lines
                return
            except TransportError:
                if failures == TRIES:
                    raise
                time.sleep(min(LOOKUP_SECONDS, self.poll_seconds))

    @contextmanager
    def _readable_errors(self) -> Iterator[None]:
        try:
            yield
        except (openai.OpenAIError, TransportError) as error:
            words = words_of(getattr(error, "body", None)) or " ".join(str(error).split())
            raise InputError(
                "The endpoint refuses the batch."
                if isinstance(error, openai.APIStatusError)
                else "The batch service cannot be reached.",
                where=self._base_url,
                found=without_key(words, self._key)[:500],
                hint="every verdict and every batch id is kept; run the same command again to go on.",
            ) from None


def _is_asked(row: dict) -> bool:
    """Whether a row of a batch's questions is whole; the reply to a damaged one cannot be joined, and it is asked again."""
    texts = ("key", "problem", "predicted_answer", "expected_answer")
    return all(isinstance(row.get(name), str) for name in texts) and isinstance(row.get("attempt"), int)


def _parse_result(line: bytes, api_key: str = NO_KEY) -> tuple[str | None, Completion | str]:
    """(custom id, reply or the server's words) of one line of a result file."""
    try:
        result = without_key_inside(json.loads(line), api_key)
        key, response = result["custom_id"], result.get("response") or {}
        if not isinstance(key, str):
            raise TypeError
        if response.get("status_code") == 200:
            return key, completion_of(response["body"], api_key)
        error = result.get("error") or (response.get("body") or {}).get("error") or {}
        return key, str(error.get("message") or error)
    except NoAnswer as error:
        return key, str(error)
    except StatusError as error:
        return key, error.words()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadReply):
        return None, "a result that is not JSON, or not a result"
