"""What made a result: canonical hashes of settings and files, and the manifest that stores them.

Standard library only: this module also runs inside engine containers.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from openmath.errors import InputError
from openmath.files.rows import write_text

HASHED_BYTES = 200 * 2**20  # larger files (weights) are hashed in samples: hashing 140 GB takes minutes
SAMPLES, SAMPLE_BYTES = 64, 2**20
SHA256 = re.compile(r"[0-9a-f]{64}")


class FileIdentity(TypedDict):
    """What a file is, wherever it lies."""

    sha256: str  # hex
    bytes: int


def canonical_json(settings: object) -> str:
    """JSON text that is equal for equal settings: sorted keys, no spaces, no NaN."""
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def fingerprint(settings: object) -> str:
    """16 hex digits that name these settings (64 bits of the sha256 of their canonical JSON)."""
    return sha256_text(canonical_json(settings))[:16]


def sha256_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: str | Path) -> str:
    if os.path.exists(path) and not os.path.isfile(path):  # a link to a device would be read for ever
        raise InputError("This is not a regular file.", where=path)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sampled_sha256(path: str | Path, samples: int, sample_bytes: int) -> str:
    """Hash of a file's size and of so many evenly spread parts of it, its first and last bytes among them."""
    size = os.path.getsize(path)
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as file:
        for number in range(samples):
            file.seek(max(0, size - sample_bytes) * number // (samples - 1))
            digest.update(file.read(sample_bytes))
    return digest.hexdigest()


def identity(path: str | Path) -> FileIdentity:
    return {"sha256": sha256_file(path), "bytes": os.path.getsize(path)}


def write_manifest(path: str | Path, manifest: Mapping) -> None:
    """Write the record of what made a result; it must never hold a secret or a user name."""
    write_text(path, json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def describe_files(checkpoint: Path) -> dict[str, str]:
    """Name of each file -> what its content is: copying or fetching it again does not change that."""
    return {
        str(path.relative_to(checkpoint)): describe_file(path)
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def describe_file(path: Path) -> str:
    """Its sha256; of large files the one that the HF cache already knows, else one over its size and evenly spread samples."""
    blob = Path(os.path.realpath(path)).name
    if path.is_symlink() and SHA256.fullmatch(blob):
        return f"sha256:{blob}"
    if path.stat().st_size <= HASHED_BYTES:
        return f"sha256:{sha256_file(path)}"
    return f"sampled-sha256:{sampled_sha256(path, SAMPLES, SAMPLE_BYTES)}"
