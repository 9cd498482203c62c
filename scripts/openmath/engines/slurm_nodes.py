"""Several nodes of a Slurm job for one server: which ones, and the command that starts its parts (across_nodes.py).

Standard library only: this module also runs inside engine containers.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from openmath.errors import InputError

PARTS = Path(__file__).with_name("across_nodes.py")
SCONTROL_SECONDS = 60


def over_nodes(command: Callable[[int], list[str]], nodes: int) -> Callable[[int], list[str]]:
    """Of a server's command, by its port, the one that starts a part of it on each node of this job, and the first one here.

    InputError where this is no Slurm job of so many nodes.
    """
    address, others = job_nodes(nodes)
    return lambda port: [sys.executable, str(PARTS), "first", address, ",".join(others), *command(port)]


def job_nodes(nodes: int, where: str | None = None) -> tuple[str, list[str]]:
    """(address of this node, names of the others) in the Slurm job that we are in; InputError where it has not so many."""
    where = where or f"nodes: {nodes}"
    job, here = os.environ.get("SLURM_JOB_ID"), os.environ.get("SLURMD_NODENAME")
    if not job or not here:
        raise no_nodes(nodes, where, "no Slurm job")
    names = _scontrol("hostnames", _field("NodeList", _scontrol("job", job))).split()
    if here not in names or len(names) != nodes:
        raise no_nodes(nodes, where, f"job {job} on {', '.join(names)}")
    return _field("NodeAddr", _scontrol("node", here)), [name for name in names if name != here]


def no_nodes(nodes: int, where: str, found: str) -> InputError:
    return InputError(
        "A model on several nodes needs a Slurm job of them.",
        where=where,
        expected=f"a job of {nodes} nodes",
        found=found,
        hint="run with `--profile profiles/slurm`, which asks for them. By hand: `sbatch --nodes`, on the first node of the job.",
    )


def _scontrol(what: str, name: str) -> str:
    try:
        reply = subprocess.run(
            ["scontrol", "show", what, name], capture_output=True, text=True, timeout=SCONTROL_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(
            "Slurm does not say what this job has.", where=f"scontrol show {what} {name}", found=error
        ) from None
    return reply.stdout


def _field(name: str, text: str) -> str:
    found = re.search(rf"\b{name}=(\S+)", text)
    if not found:
        raise InputError("Slurm does not say what this job has.", where=f"scontrol: {name}", found=text[:200])
    return found[1]
