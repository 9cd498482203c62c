"""Space on the disk that holds a path, or will once the path is made. Standard library only."""

import shutil
from pathlib import Path


def nearest(path: Path | str) -> Path:
    """The path, or the nearest folder above it that is there. Links are followed: `training` may be one to another disk."""
    path = Path(path).absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def free_bytes(path: Path | str) -> int:
    return shutil.disk_usage(nearest(path)).free
