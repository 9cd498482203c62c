"""The missing samples of a job, sent to its running servers; what comes back is staged the moment it is whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing

from openmath.client.completion import Completion, Endpoint, RequestFailed, RequestRefused, map_concurrently
from openmath.engines.balance import BalancedClient
from openmath.errors import InputError
from openmath.generation.lengths import Lengths
from openmath.generation.progress import Progress
from openmath.generation.refusals import Refusals
from openmath.generation.samples import Job, Refusal, sample_row
from openmath.generation.served_models import ServedModels, two_models
from openmath.generation.staging import StagedRun
from openmath.generation.thinking import Thinking

SHOWN_FAILURES = 5

# Prompt: token ids or messages; arguments of the OpenAI API, or why nothing is sent; arguments that only this server knows.
Request = tuple[list, dict | Refusal, dict]


class Decoding:
    """The requests of one job. staged: its sample runs; refusals: of all of them; hosted: somebody else runs the servers.

    request_seconds: deadline of a request to a server that we do not watch. most: requests in flight for one server; lengths: of
    answers, where fewer may fit. thinking: how thoughts are read and counted.
    """

    def __init__(
        self,
        servers: Sequence[Endpoint],
        staged: Mapping[tuple[str, str], StagedRun],
        refusals: Refusals,
        *,
        hosted: bool,
        request_seconds: float,
        most: int,
        lengths: Lengths | None = None,
        thinking: Thinking | None = None,
    ):
        self._where = servers[0].base_url
        self._client = BalancedClient(
            servers, request_seconds=request_seconds, most=most, held=lengths.held if lengths else None
        )
        self._lengths = lengths
        self._staged, self._hosted, self._concurrency = staged, hosted, most * len(servers)
        self._refusals = refusals
        self._thinking = thinking or Thinking()
        self._models = ServedModels(servers[0].model, staged)
        self.progress = Progress(sum(len(run.missing) for run in staged.values()))
        self._failures: list[tuple[Job, InputError]] = []
        self._answered = self._only_reasoning = 0
        self._stopped: InputError | None = None

    async def run(self, jobs: Iterable[Job], request: Callable[[Job], Request]) -> list[tuple[Job, InputError]]:
        """Returns the samples that could not be computed. Raises InputError where the job has to stop.

        Then nothing new is sent; what is in flight is still taken, for it is paid.
        """
        replies = map_concurrently(
            lambda job: self._ask(job, *request(job)), self._until_stopped(jobs), concurrency=self._concurrency
        )
        async with self._client, aclosing(replies):
            async for job, answer in replies:
                self._take(job, answer)
        if self._stopped:
            raise self._stopped
        self._refusals.keep(self._stage)
        if self._only_reasoning:
            print(
                f"generate: warning: {self._only_reasoning} samples hold reasoning and no text: no answer is read of them; "
                "was max_new_tokens too small for the model to finish its thought?",
                flush=True,
            )
        return self._failures

    def _until_stopped(self, jobs: Iterable[Job]) -> Iterator[Job]:
        for job in jobs:
            if self._stopped:
                return
            yield job

    async def _ask(
        self, job: Job, prompt: list, sampling: dict | Refusal, extra: dict
    ) -> tuple[Job, Completion | Refusal | InputError]:
        if isinstance(sampling, Refusal):
            return job, sampling
        sent = self.progress.sent()
        try:
            answer = await self._client.complete(prompt, sampling, extra)
        except RequestFailed as error:
            return job, error
        except RequestRefused as error:
            return job, Refusal(error.words) if error.about_request else error
        self.progress.finished(sent, answer.num_generated_tokens or 0)
        return job, await self._thinking.counted(answer)

    def _take(self, job: Job, answer: Completion | Refusal | InputError) -> None:
        if isinstance(answer, Completion):
            if self._hosted and (first := self._models.conflict(*job[:2], answer)):
                self._stop(two_models(self._where, first, str(answer.model)))
                return
            self._stage(job, answer)
            self._answered += 1
            self._only_reasoning += bool(answer.reasoning) and not answer.text.strip()
            self.progress.add(answer.num_generated_tokens or 0)
            if self._lengths and answer.num_generated_tokens:
                self._lengths.add(answer.num_generated_tokens)
        elif isinstance(answer, Refusal):
            self._refusals.add(job, answer)
            self.progress.add(0)
            if self._refusals.too_many() or (len(self._refusals) > self._hopeless and not self._answered):
                self._stop(self._refusals.error(self._where))
        elif isinstance(answer, RequestRefused):
            self._stop(refused_all(answer))
        else:
            self._failures.append((job, answer))
            if len(self._failures) > self._hopeless and not self._answered:
                raise failed(self._failures)  # without waiting for the hour that each of the others may take

    @property
    def reached(self) -> int:
        """The most requests that were in flight at a time."""
        return self._client.reached

    @property
    def unsent(self) -> list[str]:
        """Parameters of a request that the endpoint refuses, and is asked without."""
        return sorted(self._client.unsent)

    @property
    def _hopeless(self) -> int:
        """So many without a single sample: nothing works at all, do not ask for the other million."""
        return max(self._concurrency, SHOWN_FAILURES)

    def _stage(self, job: Job, answer: Completion | Refusal) -> None:
        self._staged[job[:2]].append(sample_row(job, answer, hosted=self._hosted, opened=self._thinking.opened))

    def _stop(self, error: InputError) -> None:
        self._stopped = self._stopped or error
        self._client.stop()


def refused_all(error: RequestRefused) -> InputError:
    """The endpoint would refuse every other request as well."""
    stop = "" if str(error.hint).endswith((".", "?")) else "."
    return InputError(
        "The endpoint refuses all requests; every finished sample is kept.",
        where=error.where,
        found=error.words,
        hint=f"{error.hint}{stop} Then run the same command again: it asks only for what is missing.",
    )


def failed(failures: list[tuple[Job, InputError]]) -> InputError:
    """Samples without an answer, for reasons that may pass."""
    rows = [f"{run} {row['id']}" for (_, run, row), _ in failures]
    shown = ", ".join(rows[:SHOWN_FAILURES]) + (" ..." if len(rows) > SHOWN_FAILURES else "")
    return InputError(
        f"{len(failures)} samples could not be computed; all others are kept.",
        where=shown,
        found=failures[0][1],
        hint="run the same command again: it asks only for these.",
    )
