"""Folders of BENCHMARK/output-*.jsonl that are read where they stand: which files are sample runs, and what else lies there."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from openmath.errors import InputError
from openmath.files.sample_runs import SAMPLE_FILE
from openmath.foreign.found import Found
from openmath.foreign.nemo_skills import RESULTS, chosen_parts, left_out, part_of, runs_of
from openmath.foreign.reading import first_row

IMPORT = "python scripts/import_samples.py FOLDER reads them, and writes files that can be read where they stand"


class Standing(NamedTuple):
    """benchmarks: name -> the files of its sample runs. found.skipped: what is not read, and why."""

    benchmarks: dict[str, list[Path]]
    found: Found


def standing_folder(folder: Path) -> Standing:
    """A folder of benchmarks, the folder above eval-results, or that of one benchmark.

    InputError: nothing is there, or what is there would be counted wrongly.
    """
    if not folder.is_dir():
        raise InputError("There is no such folder.", where=folder)
    found = Found()
    if _holds_samples(folder):
        return Standing({folder.resolve().name: list(_files_of_runs(folder, found))}, found)
    root = folder
    if (folder / RESULTS).is_dir():
        root = folder / RESULTS
        for other in sorted(folder.glob(f"{RESULTS}-*/")):
            found.skip("a folder beside eval-results; name it to have its tables", other)
    below = [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    benchmarks = {path.name: list(_files_of_runs(path, found)) for path in below if _holds_samples(path)}
    if not benchmarks:
        models = [path.name for path in below if (path / RESULTS).is_dir()]
        raise InputError(
            "No sample files here.",
            where=root,
            expected="BENCHMARK/output-greedy.jsonl, output.jsonl or output-rs*.jsonl",
            found=f"models: {', '.join(models)}" if models else None,
            hint=f"name one of them, {folder / models[0]}." if models else f"of another tool? {IMPORT}.",
        )
    for path in below:
        if path.name not in benchmarks:
            found.skip("no file of a sample run in it", path)
    return Standing(benchmarks, found)


def unread_files(folder: Path) -> list[Path]:
    """Sample runs of a benchmark's folder that a configuration cannot name: output.jsonl, compressed ones, chunks."""
    names = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in names if part_of(path) and not (SAMPLE_FILE.match(path.name) and _can_be_named(path))]


def _can_be_named(path: Path) -> bool:
    return path.suffix == ".jsonl" and path.name != "output.jsonl"


def _holds_samples(folder: Path) -> bool:
    return any(part_of(path) for path in folder.iterdir())


def _files_of_runs(folder: Path, found: Found) -> Iterator[Path]:
    paths = sorted(folder.iterdir())
    for path in paths:
        if why := left_out(path):
            found.skip(why, path)
    runs = runs_of([part for path in paths if (part := part_of(path))])
    for parts in runs.values():
        for part in chosen_parts(parts, found):
            if part.chunk is not None or part.path.suffix == ".gz":
                raise InputError(
                    "A sample run is compressed or in chunks; without it the tables would be wrong.",
                    where=part.path,
                    hint=f"{IMPORT}.",
                )
            if len(runs) > 1 and "majority_votes" in first_row(part.path):
                raise InputError(
                    "A file of majority answers stands among sample runs; as one of them it would be counted wrongly.",
                    where=part.path,
                    hint="move it into a folder of its own.",
                )
            yield part.path
