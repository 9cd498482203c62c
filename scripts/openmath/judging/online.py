"""Questions asked at once: one request each, many in flight."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from openmath.client.completion import CompletionClient, RequestFailed, RequestRefused, map_concurrently
from openmath.errors import InputError
from openmath.generation.progress import clock_text
from openmath.judging.attempts import Attempts, Request
from openmath.judging.budget import Budget, BudgetSpent
from openmath.judging.records import ServedModel, refused_record, verdict_record
from openmath.judging.refusals import Unanswered
from openmath.judging.store import FLUSH_SECONDS, VerdictRecord, VerdictStore

PROGRESS_SECONDS = 5.0
MOST_FAILURES = 20  # then the endpoint is at fault, not the questions
SHOWN = 3
OPENING_SECONDS = 2.0  # a refusal comes at once; a judge that thinks does not hold up the others for longer


class _Opening:
    """The first question goes ahead alone: what the endpoint refuses by name is then refused once, and not by all in flight."""

    def __init__(self):
        self._first, self._over = True, asyncio.Event()

    async def turn(self) -> None:
        if self._first:
            self._first = False
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(OPENING_SECONDS):
                    await self._over.wait()

    def done(self) -> None:
        self._over.set()


class OnlineJudge:
    """Asks questions one request each. paid: the records of this run.

    extra: arguments that only this engine knows.
    """

    def __init__(
        self,
        judge: str,
        attempts: Attempts,
        store: VerdictStore,
        budget: Budget,
        unanswered: Unanswered,
        served: ServedModel,
        extra: dict | None = None,
    ):
        self.judge, self.attempts, self.store, self.budget = judge, attempts, store, budget
        self.unanswered, self.served, self.extra = unanswered, served, extra
        self.paid: list[VerdictRecord] = []
        self._failures: list[tuple[dict, InputError]] = []
        self._stopped: InputError | None = None
        self.interrupted = False
        self._opening = _Opening()

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
        for record in self.unanswered.refused.values():
            self.store.add(record, self.attempts.settings)
        self.unanswered.say()
        self.store.sync()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.store.sync()

    async def _ask_all(self, questions: list[dict], concurrency: int) -> None:
        started = shown = time.monotonic()
        done, ends = 0, Counter[str]()
        async for end in map_concurrently(self._ask_question, self._until_stopped(questions), concurrency=concurrency):
            done += 1
            ends[end] += 1
            if self._stopped:  # by Ctrl-C too, which ends what we print to: the rest is still taken
                continue
            if time.monotonic() - shown > PROGRESS_SECONDS or done == len(questions):
                shown = time.monotonic()
                left = (shown - started) / done * (len(questions) - done)
                spent = f", {self.budget.spent:.2f} USD in all" if self.budget.prices else ""
                counts = ", ".join(f"{number} {end}" for end, number in ends.items())
                print(
                    f"judge: {done}/{len(questions)} questions ({counts}){spent}, {clock_text(left)} left",
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

    async def _ask_question(self, question: dict) -> str:
        """Ask one question, again while its replies hold no verdict; how it ended."""
        try:
            await self._opening.turn()
            while (request := self.attempts.next_request(question, self.store.records)) and not self._stopped:
                if not await self._attempt(request):
                    self._stop_if_too_many()
                    return "refused"
        except BudgetSpent as error:
            self._stop(error)
        except (RequestFailed, RequestRefused) as error:
            self._failures.append((question, error))
            if isinstance(error, RequestRefused) or len(self._failures) >= MOST_FAILURES:
                self._stop(error)
            return "failed"
        finally:
            self._opening.done()
        if request:
            return "not asked"
        last, verdict = self.attempts.judgement(question, self.store.records)
        self.unanswered.note(last)
        self._stop_if_too_many()
        return last.get("outcome") or ("unparsed" if verdict == "unparsed" else "verdicts")

    async def _attempt(self, request: Request) -> bool:
        """One call; False where the endpoint refuses this question for good."""
        settings = self.attempts.settings
        reserved = await self.budget.reserve(request.messages, request.sampling["max_tokens"])
        paid = 0.0
        try:
            reply = await self._client.complete(request.messages, request.sampling, self.extra)
            usd = self.budget.usd(reply, reserved)
            paid = usd or 0.0
            record = verdict_record(self.judge, settings, request, reply, usd, self.attempts.parameters.limit_name)
            another = self.served.check(record)
            self.store.add(record, settings)
            self.paid.append(record)
            if another:
                self._stop(another)
        except RequestRefused as error:
            if error.parameter:  # the next request is another one, without it
                return True
            if not error.about_request:
                raise
            record = refused_record(self.judge, settings, request, error.words)
            if record["outcome"] != "refused":
                self.store.add(record, settings)
                return True
            self.unanswered.refused[record["key"]] = record
            return False
        finally:
            await self.budget.settle(reserved, paid)
        return True

    def _stop_if_too_many(self) -> None:
        if error := self.unanswered.error():
            self._stop(error)

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
