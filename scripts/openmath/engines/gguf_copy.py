"""A GGUF file written after another one: its metadata, the same tensors in the same order, some of them stored in another way."""

import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from openmath.engines.weights import Gguf, stored_bytes
from openmath.files.rows import atomic_write

FILE_TYPE = b"general.file_type" + struct.pack("<I", 4)  # before its value, which tells readers what most tensors are


def write_gguf_like(
    output: Path,
    like: Path,
    header: Gguf,
    *,
    file_type: int,
    kinds: Mapping[str, int],
    content: Callable[[str], Iterable[bytes]],
) -> None:
    """Write `output` at once or not at all.

    header: of `like`. file_type: the value of general.file_type. kinds: name -> type of each tensor. content: name -> its bytes,
    in parts, as long as stored_bytes says.
    """
    described, end = b"", 0
    for name, lengths in header.tensors.items():
        described += struct.pack("<Q", len(name.encode())) + name.encode() + struct.pack("<I", len(lengths))
        described += struct.pack(f"<{len(lengths)}QIQ", *lengths, kinds[name], end)
        end += stored_bytes(lengths, kinds[name])
        end += -end % header.alignment
    with open(like, "rb") as file:
        file.seek(header.span[0])
        entries = file.read(header.span[1] - header.span[0])
    at = entries.find(FILE_TYPE) + len(FILE_TYPE)
    if at >= len(FILE_TYPE):
        entries = entries[:at] + struct.pack("<I", file_type) + entries[at + 4 :]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(kinds), header.entries) + entries + described
    with atomic_write(output) as file:
        file.write(head + bytes(-len(head) % header.alignment))
        for name, lengths in header.tensors.items():
            for part in content(name):
                file.write(part)
            file.write(bytes(-stored_bytes(lengths, kinds[name]) % header.alignment))
