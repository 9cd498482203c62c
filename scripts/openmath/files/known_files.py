"""Whether a file is still the one that was hashed, without reading all of it: sample runs of long answers have 160 GB.

Size, time of change and a hash over 1 MB of evenly spread parts have to agree. A change that keeps all three (an edit in place
between the parts, with the time set back) is not seen; scripts that rest on this have `--verify`, which reads everything.
"""

import hashlib
import os
from pathlib import Path

from openmath.files.fingerprint import FileIdentity, sampled_sha256, sha256_file
from openmath.files.packed import is_packed

PARTS, PART_BYTES = 16, 2**16


class KnownFile(FileIdentity):
    """A file that was read and hashed. mtime_ns: when it was last changed before that. sampled: hash over parts of it."""

    mtime_ns: int
    sampled: str


class Reading:
    """What is noted of a file while its rows are read: give it to read_rows as `digest`.

    row_start: where the last line that was read begins, in bytes of all lines.
    """

    def __init__(self, path: str | Path):
        self._path, self._before = path, os.stat(path)
        self._sha256 = None if is_packed(path) else hashlib.sha256()  # of a packed file: of its bytes, not of its lines
        self.row_start = self._end = 0

    def update(self, line: bytes) -> None:
        if self._sha256 is not None:
            self._sha256.update(line)
        self.row_start, self._end = self._end, self._end + len(line)

    def file(self) -> KnownFile:
        """After the last row. A file that has changed meanwhile is known as it was before, so that it is never found again."""
        sha256 = sha256_file(self._path) if self._sha256 is None else self._sha256.hexdigest()
        return known_file(self._path, sha256, self._before)


def known_file(path: str | Path, sha256: str, before: os.stat_result) -> KnownFile:
    """A file that has just been hashed. before: its state when this began."""
    sampled = sampled_sha256(path, PARTS, PART_BYTES)
    return {"sha256": sha256, "bytes": before.st_size, "mtime_ns": before.st_mtime_ns, "sampled": sampled}


def is_unchanged(path: str | Path, known: KnownFile) -> bool:
    """Whether the file under `path`, if any, is the known one."""
    try:
        now = os.stat(path)
        alike = (now.st_size, now.st_mtime_ns) == (known["bytes"], known["mtime_ns"])
        return alike and sampled_sha256(path, PARTS, PART_BYTES) == known["sampled"]
    except OSError:
        return False
