"""Lines, gzip and zip members of files that may be anything: each read is bounded, nothing is written."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from openmath.errors import InputError
from openmath.files.fast_rows import loads
from openmath.files.rows import MAX_LINE, parse_row, read_lines, rows_of_lines

MAX_RATIO = 200  # of a file unpacked to itself packed, beyond ...
FREE_BYTES = 100 * 2**20  # ... so many bytes: text packs to a tenth, a bomb to a thousandth
MAX_MEMBERS = 1_000_000  # of a zip file: samples of a log
ZSTANDARD = 93  # kind of compression in zip files, which Python knows from 3.14 on
# Before each member; its last two numbers: bytes of the name, and of what follows it.
LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def foreign_rows(path: Path) -> Iterator[dict]:
    """Rows of a JSON lines file, also of a `.gz` or `.zst`. Raises InputError naming file:line, whatever the file holds."""
    lines = _gzip_lines(path) if path.suffix == ".gz" else read_lines(path)
    hint = "was the tool killed while it wrote? Mend or move the file, then import again; nothing was written."
    return rows_of_lines(lines, path, hint, loads)


def first_row(path: Path) -> dict:
    """The first row of a JSON lines file; empty where there is none."""
    return next(foreign_rows(path), {})


def _gzip_lines(path: Path) -> Iterator[bytes]:
    allowed, read = FREE_BYTES + MAX_RATIO * path.stat().st_size, 0
    try:
        with gzip.open(path) as file:
            for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), start=1):
                read += len(line)
                if len(line) > MAX_LINE or read > allowed:
                    raise _too_large(f"{path}:{number}")
                yield line
    except (OSError, EOFError, zlib.error) as error:
        raise InputError("Cannot unpack the file.", where=path, found=error, hint="was it copied whole?") from None


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file whose members are read by `member`. Raises InputError where it is none, or is broken."""
    try:
        with zipfile.ZipFile(path) as file:
            if len(file.filelist) > MAX_MEMBERS:
                raise InputError("The file has too many members.", where=path, expected=f"at most {MAX_MEMBERS:,}")
            yield file
    except (OSError, zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError) as error:
        # RuntimeError: an encrypted member, or (NotImplementedError) another kind of compression
        raise InputError("Cannot unpack the file.", where=path, found=error, hint="was it copied whole?") from None


def member(file: zipfile.ZipFile, name: str) -> dict:
    """The JSON object that a member of a zip file holds; its size is not believed."""
    where = f"{file.filename}: {name}"
    with _unpacked(file, name) as stream:
        text = stream.read(MAX_LINE + 1)
    if len(text) > MAX_LINE:
        raise _too_large(where)
    value = parse_row(text, loads)
    if value is None:
        raise InputError("This is not a JSON object.", where=where, found=repr(text[:80].decode("utf-8", "replace")))
    return value


def _unpacked(file: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A member as a stream."""
    info = file.getinfo(name)
    if info.compress_type != ZSTANDARD or info.flag_bits & 1:  # the second: encrypted, which zipfile tells
        return file.open(name)
    import pyarrow as pa

    packed = file.fp
    assert packed is not None, "the zip file is open"
    packed.seek(info.header_offset)
    *_, name_bytes, extra_bytes = LOCAL_HEADER.unpack(packed.read(LOCAL_HEADER.size))
    packed.seek(name_bytes + extra_bytes, io.SEEK_CUR)
    return pa.CompressedInputStream(pa.BufferReader(packed.read(min(info.compress_size, MAX_LINE))), "zstd")


def _too_large(where: str) -> InputError:
    hint = "this is no file of samples, or one made to fill a disk."
    return InputError("Unpacked, the file is too large.", where=where, expected=f"lines of {MAX_LINE} bytes", hint=hint)
