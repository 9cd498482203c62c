"""Names and sources of benchmarks."""

import os
from pathlib import Path

from openmath.benchmarks.cleaning import CLEANING
from openmath.benchmarks.hub import PREFIX, parse_hub_source
from openmath.benchmarks.registry import find_benchmark, read_registry
from openmath.benchmarks.sources import check_not_packed
from openmath.errors import InputError, parts_of
from openmath.files.fingerprint import sha256_file
from openmath.files.json_files import read_json
from openmath.preflight.needs import Needs
from openmath.settings.benchmark_names import source_of


def check_benchmarks(needs: Needs) -> list[InputError]:
    """Names and local sources of benchmarks to prepare; those prepared before must not have been edited since."""
    problems = []
    registry = read_registry() if needs.benchmarks else {}
    for name in needs.benchmarks:
        given = source_of(needs.config, name)
        source = given.get("source", "")
        try:
            find_benchmark(name, registry, has_source=bool(source))
            check_not_packed(source)
            if source.startswith(PREFIX):
                parse_hub_source(source)
        except InputError as problem:
            problems.append(problem)
        for step in set(given.get("clean", [])) - set(CLEANING):
            where = f"benchmark_sources: {name}: clean"
            problems.append(InputError("No such cleaning step.", where=where, expected=", ".join(CLEANING), found=step))
        if source and "://" not in source and not source.startswith(PREFIX) and not os.path.isfile(source):
            hint = "paths are relative to the folder that Snakemake runs in."
            problems.append(
                InputError(
                    "The source of a benchmark was not found.",
                    where=f"benchmark_sources: {name}",
                    found=source,
                    hint=hint,
                )
            )
    used = [*(needs.config["benchmarks"] if needs.generating else []), *(job.origin for job in needs.drawing)]
    for name in dict.fromkeys(used):
        prepared, manifest = Path(f"data/{name}.jsonl"), Path(f"data/{name}.manifest.json")
        if str(prepared) in needs.due or not (prepared.exists() and manifest.exists()):
            continue
        with parts_of("the manifest of a benchmark", manifest):
            expected = read_json(manifest, "the manifest of a benchmark")["prepared_sha256"]
        found = sha256_file(prepared)
        if expected != found:
            hint = "move the file away to have it made again; for problems of your own choose another name."
            problems.append(
                InputError(
                    "A prepared benchmark has been edited.", where=prepared, expected=expected, found=found, hint=hint
                )
            )
    return problems
