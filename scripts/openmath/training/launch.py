"""How a training starts on several GPUs and nodes: the same script by torchrun, once on each node. Standard library only."""

import os
import sys
from pathlib import Path

from openmath.engines.across_nodes import srun
from openmath.engines.slurm_nodes import job_nodes

# Seconds that torchrun waits between SIGTERM and SIGKILL: a step ends, and its checkpoint is written.
SHUTDOWN = ("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "1800")
PACKAGES = ("torch", "transformers", "accelerate", "trl", "datasets", "pyarrow")  # that train_model.py needs
STARTED = "TORCHELASTIC_RUN_ID"  # set by torchrun for the processes it starts
# -P: a folder of modules is no place to look for packages.
TORCHRUN = (sys.executable, "-P", str(Path(__file__).with_name("torchrun.py")))


def see_one_gpu() -> None:
    """Let this process see the first of its GPUs alone: it would spread itself over all of a machine, which TRL refuses."""
    os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]


def launch_line(program: list[str], gpus: int, nodes: int) -> list[str] | None:
    """The command that starts `program`, a script and its arguments, on so many GPUs of so many nodes of this Slurm job.

    None where this process is to train itself: it is alone, or torchrun has started it.
    """
    if STARTED in os.environ or gpus * nodes <= 1:
        return None
    each = [*TORCHRUN, "--nproc-per-node", str(gpus)]
    os.environ.setdefault(*SHUTDOWN)
    if nodes == 1:
        return [*each, "--standalone", *program]
    address, others = job_nodes(nodes)
    job = os.environ["SLURM_JOB_ID"]
    port = 20_000 + int(job) % 12_000  # below those that the system gives to anybody
    meeting = [
        "--nnodes",
        str(nodes),
        "--rdzv-backend",
        "c10d",
        "--rdzv-id",
        job,
        "--rdzv-endpoint",
        f"{address}:{port}",
    ]
    return [*srun([os.environ["SLURMD_NODENAME"], *others]), *each, *meeting, *program]
