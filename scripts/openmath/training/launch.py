"""How a training starts on several GPUs and nodes: the same script by torchrun, once on each node. Standard library only."""

import os
import sys

from openmath.engines.across_nodes import srun
from openmath.engines.slurm_nodes import job_nodes

# Seconds that torchrun waits between SIGTERM and SIGKILL: a step ends, and its checkpoint is written.
SHUTDOWN = ("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "1800")
STARTED = "TORCHELASTIC_RUN_ID"  # set by torchrun for the processes it starts


def launch_line(program: list[str], gpus: int, nodes: int) -> list[str] | None:
    """The command that starts `program`, a script and its arguments, on so many GPUs of so many nodes of this Slurm job.

    None where this process is to train itself: it is alone, or torchrun has started it.
    """
    if STARTED in os.environ or gpus * nodes <= 1:
        return None
    each = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(gpus)]
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
