"""training.json: what a training was made from, and how. Standard library only."""

import dataclasses
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from openmath.files.fingerprint import describe_files, identity
from openmath.files.json_files import read_json
from openmath.files.rows import write_text
from openmath.machine import machine, versions
from openmath.training.recipe import Recipe

PACKAGES = ("accelerate", "trl", "datasets", "safetensors")  # beside those of every record
STARTS = "starts.json"


def note_start(run: Path, step: int) -> None:
    """Write down that a run begins, or goes on, after this step."""
    path = run / STARTS
    before = read_json(path, "the starts of a training") if path.exists() else []
    write_text(path, json.dumps([*before, step]) + "\n")


def base_record(base: Path) -> dict:
    """Where a base checkpoint comes from, as its manifest.json says, and the hashes of its files."""
    manifest = base.parent / "manifest.json"
    known = read_json(manifest, "the manifest of a checkpoint") if manifest.is_file() else {}
    return {
        "checkpoint": str(base),
        "source": known.get("source"),
        "revision": known.get("revision"),
        "files": describe_files(base),
    }


def dataset_record(dataset: Path, rows: int) -> dict:
    return {"path": str(dataset), "rows": rows} | identity(dataset)


def run_record(run: Path, recipe: Recipe, devices: int, gpus: int) -> dict:
    """How it went until the recipe's last step: a run may have been longer once.

    devices: processes that trained at the end; gpus: as many, or 0 where they trained on CPUs.
    """
    from openmath.training.checkpoints import steps_saved
    from openmath.training.curve import read_curve

    points = [point for point in read_curve(run / "curve.csv") if point.step <= recipe.steps]
    return {
        "recipe": dataclasses.asdict(recipe),
        "devices": devices,
        "gpus": gpus,
        "steps": points[-1].step,
        "tokens": points[-1].tokens,
        "seconds": points[-1].seconds,
        "resumed_at": read_json(run / STARTS, "the starts of a training")[1:],
        "checkpoints": sorted(set(steps_saved(run)) & set(recipe.kept())),
        "machine": machine(),
        "versions": versions() | _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
