"""What a packed training set says of itself to whoever uses one of its files: name, teacher, licences of the problems."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from openmath.benchmarks.registry import OWN, read_registry
from openmath.dataset.kept import Counts
from openmath.errors import parts_of
from openmath.files.json_files import read_json


class SetBehind(NamedTuple):
    """teacher: source and revision of a model, as engine.json names it; None where it is not recorded.

    licences: origin of problems -> their licence.
    """

    name: str
    teacher: dict | None
    licences: dict[str, str]


def set_behind(path: Path, sha256: str) -> SetBehind | None:
    """The set that a parquet file belongs to; None where the file is from elsewhere, or was packed again since it had this hash."""
    manifest, counts = path.parent / "manifest.json", path.parent / "counts.json"
    if not (manifest.exists() and counts.exists()):
        return None
    record = read_json(manifest, "the manifest of a training set")
    with parts_of("the manifest of a training set", manifest):
        if record["sets"].get(path.name, {}).get("sha256") != sha256:
            return None
        name, engine = str(record["dataset"]), record["engine"]
        teacher = engine["model"] if engine else None
    counted = read_json(counts, "the counts of a training set")
    with parts_of("the counts of a training set", counts):
        return SetBehind(name, teacher, licences_of(counted["parts"]))


def licences_of(parts: Sequence[Counts]) -> dict[str, str]:
    """Origin -> licence of its problems. parts: of counts.json."""
    registry = read_registry()
    origins = dict.fromkeys(part["origin"] for part in parts if part["origin"])
    return {origin: registry.get(origin, OWN).get("licence", "not known here") for origin in origins}
