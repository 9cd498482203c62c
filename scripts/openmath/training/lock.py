"""One writer for each training: a second one would mix its checkpoints and curve with those of the first. Standard library only."""

import atexit
import os
import sys
import threading
from pathlib import Path

from openmath.errors import InputError
from openmath.generation.locks import RunLocks

LOCKS = "locks"  # a folder below training/RUN
BEAT_SECONDS = 2.0


def be_the_only_writer(run: Path) -> None:
    """Until this process ends. Raises InputError where another one trains `run`; what a dead one held is taken over."""
    locks, ended = RunLocks(run / LOCKS, what="training"), threading.Event()
    locks.acquire([run.name])

    def show_life() -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                locks.beat()
            except InputError as error:
                print(f"error: {error}", file=sys.stderr, flush=True)
                os._exit(2)  # at once: from now on another process writes there

    thread = threading.Thread(target=show_life, daemon=True)
    thread.start()

    def release() -> None:
        ended.set()
        thread.join()
        locks.release()

    atexit.register(release)
