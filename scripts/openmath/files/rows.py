"""Sample files: JSON lines, one sample a line, complete if they exist.

A sample run is one pass over a benchmark: `greedy`, or `rs0`, `rs1`, ... (the seed is the number). Its file is
`{benchmark}/output-{sample_run}.jsonl`, in benchmark order; what its rows hold: sample_rows.py.

Standard library only: this module also runs inside engine containers.
"""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from openmath.errors import InputError
from openmath.files import packed

MAX_LINE = 64 * 2**20  # bytes: a sample of 100,000 tokens has 0.5 MB; a file without a newline would fill the memory
READ_BYTES = 1 << 20  # at once: few lines of 100 KB come in two pieces, which costs a copy
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")  # as an escape, or as bytes that `json` lets pass


class Digest(Protocol):
    """Takes in the lines of a file as they are read, for example a hash."""

    def update(self, line: bytes, /) -> None: ...


def load_line(line: bytes) -> Any:
    """What a line of JSON says, with lone surrogates as U+FFFD: no file, terminal or column of a table can hold half a character.

    Raises ValueError where it is not JSON.
    """
    value = json.loads(line)
    if (b"\\u" in line or b"\xed" in line) and SURROGATE.search(line):
        value = json.loads(valid_text(json.dumps(value, ensure_ascii=False)))
    return value


def parse_row(line: bytes, loads: Callable[[bytes], object] = load_line) -> dict | None:
    """The JSON object that a line holds; None where it holds none."""
    try:
        row = loads(line)
    except (ValueError, RecursionError):  # ValueError: bad JSON or bad UTF-8
        return None
    return row if isinstance(row, dict) else None


def read_rows(
    path: str | Path,
    *,
    loads: Callable[[bytes], object] = load_line,
    digest: Digest | None = None,
) -> Iterator[dict]:
    """Yield the rows of a JSON lines file that was published whole; of one that grows by appending: append_only.py.

    loads: what reads one line, as load_line does. digest: takes in each line, the blank ones too, before its row is given.
    Raises InputError naming file:line for anything else than a JSON object.
    """
    hint = (
        "the line is damaged, or the file is not JSON lines. Restore the file, or move it away: what the workflow has "
        "made it makes again, from the samples and verdicts that it keeps."
    )
    return rows_of_lines(read_lines(path, digest), path, hint, loads)


def rows_of_lines(
    lines: Iterable[bytes], path: str | Path, hint: str, loads: Callable[[bytes], object] = load_line
) -> Iterator[dict]:
    """Yield the rows of lines, blank ones left out. path, hint: for the error of a line that is no JSON object."""
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        row = parse_row(line, loads)
        if row is None:
            raise InputError(
                "A line is not a JSON object.",
                where=f"{path}:{number}",
                found=repr(line[:80].decode("utf-8", "replace")),
                hint=hint,
            )
        yield row


def read_lines(path: str | Path, digest: Digest | None = None) -> Iterator[bytes]:
    """Yield the lines of a file, newlines included; of a `.zst` those it holds. digest: as in read_rows.

    Raises InputError where it cannot be read or unpacked, or a line is beyond MAX_LINE.
    """
    number = 0
    try:
        left = packed.most_bytes(path)
        with packed.opened_lines(path, READ_BYTES) as file:
            for number, line in enumerate(iter(partial(file.readline, MAX_LINE + 1), b""), start=1):
                left -= len(line)
                if len(line) > MAX_LINE or left < 0:
                    raise _too_long(f"{path}:{number}")
                if digest is not None:
                    digest.update(line)
                yield line
    except OSError as error:
        raise InputError(f"Cannot read the file ({error.strerror}).", where=path) from None
    except packed.damage() as error:
        hint = "was it copied whole? Restore it, or move it away: what the workflow has made it makes again, from what it keeps."
        raise InputError("Cannot unpack the file.", where=f"{path}:{number + 1}", found=error, hint=hint) from None


def arriving_lines(blocks: Iterable[bytes], where: object) -> Iterator[list[bytes]]:
    """Lists of the lines that each block of a stream completes, without newlines; the last may be an unfinished one.

    where: names the stream. Raises InputError as soon as MAX_LINE bytes have come without a newline.
    """
    rest, number = bytearray(), 1
    for block in blocks:
        *lines, tail = block.split(b"\n")
        if lines:
            lines[0] = bytes(rest + lines[0])
            number += len(lines)
            rest.clear()
            yield lines
        rest += tail
        if len(rest) > MAX_LINE:
            raise _too_long(f"{where}:{number}")
    if rest:
        yield [bytes(rest)]


def _too_long(where: str) -> InputError:
    return InputError(
        "A line is too long.",
        where=where,
        expected=f"at most {MAX_LINE} bytes",
        hint="is this JSON lines, one object a line, and not one JSON document or compressed?",
    )


def encode_row(row: Mapping) -> bytes:
    """One row as a line of UTF-8 JSON, newline included."""
    return valid_text(json.dumps(row, ensure_ascii=False)).encode() + b"\n"


def valid_text(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates (broken model output) become U+FFFD, pairs what they stand for."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """A binary file that appears under `path`, complete and flushed to disk, only if the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)  # mkstemp makes private files; give the file the mode that open() would have given it
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_rows(path: str | Path, rows: Iterable[Mapping]) -> None:
    """Write rows as JSON lines, compressed for a `.zst`; the file appears complete or not at all."""
    with atomic_write(path) as file, packed.written_as(path, file) as lines:
        for row in rows:
            lines.write(encode_row(row))


def write_text(path: str | Path, text: str) -> None:
    """Write a text file as UTF-8; it appears complete or not at all."""
    with atomic_write(path) as file:
        file.write(valid_text(text).encode())


def check_ids(found: Iterable[str], expected: Iterable[str], *, where: object, expected_from: object) -> None:
    """Raise InputError unless `found` is exactly the ids of `expected`, in that order."""
    found, expected = list(found), list(expected)
    if found == expected:
        return
    missing = [i for i in expected if i not in set(found)]
    extra = [i for i in found if i not in set(expected)]
    if missing or extra:
        found_text = f"{len(found)} rows; missing {_some(missing)}; unknown {_some(extra)}"
    else:
        found_text = f"{len(found)} rows; the same ids, repeated or in another order"
    raise InputError(
        "The rows do not match the benchmark.",
        where=where,
        expected=f"{len(expected)} rows, ids and order as in {expected_from}",
        found=found_text,
    )


def _some(ids: list[str]) -> str:
    shown = ", ".join(map(str, ids[:3]))
    return f"{shown} and {len(ids) - 3} more" if len(ids) > 3 else shown or "none"
