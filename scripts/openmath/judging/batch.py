"""Questions asked through the OpenAI Batch API: half the price, a reply within 24 hours.

Nothing is paid twice, whenever this process dies. Before the server hears of a batch its name lies on disk, in
`judgements/{judge}/batches/{name}.json`; the batch carries the name as metadata. A batch whose id did not reach the disk is
looked up by name before it is created again. Verdicts are stored before a batch is marked as collected.
"""

import itertools
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import openai

from openmath.client.http import BadReply
from openmath.client.parameters import LIMITS
from openmath.client.replies import Completion
from openmath.errors import InputError, printable
from openmath.files.append_only import kept_rows
from openmath.files.fingerprint import write_manifest
from openmath.files.rows import encode_row, write_rows
from openmath.judging.attempts import Attempts, Request
from openmath.judging.batch_results import ENDED, Batch, Refusal, parse_result
from openmath.judging.batch_service import ASIDE, BatchService
from openmath.judging.budget import Budget, Prices
from openmath.judging.records import ServedModel, refused_record, verdict_record
from openmath.judging.refusals import Unanswered
from openmath.judging.settings import QUESTION_FIELDS, Form, JudgeSettings
from openmath.judging.store import REPLACED, VerdictRecord, VerdictStore, read_batch

MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000  # of one batch, by the API's documentation
SHOWN = 3  # errors in a message
LOOKUP_SECONDS = 5.0  # before a look-up: a batch may be listed a little after its creation
MOST_FAILED_POLLS = 30  # in a row; a night with a broken network should not end the job
MOST_EMPTY_POLLS = 30  # of a batch that has ended and does not name its results


class BatchJudge:
    """Asks questions in batches. paid: the records that this run collected."""

    def __init__(
        self,
        judge: str,
        attempts: Attempts,
        store: VerdictStore,
        unanswered: Unanswered,
        served: ServedModel,
        *,
        base_url: str,
        api_key: str,
        model: str,
        prices: Prices | None,
        budget_usd: float | None,
        poll_seconds: float,
        batch_size: int | None = None,
    ):
        self.judge, self.attempts, self.store, self.model = judge, attempts, store, model
        self.unanswered, self.served = unanswered, served
        self.prices, self.budget_usd, self.poll_seconds = prices, budget_usd, poll_seconds
        self.batch_size = batch_size
        self.paid: list[VerdictRecord] = []
        self._shown: dict[str, str] = {}
        self._service = BatchService(base_url, api_key, min(LOOKUP_SECONDS, poll_seconds))
        self._progress = 0  # questions that batches of this run have settled, or paid for
        self._ours: set[str] = set()  # keys of the calls that our questions need: a batch may hold those of other jobs
        self._last_error = "nothing"
        self._another_model: InputError | None = None

    def ask(self, questions: list[dict]) -> None:
        """Submit, wait and collect, again for expired parts and second tries, until every question has a verdict or no try left."""
        with self._service:
            while True:
                with self.store.lock():
                    waiting = self._submit_missing(questions)
                if not waiting:
                    break
                collected = self._collect_ended(waiting)
                self.unanswered.note_all(questions, self.attempts, self.store.records)
                if error := self._another_model or self.unanswered.error():
                    raise error
                if not collected:
                    raise InputError(
                        "A batch has ended without any verdict.",
                        where=", ".join(str(path) for path in waiting),
                        found=self._last_error,
                        hint="every verdict kept so far stays; run the same command again to ask for the rest. Where the"
                        " service takes no more tokens at once, set batch_size (judges: NAME: batch_size).",
                    )
            for record in self.unanswered.refused.values():
                self.store.add(record, self.attempts.settings)
            self.unanswered.say()

    def _submit_missing(self, questions: list[dict]) -> list[Path]:
        """Submit what is neither stored nor in a batch; the batches (state files) that hold any of the questions."""
        pending = {path: read_batch(path) for path in self.store.pending_batches()}
        for path, state in pending.items():
            self._submit(path, state)  # does nothing where it was submitted
        wanted = {}
        for question in questions:
            request = self.attempts.next_request(question, self.store.records)
            if request and request.key not in self.unanswered.refused:
                wanted[request.key] = request
        self._ours |= wanted.keys()
        waiting, in_batches = [], set()
        for path in pending:
            keys = {row["key"] for row in kept_rows(path.with_suffix(".questions"), _is_asked)}
            in_batches |= keys
            if keys & wanted.keys():
                waiting.append(path)
        budget = Budget(
            self.prices, self.budget_usd, self.store.spent + sum(s["usd_at_most"] for s in pending.values())
        )
        missing = [request for key, request in wanted.items() if key not in in_batches]
        if missing:
            self._service.look(self.model)
        if self.batch_size and missing and pending:
            return list(pending)  # one batch at a time: the service limits the tokens of all together
        chunks = self._chunks(missing, budget, waited_for=bool(waiting))
        for requests, rows, usd in itertools.islice(chunks, 1 if self.batch_size else None):
            path, state = self._prepare(requests, rows, usd)
            self._submit(path, state)
            print(printable(f"judge: batch {state['batch_id']} with {len(rows)} questions is submitted"), flush=True)
            waiting.append(path)
        return waiting

    def _chunks(
        self, missing: list[Request], budget: Budget, waited_for: bool
    ) -> Iterator[tuple[list[bytes], list[dict], float]]:
        """Batches of (request lines, question rows, highest price), as many as the limits and the budget allow."""
        requests: list[bytes] = []
        rows: list[dict] = []
        size, price = 0, 0.0
        most = min(self.batch_size or MOST_REQUESTS, MOST_REQUESTS)
        for request in missing:
            usd = self.prices.at_most(request.messages, request.sampling["max_tokens"]) if self.prices else 0.0
            if not budget.fits(usd):
                if not rows and not waited_for:
                    raise budget.spent_error(usd)
                break  # the rest after these: they may turn out cheaper
            sampling = self.attempts.parameters.as_taken(request.sampling)
            body = {"model": self.model, "messages": request.messages, **sampling}
            line = encode_row({"custom_id": request.key, "method": "POST", "url": "/v1/chat/completions", "body": body})
            if rows and (len(rows) == most or size + len(line) > MOST_BYTES):
                yield requests, rows, price
                waited_for = True
                requests, rows, size, price = [], [], 0, 0.0
            requests.append(line)
            row = {"key": request.key, "attempt": request.attempt, "usd_at_most": usd, **request.question}
            rows.append(row | ({"form": request.form} if request.form else {}))
            size, price = size + len(line), price + usd
            budget.spent += usd
        if rows:
            yield requests, rows, price

    def _prepare(self, requests: list[bytes], rows: list[dict], usd: float) -> tuple[Path, dict]:
        """Everything about a batch on disk, before the server hears of it."""
        path = self.store.batches / f"{secrets.token_hex(8)}.json"
        state: dict = {"name": path.stem, "settings": self.attempts.settings.described()}
        state |= {"questions": len(rows), "usd_at_most": usd, "limit_name": self.attempts.parameters.limit_name}
        write_rows(path.with_suffix(".questions"), rows)
        path.with_suffix(".requests").write_bytes(b"".join(requests))
        write_manifest(path, state)
        return path, state

    def _submit(self, path: Path, state: dict) -> None:
        """Upload and create, from wherever an earlier process stopped; each id is on disk before anything else happens."""
        if "batch_id" in state:
            return
        if "file_id" in state:  # an earlier process may have got further than its notes
            state |= self._service.found(state["name"])
        else:
            state["file_id"] = self._service.upload(path.with_suffix(".requests"))
            write_manifest(path, state)
        if "batch_id" not in state:
            state["batch_id"] = self._service.create(state["file_id"], state["name"], path)
        write_manifest(path, state)

    def _collect_ended(self, waiting: list[Path]) -> bool:
        """Wait until all these batches have ended; whether that brought anything, here or to another job."""
        before, failed_polls, waiting = self._progress, 0, list(waiting)
        collected_elsewhere, empty_polls = 0, Counter[Path]()
        while waiting:
            for path in list(waiting):
                state = read_batch(path)
                try:
                    batch = self._service.retrieve(state["batch_id"], state["name"], path)
                    failed_polls = 0
                except (openai.APIConnectionError, openai.InternalServerError, openai.RateLimitError, BadReply):
                    failed_polls += 1
                    if failed_polls == MOST_FAILED_POLLS:
                        raise
                    continue
                self._show(batch)
                if batch.status not in ENDED:
                    continue
                with self.store.lock():
                    state = read_batch(path)
                    if "status" in state:
                        collected_elsewhere += 1
                    elif not (batch.has_results() and self._collect(path, state, batch)):
                        empty_polls[path] += 1
                        if empty_polls[path] == MOST_EMPTY_POLLS:
                            raise self._no_results(path, batch)
                        continue
                waiting.remove(path)
            if waiting:
                time.sleep(self.poll_seconds)
        return self._progress > before or collected_elsewhere > 0

    def _no_results(self, path: Path, batch: Batch) -> InputError:
        return InputError(
            "A batch has ended, and the service does not give all of its results.",
            where=path,
            found=f"batch {batch.id} is {batch.status}",
            hint=f"run the same command again: what came is kept. If the results stay away, {ASIDE}",
        )

    def _show(self, batch: Batch) -> None:
        """Print how far a batch is, when that has changed."""
        state = batch.status + (f", {batch.completed} of {batch.total} done" if batch.total else "")
        if self._shown.get(batch.id) != state:
            self._shown[batch.id] = state
            print(printable(f"judge: batch {batch.id}: {state}"), flush=True)

    def _collect(self, path: Path, state: dict, batch: Batch) -> bool:
        """Store the verdicts of an ended batch, then mark it. Results come in any order, some perhaps as errors.

        False where a completed batch lacks results and may still name a file of them; nothing is marked then.
        """
        questions = {row["key"]: row for row in kept_rows(path.with_suffix(".questions"), _is_asked)}
        settings, taken, seen = JudgeSettings(**state["settings"]), 0, set()
        errors = list(batch.errors)
        for file_id in batch.files():
            for line in self._service.lines(file_id, path):
                key, reply = parse_result(line, self._service.api_key)
                if isinstance(reply, str):
                    errors.append(reply)
                if key is None or key not in questions:
                    continue
                seen.add(key)
                known = self.store.records.get(key)
                if known is None or known.get("outcome") in REPLACED:
                    taken += self._take(questions[key], settings, reply, batch.id, state.get("limit_name", LIMITS[0]))
        self.store.sync()
        if batch.status == "completed" and len(seen) < len(questions):
            if batch.output_file_id:
                raise self._no_results(path, batch)
            return False
        self._last_error = self._service.shown("; ".join(errors[:SHOWN])) or "nothing"
        write_manifest(path, {**state, "status": batch.status, "verdicts": taken, "error": self._last_error})
        path.with_suffix(".questions").unlink()
        path.with_suffix(".requests").unlink()
        told = f"judge: batch {batch.id} is {batch.status}: {taken} of {len(questions)} questions answered"
        print(printable(told), flush=True)
        return True

    def _take(
        self, row: dict, settings: JudgeSettings, reply: Completion | str, batch_id: str, limit_name: str
    ) -> bool:
        """Keep a reply, or a refusal; whether it was paid. limit_name: of the token limit in the request."""
        question = {name: row[name] for name in QUESTION_FIELDS}
        request = Request(row["key"], question, row["attempt"], cast(Form, row.get("form") or {}), [], {})
        self._progress += not isinstance(reply, str) or isinstance(reply, Refusal)
        if isinstance(reply, Refusal):
            left_out = row.get("form", {}).get("left_out", ())
            sent = {name: None for name in (limit_name, *settings.sampling) if name not in left_out}
            if self.attempts.parameters.learn(reply.status, reply.body, sent):
                return False
            record = refused_record(self.judge, settings, request, self._service.shown(reply))
            if record["outcome"] != "refused":
                self.store.add(record, settings)
            elif request.key in self._ours:  # who else has asked decides by a share of its own
                self.unanswered.refused[request.key] = record
        if isinstance(reply, str):
            return False
        usd = Budget(self.prices, None, 0.0).usd(reply, row["usd_at_most"])
        record = verdict_record(self.judge, settings, request, reply, usd, limit_name)
        record["batch"] = batch_id
        self._another_model = self.served.check(record) or self._another_model
        self.unanswered.refused.pop(request.key, None)
        self.store.add(record, settings)
        self.paid.append(record)
        return True


def _is_asked(row: dict) -> bool:
    """Whether a row of a batch's questions is whole; the reply to a damaged one cannot be joined, and it is asked again."""
    texts = all(isinstance(row.get(name), str) for name in ("key", *QUESTION_FIELDS))
    return texts and isinstance(row.get("attempt"), int)
