"""Kept solutions of all parts -> train.parquet and smaller sets of it, shuffled, in memory that grows by some numbers a row.

The texts stream past twice: dealt at random to buckets on disk, then each bucket is shuffled and written. Every order of the rows
is as likely as any other, and a seed always gives the same one.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from openmath.dataset.kept import SCHEMA
from openmath.errors import InputError
from openmath.files.rows import atomic_write

COLUMNS = ("problem", "generated_solution", "expected_answer", "problem_source")
PACKED = pa.schema([SCHEMA.field(name) for name in COLUMNS])
BATCH = 16_384  # rows read together
BUCKET = 50_000  # rows shuffled together, some 100 MB ...
MOST_BUCKETS = 256  # ... of so many open files at most
POSITION = "position"  # column of the buckets: a row's place in the fair order


def pack(paths: list[Path], outputs: dict[Path, int | None], seed: int) -> tuple[dict[Path, int], int]:
    """Write the sets; returns (rows of each, different problems).

    paths: kept/*.parquet in order. outputs: file -> its rows, None for all.
    A smaller set is fair: first the first solution of each problem, then the second of each that has one, and so on. A number of
    rows beyond what there is gives all.
    """
    marks = problem_marks(paths)
    problems, position = len(np.unique(marks)), fair_order(marks)
    bits = np.random.default_rng(seed)
    count = min(MOST_BUCKETS, max(1, -(-len(position) // BUCKET)))
    buckets = bits.integers(count, size=len(position), dtype=np.uint16)
    sizes = {path: len(position) if rows is None else min(rows, len(position)) for path, rows in outputs.items()}
    folder = next(iter(outputs)).parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".buckets.") as temporary, ExitStack() as files:
        dealt = _deal(paths, position, buckets, [Path(temporary) / str(number) for number in range(count)])
        writers = {}
        for path in outputs:
            file = files.enter_context(atomic_write(path))
            writers[path] = files.enter_context(parquet.ParquetWriter(file, PACKED, compression="zstd"))
        for bucket in dealt:
            table = _read_bucket(bucket)
            table = table.take(bits.permutation(table.num_rows))
            places = table[POSITION].to_numpy()
            for path, writer in writers.items():
                part = table if outputs[path] is None else table.filter(pa.array(places < sizes[path]))
                writer.write_table(part.select(COLUMNS))
            bucket.unlink()
    return sizes, problems


def problem_marks(paths: list[Path]) -> np.ndarray:
    """64 bits of the hash of each row's problem, in order (rows,)."""
    marks = [
        np.fromiter((_mark(text) for text in batch.column(0).to_pylist()), np.uint64, batch.num_rows)
        for path in paths
        for batch in batches(path, ["problem"])
    ]
    return np.concatenate(marks) if marks else np.empty(0, np.uint64)


def _mark(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def fair_order(problems: np.ndarray) -> np.ndarray:
    """Place of each row in the fair order, from 0 (rows,). problems: equal values are one problem (rows,).

    By round, then by first appearance of the problem: round r holds the solution number r of each problem.
    """
    _, first, code = np.unique(problems, return_index=True, return_inverse=True)
    grouped = np.argsort(code, kind="stable")
    sizes = np.bincount(code, minlength=len(first))
    turn = np.empty(len(problems), np.int32)
    turn[grouped] = np.arange(len(problems)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    order = np.lexsort((first[code], turn))
    position = np.empty(len(problems), np.int64)
    position[order] = np.arange(len(problems))
    return position


def batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The rows of a kept file. InputError where it is none."""
    try:
        with parquet.ParquetFile(path) as file:
            if missing := set(columns).difference(file.schema_arrow.names):
                raise InputError("This is not a file of kept solutions.", where=path, expected=", ".join(missing))
            yield from file.iter_batches(BATCH, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise InputError("Cannot read the kept solutions.", where=path, found=" ".join(str(error).split())) from None


def _deal(paths: list[Path], position: np.ndarray, buckets: np.ndarray, files: list[Path]) -> list[Path]:
    """Write each row to its bucket, with its position."""
    schema = PACKED.append(pa.field(POSITION, pa.int64()))
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    done = 0
    with ExitStack() as stack:
        writers = [stack.enter_context(pa.ipc.new_file(str(path), schema, options=options)) for path in files]
        for path in paths:
            for batch in batches(path, list(COLUMNS)):
                here = slice(done, done + batch.num_rows)
                done = here.stop
                order = np.argsort(buckets[here], kind="stable")
                table = pa.table([*batch.columns, pa.array(position[here])], schema=schema).take(order)
                ends = np.cumsum(np.bincount(buckets[here], minlength=len(files)))
                for number, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
                    if end > start:
                        writers[number].write_table(table.slice(start, end - start))
    return files


def _read_bucket(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
        return reader.read_all()
