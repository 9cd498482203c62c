"""Programs of Slurm for tests without one: a job of `nodes` nodes, all of them this machine, whose steps are processes here."""

import os
import sys
from pathlib import Path

import pytest

# Like the real one it forwards SIGTERM, ends all tasks when one fails, and leaves them running when it is killed.
SRUN = """#!{python}
import os, signal, subprocess, sys, time
words = sys.argv[1:]
command = words[words.index({python!r}):]
count = int(words[words.index("--ntasks") + 1])
print("srun", *words[: len(words) - len(command)], flush=True)
tasks = []
for number in range(count):
    environment = os.environ | {{"SLURM_PROCID": str(number)}}
    if gpus := os.environ.get("PRETENDED_GPUS"):
        environment["CUDA_VISIBLE_DEVICES"] = gpus.split(",")[number]
    tasks.append(subprocess.Popen(command, env=environment, start_new_session=True))
signal.signal(signal.SIGTERM, lambda *_: [task.terminate() for task in tasks])
while all(task.poll() is None for task in tasks):
    time.sleep(0.05)
for task in tasks:
    task.terminate()
sys.exit(max(abs(task.wait()) for task in tasks))
"""
SCONTROL = """#!/bin/sh
case "$2" in
    job) echo "JobId=7 NumNodes={nodes} ReqNodeList=(null) NodeList=node[1-{nodes}] BatchHost=node1" ;;
    hostnames) seq -f node%g {nodes} ;;
    node) echo "NodeName=$3 NodeAddr=127.0.0.1 NodeHostName=here" ;;
esac
"""


def pretend_slurm(folder: Path, monkeypatch: pytest.MonkeyPatch, nodes: int) -> None:
    """Put us onto the first node of a job."""
    programs = folder / "slurm"
    programs.mkdir()
    for name, text in (("srun", SRUN.format(python=sys.executable)), ("scontrol", SCONTROL.format(nodes=nodes))):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURMD_NODENAME", "node1")
