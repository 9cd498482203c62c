"""Who listens on a port of this machine. Any user may take a port before the engine does, and answer in its place.

Linux tells the inode of each listening socket (/proc/net/tcp, tcp6) and which of our processes hold which sockets
(/proc/PID/fd). Elsewhere (`can_tell` is false) nobody can be told from anybody.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

LISTENS = "0A"  # TCP_LISTEN
# Local addresses whose listeners get connections to 127.0.0.1, as /proc writes them: words of four bytes, each in the
# machine's order (so both orders are here). 127.0.0.1 and 0.0.0.0; of IPv6 :: and ::ffff:127.0.0.1.
TAKES_LOOPBACK = {
    "0100007F",
    "7F000001",
    "0" * 8,
    "0" * 32,
    f"{'0' * 16}FFFF00000100007F",
    f"{'0' * 16}0000FFFF7F000001",
}


class Stranger(Exception):
    """A process that we did not start listens on the port. Its words say which user's."""


class HeldSocket(NamedTuple):
    """A listening socket of a process: while `link` says `inode`, connections reach that process and nobody else."""

    link: str  # /proc/PID/fd/N
    inode: str  # socket:[N]

    def held(self) -> bool:
        """Whether that process still listens. Costs microseconds."""
        try:
            return os.readlink(self.link) == self.inode
        except OSError:
            return False


def listening_socket(port: int, root: int) -> HeldSocket | None:
    """The socket on which process `root`, or one that it started, takes connections to 127.0.0.1:port; None: nobody listens.

    Raises Stranger where somebody else takes them.
    """
    found = dict(_listeners(port))  # before the processes: who listens by now, holds its socket by now
    if not found:
        return None
    ours: dict[str, HeldSocket] = {}
    for pid in _family(root):
        with suppress(OSError):  # it has ended, or is not to be looked into: then it is no engine of ours
            for link in os.scandir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    if (inode := os.readlink(link.path)) in found:
                        ours[inode] = HeldSocket(link.path, inode)
    if others := {user for inode, user in found.items() if inode not in ours}:
        raise Stranger(f"another process, of user id {', '.join(sorted(others))}")
    return next(iter(ours.values()))


@cache
def can_tell() -> bool:
    """Whether this system tells who listens: asked about a socket of our own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        try:
            return listening_socket(probe.getsockname()[1], os.getpid()) is not None
        except Stranger:
            return False


def _listeners(port: int) -> Iterator[tuple[str, str]]:
    """(inode, user id) of each socket that takes connections to 127.0.0.1:port."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError), open(table) as lines:
            for line in lines:
                _, local, _, state, _, _, _, user, _, inode, *_ = line.split() + [""] * 11
                address, _, number = local.partition(":")
                if state == LISTENS and address in TAKES_LOOPBACK and int(number, 16) == port:
                    yield f"socket:[{inode}]", user


def _family(root: int) -> Iterator[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for process in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):  # it has ended
            parent = int(process.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(process.parent.name))
    waiting = [root]
    while waiting:
        yield (pid := waiting.pop())
        waiting += children.get(pid, [])


def free_port() -> int:
    """A loopback port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
