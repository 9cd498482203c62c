"""What the stages have written down, and which of it belongs to one summary. Paths are relative to the working directory."""

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow.compute as compute
import pyarrow.parquet as parquet

from openmath.errors import InputError
from openmath.fingerprint import canonical_json, sha256_file, sha256_text
from openmath.layout import Layout
from openmath.samples import read_rows


def read_record(path: str | Path) -> dict:
    """A manifest that a stage has left beside its result."""
    try:
        return json.loads(Path(path).read_text())
    except OSError as error:
        raise InputError(
            f"The record of a stage cannot be read ({error.strerror}).",
            where=path,
            hint="remove the result that it belongs to, to have both made again; samples and verdicts are kept.",
        ) from None
    except ValueError:
        raise InputError("The record of a stage is no JSON.", where=path, hint="remove it and its result.") from None


def beside(path: str) -> Path:
    """Where the record of a result lies."""
    return Path(path).with_suffix(".manifest.json")


def distinct(records: Iterable[object]) -> list:
    """Each different record once, in order."""
    return list({canonical_json(record): record for record in records}.values())


def generation_records(layout: Layout, model: str, benchmarks: list[str], graded: dict[str, dict]) -> tuple[list, list]:
    """(settings of the samples, finished jobs that made them). A setting names its files: benchmark -> sample runs.

    Published samples share their content with a file of the staging folder, which says under which settings they were made;
    `graded`: records of the grades, with the sha256 of each sample file. Both lists are empty where staging was removed.
    """
    staging = Path(f"results/{model}/.staging")
    found: dict[str, dict] = {}
    folders: dict[str, set[str]] = {}
    for benchmark in benchmarks:
        for path in sorted(staging.glob(f"*/{benchmark}/settings.json")):
            runs = [
                run
                for run, file in graded[benchmark]["samples"].items()
                if _same(path.with_name(f"output-{run}.jsonl"), Path(layout.sample_file(model, benchmark, run)), file)
            ]
            if runs:
                settings = read_record(path)
                settings.pop("benchmark_sha256")  # it stands with the benchmark
                known = found.setdefault(canonical_json(settings), {"settings": settings, "files": {}})
                known["files"][benchmark] = runs
                folders.setdefault(benchmark, set()).add(path.parent.parent.name)
    jobs = list(read_rows(staging / "jobs.jsonl", torn_tail=True)) if (staging / "jobs.jsonl").exists() else []
    ours = [
        job
        for job in jobs
        if any(name in folders.get(benchmark, ()) for benchmark, name in job.get("settings", {}).items())
    ]
    for entry in found.values():
        entry["prompt_sha256"] = sha256_text(canonical_json(entry["settings"]["prompt"]))
    return list(found.values()), ours


def _same(staged: Path, published: Path, file: dict) -> bool:
    """Whether a staged file is the published one: the same blocks, or (in a copied folder) the same content."""
    if not staged.exists() or staged.stat().st_size != file["bytes"]:
        return False
    linked = published.exists() and published.samefile(staged)
    return linked or sha256_file(staged) == file["sha256"]


def judging_records(layout: Layout, model: str, judge: str) -> dict[str, dict]:
    """Judged file -> its record."""
    if judge == "none":
        return {}
    return {judged: read_record(beside(judged)) for _, judged in layout.judge_pairs(model, judge)}


def sample_tokens(layout: Layout, model: str, benchmark: str, runs: list[str]) -> dict:
    """Tokens of all samples of a benchmark: generated ones by the grades; the prompts are the same in each run. None: unknown."""
    column = parquet.read_table(layout.grades_file(model, benchmark), columns=["num_generated_tokens"])[0]
    prompts = [row.get("num_prompt_tokens") for row in read_rows(layout.sample_file(model, benchmark, runs[0]))]
    return {
        "prompt": None if None in prompts else sum(prompts) * len(runs),
        "generated": None if column.null_count else compute.sum(column).as_py(),
    }
