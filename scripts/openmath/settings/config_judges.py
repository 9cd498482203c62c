"""Keys of the configuration below `judges: NAME`: see config_model.py."""

from typing import Annotated, Literal

from pydantic import (
    MISSING,
    Field,
)

from openmath.settings import defaults
from openmath.settings.config_types import Address, Count, Positive, Section, Variable, key


class Prices(Section):
    input: float = key(..., "USD per million tokens of questions.", costs="nothing", ge=0)
    output: float = key(..., "USD per million tokens of replies.", costs="nothing", ge=0)


class JudgeSampling(Section):
    temperature: Annotated[float, Field(ge=0)] | MISSING | None = key(
        MISSING,
        "Of a judge that refuses 0, or should think at its own; `null`: not sent.",
        costs="verdicts",
        unset="`0`",
    )
    top_p: Annotated[float, Field(gt=0, le=1)] | MISSING | None = key(
        MISSING, "`null`: not sent.", costs="verdicts", unset="`0.95`"
    )
    seed: int | MISSING | None = key(MISSING, "`null`: not sent.", costs="verdicts", unset="`0`")
    reasoning_effort: Annotated[str, Field(min_length=1)] | MISSING = key(
        MISSING, "How long a judge thinks, in its service's words, as `low`.", costs="verdicts", unset="not sent"
    )
    max_completion_tokens: Count | MISSING = key(
        MISSING,
        "In place of `max_new_tokens`, and sent under this name.",
        costs="verdicts, where it is another number",
        unset="`max_tokens` is sent, and this once it is refused",
    )


class Judge(Section):
    base_url: Address = key(defaults.BASE_URL, "Address of a hosted judge.", costs="nothing")
    model: str | MISSING = key(MISSING, "A hosted model; give a dated snapshot, not a moving alias.", costs="verdicts")
    api_key_env: Variable | MISSING = key(
        MISSING, "Hosted: name of the environment variable with its key, in capitals.", costs="nothing"
    )
    self_hosted: str | MISSING = key(
        MISSING, "Instead of `model`: one of your `models`, started by the judging job.", costs="verdicts"
    )
    prompt: str = key("judge-math", "As for models.", costs="verdicts")
    max_new_tokens: Count = key(defaults.JUDGE_MAX_NEW_TOKENS, "Tokens of the longest reply.", costs="verdicts")
    sampling: JudgeSampling | MISSING = key(
        MISSING,
        "Parameters of each request, set by hand: these are sent, or not, whatever the service says to them.",
        costs="verdicts",
        unset="those of the recipe, without what the service refuses by its name: docs/judging.md",
    )
    tries_unparsed: Count = key(
        defaults.TRIES_UNPARSED,
        "How often a question is asked while its reply holds no verdict.",
        costs="judging",
    )
    cascade: bool = key(False, "Ask only where the symbolic grader says no.", costs="judging")
    mode: Literal["online", "batch"] = key(
        defaults.JUDGE_MODE, "`batch`: the OpenAI Batch API, half the price.", costs="nothing"
    )
    replay: bool = key(False, "Ask nobody: every verdict must be in `judgements/NAME/`; needs no key.", costs="nothing")
    prices: Prices | MISSING = key(MISSING, "Of this judge in this mode.", costs="nothing")
    budget_usd: Positive | MISSING = key(
        MISSING, "The limit, in all over all runs; needs `prices`.", costs="nothing", unset="no limit"
    )
    concurrency: Count = key(defaults.JUDGE_CONCURRENCY, "Requests in flight.", costs="nothing")
    request_seconds: Positive = key(defaults.REQUEST_SECONDS, "Deadline of one try of a request.", costs="nothing")
    poll_seconds: Positive = key(defaults.POLL_SECONDS, "Seconds between two looks at a batch.", costs="nothing")
    batch_size: Count | MISSING = key(
        MISSING,
        "Questions of one batch; the next follows when it has ended. For services that limit the tokens waiting.",
        costs="nothing",
        unset="batches of 50,000, all at once",
    )
    max_refused: Annotated[float, Field(ge=0, le=1)] | MISSING = key(
        MISSING,
        "Share of questions that the service may refuse, or the judge leave without a word; more stop the job: docs/judging.md.",
        costs="nothing",
        unset=f"`{defaults.MAX_REFUSED}`",
    )
    ask_refused: bool | MISSING = key(
        MISSING, "A job that runs asks again what was refused before.", costs="nothing", unset="`false`"
    )
