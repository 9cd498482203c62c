"""What rules, plans and checks have to know of an engine without starting it. How each is started: engines/."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineKind:
    """on_gpus: it runs on `tensor_parallel` GPUs. start_seconds: from the start of a job to its first request, where no job
    has measured it. environment: its conda environment in envs/; None: only a container has it. installing: a hint."""

    on_gpus: bool
    start_seconds: float
    environment: str | None
    installing: str


KINDS = {
    "vllm": EngineKind(
        on_gpus=True,
        start_seconds=60.0,  # an 8B model on an H100: 58 s
        environment="vllm.yaml",
        installing="`make env-vllm` installs it; name its program under engines: vllm: command:.",
    ),
    "trtllm": EngineKind(
        on_gpus=True,
        start_seconds=120.0,  # loading an 8B engine, in the recipe's time
        environment=None,
        installing="run with `--sdm apptainer` (engines: trtllm: image:), or choose `engine: vllm`, which needs no conversion.",
    ),
    "llamacpp": EngineKind(
        on_gpus=False,
        start_seconds=2.0,  # 135M parameters: 0.5 to 2 s
        environment="workflow.yaml",
        installing="`make env` installs it.",
    ),
    "endpoint": EngineKind(on_gpus=False, start_seconds=0.0, environment="workflow.yaml", installing=""),
}
# Of any other name under `engines:`, with a `serve` command. Whether it has GPUs is said there.
OWN = EngineKind(
    on_gpus=True,
    start_seconds=60.0,
    environment="workflow.yaml",  # of the client; the server's program is where its command says
    installing="`serve` under engines: names the program: install it, or give its whole path.",
)


def engine_kind(engine: str) -> EngineKind:
    return KINDS.get(engine, OWN)
