"""A program of the workflow, given as it is to Python: train_model.py on nodes with a GPU each, but on their CPUs, and slowly."""

import os
import runpy
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from openmath.training.launch import STARTED

FSDP = Path(__file__).parents[1] / "fsdp_on_cpus.py"
SECONDS = 1.0  # of a step


def process_of_torchrun() -> None:
    from openmath.training import trainer

    on_step_end = trainer.Stop.on_step_end

    def slowly(self, *arguments, **named):
        time.sleep(SECONDS)
        return on_step_end(self, *arguments, **named)

    trainer.Stop.on_step_end = slowly
    sys.argv[sys.argv.index("--gpus") + 1] = "0"
    runpy.run_path(str(FSDP), run_name="__main__")


def first_process_of_the_job() -> None:
    import train_model
    from openmath.errors import run_command

    del sys.argv[1]  # train_model.py: torchrun is to start this file
    train_model.check_python = lambda gpus: None  # there are no GPUs
    run_command(train_model.main)


if STARTED in os.environ:
    process_of_torchrun()
else:
    first_process_of_the_job()
