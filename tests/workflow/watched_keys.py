"""Keys for tests that look where keys turn up, and a look at all command lines of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEYS = {"MODEL_KEY": "zz-secret-of-the-model-0123", "JUDGE_KEY": "zz-secret-of-the-judge-0123"}


@contextmanager
def command_lines(marker: bytes) -> Iterator[set[bytes]]:
    """Collects those that hold a key; and those with `marker`, which show that the run itself was seen."""
    stop, seen = threading.Event(), set()
    thread = threading.Thread(target=_watch, args=(stop, marker, seen))
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def _watch(stop: threading.Event, marker: bytes, seen: set[bytes]) -> None:
    while not stop.wait(0.02):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes()
            except OSError:  # the process has ended
                continue
            if marker in line or any(key.encode() in line for key in KEYS.values()):
                seen.add(line)
