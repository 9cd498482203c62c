"""What the stages have written down, and which of it belongs to one summary. Paths are relative to the working directory."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.compute as compute
import pyarrow.parquet as parquet

from openmath.files.append_only import kept_rows
from openmath.files.fingerprint import canonical_json, sha256_file, sha256_text
from openmath.files.json_files import read_json
from openmath.files.rows import read_rows
from openmath.generation.progress import is_job
from openmath.settings.layout import Layout


def read_record(path: str | Path) -> Any:
    """A manifest that a stage has left beside its result."""
    hint = "move it away, and the result that it belongs to, to have both made again; samples and verdicts are kept."
    return read_json(path, "the record of a stage", hint=hint)


def record_path(path: str) -> Path:
    """Where the record of a result is."""
    return Path(path).with_suffix(".manifest.json")


def distinct(records: Iterable[object]) -> list:
    """Each different record once, in order."""
    return list({canonical_json(record): record for record in records}.values())


def generation_records(layout: Layout, model: str, benchmarks: list[str], graded: dict[str, dict]) -> tuple[list, list]:
    """(settings of the samples, finished jobs that made them). A setting names its files: benchmark -> sample runs.

    `graded`: records of the grades, with the sha256 of each sample file. Both lists are empty where staging was removed.
    """
    staging = Path(f"results/{model}/.staging")
    found: dict[str, dict] = {}
    fingerprints: set[tuple[str, str]] = set()
    for benchmark in benchmarks:
        published = {run: Path(layout.sample_file(model, benchmark, run)) for run in graded[benchmark]["samples"]}
        for folder, runs in staged_under(staging, benchmark, published, graded[benchmark]["samples"]).items():
            settings = read_record(folder / "settings.json")
            settings.pop("benchmark_sha256")  # it stands with the benchmark
            digest = sha256_text(canonical_json(settings["prompt"]))
            known = {"settings": settings, "prompt_sha256": digest, "files": {}}
            found.setdefault(canonical_json(settings), known)["files"][benchmark] = runs
            fingerprints.add((benchmark, folder.parent.name))
    jobs = list(kept_rows(staging / "jobs.jsonl", is_job)) if (staging / "jobs.jsonl").exists() else []
    return list(found.values()), [job for job in jobs if fingerprints & set(job.get("settings", {}).items())]


def staged_under(
    staging: Path, benchmark: str, published: dict[str, Path], files: dict[str, dict]
) -> dict[Path, list[str]]:
    """Folder of staged samples -> sample runs published from it.

    A published file shares its blocks with the staged one; in a copied checkout only its content. Greedy samples of two settings
    may be equal: then it is the folder that holds most of the other runs.
    """
    folders = sorted(path.parent for path in staging.glob(f"*/{benchmark}/settings.json"))
    places: dict[str, list[Path]] = {}
    for run, path in published.items():
        staged = {folder: folder / path.name for folder in folders}
        staged = {folder: file for folder, file in staged.items() if file.exists()}
        linked = [folder for folder, file in staged.items() if path.exists() and path.samefile(file)]
        places[run] = linked or [folder for folder, file in staged.items() if _same_content(file, files[run])]
    sure = Counter(found[0] for found in places.values() if len(found) == 1)
    owners: dict[Path, list[str]] = {}
    for run, found in places.items():
        if found:
            owners.setdefault(max(found, key=lambda folder: sure[folder]), []).append(run)
    return owners


def _same_content(path: Path, file: dict) -> bool:
    return path.stat().st_size == file["bytes"] and sha256_file(path) == file["sha256"]


def judging_records(layout: Layout, model: str, judge: str) -> dict[str, dict]:
    """Judged file -> its record."""
    if judge == "none":
        return {}
    return {judged: read_record(record_path(judged)) for _, judged in layout.judge_pairs(model, judge)}


def sample_tokens(layout: Layout, model: str, benchmark: str, runs: list[str]) -> dict:
    """Tokens of all samples of a benchmark: generated ones by the grades; the prompts are the same in each run. None: unknown."""
    column = parquet.read_table(layout.grades_file(model, benchmark), columns=["num_generated_tokens"])[0]
    prompts: list = [row.get("num_prompt_tokens") for row in read_rows(layout.sample_file(model, benchmark, runs[0]))]
    return {
        "prompt": None if None in prompts else sum(prompts) * len(runs),
        "generated": None if column.null_count else compute.sum(column).as_py(),
    }
