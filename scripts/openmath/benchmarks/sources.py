"""Rows of a benchmark as its source has them: JSON lines, JSON, CSV, TSV or parquet, by the file's name.

Nothing is cleaned or renamed here (registry.py). Sizes are bounded: a wrong address may serve anything.
"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from openmath.errors import InputError
from openmath.files.rows import load_line, read_lines, read_rows

MAX_BYTES = 500 * 2**20  # of one file; the largest benchmark has 8 MB
MAX_UNPACKED = 4 * MAX_BYTES  # of a parquet file, as its own footer says
BATCH = 1024  # rows of a parquet file at once
FORMATS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
PACKED = (".gz", ".tgz", ".bz2", ".xz", ".zip", ".7z", ".tar")


def source_format(source: str) -> str:
    """Suffix of a file, an address or `hf:` source; of any other name ".jsonl"."""
    path = urlsplit(source).path if "://" in source else source
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix in FORMATS else ".jsonl"


def check_not_packed(source: str) -> None:
    """Raise InputError for the name of a compressed file that nobody here unpacks."""
    path = urlsplit(source).path if "://" in source else source
    if (suffix := PurePosixPath(path).suffix.lower()) in PACKED:
        hint = "unpack it, and name the unpacked file."
        expected = ", ".join(FORMATS)
        raise InputError("The source is compressed.", where=source, expected=expected, found=suffix, hint=hint)


def read_source(path: Path, suffix: str) -> Iterator[dict]:
    """Rows of one file. suffix: of FORMATS. Raises InputError, where possible with the line."""
    if path.stat().st_size > MAX_BYTES:
        raise InputError("The source of a benchmark is too large.", where=path, expected=f"at most {MAX_BYTES} bytes")
    if suffix == ".parquet":
        return parquet_rows(path)
    if suffix in (".csv", ".tsv"):
        return table_rows(path, "\t" if suffix == ".tsv" else ",")
    if suffix == ".json":
        return _json_rows(path)
    return read_rows(path)


def repair(path: Path, repairs: list[dict], repaired: Path) -> Path:
    """`repaired`, the file with mistakes of its text mended, or the file itself where none of them stands in it once.

    repairs: `found` and what it `becomes`, of the registry.
    """
    wanted = [(one["found"].encode(), one["becomes"].encode()) for one in repairs]
    text = path.read_bytes() if wanted else b""
    if not any(text.count(found) == 1 for found, _ in wanted):
        return path
    for found, becomes in wanted:
        text = text.replace(found, becomes) if text.count(found) == 1 else text
    repaired.write_bytes(text)
    return repaired


def count_rows(path: Path) -> int:
    """Rows of a local source, without looking into those of JSON lines."""
    suffix = source_format(path.name)
    return sum(1 for _ in (read_lines(path) if suffix == ".jsonl" else read_source(path, suffix)))


def _json_rows(path: Path) -> Iterator[dict]:
    """A JSON array of objects; JSON lines under the same name are common."""
    with open(path, "rb") as file:
        start = file.read(4096).lstrip()
    if not start.startswith(b"["):
        yield from read_rows(path)
        return
    try:
        rows = load_line(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError("A source of a benchmark is not JSON.", where=path, found=error) from None
    assert isinstance(rows, list), "the text begins with a bracket"
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise InputError("A row is not a JSON object.", where=f"{path}, row {number}", found=f"{row!r:.80}")
        yield row


def table_rows(path: Path, delimiter: str) -> Iterator[dict]:
    """Rows of CSV or TSV with a line of names; an empty cell is null. Raises InputError with the line."""
    csv.field_size_limit(MAX_BYTES)
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            names = next(reader, [])
            if len(set(names)) != len(names):
                raise InputError("Two columns have the same name.", where=f"{path}:1", found=", ".join(names))
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(names):
                    raise InputError(
                        "A row has another number of cells than the first line.",
                        where=f"{path}:{reader.line_num}",
                        expected=f"{len(names)}: {', '.join(names)}",
                        found=len(cells),
                    )
                yield {name: cell or None for name, cell in zip(names, cells, strict=True)}
        except (csv.Error, UnicodeDecodeError) as error:
            hint = "save the file as UTF-8." if isinstance(error, UnicodeDecodeError) else None
            raise InputError(
                "This is not a table.", where=f"{path}:{reader.line_num + 1}", found=error, hint=hint
            ) from None


def parquet_rows(path: Path) -> Iterator[dict]:
    """Rows of a parquet file, of columns that JSON can hold; others (images, times) are left out. Raises InputError."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(path) as file:
            groups = range(file.metadata.num_row_groups)
            unpacked = sum(file.metadata.row_group(group).total_byte_size for group in groups)
            if unpacked > MAX_UNPACKED:
                raise InputError(
                    "The table is too large.",
                    where=path,
                    expected=f"at most {MAX_UNPACKED} bytes unpacked",
                    found=unpacked,
                )
            names = [field.name for field in file.schema_arrow if _json_type(field.type)]
            for batch in file.iter_batches(BATCH, columns=names):
                yield from map(_without_nan, batch.to_pylist())
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError("This is not a parquet file.", where=path, found=" ".join(str(error).split())[:300]) from None


def _json_type(kind) -> bool:
    """Whether values of a parquet column are text, numbers, truth values, or lists or structures of them."""
    from pyarrow import types

    if types.is_dictionary(kind) or types.is_list(kind) or types.is_large_list(kind):
        return _json_type(kind.value_type)
    if types.is_struct(kind):
        return all(_json_type(field.type) for field in kind)
    simple = (types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean)
    return types.is_null(kind) or any(test(kind) for test in simple)


def _without_nan(row: dict) -> dict:
    """JSON has no NaN; a table's is a missing value."""
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}
