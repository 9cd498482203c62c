"""A copy of a GGUF file for llama.cpp's fast CPU kernels: matrices of bfloat16, float16 and Q4_1 as Q8_0.

Q8_0 holds blocks of 32 values, each a whole number of eight bits times the block's scale: half a 127th of the largest value of
its block is the most that a value moves. What is stored otherwise stays as it is: other quantised types may have kernels of
their own, and a float32 beside the types above is one that needs its precision.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from openmath.engines.gguf_copy import write_gguf_like
from openmath.engines.weights import GGML_BLOCKS, Gguf, NotWhole, read_gguf, stored_bytes
from openmath.errors import InputError

F16, Q4_1, Q8_0, BF16 = 1, 3, 8, 30  # types of tensors
FILE_TYPE = 7  # mostly Q8_0
WIDTH = 32  # values of a block
PART = 1 << 13  # blocks at a time: what they need stays in the processor's cache
Q4_1_BLOCK = np.dtype([("scale", "<f2"), ("least", "<f2"), ("values", "u1", WIDTH // 2)])
Q8_0_BLOCK = np.dtype([("scale", "<f2"), ("values", "i1", WIDTH)])


def write_q8_0(source: Path, output: Path) -> Path:
    """Write the copy of `source`; returns its path. Raises InputError where it is not readable, or no matrix would change."""
    try:
        header = read_gguf(source)
    except NotWhole as problem:
        raise InputError(f"This GGUF file cannot be read: {problem}.", where=source) from None
    if unknown := {kind for kind, _ in header.places.values()} - GGML_BLOCKS.keys():
        found = f"type {', '.join(map(str, sorted(unknown)))}"
        raise InputError("This GGUF file holds tensors of a type that we do not know.", where=source, found=found)
    kinds = {name: Q8_0 if _changes(header, name) else kind for name, (kind, _) in header.places.items()}
    if all(kinds[name] == kind for name, (kind, _) in header.places.items()):
        raise InputError(
            "No weights of this GGUF file would change.",
            where=f"{source}: dtype",
            expected="matrices of bfloat16, float16 or Q4_1",
            hint="leave out `dtype` of the model: the file is served as it is.",
        )
    content = partial(_content, source, header)
    write_gguf_like(output, source, header, file_type=FILE_TYPE, kinds=kinds, content=content)
    return output


def _changes(header: Gguf, name: str) -> bool:
    lengths, (kind, _) = header.tensors[name], header.places[name]
    return kind in (F16, BF16, Q4_1) and len(lengths) > 1 and lengths[0] % WIDTH == 0


def _content(source: Path, header: Gguf, name: str) -> Iterator[bytes]:
    """A tensor as it is written, in parts."""
    lengths, (kind, start) = header.tensors[name], header.places[name]
    left, changes = stored_bytes(lengths, kind), _changes(header, name)
    width, size = GGML_BLOCKS[kind]
    part = PART * WIDTH // width * size
    with open(source, "rb") as file:
        file.seek(start)
        while left > 0:
            stored = file.read(min(part, left))
            if not stored:
                raise InputError("This GGUF file became shorter while it was read.", where=f"{source}: {name}")
            left -= len(stored)
            yield quantised(floats(stored, kind)).tobytes() if changes else stored


def floats(stored: bytes, kind: int) -> np.ndarray:
    """Whole blocks of bfloat16, float16 or Q4_1 -> float32, [blocks, WIDTH]."""
    if kind == F16:
        return np.frombuffer(stored, "<f2").astype(np.float32).reshape(-1, WIDTH)
    if kind == BF16:
        return (np.frombuffer(stored, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(-1, WIDTH)
    blocks = np.frombuffer(stored, Q4_1_BLOCK)
    values = np.concatenate([blocks["values"] & 15, blocks["values"] >> 4], axis=1).astype(np.float32)
    values *= blocks["scale"].astype(np.float32)[:, None]
    values += blocks["least"].astype(np.float32)[:, None]
    return values


def quantised(values: np.ndarray) -> np.ndarray:
    """float32 [blocks, WIDTH] -> Q8_0 blocks."""
    scale = np.abs(values).max(axis=1) / np.float32(127)
    inverse = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale > 0)
    blocks = np.empty(len(values), Q8_0_BLOCK)
    blocks["scale"] = scale
    blocks["values"] = np.rint(values * inverse[:, None])
    return blocks
