"""Settings of a training, as train_model.py takes them. Standard library only."""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from openmath.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; the defaults are those of OpenMathInstruct-2's 8B model, but for steps and save_steps.

    AdamW at a constant learning rate, no warm-up, loss on the solutions only, no packing.
    """

    steps: int
    batch_size: int = 512  # rows of a step, over all devices
    micro_batch_size: int = 4  # rows that one device computes at a time: speed and memory, not the result
    learning_rate: float = 2e-5
    beta1: float = 0.9
    beta2: float = 0.98
    weight_decay: float = 0.01  # not of norms and biases
    epsilon: float = 1e-8
    max_grad_norm: float | None = None
    precision: Literal["bf16", "float32"] = "bf16"  # of the arithmetic; the weights are float32 meanwhile
    max_length: int = 4096  # tokens of a row; longer ones do not count
    seed: int = 1234  # of the order of rows
    save_steps: int = 500  # steps between two checkpoints; the last step has one, too
    save_at: tuple[int, ...] = ()  # steps whose weights are kept; none named: every save_steps
    activation_checkpointing: bool = True  # computes activations twice, to save memory
    compile: bool = False  # each layer by torch.compile: one to three minutes at the start, faster steps on GPUs
    report_to: str = "none"  # of transformers' Trainer: wandb, mlflow, tensorboard

    def kept(self) -> list[int]:
        """Steps whose weights stay."""
        return sorted(self.save_at or {*range(self.save_steps, self.steps + 1, self.save_steps), self.steps})

    def saves_at(self, step: int) -> bool:
        return step % self.save_steps == 0 or step in self.save_at or step == self.steps

    def micro_batches(self, devices: int) -> int:
        """Micro-batches of a step on each device. Raises InputError where they do not come out even."""
        micro_batches, rest = divmod(self.batch_size, self.micro_batch_size * devices)
        if rest or not micro_batches:
            raise InputError(
                "The rows of a step cannot be dealt evenly.",
                where="batch_size",
                expected=f"a multiple of micro_batch_size {self.micro_batch_size} x {devices} devices",
                found=self.batch_size,
            )
        return micro_batches


def read_recipe(settings: dict) -> Recipe:
    """The recipe that a JSON object names. Raises InputError for keys or values that no training has."""
    known = {field.name: field for field in dataclasses.fields(Recipe)}
    if unknown := sorted(settings.keys() - known.keys()):
        raise InputError(
            "There is no such setting of a training.", where=f"--settings: {unknown[0]}", expected=", ".join(known)
        )
    if "steps" not in settings:
        raise InputError("How long to train is not said.", where="--settings", expected="steps")
    recipe = Recipe(**settings | {"save_at": tuple(settings.get("save_at") or ())})
    for name in ("steps", "batch_size", "micro_batch_size", "max_length", "save_steps"):
        _check(name, getattr(recipe, name), int, lambda value: value >= 1, "a whole number of at least 1")
    for name in ("learning_rate", "epsilon"):
        _check(name, getattr(recipe, name), (int, float), lambda value: 0 < value < 1, "a number between 0 and 1")
    for name in ("beta1", "beta2", "weight_decay"):
        _check(name, getattr(recipe, name), (int, float), lambda value: 0 <= value < 1, "a number from 0, below 1")
    _check("seed", recipe.seed, int, lambda value: 0 <= value < 2**32, "a whole number below 2**32")
    if recipe.max_grad_norm is not None:
        _check(
            "max_grad_norm", recipe.max_grad_norm, (int, float), lambda value: value > 0, "a number above 0, or null"
        )
    _check("precision", recipe.precision, str, lambda value: value in ("bf16", "float32"), "bf16 or float32")
    _check("report_to", recipe.report_to, str, lambda value: True, "a name")
    for name in ("activation_checkpointing", "compile"):
        _check(name, getattr(recipe, name), bool, lambda value: True, "true or false")
    for step in recipe.save_at:
        _check("save_at", step, int, lambda value: 1 <= value <= recipe.steps, f"steps from 1 to {recipe.steps}")
    return recipe


def _check(name, value, kind, fits, expected: str) -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool) or not fits(value):
        raise InputError(
            "A setting of the training does not fit.", where=f"--settings: {name}", expected=expected, found=value
        )
