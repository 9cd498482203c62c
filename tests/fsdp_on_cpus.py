"""train_model.py as torchrun starts it on GPUs, weights and optimizer dealt by FSDP2, but on CPUs: `torchrun --nproc-per-node 2`.

Accelerate deals weights among GPUs only, so that it is told that these processes had one each; the device stays the CPU.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from accelerate import PartialState
from accelerate.utils import DistributedType

import train_model
from openmath.errors import run_command
from openmath.training import trainer

trainer.WORKERS = 1
arguments, config_of = trainer.SFTConfig, trainer.config_of


def on_cpus(**settings):
    return arguments(**settings | {"use_cpu": True})


def as_for_gpus(recipe, output, devices, cpu):
    config = config_of(recipe, output, devices, cpu=False)
    PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
    return config


trainer.SFTConfig, trainer.config_of = on_cpus, as_for_gpus
run_command(train_model.main)
