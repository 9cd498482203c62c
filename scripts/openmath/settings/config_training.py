"""Keys of the configuration below `training: RUN`: see config_model.py. What they do: openmath/training/recipe.py."""

from typing import Annotated, Literal

from pydantic import MISSING, Field, JsonValue

from openmath.settings.config_types import Count, Positive, Section, Unique, key

TRAINED_AGAIN = "training, from the start"
SPEED = "nothing"
LAST_SEED = 2**32 - 1  # that numpy and torch take both
Fraction = Annotated[float, Field(gt=0, lt=1)]
FromZero = Annotated[float, Field(ge=0, lt=1)]


class Training(Section):
    base: str = key(..., "Where it starts: a name under `models`.", costs=TRAINED_AGAIN)
    dataset: str | MISSING = key(
        MISSING,
        "A parquet file with `problem` and `generated_solution`, as a smaller set of `dataset`.",
        costs=TRAINED_AGAIN,
        unset="`train.parquet` of `dataset`",
        min_length=1,
    )
    prompt: str = key("math", "As of the models trained in it.", costs=TRAINED_AGAIN)
    prompt_template: Literal["llama3-instruct", "chat"] = key("chat", "Likewise.", costs=TRAINED_AGAIN)
    system: str | MISSING = key(MISSING, "Likewise.", costs=TRAINED_AGAIN, unset="the prompt file's")
    chat_template_kwargs: dict[str, JsonValue] | MISSING = key(MISSING, "Likewise.", costs=TRAINED_AGAIN)
    steps: Count = key(..., "Steps of the optimizer.", costs=TRAINED_AGAIN)
    batch_size: Count = key(512, "Rows of a step, over all devices.", costs=TRAINED_AGAIN)
    micro_batch_size: Count = key(4, "Rows that one device computes at a time.", costs=SPEED)
    learning_rate: Fraction = key(
        2e-5, "Constant, without warm-up; the paper's for 8B, 1e-5 for 70B.", costs=TRAINED_AGAIN
    )
    beta1: FromZero = key(0.9, "Of AdamW.", costs=TRAINED_AGAIN)
    beta2: FromZero = key(0.98, "Of AdamW.", costs=TRAINED_AGAIN)
    weight_decay: FromZero = key(0.01, "Of AdamW; not of norms and biases.", costs=TRAINED_AGAIN)
    epsilon: Fraction = key(1e-8, "Of AdamW.", costs=TRAINED_AGAIN)
    max_grad_norm: Positive | None = key(
        None, "Longer gradients are cut to it; the paper's are not.", costs=TRAINED_AGAIN
    )
    precision: Literal["bf16", "float32"] = key(
        "bf16", "Of the arithmetic; weights and optimizer are float32. CPUs: `float32`.", costs=TRAINED_AGAIN
    )
    max_length: Count = key(4096, "Tokens of a row; longer ones do not count.", costs=TRAINED_AGAIN)
    seed: Annotated[int, Field(ge=0, le=LAST_SEED)] = key(1234, "Of the order of rows.", costs=TRAINED_AGAIN)
    save_steps: Count = key(
        500,
        "Steps between two checkpoints: what a crash can cost.",
        costs="nothing; as `save_at` where that names none",
    )
    save_at: Annotated[list[Count], Unique] = key(
        [], "Steps whose weights are kept, to be averaged; none: every `save_steps`, and the last.", costs=TRAINED_AGAIN
    )
    activation_checkpointing: bool = key(True, "Compute activations twice, to save memory.", costs=SPEED)
    compile: bool = key(False, "By torch.compile: faster steps after a slow first one.", costs=SPEED)
    report_to: str = key(
        "none", "Of transformers' Trainer: `wandb`, `mlflow`, `tensorboard`.", costs=SPEED, min_length=1
    )
    gpus: Annotated[int, Field(ge=0)] = key(1, "Of each node; 0: the CPU.", costs=SPEED)
    nodes: Count = key(1, "Of a Slurm job; see docs/cluster.md.", costs=SPEED)
    threads: Count = key(8, "CPU cores of each node.", costs=SPEED)
    mem_mb: Count = key(64000, "Memory of each node, in MB.", costs=SPEED)
    runtime: Count = key(1440, "Wall limit in minutes; the next try goes on from the newest checkpoint.", costs=SPEED)
    tries: Count = key(10, "Jobs that the training may take, each up to the wall limit.", costs=SPEED)
    python: str = key(
        "python",
        "The Python of `make env-train`, as `.venv-train/bin/python`; with `--sdm conda` not needed.",
        costs=SPEED,
    )
    tokens_per_second: Positive | MISSING = key(
        MISSING,
        "Of all devices, for the plan, until steps have been measured.",
        costs=SPEED,
        unset="the plan says no hours",
    )
