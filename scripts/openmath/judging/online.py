"""Questions asked at once: one request each, many in flight."""

import asyncio
import time
from collections.abc import Iterator

from openmath.client.completion import Completion, CompletionClient, RequestFailed, RequestRefused, map_concurrently
from openmath.errors import InputError
from openmath.judging.budget import Budget, BudgetSpent
from openmath.judging.questions import Attempts
from openmath.judging.settings import JudgeSettings
from openmath.judging.store import FLUSH_SECONDS, VerdictRecord, VerdictStore

PROGRESS_SECONDS = 5.0
ABOUT_ONE_REQUEST = (400, 413, 422)  # HTTP statuses that may concern only the question sent
MOST_FAILURES = 20  # then the endpoint is at fault, not the questions
SHOWN = 3


def verdict_record(
    judge: str, settings: JudgeSettings, question: dict, attempt: int, reply: Completion, usd: float | None
) -> VerdictRecord:
    """The line of the store for one paid reply. usd: None without prices."""
    return {
        "key": settings.key(question, attempt),
        "judge": judge,
        "settings": settings.fingerprint,
        "prompt": settings.prompt_fingerprint,
        "problem": question["problem"],
        "predicted_answer": question["predicted_answer"],
        "expected_answer": question["expected_answer"],
        "attempt": attempt,
        "judgement": reply.text,
        "finish_reason": reply.finish_reason,
        "model": reply.model,
        "system_fingerprint": reply.system_fingerprint,
        "num_prompt_tokens": reply.num_prompt_tokens,
        "num_generated_tokens": reply.num_generated_tokens,
        "usd": usd,
        "asked_at": int(time.time()),
    }


class OnlineJudge:
    """Asks questions one request each. paid: the records of this run."""

    def __init__(self, judge: str, attempts: Attempts, store: VerdictStore, budget: Budget, extra: dict | None = None):
        self.judge, self.attempts, self.store, self.budget, self.extra = judge, attempts, store, budget, extra
        self.paid: list[VerdictRecord] = []
        self._failures: list[tuple[dict, InputError]] = []
        self._stopped: InputError | None = None
        self.interrupted = False

    async def ask(self, client: CompletionClient, questions: list[dict], concurrency: int) -> None:
        """Ask until every question has a verdict, or no try left. Each reply is in the store before anything else happens with it.

        After an error that concerns all questions nothing new is sent; what is in flight is still taken, for it is paid.
        """
        self._client = client
        flushing = asyncio.create_task(self._flush())
        try:
            await self._ask_all(questions, concurrency)
        finally:
            flushing.cancel()
            self.store.sync()
        if self._stopped and not isinstance(self._stopped, (RequestFailed, RequestRefused)):
            raise self._stopped
        if self._failures:
            raise self._failed()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.store.sync()

    async def _ask_all(self, questions: list[dict], concurrency: int) -> None:
        started = shown = time.monotonic()
        done = 0
        async for _ in map_concurrently(self._ask_question, self._until_stopped(questions), concurrency=concurrency):
            done += 1
            if self._stopped:  # by Ctrl-C too, which ends what we print to: the rest is still taken
                continue
            if time.monotonic() - shown > PROGRESS_SECONDS or done == len(questions):
                shown = time.monotonic()
                left = (shown - started) / done * (len(questions) - done)
                spent = f", {self.budget.spent:.2f} USD in all" if self.budget.prices else ""
                print(
                    f"judge: {done}/{len(questions)} verdicts{spent}, {left // 60:.0f}:{left % 60:02.0f} left",
                    flush=True,
                )

    def terminate(self) -> None:
        """Take what is in flight, and send nothing more."""
        hint = "run the same command again: it asks only what is missing."
        self._stop(InputError("The job was terminated. Every verdict paid so far is kept.", hint=hint))

    def interrupt(self, asking: asyncio.Task | None) -> None:
        """The same for Ctrl-C, where a second one does not wait for what is in flight."""
        if self.interrupted and asking:
            asking.cancel()
        self.interrupted = True
        self.terminate()

    def _until_stopped(self, questions: list[dict]) -> Iterator[dict]:
        for question in questions:
            if self._stopped:
                return
            yield question

    async def _ask_question(self, question: dict) -> None:
        """Ask one question, again while its replies hold no verdict."""
        try:
            while (attempt := self.attempts.next_attempt(question, self.store.records)) and not self._stopped:
                await self._attempt(question, attempt)
        except BudgetSpent as error:
            self._stop(error)
        except (RequestFailed, RequestRefused) as error:
            self._failures.append((question, error))
            about_all = isinstance(error, RequestRefused) and error.status not in ABOUT_ONE_REQUEST
            if about_all or len(self._failures) >= MOST_FAILURES:
                self._stop(error)

    async def _attempt(self, question: dict, attempt: int) -> None:
        settings = self.attempts.settings
        messages = settings.messages(question, self.attempts.replies(question, self.store.records))
        reserved = await self.budget.reserve(messages, settings.sampling["max_tokens"])
        paid = 0.0
        try:
            reply = await self._client.complete(messages, settings.sampling, self.extra)
            usd = self.budget.usd(reply, reserved)
            paid = usd or 0.0
            record = verdict_record(self.judge, settings, question, attempt, reply, usd)
            self.store.add(record, settings)
            self.paid.append(record)
        finally:
            await self.budget.settle(reserved, paid)

    def _stop(self, error: InputError) -> None:
        self._stopped = self._stopped or error
        self._client.stop()

    def _failed(self) -> InputError:
        shown = "; ".join(repr(question["problem"][:60]) for question, _ in self._failures[:SHOWN])
        return InputError(
            f"{len(self._failures)} questions could not be judged. Every verdict paid so far is kept.",
            where=shown + (" ..." if len(self._failures) > SHOWN else ""),
            found=self._failures[0][1],
            hint="run the same command again: it asks only what is missing.",
        )
