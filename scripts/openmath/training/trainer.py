"""TRL's SFTTrainer with checkpoints that are whole or not there, a curve, and an end at SIGTERM. Needs torch.

A checkpoint's weights are float32 safetensors, as any tool reads them: a run that goes on loads them as it would load a base
model, and from trainer/ the rest. With FSDP each rank writes its part of the optimizer's state there.
"""

import math
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from datasets import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import SFTConfig, SFTTrainer

from openmath.errors import InputError
from openmath.training.checkpoints import TRAINER, drop_old, finish
from openmath.training.curve import Point, append
from openmath.training.launch import STARTED
from openmath.training.optimizer_state import PARTS, parts_to_one, whole_to_several
from openmath.training.recipe import Recipe
from openmath.training.rows import TrainingRows
from openmath.training.time_left import TimeLeft, seconds_left

WORKERS = 8  # processes that tokenise for each GPU: 1,000 rows a second each


def config_of(recipe: Recipe, output: Path, devices: int, cpu: bool) -> SFTConfig:
    """The trainer's arguments. devices: processes of this training, one a GPU. cpu: no GPU is used."""
    sharded = devices > 1 and not cpu  # by FSDP2; processes on CPUs have the whole model each
    if sharded:
        os.environ["ACCELERATE_USE_FSDP"] = "true"  # transformers then reads the weights in the first process alone
    fsdp = {
        "version": 2,
        "state_dict_type": "SHARDED_STATE_DICT",
        "cpu_ram_efficient_loading": True,
        "activation_checkpointing": recipe.activation_checkpointing,
    }
    return SFTConfig(
        output_dir=str(output / "checkpoints"),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.micro_batch_size,
        gradient_accumulation_steps=recipe.micro_batches(devices),
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="constant",
        warmup_steps=0,
        optim="adamw_torch" if cpu else "adamw_torch_fused",
        adam_beta1=recipe.beta1,
        adam_beta2=recipe.beta2,
        adam_epsilon=recipe.epsilon,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm or 0.0,
        bf16=recipe.precision == "bf16",
        use_cpu=cpu,
        seed=recipe.seed,
        max_length=recipe.max_length,
        train_sampling_strategy="sequential",  # TrainingRows has the order
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_num_workers=0 if cpu else WORKERS,
        dataloader_prefetch_factor=None if cpu else 4,
        gradient_checkpointing=False,  # TRL's default, and the older name of the next
        activation_checkpointing=recipe.activation_checkpointing and not sharded,
        fsdp=sharded,
        fsdp_config=fsdp if sharded else None,
        # Gradients are dealt after each micro-batch: whole ones would take as much memory as the weights on each GPU.
        accelerator_config={"gradient_accumulation_kwargs": {"sync_each_batch": sharded}},
        save_strategy="no",  # the callback below says when
        logging_steps=1,
        logging_nan_inf_filter=False,  # which would show 0 where the loss is no number
        report_to=recipe.report_to,
        ddp_find_unused_parameters=False,
        disable_tqdm=True,
        log_level="warning",
    )


class Stop(TrainerCallback):
    """Saves at the recipe's steps, and at SIGTERM or before the end of a Slurm job, which also end the training.

    So does the death of torchrun: what it has started would train on, and the next try beside it. received: a signal, or 0.
    """

    def __init__(self, recipe: Recipe):
        self._recipe, self.received = recipe, 0
        self._parent = os.getppid() if STARTED in os.environ else None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: object) -> None:
        self.received = number

    def on_train_begin(self, args, state, control, **named):
        left = seconds_left() if state.is_world_process_zero else None
        self.time = TimeLeft(named["model"].num_parameters(), left)

    def on_step_end(self, args, state, control, **_):
        if self.time.is_up() or self._parent not in (None, os.getppid()):
            self.received = signal.SIGTERM
        if dist.is_initialized():  # all processes stop after the same step
            received = torch.tensor(self.received, device=args.device)
            dist.all_reduce(received, op=dist.ReduceOp.MAX)
            self.received = int(received)
        if self.received:
            control.should_training_stop = True
        control.should_save = bool(self.received) or self._recipe.saves_at(state.global_step)
        return control


class Training(SFTTrainer):  # type: ignore[misc]
    """run: training/RUN. tokens, seconds: of the steps before the one that it goes on from."""

    def __init__(self, *, rows: TrainingRows, run: Path, recipe: Recipe, tokens: int, seconds: float, **arguments: Any):
        self.stop = Stop(recipe)
        first = {
            name: [value] for name, value in rows[0].items()
        }  # TRL takes no other kind of dataset, nor rows as they come
        super().__init__(callbacks=[self.stop], train_dataset=Dataset.from_dict(first), **arguments)
        self.train_dataset = rows
        self.remove_callback(PrinterCallback)  # log() says it shorter
        self._run, self._recipe = run, recipe
        self._total_train_tokens = tokens
        self._seconds_before, self._start, self._last = seconds, time.monotonic(), (time.monotonic(), tokens)

    def get_train_dataloader(self) -> Any:
        loader = super().get_train_dataloader()
        loader.base_dataloader.worker_init_fn = heed_only_the_parent
        return loader

    @property
    def tokens(self) -> int:
        """That the model was trained on, prompts included."""
        return self._total_train_tokens

    @property
    def seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._start

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        super().log(logs, start_time)
        if "loss" not in logs:
            return
        if not math.isfinite(logs["loss"]):
            self._diverged(logs["loss"])
        if not self.is_world_process_zero():
            return
        now, tokens = time.monotonic(), self.tokens
        point = Point(
            step=self.state.global_step,
            loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            tokens=tokens,
            tokens_per_second=round((tokens - self._last[1]) / (now - self._last[0]), 1),
            memory_gib=round(memory_gib(self.args.use_cpu), 2),
            seconds=round(self.seconds, 1),
        )
        self._last = (now, tokens)
        append(self._run / "curve.csv", point)
        text = f"step {point.step}/{self._recipe.steps}  loss {point.loss:.4f}  {point.tokens_per_second:,.0f} tokens/s"
        try:
            print(text, flush=True)
        except BrokenPipeError:  # who reads us was ended, often a moment before us: there may be time to save
            self.stop.received = signal.SIGTERM

    def _diverged(self, loss: float) -> None:
        """End before a checkpoint holds such weights: no later step is of any use."""
        if not self.is_world_process_zero():
            sys.exit(2)  # the first process says it
        raise InputError(
            "The loss is no finite number any more.",
            where=f"{self._run}: step {self.state.global_step}",
            found=loss,
            hint="a lower learning_rate, or max_grad_norm: 1.0. In the first step: has the base a weight that is no number?",
        )

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        start = time.monotonic()
        Trainer._save_checkpoint(self, model, trial)  # without TRL's model card
        self.accelerator.wait_for_everyone()
        if self.is_world_process_zero():
            unfinished = Path(self.args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"
            state = unfinished / TRAINER
            state.mkdir()
            for pattern in ("optimizer*", "scheduler*", "rng_state*", "trainer_state.json"):
                for path in unfinished.glob(pattern):
                    shutil.move(path, state / path.name)
            (unfinished / "training_args.bin").unlink(missing_ok=True)  # the recipe, pickled
            finish(unfinished, self.state.global_step, self.tokens, self.seconds)
            drop_old(self._run, self._recipe.kept())
        self.accelerator.wait_for_everyone()
        self.stop.time.saved(time.monotonic() - start)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        if not self.is_fsdp_enabled:
            super().save_model(output_dir, _internal_call)
            return
        weights = self.accelerator.get_state_dict(self.model)  # whole, in the memory of the first process
        if self.args.should_save:
            self._save(output_dir, state_dict=weights)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not self.is_fsdp_enabled:
            super()._save_optimizer_and_scheduler(output_dir)
            return
        from accelerate.utils import save_fsdp_optimizer

        save_fsdp_optimizer(
            self.accelerator.state.fsdp_plugin, self.accelerator, self.optimizer, self.model, output_dir
        )
        if self.args.should_save:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / "scheduler.pt")

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None or self.is_fsdp_enabled == Path(checkpoint, PARTS).exists():
            super()._load_optimizer_and_scheduler(checkpoint)
            return
        folder = Path(checkpoint)
        if self.is_fsdp_enabled:
            whole_to_several(folder, self.model, self.optimizer, first=self.is_world_process_zero())
        else:
            parts_to_one(folder, self.model, self.optimizer)
        self.lr_scheduler.load_state_dict(torch.load(folder / "scheduler.pt", weights_only=True))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Nothing: the model was loaded from there."""


def heed_only_the_parent(_worker: int) -> None:
    """In a process that tokenises rows: no SIGTERM but that of the process it works for ends it.

    Slurm and torchrun send one to all processes of a job. The step that is under way still needs its rows, for the checkpoint.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def wait() -> None:
        while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def memory_gib(cpu: bool) -> float:
    """Most memory that this process has held: of the GPU, or where it trains on the CPU, of the machine."""
    if not cpu:
        return torch.cuda.max_memory_allocated() / 2**30
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB, on a Mac bytes
    return most / (2**30 if sys.platform == "darwin" else 2**20)
