"""Slurm: is it there for models on several nodes? And jobs of an earlier Snakemake that still work in this folder, which a rerun
would submit a second time.

They live on when Snakemake itself was killed. Snakemake's Slurm plugin writes `rule_NAME...` into the comment of its jobs.
"""

import os
import shutil
import subprocess

from openmath.engines.slurm_nodes import job_nodes, no_nodes
from openmath.errors import InputError
from openmath.preflight.needs import Needs

SQUEUE_SECONDS = 30
SHOWN = 5


def check_nodes(needs: Needs, *, here: bool) -> list[InputError]:
    """What needs several nodes of a Slurm job, where there is no Slurm to give them. here: jobs run on this machine."""
    found = []
    wanted = {f"models: {model}": needs.config["models"][model].get("nodes", 1) for model in needs.running}
    wanted |= {f"training: {run}": needs.config["training"][run]["nodes"] for run in needs.training}
    for key, nodes in wanted.items():
        if nodes == 1:
            continue
        where = f"{key}: nodes: {nodes}"
        if not here:
            found += [] if shutil.which("sbatch") else [no_nodes(nodes, where, "no sbatch")]
            continue
        try:
            job_nodes(nodes, where)
        except InputError as problem:
            found.append(problem)
    return found


def check_no_live_jobs(rules: set[str]) -> list[InputError]:
    """rules: names of those about to run. Empty where there is no Slurm, or squeue gets no answer from it."""
    if not shutil.which("squeue"):
        return []
    command = ["squeue", "--me", "--noheader", "--format=%i|%T|%Z|%k"]
    try:
        reply = subprocess.run(command, capture_output=True, text=True, timeout=SQUEUE_SECONDS)
    except subprocess.TimeoutExpired:
        return []
    here, live = os.path.realpath("."), []
    for line in reply.stdout.splitlines() if reply.returncode == 0 else []:
        fields = line.strip().split("|")
        if len(fields) < 4:
            continue
        job, state, *parts, comment = fields
        folder = "|".join(parts)  # a folder may have any name
        rule = comment.removeprefix("rule_").split("_wildcards_")[0]
        if comment.startswith("rule_") and rule in rules and os.path.realpath(folder) == here:
            live.append((job, state, rule))
    if not live:
        return []
    shown = [f"{job} {state} {rule}" for job, state, rule in live[:SHOWN]]
    more = [f"... and {len(live) - SHOWN} more"] * (len(live) > SHOWN)
    return [
        InputError(
            f"{len(live)} Slurm jobs of an earlier run still work on what this run would submit again.",
            where=here,
            found="\n    ".join(["", *shown, *more]),
            hint=f"wait until they have ended, or end them: scancel {' '.join(job for job, _, _ in live)}. "
            "Finished samples are kept either way.",
        )
    ]
