"""Rows of JSON lines by orjson, which reads four times as fast as the standard library. What it cannot read or write as it stands
(NaN, lone surrogates, integers of more than 64 bits) takes the standard library's way. Engine containers do not hold orjson.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import orjson

from openmath.files import rows as samples


def read_rows(path: str | Path) -> Iterator[dict]:
    """As samples.read_rows: yields the rows of a file, or raises InputError naming file:line."""
    return samples.read_rows(path, loads=loads)


def encode_row(row: dict) -> bytes:
    """As samples.encode_row: one row as a line of UTF-8 JSON, newline included."""
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return samples.encode_row(row)


def loads(line: bytes) -> object:
    """As samples.load_line: what a line of JSON says. Raises ValueError where it is not JSON."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:  # also for lone surrogates
        return samples.load_line(line)
    if isinstance(row, dict) and any(type(value) is float and abs(value) >= 2**63 for value in row.values()):
        return json.loads(line)  # orjson makes floats of integers of more than 64 bits
    return row
