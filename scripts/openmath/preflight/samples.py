"""Folders of imported samples: does each hold the files that the configuration asks for?"""

import os
from collections.abc import Iterator

from openmath.errors import InputError
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
        hint = (
            "a benchmark needs output-greedy.jsonl (not with `greedy: false`) and as many output-rsN.jsonl, from "
            "output-rs0.jsonl on, as `seeds` says, of the model or under generation. Relative paths start where Snakemake runs."
        )
        yield InputError(
            "Imported samples are not there.",
            where=f"models: {model}: samples: {folder}",
            expected=missing[0] + (f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""),
            found="a folder without them" if os.path.isdir(folder) else "no such folder",
            hint=hint,
        )
