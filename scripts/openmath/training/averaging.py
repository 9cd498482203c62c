"""Mean of the weights of several checkpoints of one training, tensor by tensor and a part of each at a time; no torch needed.

The sum is made in float32, whatever the files hold, and cast back to their type or the wanted one. bfloat16, which numpy lacks, is
the upper half of a float32.
"""

import json
import shutil
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from openmath.engines.checkpoint_files import STATE, WEIGHTS, checkpoint_problem
from openmath.engines.weights import read_safetensors
from openmath.errors import InputError
from openmath.files.fingerprint import describe_files, write_manifest
from openmath.files.json_files import read_json
from openmath.files.records import CheckpointRecord
from openmath.files.rows import atomic_write
from openmath.settings.sample_settings import requested_checkpoint
from openmath.training.checkpoints import COMPLETE, step_of

FLOATS = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}  # name in config.json -> in a safetensors header
STORED: dict[str, np.dtype] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}
PART = 1 << 22  # values summed at a time: 16 MB in float32
INDEX = "model.safetensors.index.json"


class Place(NamedTuple):
    """Where the values of a tensor lie."""

    path: Path
    dtype: str  # of STORED
    shape: list[int]
    offset: int  # bytes from the start of the file

    @property
    def values(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


def average(checkpoints: Sequence[Path], output: Path, dtype: str | None = None) -> None:
    """Write the checkpoint `output`: mean weights, and all other files of the last of `checkpoints`.

    dtype: of FLOATS, in place of the stored one. `output` appears whole or not at all; a folder that stands there is replaced.
    """
    tensors = [tensor_places(folder) for folder in checkpoints]
    _check_alike(checkpoints, tensors)
    unfinished = output.with_name(f".{output.name}.averaging")  # of a killed run, too
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(parents=True)
    _copy_other_files(checkpoints[-1], unfinished, dtype)
    shards: dict[str, dict[str, list[Place]]] = {}
    for name, place in tensors[0].items():
        shards.setdefault(place.path.name, {})[name] = [places[name] for places in tensors]
    total = 0
    for shard, members in shards.items():
        total += _write_shard(unfinished / shard, members, FLOATS[dtype] if dtype else None)
    if len(shards) > 1:
        weight_map = {name: shard for shard, members in shards.items() for name in members}
        write_manifest(unfinished / INDEX, {"metadata": {"total_size": total}, "weight_map": weight_map})
    record = {
        "steps": [step_of(folder) for folder in checkpoints],
        "sources": [describe_files_of_weights(folder) for folder in checkpoints],
        "dtype": dtype or "as stored",
        "files": describe_files(unfinished),
    }
    write_manifest(unfinished / "averaged.json", record)
    if output.is_symlink():
        output.unlink()
    elif output.exists():
        shutil.rmtree(output)
    unfinished.rename(output)


def write_checkpoint_record(checkpoint: Path, manifest: Path, run: str, steps: Sequence[int] | None) -> None:
    """Write of an averaged checkpoint what download_checkpoint.py writes of others. steps: of the configuration, if it says any."""
    record: CheckpointRecord = {
        "source": f"trained:{run}",
        "revision": None,
        "requested": requested_checkpoint({"trained": run, "steps": steps}),
        "files": describe_files(checkpoint),
    }
    write_manifest(manifest, record)


def describe_files_of_weights(folder: Path) -> dict[str, str]:
    """Name of each file of weights -> what its content is."""
    return {name: found for name, found in describe_files(folder).items() if name.endswith(".safetensors")}


def tensor_places(folder: Path) -> dict[str, Place]:
    """Tensor -> its place, in the order of the files."""
    if not folder.is_dir():
        raise InputError("There is no such checkpoint.", where=folder)
    if problem := checkpoint_problem(folder, where=folder):
        raise problem
    found: dict[str, Place] = {}
    for path in sorted(folder.glob("*.safetensors")):
        read_safetensors(path)  # as long as its header says
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        for name, entry in header.items():
            if entry["dtype"] not in STORED:
                raise InputError(
                    "Only floats have a mean.",
                    where=f"{path}: {name}",
                    expected=", ".join(STORED),
                    found=entry["dtype"],
                    hint="average the checkpoints of the training, before they are quantised.",
                )
            found[name] = Place(path, entry["dtype"], entry["shape"], 8 + length + entry["data_offsets"][0])
    if not found:
        raise InputError("The checkpoint has no weights as safetensors.", where=folder, expected="model*.safetensors")
    return found


def _check_alike(checkpoints: Sequence[Path], tensors: list[dict[str, Place]]) -> None:
    """Raise InputError unless all checkpoints hold the same tensors, in the same shapes and types, of the same model."""
    first = {name: (place.dtype, place.shape) for name, place in tensors[0].items()}
    settings = read_json(checkpoints[0] / "config.json", "the model's configuration")
    for folder, places in zip(checkpoints[1:], tensors[1:], strict=True):
        here = {name: (place.dtype, place.shape) for name, place in places.items()}
        if here != first:
            odd = min(name for name in first.keys() | here.keys() if first.get(name) != here.get(name))
            raise InputError(
                "The checkpoints do not hold the same tensors.",
                where=f"{folder}: {odd}",
                expected=first.get(odd, "no such tensor, as in the first checkpoint"),
                found=here.get(odd, "no such tensor"),
                hint="average steps of one training.",
            )
        if read_json(folder / "config.json", "the model's configuration") != settings:
            raise InputError(
                "The checkpoints are of different models.", where=folder / "config.json", expected=settings
            )


def _copy_other_files(folder: Path, output: Path, dtype: str | None) -> None:
    """Configuration and tokenizer."""
    for path in sorted(folder.iterdir()):
        kept = path.is_file() and not path.name.startswith(".") and path.name not in (COMPLETE, INDEX)
        if kept and not any(path.match(pattern) for pattern in WEIGHTS + STATE):
            shutil.copyfile(path, output / path.name)
    if dtype:
        config = read_json(folder / "config.json", "the model's configuration")
        config.pop("torch_dtype", None)  # its name before transformers 5
        write_manifest(output / "config.json", config | {"dtype": dtype})


def _write_shard(path: Path, tensors: dict[str, list[Place]], wanted: str | None) -> int:
    """Write a safetensors file of means; returns the bytes of its values. tensors: name -> its place in each checkpoint."""
    header: dict[str, dict] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, places in tensors.items():
        dtype, start = wanted or places[0].dtype, end
        end += places[0].values * STORED[dtype].itemsize
        header[name] = {"dtype": dtype, "shape": places[0].shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with atomic_write(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, places in tensors.items():
            for part in _means(places, name):
                _write_values(file, part, header[name]["dtype"], f"{places[0].path.name}: {name}")
    return end


def _means(places: list[Place], name: str) -> Iterator[np.ndarray]:
    """The mean of a tensor in parts of PART values, float32."""
    for start in range(0, places[0].values, PART):
        count = min(PART, places[0].values - start)
        total = np.zeros(count, np.float32)
        for place in places:
            kind = STORED[place.dtype]
            total += as_float32(
                np.fromfile(place.path, kind, count, offset=place.offset + start * kind.itemsize), place.dtype
            )
        yield total / np.float32(len(places))


def _write_values(file: IO[bytes], values: np.ndarray, dtype: str, where: str) -> None:
    with np.errstate(over="ignore"):
        stored = from_float32(values, dtype)
    if not np.isfinite(as_float32(stored, dtype)).all():
        raise InputError(
            "A weight is not a finite number.",
            where=where,
            expected=f"numbers that {dtype} holds",
            hint="did the loss diverge? training/RUN/curve.csv shows it.",
        )
    file.write(stored.tobytes())


def as_float32(stored: np.ndarray, dtype: str) -> np.ndarray:
    """Values as read from a file -> float32."""
    return (stored.astype(np.uint32) << 16).view(np.float32) if dtype == "BF16" else stored.astype(np.float32)


def from_float32(values: np.ndarray, dtype: str) -> np.ndarray:
    """float32 -> as written to a file, rounded to the nearest, of two equally near to the even one."""
    if dtype != "BF16":
        return values.astype(STORED[dtype])
    bits = values.view(np.uint32).astype(np.uint64)  # of an infinity, too: the sum may not wrap
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
