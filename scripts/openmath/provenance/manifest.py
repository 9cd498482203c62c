"""Everything behind one summary in one record: what went in, what made it, every file with its sha256, and how long it took.

The record is equal for equal runs, but for `times`. It is made public before it is written: provenance/public.py.
"""

from collections.abc import Iterable
from pathlib import Path

from openmath.files.fingerprint import identity
from openmath.files.json_files import read_json
from openmath.files.records import SummaryRecord
from openmath.machine import machine, versions
from openmath.provenance.public import public
from openmath.provenance.stages import (
    distinct,
    generation_records,
    judging_records,
    read_record,
    record_path,
    sample_tokens,
)
from openmath.provenance.workflow import workflow_code
from openmath.settings.config import summary_config
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.layout import Layout

FORMAT = 1  # raised when a reader of older manifests would misunderstand them
JUDGED_KEYS = ("input", "rows", "prefilled", "verdicts", "answered_by", "verdicts_used")
NEWER_JUDGED_KEYS = ("outcomes", "delimited", "asked_without")  # records of older versions lack them


def collect(config: dict, model: str, judge: str, summary: Iterable[str]) -> SummaryRecord:
    """The manifest of results/{model}/summary/{judge}. summary: its files. Paths are relative to the working directory."""
    layout, benchmarks = Layout(config), config["benchmarks"]
    imported = "samples" in config["models"][model]
    graded = {name: read_record(record_path(layout.grades_file(model, name))) for name in benchmarks}
    judged = judging_records(layout, model, judge)
    settings, jobs = ([], []) if imported else generation_records(layout, model, benchmarks, graded)
    metrics = next((path for path in summary if Path(path).name == "metrics.json"), "metrics.json")
    record: SummaryRecord = {
        "format": FORMAT,
        "model": model,
        "judge": judge,
        "workflow": workflow_code(),
        "config": summary_config(config, model, judge),
        "benchmarks": {} if imported else {name: read_record(f"data/{name}.manifest.json") for name in benchmarks},
        "checkpoint": None,
        "engine": None,
        "generation": _generation(settings, jobs),
        "tokens": {name: sample_tokens(layout, model, name, list(graded[name]["samples"])) for name in benchmarks},
        "grading": _grading(graded),
        "judging": _judging(judged),
        "results": _results(read_json(metrics, "the metrics of the summary")),
        "summary": {"machine": machine(), "versions": versions()},
        "times": _times(jobs, graded, judged),
    }
    if not imported:
        record["engine"] = engine = read_record(f"models/{model}/engine/engine.json")
        if not engine_kind(engine["engine"]).hosted:
            checkpoint = read_record(f"models/{model}/manifest.json")
            checkpoint.pop("requested", None)  # of this machine only: elsewhere the same checkpoint has another path
            record["checkpoint"] = checkpoint
            if run := config["models"][model].get("trained"):
                record["training"] = read_record(f"training/{run}/training.json")
    record = public(record)
    record["files"] = _files(config, record["config"], model, judge, graded) | {p: identity(p) for p in summary}
    return record


def _files(config: dict, published: dict, model: str, judge: str, graded: dict[str, dict]) -> dict:
    """Path (as published) -> sha256 and bytes, from the benchmark to the judged files. Samples are hashed when they are graded."""
    files = {}
    here, there = Layout(config), Layout(published)
    for name in config["benchmarks"]:
        if "samples" not in config["models"][model]:
            files[f"data/{name}.jsonl"] = identity(f"data/{name}.jsonl")
        files |= {there.sample_file(model, name, run): file for run, file in graded[name]["samples"].items()}
        paths = [here.grades_file(model, name)]
        if judge != "none":  # the tables count the votes anew; the file of majority answers is there for the judge
            paths += [here.majority_file(model, name)] * bool(here.seed_runs(model))
            paths += [judged for _, judged in here.judge_pairs(model, judge, [name])]
        files |= {path: identity(path) for path in paths}
    return files


def _where(records: Iterable[dict]) -> dict:
    """The kinds of machines and the versions of a stage's jobs; records of jobs that did not note them are left out."""
    records = [record for record in records if "machine" in record]
    return {
        "machines": distinct(record["machine"] for record in records),
        "versions": distinct(record["versions"] for record in records),
    }


def _generation(settings: list[dict], jobs: list[dict]) -> dict:
    """What the samples were drawn under, and where; of a server that is not ours: who answered, and what it was not sent."""
    made = {"settings": settings} | _where(jobs) | {"engine_args": distinct(job["engine_args"] for job in jobs)}
    for key in ("answered_by", "asked_without"):
        if found := sorted({name for job in jobs for name in job.get(key, ())}):
            made[key] = found
    return made


def _grading(graded: dict[str, dict]) -> dict:
    """The first benchmark's rules: all are graded under the same ones."""
    rules, *_ = distinct({key: record[key] for key in ("grader_version", "policy")} for record in graded.values())
    counts = ("rows", "distinct_answers", "unsettled")
    benchmarks = {name: {key: record[key] for key in counts} for name, record in graded.items()}
    return rules | {"benchmarks": benchmarks} | _where(graded.values())


def _judging(judged: dict[str, dict]) -> dict | None:
    if not judged:
        return None
    first = next(iter(judged.values()))
    who = {key: first.get(key) for key in ("judge", "settings", "prompt_sha256", "sampling", "policy", "cascade")}
    files = {path: {key: record[key] for key in JUDGED_KEYS} for path, record in judged.items()}
    for path, record in judged.items():
        files[path] |= {key: record[key] for key in NEWER_JUDGED_KEYS if key in record}
    return who | {"files": files} | _where(judged.values())


def _results(metrics: list[dict]) -> dict:
    """Benchmark -> number of problems, modes, and the methods of the intervals."""
    results: dict[str, dict] = {}
    for row in metrics:
        entry = results.setdefault(row["benchmark"], {"problems": row["n_items"], "modes": [], "intervals": []})
        entry["modes"].append(row["mode"])
        entry["intervals"] += [row[key] for key in row if key.startswith("ci_method_")]
    return {name: entry | {"intervals": sorted(set(entry["intervals"]))} for name, entry in results.items()}


def _times(jobs: list[dict], graded: dict[str, dict], judged: dict[str, dict]) -> dict:
    """Seconds by the clock, and GPU seconds of generation: of finished jobs; what a killed job did is not in it."""
    kept = ("runs", "started", "samples", "tokens", "seconds", "gpus")
    generation = [{key: job[key] for key in kept} | {"gpu_seconds": job["gpus"] * job["seconds"]} for job in jobs]
    return {
        "generation": generation,
        "grading": {name: record["seconds"] for name, record in graded.items()},
        "judging": {
            path: {key: record[key] for key in ("seconds", "paid_in_this_run") if key in record}
            for path, record in judged.items()
        },
    }
