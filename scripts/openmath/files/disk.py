"""Space on the disk that holds a path, or will once the path is made. Standard library only."""

import os
import shutil
from pathlib import Path


def nearest(path: Path | str) -> Path:
    """The path, or the nearest folder above it that is there. Links are followed, also those to what is still to be made."""
    path = Path(os.path.realpath(path))
    return next(folder for folder in (path, *path.parents) if folder.exists())


def free_bytes(path: Path | str) -> int:
    return shutil.disk_usage(nearest(path)).free
