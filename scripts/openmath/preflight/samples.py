"""Folders of imported samples: does each hold the files that the configuration asks for?"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from openmath.errors import InputError
from openmath.foreign.standing import unread_files
from openmath.preflight.needs import Needs


def check_samples(needs: Needs) -> Iterator[InputError]:
    """One problem for each model of which sample files are due: nothing makes them."""
    for model, settings in needs.config["models"].items():
        if "samples" not in settings:
            continue
        runs, benchmarks, path = needs.layout.sample_runs(model), needs.config["benchmarks"], needs.layout.sample_file
        files = [path(model, benchmark, run) for benchmark in benchmarks for run in runs]
        missing = [file for file in files if file in needs.due]
        if not missing:
            continue
        folder = settings["samples"]
        others = list(dict.fromkeys(path for file in missing for path in unread_files(Path(file).parent)))
        hint = (
            "a benchmark needs output-greedy.jsonl (not with `greedy: false`) and as many output-rsN.jsonl, from "
            "output-rs0.jsonl on, as `seeds` says, of the model or under generation. Relative paths start where Snakemake runs."
        )
        if others:
            hint = (
                f"`python scripts/import_samples.py {folder}` reads these, and writes what can stand here. Else: {hint}"
            )
        yield InputError(
            "Imported samples are not there.",
            where=f"models: {model}: samples: {folder}",
            expected=_named(missing),
            found=_named(others) if others else "a folder without them" if os.path.isdir(folder) else "no such folder",
            hint=hint,
        )


def _named(files: Sequence[str | Path]) -> str:
    return f"{files[0]}" + (f" and {len(files) - 1:,} more" if len(files) > 1 else "")
