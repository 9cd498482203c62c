"""One server on several nodes of a Slurm job: its first part runs here, the others by srun. They live and die together.

    python across_nodes.py first ADDRESS NODE,NODE COMMAND [ARGUMENT ...]          here, under supervise.py
    python across_nodes.py other ADDRESS PORT COMMAND [ARGUMENT ...]     on each other NODE, started by the first

COMMAND takes vLLM's options of a part. A killed srun leaves its tasks running, and a lost node is missed for minutes. So each other
part keeps a connection to the first one, on which both say every few seconds that they live. When it ends or falls silent, or one
part ends, all of them end; the launcher may then start the server anew.

Standard library only, no package imports: it runs before any environment is set up.
"""

import contextlib
import hmac
import os
import secrets
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

TOKEN = "OPENMATH_PARTS_TOKEN"  # environment variable: without it nobody is taken for a part
KEYS = ("OPENMATH_ENGINE_KEY", "VLLM_API_KEY")  # the first part alone takes requests
SILENCE = float(os.environ.get("OPENMATH_PARTS_SILENCE", "60"))  # seconds, after which a part is lost
BEAT = SILENCE / 12  # seconds
SUPERVISOR = Path(__file__).with_name("supervise.py")


def main() -> int:
    part, address, where, *command = sys.argv[1:]
    return first(address, where.split(","), command) if part == "first" else other(address, int(where), command)


def first(address: str, nodes: list[str], command: list[str]) -> int:
    """Run the first part, and the others by srun, until one of them ends. Whoever supervises us ends the rest."""
    token = secrets.token_hex(16)
    with socket.create_server(("", 0)) as door:
        command = [
            *command,
            "--nnodes",
            str(len(nodes) + 1),
            "--master-addr",
            address,
            "--master-port",
            str(free_port()),
        ]
        elsewhere = [sys.executable, __file__, "other", address, str(door.getsockname()[1]), *command, "--headless"]
        environment = {name: value for name, value in os.environ.items() if name not in KEYS} | {TOKEN: token}
        others = subprocess.Popen([*srun(nodes), *elsewhere], stdin=subprocess.DEVNULL, env=environment)
        here = subprocess.Popen([*command, "--node-rank", "0"])
        parts: dict[socket.socket, float] = {}  # connection of each other part -> when it was last heard
        callers: dict[socket.socket, float] = {}  # who has not shown the token yet
        said = 0.0
        while here.poll() is None and others.poll() is None:
            for line in select.select([door, *parts, *callers], [], [], 1.0)[0]:
                now = time.monotonic()
                if line is door:
                    callers[door.accept()[0]] = now
                elif line in callers:
                    del callers[line]
                    if hmac.compare_digest(
                        received(line, len(token)), token.encode()
                    ):  # a sign of life may follow at once
                        parts[line] = now
                    else:
                        line.close()
                else:
                    parts[line] = now if received(line) else -SILENCE
            now = time.monotonic()
            if any(now - last > SILENCE for last in parts.values()):
                print("A part of the engine on another node is lost.", flush=True)
                return 1
            for line in [line for line, since in callers.items() if now - since > SILENCE]:
                del callers[line]
                line.close()
            if now - said > BEAT:
                said = now
                for line in parts:
                    say(line)
        print(
            f"A part of the engine has ended ({'another node' if here.poll() is None else 'first node'}).", flush=True
        )
        return here.poll() or others.poll() or 1


def srun(nodes: list[str]) -> list[str]:
    """Run a command once on each of these nodes of our job, beside what runs there; all end when one does."""
    count = str(len(nodes))
    where = ["--nodes", count, "--ntasks", count, "--ntasks-per-node", "1", "--nodelist", ",".join(nodes)]
    return [
        "srun",
        "--jobid",
        os.environ["SLURM_JOB_ID"],
        "--overlap",
        "--export=ALL",
        "--cpu-bind=none",
        "--kill-on-bad-exit=1",
        *where,
    ]


def received(line: socket.socket, most: int = 4096) -> bytes:
    """What has come on a connection that can be read, of so many bytes; empty: it is gone."""
    try:
        return line.recv(most, socket.MSG_DONTWAIT)
    except OSError:
        return b""


def say(line: socket.socket) -> None:
    """That we live."""
    with contextlib.suppress(OSError):
        line.send(b".", socket.MSG_DONTWAIT)


def other(address: str, port: int, command: list[str]) -> int:
    """Run a further part until it ends, or the first one is gone."""
    rank = int(os.environ["SLURM_PROCID"]) + 1
    with socket.create_connection((address, port), timeout=SILENCE) as line:
        line.sendall(os.environ[TOKEN].encode())
        status, its_end = os.pipe()
        supervised = subprocess.Popen(
            [sys.executable, str(SUPERVISOR), str(its_end), *command, "--node-rank", str(rank)],
            pass_fds=(its_end,),
            stdin=subprocess.PIPE,  # closing it, or our death, ends the part and all that it started
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name != TOKEN},
        )
        os.close(its_end)
        heard = time.monotonic()
        while supervised.poll() is None and time.monotonic() - heard < SILENCE:
            say(line)
            ready = select.select([line.fileno(), status], [], [], BEAT)[0]
            if status in ready:
                break  # it has ended
            if ready:
                if not received(line):
                    break
                heard = time.monotonic()
        assert supervised.stdin
        supervised.stdin.close()
        return supervised.wait() or 1


def free_port() -> int:
    """A port for the parts to meet, which takes seconds: none of those that the system gives to anybody (from 32768 on)."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = 20_000 + secrets.randbelow(12_000)
            probe.bind(("", port))
            return port


if __name__ == "__main__":
    sys.exit(main())
