"""Every key of the configuration: its type, limits, default, meaning, and what a change of it costs.

The one source of checks and defaults (config.py), of config/schema.json for editors and of the tables in config/README.md
(`python docs/write_config_reference.py` writes both). Keys of models: config_models.py; of judges: config_judges.py.
"""

from typing import Annotated, Literal

from pydantic import (
    MISSING,
    AfterValidator,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    WrapValidator,
)

from openmath.settings import defaults
from openmath.settings.config_contamination import Contamination
from openmath.settings.config_dataset import Dataset
from openmath.settings.config_judges import Judge
from openmath.settings.config_models import EndpointIfAddress, Model
from openmath.settings.config_training import Training
from openmath.settings.config_types import (
    Count,
    Day,
    EmptyIfNull,
    JudgeName,
    ListOfOne,
    Name,
    Positive,
    Section,
    Unique,
    key,
    not_zero,
    number_or_auto,
)

Export = Literal["nemo-skills", "dataset", "table", "hub", "eee", "lm-eval"]


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


class Publisher(Section):
    name: str | MISSING = key(MISSING, "Who publishes the results: a group, a person.", costs="nothing", min_length=1)
    url: str | MISSING = key(
        MISSING, "An address that explains them; the Hub shows it.", costs="nothing", pattern="^https?://"
    )
    relationship: Literal["first_party", "third_party", "collaborative", "other"] | MISSING = key(
        MISSING, "Of the publisher to the makers of the model.", costs="nothing", unset="`other`"
    )


class Generation(Section):
    greedy: bool = key(True, "One run at temperature 0.", costs="only the new run is computed")
    seeds: int = key(
        256, "Sampled runs rs0, rs1, ...; the seed is the number.", costs="only new runs are computed", ge=0
    )
    seeds_per_job: Annotated[Literal["auto"] | Count, WrapValidator(number_or_auto)] = key(
        16,
        "One engine start computes so many runs of all benchmarks. `auto`: 16, or as many as fit into `runtime` by "
        "`tokens_per_second` and `tokens_per_sample`; see docs/engines.md.",
        costs="nothing",
    )
    num_jobs: Annotated[int, AfterValidator(not_zero)] = key(
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
    compress: bool | MISSING = key(
        MISSING,
        "Sample files as `output-*.jsonl.zst`, a third of the size; an engine with an environment or image of its own "
        "needs `backports.zstd` there (Python 3.14 has it). See docs/files.md.",
        costs="samples are published again from those kept, then graded",
        unset="`false`",
    )
    limit: Count | None = key(
        None, "Only the first N problems of each benchmark; a training set takes all of its origins.", costs="answers"
    )
    concurrency: Count | None = key(
        None,
        "Requests in flight for one engine; see docs/engines.md.",
        costs="nothing",
        unset="what suits it and fits its cache",
    )
    request_seconds: Positive | MISSING = key(
        MISSING,
        "`endpoint`: deadline of one try of a request, in seconds; an engine of ours is watched instead.",
        costs="nothing",
        unset="`3600`; `max_new_tokens` / 5 where that is more",
    )
    runtime: Count = key(240, "Minutes of a generation job.", costs="nothing")
    gpu_model: str = key(
        "",
        "Kind of GPU to ask Slurm for, where a partition has several: its name alone, as `sinfo -o %G` shows it behind `gpu:`.",
        costs="nothing",
        pattern=r"^[A-Za-z0-9_.-]*$",
    )
    mem_mb: Count = key(64000, "MB of memory of a generation job.", costs="nothing")
    threads: Count = key(4, "CPU cores of a generation job.", costs="nothing")
    tokens_per_second: Positive = key(
        9000, "What the plan assumes of one engine until there are finished jobs to measure.", costs="nothing"
    )
    tokens_per_sample: Positive = key(
        defaults.TOKENS_PER_SAMPLE,
        "Likewise, of one answer; scaled to the `max_new_tokens` of a model: the default from 4096, another number from that here.",
        costs="nothing",
    )


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
    models: dict[Name, Annotated[Model, EndpointIfAddress, EmptyIfNull]] = key(
        ..., "What is evaluated, by a name of yours.", costs="only the new one is computed", min_length=1
    )
    contamination: Contamination | MISSING = key(
        MISSING,
        "Search a training set for the problems; see docs/contamination.md.",
        costs="nothing",
        unset="no search",
    )
    dataset: Dataset | MISSING = key(
        MISSING, "A training set to make; see docs/dataset.md.", costs="as its keys say", unset="none"
    )
    training: dict[Name, Training] | MISSING = key(
        MISSING,
        "Models to train, by a name of yours, on that set or another; see docs/training.md.",
        costs="as its keys say",
        unset="none",
        min_length=1,
    )
    compare: Annotated[list[Annotated[list[str], Field(min_length=2, max_length=2), Unique]], Unique] = key(
        [], "Pairs of models, `[[a, b]]`, to compare on the same problems: `results/compare/`.", costs="nothing"
    )
    export: Annotated[list[Export], ListOfOne, Unique] | MISSING = key(
        MISSING,
        "One or a list of what the target `export` writes; see docs/export.md.",
        costs="nothing",
        unset="all",
        min_length=1,
    )
    publisher: Publisher | MISSING = key(MISSING, "What exported records say of you.", costs="nothing")
    generation: Annotated[Generation, EmptyIfNull] = key(
        Generation(), "How samples are drawn; the defaults are the recipe's.", costs="as its keys say"
    )
    engines: dict[Name, Annotated[Engine, EmptyIfNull]] = key({}, "How engines are run.", costs="as its keys say")
    judges: dict[JudgeName, Annotated[Judge, EmptyIfNull]] = key(
        {}, "Who compares answers, by a name of yours; `{}`: symbolic grading only.", costs="as its keys say"
    )
