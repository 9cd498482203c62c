"""Engines: all that is known of one without starting it, one entry each. How each is started: engines/NAME.py.

Standard library only: this module also runs inside engine containers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from openmath.files.records import EngineRecord
from openmath.settings import defaults

TOKENIZERS = ("checkpoint", "server", "none")
SELDOM_TAKEN = ("pipeline_parallel", "nodes", "adapter")  # keys of a model


@dataclass(frozen=True, kw_only=True)
class EngineKind:
    """One engine.

    Where it runs:
    on_gpus: on `tensor_parallel` x `pipeline_parallel` GPUs. hosted: somebody else runs it: it has an address, and no checkpoint,
    program or hardware that we know. memory_flag: of its server, the part of a GPU's memory that it may take; None: it has none,
    and no two of it share a GPU. takes: those of SELDOM_TAKEN that it can do. start_seconds: from the start of a job to its first
    request, where no job has measured it.

    What it takes:
    environment: its conda environment in envs/; None: only a container has it. installing: a hint. program: the command of
    its server, where the configuration names none; None: Python's package `package` serves. builder: the program that makes
    an engine of a checkpoint; None: it serves the checkpoint as it stands. stores: a `dtype` that it serves a copy of the weights
    in. described_by: texts that its engine.json holds.

    How it is asked:
    tokenizer: how prompts reach it, one of TOKENIZERS: token ids by the checkpoint's tokenizer, token ids by the running
    llama.cpp server, or chat messages. concurrency: requests in flight for one copy. greedy: greedy decoding in its words.
    extra_body: put into each request. names: of sampling keys that it calls otherwise. with_penalties: put into requests with
    a penalty. deterministic: whether `deterministic: true` changes how it is started.

    In papers:
    title: its name, around `{version}`. package: the distribution whose version is its own, first word of `version` in
    engine.json; None: its version tells all. citation: key in config/references.bib.
    """

    on_gpus: bool
    hosted: bool = False
    memory_flag: str | None = None
    takes: tuple[str, ...] = ()
    start_seconds: float
    environment: str | None
    installing: str
    program: str | None = None
    builder: str | None = None
    stores: str | None = None
    described_by: tuple[str, ...] = ("checkpoint",)
    tokenizer: str
    concurrency: int
    greedy: dict[str, float] = field(default_factory=lambda: {"temperature": 0.0, "top_p": 1.0})
    extra_body: dict[str, float] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    with_penalties: dict[str, float] = field(default_factory=dict)
    deterministic: bool = False
    title: str = "{version}"
    package: str | None = None
    citation: str | None = None


KINDS = {
    "vllm": EngineKind(
        on_gpus=True,
        memory_flag="--gpu-memory-utilization",
        takes=SELDOM_TAKEN,
        start_seconds=60.0,  # an 8B model on an H100: 58 s
        environment="vllm.yaml",
        installing="`make env-vllm` installs it; name its program under engines: vllm: command:.",
        program="vllm serve",
        tokenizer="checkpoint",
        concurrency=2048,  # twice its MAX_NUM_SEQS, so that it never waits for us
        extra_body={"top_k": 0, "min_p": 0.0},  # 0 switches both off; a checkpoint's generation_config must not decide
        deterministic=True,
        title="vLLM {version}",
        package="vllm",
        citation="kwon2023efficient",
    ),
    "trtllm": EngineKind(
        on_gpus=True,
        start_seconds=120.0,  # loading an 8B engine, in the recipe's time
        environment=None,
        installing="run with `--sdm apptainer` (engines: trtllm: image:), or choose `engine: vllm`, which needs no conversion.",
        program="trtllm-serve",
        builder="trtllm-build",
        described_by=("checkpoint", "weights"),
        tokenizer="checkpoint",
        concurrency=512,  # four times max_batch_size
        # Its runtime wants a positive temperature, as the recipe's client sends.
        greedy={"temperature": 1.0, "top_p": 1.0, "top_k": 1},
        deterministic=True,
        title="TensorRT-LLM {version}",
        package="tensorrt_llm",
        citation="tensorrtllm",
    ),
    "llamacpp": EngineKind(
        on_gpus=False,
        start_seconds=2.0,  # 135M parameters: 0.5 to 2 s
        environment="workflow.yaml",
        installing="`make env` installs it.",
        stores="q8_0",
        tokenizer="server",
        concurrency=32,  # twice its slots: one request at a time must not wait for hours behind others
        extra_body={"top_k": 0, "min_p": 0.0},  # else it samples with 40 and 0.05; the recipe uses neither
        names={"repetition_penalty": "repeat_penalty"},
        with_penalties={"repeat_last_n": 2**18},  # over the whole text, as elsewhere, where 64 tokens are usual
        deterministic=True,
        title="llama.cpp (xllamacpp {version})",
        package="xllamacpp",
        citation="llamacpp",
    ),
    "endpoint": EngineKind(
        on_gpus=False,
        hosted=True,
        start_seconds=0.0,
        environment="workflow.yaml",
        installing="",
        described_by=("base_url", "served_model"),
        tokenizer="none",
        concurrency=64,  # hosted APIs limit it; a server of your own takes more: generation: concurrency
    ),
}
STORED = {kind.stores for kind in KINDS.values() if kind.stores}
# `engines: trtllm: backend: pytorch`: the HF checkpoint as it stands, and no switch for repeatable bits.
PYTORCH = replace(KINDS["trtllm"], builder=None, described_by=("checkpoint",), deterministic=False)
# Of any other name under `engines:`, with a `serve` command; there also stand its GPUs, tokenizer and `extra_body`.
OWN = EngineKind(
    on_gpus=True,
    start_seconds=60.0,
    environment="workflow.yaml",  # of the client; the server's program is where its command says
    installing="`serve` under engines: names the program: install it, or give its whole path.",
    described_by=("checkpoint", "serve", "health"),
    tokenizer=defaults.TOKENIZER,
    concurrency=256,  # enough for most servers on a GPU; generation: concurrency
)


def engine_kind(engine: str, backend: str | None = None) -> EngineKind:
    """The entry of an engine; of a name that has none, OWN. backend: of `trtllm`, where what is asked depends on it."""
    if engine == "trtllm" and backend == "pytorch":
        return PYTORCH
    return KINDS.get(engine, OWN)


def gpus_of(settings: Mapping) -> int:
    """GPUs of one copy of an engine on GPUs: of `models: NAME`, or of the settings in its engine.json."""
    return settings["tensor_parallel"] * settings.get("pipeline_parallel", 1)


def tokenizer_of(description: EngineRecord) -> str:
    """How prompts reach the engine of an engine.json: one of TOKENIZERS."""
    return description["settings"].get("tokenizer", engine_kind(description["engine"]).tokenizer)
