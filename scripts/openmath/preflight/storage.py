"""Benchmarks, folders and disk space."""

import os
import shutil
from pathlib import Path

from openmath.benchmarks.registry import find_benchmark, read_registry
from openmath.errors import InputError, parts_of
from openmath.files.fingerprint import sha256_file
from openmath.files.json_files import read_json
from openmath.plan.cost import make_plan
from openmath.preflight.needs import Needs

FOLDERS = ("data", "models", "results", "judgements", "logs")


def check_folders() -> list[InputError]:
    """Folders that jobs write to."""
    locked = [name for name in FOLDERS if not os.access(name if os.path.exists(name) else ".", os.W_OK)]
    if not locked:
        return []
    hint = "give yourself write access, or run in another folder (--directory)."
    return [
        InputError(
            "These folders cannot be written to.", where=", ".join(os.path.abspath(name) for name in locked), hint=hint
        )
    ]


def check_benchmarks(needs: Needs) -> list[InputError]:
    """Names and local sources of benchmarks to prepare; those prepared before must not have been edited since."""
    problems, sources = [], needs.config["benchmark_sources"]
    registry = read_registry() if needs.benchmarks else {}
    for name in needs.benchmarks:
        source = sources.get(name)
        try:
            find_benchmark(name, registry, has_source=bool(source))
        except InputError as problem:
            problems.append(problem)
        if source and "://" not in source and not os.path.isfile(source):
            hint = "paths are relative to the folder that Snakemake runs in."
            problems.append(
                InputError(
                    "The source of a benchmark was not found.",
                    where=f"benchmark_sources: {name}",
                    found=source,
                    hint=hint,
                )
            )
    for name in needs.config["benchmarks"] if needs.generating else []:
        prepared, manifest = Path(f"data/{name}.jsonl"), Path(f"data/{name}.manifest.json")
        if str(prepared) in needs.due or not (prepared.exists() and manifest.exists()):
            continue
        with parts_of("the manifest of a benchmark", manifest):
            expected = read_json(manifest, "the manifest of a benchmark")["prepared_sha256"]
        found = sha256_file(prepared)
        if expected != found:
            hint = "remove the file to have it made again; for problems of your own choose another name."
            problems.append(
                InputError(
                    "A prepared benchmark has been edited.", where=prepared, expected=expected, found=found, hint=hint
                )
            )
    return problems


def check_disk(needs: Needs) -> list[InputError]:
    """Space for the samples and judgements to come, as `plan` counts them."""
    if not needs.generating and not needs.judging:
        return []
    needed = make_plan(needs.config, due=needs.due, count_judge_calls=False)["disk_bytes"]
    free = shutil.disk_usage(".").free
    if needed <= free:
        return []
    return [
        InputError(
            "There is not enough disk space for the missing samples and judgements.",
            where=os.getcwd(),
            expected=f"{needed / 1e9:.1f} GB for samples and judgements",
            found=f"{free / 1e9:.1f} GB free",
            hint="free some space, or run in a folder on a larger disk (--directory). The size follows from the length of samples: "
            "generation: tokens_per_sample, until published files have been measured.",
        )
    ]
