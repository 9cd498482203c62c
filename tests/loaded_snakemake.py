"""Snakemake in processes that begin with its libraries loaded: a dry run costs half the CPU time of `python -m snakemake`."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["snakemake.cli"])
ROOT = Path(__file__).parents[1]


def run_snakemake(options: list[str], cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What `snakemake OPTIONS` does in `cwd` with this environment, but for variables that Python itself reads at its start."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        run = SERVER.Process(target=_run, args=(options, cwd, environment, out, err))
        run.start()
        run.join()
        return subprocess.CompletedProcess(options, run.exitcode or 0, out.read_text(), err.read_text())


def _run(options: list[str], cwd: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    for stream, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    # pytest has put them there; the run is to take those of its own folder.
    ours = (str(ROOT / "scripts"), str(ROOT / "tests"))
    sys.path[:] = [entry for entry in sys.path if not entry.startswith(ours)]
    sys.argv = ["snakemake", *options]
    from snakemake.cli import main

    main(options)
