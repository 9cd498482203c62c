"""Which file of a folder is whose."""

import os
from pathlib import Path

from openmath.errors import InputError
from openmath.foreign import inspect_logs, lighteval, lm_eval, nemo_skills, tables
from openmath.foreign.found import Found

READERS = (
    nemo_skills,
    lm_eval,
    inspect_logs,
    lighteval,
    tables,
)  # each takes files by their names and leaves the others
MAX_FILES = 200_000
FORMATS = (
    "BENCHMARK/output*.jsonl of NeMo-Skills, samples_*.jsonl of lm-evaluation-harness, *.eval of inspect_ai, "
    "details_*.parquet of lighteval, or *.csv with problem, expected_answer and generation"
)


def look(folder: Path, own: Path | None = None) -> Found:
    """What lies in a folder, or is a file. own: a folder in it that is ours, not to be read again. InputError: nothing is known."""
    found = Found()
    rest = files_of(folder, own)
    for reader in READERS:
        rest = reader.claim(rest, found)
    for path in rest:
        found.skip("no file of samples that is known", path)
    if not found.sources:
        told = [f"{paths[0]}{_more(paths)}: {why}" for why, paths in found.skipped.items()]
        raise InputError(
            "No samples of a known tool.", where=folder, expected=FORMATS, found="; ".join(told) or "no files"
        )
    return found


def files_of(folder: Path, own: Path | None = None) -> list[Path]:
    """Files of a folder in order, hidden ones left out; links to folders are not followed. InputError: there is none."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise InputError("There is no such folder.", where=folder)
    files: list[Path] = []
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            f for f in folders if not f.startswith(".") and (own is None or (here / f).resolve() != own)
        )
        files += [here / name for name in sorted(names) if not name.startswith(".") and (here / name).is_file()]
        if len(files) > MAX_FILES:
            raise InputError("The folder holds too many files.", where=folder, expected=f"at most {MAX_FILES:,}")
    return files


def _more(paths: list[Path]) -> str:
    return f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
