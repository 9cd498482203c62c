"""Locks on sample runs, so that two jobs started by mistake do not compute the same samples.

`{staging}/locks/rs3.lock` holds the token of the job that works on rs3; `{staging}/locks/{token}.alive` is that job's pulse, a
file whose content changes every few seconds. Works on network file systems: it needs exclusive creation and rename, not flock.
Nothing needs unlocking by hand: the lock of a dead job is taken over, at once where we can see that its process is gone (same
machine), else after LEASE seconds without a pulse, measured by our own clock. Standard library only.
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from openmath.errors import InputError

LEASE = 45.0  # seconds without a pulse after which a job on another machine counts as dead; the pulse beats every 2 s


class RunLocks:
    """Locks on sample runs; call `beat` every few seconds while they are held, and `release` at the end."""

    def __init__(self, folder: Path, lease: float = LEASE):
        self._folder = folder
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
            for holder in self._dead:  # only now: should we die before, the next heir sees it too
                self._pulse(holder).unlink(missing_ok=True)
        except BaseException:
            self.release()
            raise

    def beat(self) -> None:
        """Show that we live. InputError if another job took a lock over (we were suspended for longer than its patience)."""
        for path in self._held:
            if _content(path) != self._token:
                raise InputError(
                    "Another job has taken this sample run over; this one stops.",
                    where=path,
                    hint="this job was suspended for a while; everything it finished is kept.",
                )
        self._beats += 1
        temporary = self._pulse(self._token).with_suffix(".tmp")
        temporary.write_text(json.dumps({"beat": self._beats, "process": _process(os.getpid()), **_this_machine()}))
        os.replace(temporary, self._pulse(self._token))

    def release(self) -> None:
        for path in self._held:
            if _content(path) == self._token:
                path.unlink(missing_ok=True)
        self._held = []
        self._pulse(self._token).unlink(missing_ok=True)

    def _lock(self, path: Path) -> None:
        while True:
            try:
                handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            except FileExistsError:
                holder = _content(path)
                if holder is not None:  # else it was released just now
                    self._take_from(path, holder)
                continue
            with os.fdopen(handle, "w") as file:
                file.write(self._token)
            self._held.append(path)
            return

    def _take_from(self, path: Path, holder: str) -> None:
        """Remove the lock of a dead job; InputError if it lives."""
        if holder not in self._dead and self._lives(holder):
            raise InputError(
                "Another job works on this sample run.",
                where=path,
                found=f"job {holder}",
                hint="wait for it or end it. A job that was killed needs no unlocking: run this again.",
            )
        if holder not in self._dead:
            print(f"the job {holder} is dead; taking its locks over", flush=True)
            self._dead.add(holder)
        grave = path.with_name(f"{path.name}.{self._token}")
        try:
            os.rename(path, grave)  # only one of several heirs gets it
        except FileNotFoundError:
            return
        if _content(grave) != holder:  # another heir was faster and its new lock is what we hold: give it back
            os.rename(grave, path)
            return
        grave.unlink()

    def _lives(self, holder: str) -> bool:
        first = _content(self._pulse(holder))
        try:
            told = json.loads(first or "")
        except ValueError:
            told = {}
        if _this_machine() and all(told.get(key) == value for key, value in _this_machine().items()):
            pid, _ = told["process"]
            return _process(pid) == told["process"]
        deadline = time.monotonic() + self._lease
        while time.monotonic() < deadline:
            time.sleep(self._lease / 20)
            if _content(self._pulse(holder)) != first:
                return True
        return False

    def _pulse(self, token: str) -> Path:
        return self._folder / f"{token}.alive"


def _content(path: Path) -> str | None:
    try:
        return path.read_text()
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
