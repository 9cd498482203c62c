"""Which part of an evaluation a process is."""

import socket
from contextlib import suppress
from pathlib import Path

import psutil

# Program -> role of its processes. Shells and `tee` have none; they die with `everything`, as when the machine does.
ROLES = {
    "generate.py": "generate",
    "llamacpp_server.py": "engine",
    "supervise.py": "supervisor",
    "grade_answers.py": "grade",
    "judge_answers.py": "judge client",
    "counted_judge.py": "judge server",
    "quick_snakemake.py": "snakemake",
}


def role_of(command: list[str]) -> str:
    if command[1:3] == ["-m", "snakemake"]:
        return "snakemake"
    if "--multiprocessing-fork" in command:
        return "grading worker"
    return ROLES.get(Path(command[1]).name, "other") if len(command) > 1 else "other"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def living_processes(folder: Path) -> dict[str, list[psutil.Process]]:
    """Processes that work in a folder, by role."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder) and (command := process.cmdline()):
                found.setdefault(role_of(command), []).append(process)
    return found
