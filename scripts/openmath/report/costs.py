"""What the run has cost: tokens and hours of generation jobs, calls and dollars of the judges."""

from pathlib import Path

from openmath.files.append_only import kept_rows
from openmath.files.json_files import read_json
from openmath.generation.progress import is_job
from openmath.report import meanings
from openmath.report.page import render
from openmath.report.section import Section
from openmath.report.summaries import Summary
from openmath.settings.engine_kinds import engine_kind, gpus_of

JOB_HEADER = ["model", "engine", "GPUs", "jobs", "samples", "tokens", "engine hours", "tokens/s", "tokens a sample"]
JUDGE_HEADER = ["model", "judge", "mode", "answers", "no call needed", "calls", "prompt tokens", "reply tokens", "USD"]


def cost_section(summaries: list[Summary]) -> Section | None:
    """None where nothing was generated or judged here (imported samples without a judge)."""
    folders = list(dict.fromkeys(summary.results for summary in summaries))
    job_rows = [row for folder in folders for row in generation_rows(folder)]
    judge_rows = [row for summary in summaries for row in judging_rows(summary)]
    if not job_rows and not judge_rows:
        return None
    html = render(
        "costs.html",
        job_header=JOB_HEADER,
        job_rows=job_rows,
        judge_header=JUDGE_HEADER,
        judge_rows=judge_rows,
        meanings=meanings,
    )
    return Section("costs", "Cost and throughput", html)


def generation_rows(results: Path) -> list[list]:
    """One row per engine that has made samples of a model. results: results/{model}."""
    path = results / ".staging/jobs.jsonl"
    by_engine: dict[str, list[dict]] = {}
    for job in kept_rows(path, is_job) if path.exists() else ():
        by_engine.setdefault(job["engine"], []).append(job)
    gpus = engine_gpus(results)
    rows = []
    for engine, jobs in by_engine.items():
        samples, tokens, seconds = (sum(job[name] for job in jobs) for name in ("samples", "tokens", "seconds"))
        speed = f"{tokens / seconds:,.0f}" if seconds else ""
        length = f"{tokens / samples:,.0f}" if samples else ""
        counts = [f"{count:,}" for count in (len(jobs), samples, tokens)]
        rows.append([results.name, engine, gpus, *counts, f"{seconds / 3600:.2f}", speed, length])
    return rows


def engine_gpus(results: Path) -> str:
    """GPUs of the model's engine as it is now; '' where that is not known."""
    path = results.parents[1] / "models" / results.name / "engine/engine.json"
    if not path.exists():
        return ""
    engine = read_json(path, "the description of an engine")
    return str(gpus_of(engine["settings"])) if engine_kind(engine["engine"]).on_gpus else "0"


def judging_rows(summary: Summary) -> list[list]:
    """One row per mode, over all benchmarks; none without a judge."""
    rows = []
    for mode in ("greedy", "majority"):
        paths = sorted(summary.results.glob(f"judged/{summary.judge}/*/{mode}.manifest.json"))
        manifests = [read_json(path, "the record of a judging") for path in paths]
        if not manifests:
            continue
        used = [manifest["verdicts_used"] for manifest in manifests]
        counts = [
            sum(manifest["rows"] for manifest in manifests),
            sum(sum(manifest["prefilled"].values()) for manifest in manifests),
            *(sum(cost[name] for cost in used) for name in ("calls", "num_prompt_tokens", "num_generated_tokens")),
        ]
        usd = f"{sum(cost['usd'] for cost in used):.2f}"
        rows.append([summary.model, summary.judge, mode, *(f"{count:,}" for count in counts), usd])
    return rows
