"""Files of weights: are they whole? Their headers say how long they are; the weights themselves are not read.

Standard library only: this module also runs inside engine containers.
"""

import json
import math
import struct
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple

LONGEST_HEADER = 100 * 2**20  # bytes; of a safetensors file by its specification, of a GGUF file more than any has
GGUF_VERSIONS = (2, 3)
GGUF_STRING, GGUF_ARRAY = 8, 9
# Bytes of the other types of metadata: u8 i8 u16 i16 u32 i32 f32 bool, u64 i64 f64.
GGUF_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
# Type of a tensor -> values in a block, bytes of a block. A type that is not here is only asked where it begins.
GGML_BLOCKS = {
    **{0: (1, 4), 1: (1, 2), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2)},
    **{2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 20: (32, 18), 39: (32, 17)},
    **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292)},
    **{16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 21: (256, 110), 22: (256, 82), 23: (256, 136)},
    **{29: (256, 56), 34: (256, 54), 35: (256, 66)},
}


class NotWhole(ValueError):
    """A file that cannot be loaded. Its words say why, to stand behind the file's name."""


class Gguf(NamedTuple):
    """metadata: its texts by name, as `tokenizer.chat_template`. size: bytes that the file needs. tensors: name -> lengths, of the
    innermost dimension first. places: name -> type (of GGML_BLOCKS) and first byte in the file. entries: number of entries of
    its metadata. span: bytes of the file that hold them, from and to."""

    metadata: dict[str, str]
    size: int
    tensors: dict[str, list[int]]
    places: dict[str, tuple[int, int]]
    entries: int
    span: tuple[int, int]
    alignment: int


class Tensor(NamedTuple):
    dtype: str  # as safetensors calls it: BF16, F8_E4M3, ...
    shape: list[int]


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """What the header of a safetensors file says of each tensor. Raises NotWhole unless the file is as long as it says."""
    found = path.stat().st_size
    with open(path, "rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > min(LONGEST_HEADER, found - 8):
            raise NotWhole(
                "no safetensors file" if length > LONGEST_HEADER else f"cut off within its header, at {found} bytes"
            )
        try:
            header = json.loads(file.read(length))
            header.pop("__metadata__", None)
            ends = [tensor["data_offsets"][1] for tensor in header.values()]
            tensors = {name: Tensor(tensor["dtype"], tensor["shape"]) for name, tensor in header.items()}
            expected = 8 + length + max(ends, default=0)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise NotWhole("no safetensors file: its header is not readable") from None
    if not ends:
        raise NotWhole("no tensor in it")
    if found != expected:
        raise NotWhole(f"{found} bytes instead of {expected}" + (": cut off" if found < expected else ""))
    return tensors


def read_gguf(path: Path) -> Gguf:
    """The header of a GGUF file. Raises NotWhole where it is none, or shorter than its header says."""
    found = path.stat().st_size
    with open(path, "rb") as file:
        if file.read(4) != b"GGUF":
            raise NotWhole("no GGUF file: it does not begin with GGUF")
        with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            try:
                header = _GgufReader(content).header()
            except IndexError:
                raise NotWhole(f"cut off within its header, at {found} bytes") from None
            except UnicodeDecodeError:
                raise NotWhole("no GGUF file: its header is not readable") from None
    if found < header.size:
        raise NotWhole(f"{found} bytes instead of {header.size}: cut off")
    return header


def stored_bytes(lengths: list[int], kind: int) -> int:
    """What a tensor of a GGUF file takes; 0 of a type that is not in GGML_BLOCKS."""
    block, size = GGML_BLOCKS.get(kind, (1, 0))
    return math.prod(lengths) // block * size


class _GgufReader:
    """Little-endian numbers, and texts with their length before them, one after the other."""

    def __init__(self, content: mmap):
        self._content, self._place = content, 4
        self._end = min(len(content), LONGEST_HEADER)

    def header(self) -> Gguf:
        version, tensors, entries = self._numbers("IQQ")
        if version not in GGUF_VERSIONS:
            raise NotWhole(f"GGUF of version {version}; known: 2, 3")
        if not tensors:
            raise NotWhole("no tensor in it")
        metadata, alignment, first = {}, 32, self._place
        for _ in range(entries):
            name, [kind] = self._text(), self._numbers("I")
            if kind == GGUF_STRING:
                metadata[name] = self._text()
            elif name == "general.alignment" and kind == 4:
                [alignment] = self._numbers("I")
            else:
                self._skip(kind)
        span = first, self._place
        described = [self._tensor() for _ in range(tensors)]
        start = self._place + -self._place % max(alignment, 1)
        size = start + max(offset + stored_bytes(lengths, kind) for _, lengths, kind, offset in described)
        shapes = {name: lengths for name, lengths, _, _ in described}
        places = {name: (kind, start + offset) for name, _, kind, offset in described}
        return Gguf(metadata, size, shapes, places, entries, span, alignment)

    def _tensor(self) -> tuple[str, list[int], int, int]:
        """Name, lengths, type, and where its values begin, from where those of all do."""
        name = self._text()
        [dimensions] = self._numbers("I")
        if dimensions > 8:
            raise NotWhole("no GGUF file: its header is not readable")
        lengths = self._numbers(f"{dimensions}Q")
        kind, offset = self._numbers("IQ")
        return name, list(lengths), kind, offset

    def _skip(self, kind: int) -> None:
        if kind == GGUF_STRING:
            [length] = self._numbers("Q")
            self._move(length)
        elif kind == GGUF_ARRAY:
            kind, count = self._numbers("IQ")
            if kind in GGUF_BYTES:
                self._move(count * GGUF_BYTES[kind])
                return
            if kind != GGUF_STRING:  # arrays of arrays do not occur
                raise NotWhole("no GGUF file: its header is not readable")
            for _ in range(count):  # a vocabulary has hundreds of thousands
                self._move(8 + int.from_bytes(self._content[self._place : self._place + 8], "little"))
        elif kind in GGUF_BYTES:
            self._move(GGUF_BYTES[kind])
        else:
            raise NotWhole("no GGUF file: its header is not readable")

    def _text(self) -> str:
        [length] = self._numbers("Q")
        start = self._place
        self._move(length)
        return self._content[start : self._place].decode()

    def _numbers(self, kinds: str) -> tuple[int, ...]:
        start = self._place
        self._move(struct.calcsize(f"<{kinds}"))
        return struct.unpack_from(f"<{kinds}", self._content, start)

    def _move(self, length: int) -> None:
        self._place += length
        if self._place > self._end:
            raise IndexError
