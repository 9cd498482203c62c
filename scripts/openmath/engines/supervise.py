"""Run a server so that it cannot outlive whoever started it.

    python supervise.py FD COMMAND [ARGUMENT ...]

Standard input is a pipe from the launcher. When the pipe closes (the launcher stopped us, or died by any signal) or the command
ends, every process of the command is ended: first by SIGTERM, then by SIGKILL. A killed vLLM leaves an EngineCore process that
keeps the GPU's memory; a process group alone would miss it once it has moved to a session of its own, so on Linux we adopt
orphaned descendants (PR_SET_CHILD_SUBREAPER). There are two of us, one watching the other, because a supervisor may be killed
too: the first runs the second (--inner), the second runs the command. Exits with the status of the command.

FD is the writing end of a pipe, closed as soon as the command has ended; ending what it left behind may take seconds more.

Standard library only, no package imports: it runs before any environment is set up.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

GRACE = 10.0  # seconds between SIGTERM and SIGKILL: engines need a few to free the GPU
OUTER_GRACE = 15.0  # the inner supervisor first
NOT_STARTED = 127  # as of a shell
POLL = 0.2  # seconds between looks at the command
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # from <sys/prctl.h>


def main() -> int:
    inner = sys.argv[1] == "--inner"
    number, *command = sys.argv[2:] if inner else sys.argv[1:]
    status = int(number)
    linux = sys.platform == "linux"
    libc = ctypes.CDLL(None)
    if linux:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    told_to_stop: list[int] = []  # a handler that raised could break off end_all()
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda received, _: told_to_stop.append(received))

    def end_with_supervisor() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    try:
        server = subprocess.Popen(
            command if inner else [sys.executable, __file__, "--inner", str(status), *command],
            pass_fds=() if inner else (status,),
            stdin=subprocess.DEVNULL if inner else sys.stdin,
            start_new_session=True,
            preexec_fn=end_with_supervisor if linux else None,
        )
    except OSError as error:  # as where a module is not loaded, or a folder is not there on this node
        print(f"cannot start {command[0]} on {os.uname().nodename}: {error.strerror}", file=sys.stderr)
        return NOT_STARTED
    if not inner:
        os.close(status)
    try:
        while server.poll() is None and not told_to_stop:
            readable, _, _ = select.select([sys.stdin], [], [], POLL)
            if readable and not os.read(sys.stdin.fileno(), 1):
                break
        return server.returncode if server.returncode is not None else 0
    finally:
        if inner:
            os.close(status)
        end_all(server, GRACE if inner else OUTER_GRACE)


def end_all(server: subprocess.Popen, grace: float) -> None:
    """End the server's process group and every descendant, adopted ones as they come to us."""
    deadline = time.monotonic() + grace
    signal_group(server, signal.SIGTERM)
    asked: set[int] = {server.pid}
    while time.monotonic() < deadline and (server.poll() is None or children()):
        for pid in set(children()) - asked:
            asked.add(pid)
            signal_process(pid, signal.SIGTERM)
        reap()
        time.sleep(0.05)
    while server.poll() is None or children():
        signal_group(server, signal.SIGKILL)
        for pid in children():
            signal_process(pid, signal.SIGKILL)
        reap()
        time.sleep(0.05)


def signal_group(server: subprocess.Popen, number: int) -> None:
    try:
        os.killpg(server.pid, number)
    except ProcessLookupError:
        pass


def signal_process(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def children() -> list[int]:
    """Our living child processes, adopted ones included (Linux; elsewhere only the group is known)."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [pid for pid in map(int, file.read().split()) if not is_zombie(pid)]
    except OSError:
        return []


def is_zombie(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def reap() -> None:
    """Collect adopted children that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    sys.exit(main())
