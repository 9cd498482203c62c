"""Columns of Arrow tables made of plain values and back, by their bytes.

pa.array(), pa.scalar() and to_numpy() import pandas, which takes longer than to grade a small benchmark.
"""

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from openmath.files.rows import valid_text


def numbers(values: array | np.ndarray, number_type: pa.DataType) -> pa.Array:
    """Numbers that have the width of the type already; they are not copied."""
    return pa.Array.from_buffers(number_type, len(values), [None, pa.py_buffer(values)])


def counts(values: array, unknown: int) -> pa.Array:
    """Numbers of 32 bits, null where one is `unknown`."""
    known = _bits(np.asarray(values) != unknown)
    return pa.Array.from_buffers(pa.int32(), len(values), [known, pa.py_buffer(values)])


def bools(values: Sequence[int]) -> pa.Array:
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(np.array(values, bool))])


def strings(texts: Iterable[str | None]) -> pa.Array:
    """Texts, lone surrogates as U+FFFD. With offsets of 64 bits: hostile answers may have more than 2 GB together."""
    encoded = [None if text is None else _utf8(text) for text in texts]
    ends = np.cumsum([0, *(len(text or b"") for text in encoded)], dtype=np.int64)
    known = _bits(np.array([text is not None for text in encoded], bool))
    data = b"".join(filter(None, encoded))
    return pa.LargeStringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(data), known)


def one_text(text: str) -> pa.Scalar:
    """One text, as the functions of pa.compute take it."""
    return strings([text])[0]


def one_number(value: int) -> pa.Scalar:
    """One number of 32 bits, as the functions of pa.compute take it."""
    return numbers(array("i", [value]), pa.int32())[0]


def values_of(column: pa.Array) -> np.ndarray:
    """The signed numbers or bools of a column without nulls."""
    data, place = column.buffers()[1], slice(column.offset, column.offset + len(column))
    if pa.types.is_boolean(column.type):
        return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[place].astype(bool)
    return np.frombuffer(data, f"i{column.type.byte_width}")[place]


def _bits(values: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(values, bitorder="little"))


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a character
        return valid_text(text).encode()
