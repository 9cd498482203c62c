"""What kind of machine and which versions a stage ran with. Never which machine: no host name, user name or path.

Standard library only: this module also runs inside engine containers.
"""

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from openmath.files.records import Gpus, Machine
from openmath.settings.engine_kinds import KINDS

# What can matter for a sample, a grade or a number, beside the engines; the lock files pin the rest.
PACKAGES = (
    "torch",
    "nvidia-cuda-runtime-cu12",
    "transformers",
    "tokenizers",
    "openai",
    "python-flint",
    "sympy",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
)
NVIDIA_SMI_SECONDS = 60


def machine() -> Machine:
    """The class of this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    system = f"{platform.system()} {platform.machine()}"
    return {"cpu": _cpu_model(), "cores": cores, "memory_gib": round(memory / 2**30), "system": system, **nvidia()}


def granted_cores() -> int:
    """Snakemake tells a job its share of the cores by OMP_NUM_THREADS; by hand it is all that this process may use."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))


def versions() -> dict[str, str]:
    """Versions of Python, Snakemake, engines and PACKAGES, of those that are installed."""
    found = {"python": platform.python_version()}
    for name in ("snakemake", *filter(None, (kind.package for kind in KINDS.values())), *PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def nvidia() -> Gpus:
    """The NVIDIA GPUs of this machine."""
    query = _nvidia_smi("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits")
    rows = [[cell.strip() for cell in line.split(",")] for line in query.splitlines()]
    rows = [row for row in rows if len(row) == 3]
    if not rows:
        return {}
    found: Gpus = {"gpus": [row[0] for row in rows], "gpu_memory_mib": [row[1] for row in rows], "driver": rows[0][2]}
    if cuda := re.search(r"CUDA Version: *([0-9.]+)", _nvidia_smi()):
        found["cuda"] = cuda[1]
    return found


def gpu_memory(visible: str | None) -> list[tuple[int, int]]:
    """(total, free) bytes of each GPU of this machine that `visible` (CUDA_VISIBLE_DEVICES) names; of all where it is None."""
    chosen = [f"--id={visible}"] if visible else []
    query = _nvidia_smi("--query-gpu=memory.total,memory.free", "--format=csv,noheader,nounits", *chosen)
    rows = [line.split(",") for line in query.splitlines()]
    try:
        return [(int(total) * 2**20, int(free) * 2**20) for total, free in rows]
    except ValueError:
        return []  # "[N/A]": a GPU that shares its machine's memory


def _nvidia_smi(*options: str) -> str:
    try:
        reply = subprocess.run(["nvidia-smi", *options], capture_output=True, text=True, timeout=NVIDIA_SMI_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return ""  # no NVIDIA GPU here, or none that answers
    return reply.stdout if reply.returncode == 0 else ""


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""  # not Linux
    named = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()
