"""Locks on sample runs, so that two jobs started by mistake do not compute the same samples.

`{staging}/locks/rs3.lock` holds the token of the job that works on rs3; `{staging}/locks/{token}.alive` is that job's heartbeat,
a file whose content changes every few seconds. Works on network file systems: it needs exclusive creation and rename, not flock.
Nothing needs unlocking by hand: the lock of a dead job is taken over, at once where we can see that its process is gone (same
machine), else after LEASE seconds without a heartbeat, measured by our own clock. Standard library only.
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from openmath.errors import InputError

LEASE = 45.0  # seconds without a heartbeat after which a job on another machine counts as dead; it comes every 2 s


class RunLocks:
    """Locks on sample runs; call `beat` every few seconds while they are held, and `release` at the end.

    what: a lock stands for, in messages.
    """

    def __init__(self, folder: Path, lease: float = LEASE, what: str = "sample run"):
        self._folder, self._what = folder, what
        self._lease = lease
        self._token = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._beats = 0
        self._held: list[Path] = []
        # Jobs whose locks we take over; each is looked at once, however many locks it held.
        self._dead: set[str] = set()

    def acquire(self, runs: Iterable[str]) -> None:
        """Lock all runs or none; InputError names the job that works on one of them."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.beat()
        try:
            for run in runs:
                self._lock(self._folder / f"{run}.lock")
            for holder in self._dead:  # only now: should we die before, the next job that takes over sees it too
                self._heartbeat_file(holder).unlink(missing_ok=True)
        except BaseException:
            self.release()
            raise

    def beat(self) -> None:
        """Show that we live. InputError if another job took a lock over (we were suspended for longer than the lease)."""
        for path in self._held:
            if _content(path) != self._token:
                raise InputError(
                    f"Another job has taken over this {self._what}; this job stops.",
                    where=path,
                    hint="this job was suspended for a while; everything it finished is kept.",
                )
        self._beats += 1
        temporary = self._heartbeat_file(self._token).with_suffix(".tmp")
        temporary.write_text(json.dumps({"beat": self._beats, "process": _process(os.getpid()), **_this_machine()}))
        os.replace(temporary, self._heartbeat_file(self._token))

    def release(self) -> None:
        for path in self._held:
            if _content(path) == self._token:
                path.unlink(missing_ok=True)
        self._held = []
        self._heartbeat_file(self._token).unlink(missing_ok=True)

    def _lock(self, path: Path) -> None:
        while True:
            try:
                handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            except FileExistsError:
                holder = _content(path)
                if holder is not None:  # else it was released just now
                    self._remove_stale(path, holder)
                continue
            with os.fdopen(handle, "w") as file:
                file.write(self._token)
            self._held.append(path)
            return

    def _remove_stale(self, path: Path, holder: str) -> None:
        """Remove the lock of a dead job; InputError if it lives."""
        if holder not in self._dead and self._is_alive(holder):
            raise InputError(
                f"Another job is working on this {self._what}.",
                where=path,
                found=f"job {holder}",
                hint="wait for it or end it. If it was killed, run the same command again: its lock is taken over.",
            )
        if holder not in self._dead:
            print(f"job {holder} is dead; its locks are taken over", flush=True)
            self._dead.add(holder)
        stale = path.with_name(f"{path.name}.{self._token}")
        try:
            os.rename(path, stale)  # of several jobs that take over, only one succeeds
        except FileNotFoundError:
            return
        if _content(stale) != holder:  # another job was faster, and this is its new lock: give it back
            os.rename(stale, path)
            return
        stale.unlink()

    def _is_alive(self, holder: str) -> bool:
        first = _content(self._heartbeat_file(holder))
        try:
            recorded = json.loads(first or "")
        except ValueError:
            recorded = None
        here = _this_machine()
        if isinstance(recorded, dict) and here and all(recorded.get(key) == value for key, value in here.items()):
            pid, _ = recorded["process"]
            return _process(pid) == recorded["process"]
        deadline = time.monotonic() + self._lease
        while time.monotonic() < deadline:
            time.sleep(self._lease / 20)
            if _content(self._heartbeat_file(holder)) != first:
                return True
        return False

    def _heartbeat_file(self, token: str) -> Path:
        return self._folder / f"{token}.alive"


def _content(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").replace("\0", "\ufffd")  # a power cut may leave anything
    except FileNotFoundError:
        return None


def _this_machine() -> dict[str, str]:
    """What two processes share that see each other in /proc: the boot and the process namespace. Empty where unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return {"boot": boot, "processes": os.readlink("/proc/self/ns/pid")}
    except OSError:
        return {}


def _process(pid: int) -> list | None:
    """Process id and start time, which together name one process of a boot; None if there is none, or no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else [pid, fields[19]]
