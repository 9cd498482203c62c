"""Files of lines compressed by Zstandard, output-rs0.jsonl.zst: each reader takes them as the lines they hold.

Standard library, and the package backports.zstd before Python 3.14: this module also runs inside engine containers, which
need that package only where something is compressed.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager as Context
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import IO

from openmath.errors import InputError

SUFFIX = ".zst"
MAX_RATIO = 1000  # of a file unpacked to itself packed, beyond ...
FREE_BYTES = 100 * 2**20  # ... so many bytes: samples pack to a tenth, those of a model in a loop to a hundredth
WINDOW_LOG = 27  # 128 MB of memory to unpack, what the command line tool allows too
LIBRARIES = ("compression.zstd", "backports.zstd")


def is_packed(path: str | Path) -> bool:
    return str(path).endswith(SUFFIX)


def packed_form(path: Path) -> Path:
    """Where the same lines lie compressed."""
    return path.with_name(path.name + SUFFIX)


def other_form(path: Path) -> Path:
    """The name of the same lines in the other form."""
    return path.with_name(path.name.removesuffix(SUFFIX)) if is_packed(path) else packed_form(path)


def opened_lines(path: str | Path, buffering: int) -> Context[IO[bytes]]:
    """A file open for reading its lines; what a packed one raises while it is read: `damage`, or EOFError where it is cut."""
    if not is_packed(path):
        return open(path, "rb", buffering=buffering)
    zstd = library()
    return zstd.open(path, "rb", options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG})


def most_bytes(path: str | Path) -> float:
    """How much may be unpacked of a file: a small one could fill any memory and take any time."""
    return FREE_BYTES + MAX_RATIO * Path(path).stat().st_size if is_packed(path) else float("inf")


def damage() -> tuple[type[Exception], ...]:
    """What is raised where packed bytes are damaged or cut."""
    loaded = (sys.modules.get(name) for name in LIBRARIES)
    return (EOFError, *(zstd.ZstdError for zstd in loaded if zstd))


@contextmanager
def packing(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """What compresses all that is written to it into a file."""
    zstd = library()
    with zstd.ZstdFile(file, "wb", options={zstd.CompressionParameter.checksum_flag: 1}) as packed:
        yield packed


def written_as(path: str | Path, file: IO[bytes]) -> Context[IO[bytes]]:
    """What writes lines to the open file of a path, compressed where its name says so."""
    return packing(file) if is_packed(path) else nullcontext(file)


def library() -> ModuleType:
    """The library that packs. Raises InputError where there is none."""
    for name in LIBRARIES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise InputError(
        "Files cannot be compressed or unpacked here.",
        expected="Python 3.14, or the package backports.zstd",
        found=f"{sys.executable}, Python {sys.version.partition(' ')[0]}",
        hint="`pip install backports.zstd` in that environment or image; or leave `generation: compress` out.",
    )
