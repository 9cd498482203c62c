"""How many tokens, seconds and bytes a sample takes: measured on what earlier jobs have left, else assumed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from openmath.errors import InputError
from openmath.files.append_only import kept_rows
from openmath.files.packed import is_packed
from openmath.files.rows import parse_row, read_lines
from openmath.generation.progress import is_job
from openmath.plan.files import ModelFiles, built_engine
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.layout import Layout
from openmath.settings.sampling import usual_tokens

RECENT_JOBS = 8  # older ones may have run under other speed settings
FEW = 4  # samples: of fewer no speed is taken
LEAST_MARGIN = 0.05  # two nodes, or two days, are never more alike
MEASURED_FILES, MEASURED_ROWS = 4, 50  # of a benchmark: looked at for the length of a sample
# Bytes of a row beside its generation (problem, names, numbers), and of a token of mathematical English.
ROW_BYTES, TOKEN_BYTES = 600, 3.5


@dataclass
class Speed:
    """Of one model. tokens_per_second: of one engine that always has the next request. ramp_seconds: what a job takes beyond
    that while its engine fills and empties. margin: relative error to expect; None where the speed is assumed. tokens, bytes:
    of a sample, by benchmark. sources: what each number rests on, for people. gpus: kinds that earlier jobs had. longest: most
    tokens of a sample, its thought included."""

    tokens_per_second: float
    start_seconds: float
    ramp_seconds: float = 0.0
    margin: float | None = None
    tokens: dict[str, float] = field(default_factory=dict)
    bytes: dict[str, float] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    gpus: list[str] = field(default_factory=list)
    longest: int | None = None
    measured: bool = False  # tokens_per_second


def model_speed(config: dict, model: str, files: ModelFiles) -> Speed:
    """What is known of a model. Sources say `measured` or name the keys of an assumption.

    Jobs of other settings, as a smaller `max_new_tokens`, say how fast the engine is, but not how long samples are.
    """
    layout, engine = Layout(config), config["models"][model]["engine"]
    known = finished_jobs(config, model)
    same = [job for job in known if not job.get("settings") or files.fingerprints & set(job["settings"].values())]
    same = same[-RECENT_JOBS:]
    jobs = same or known[-RECENT_JOBS:]
    samples, tokens = sum(job["samples"] for job in same), sum(job["tokens"] for job in same)
    speed = Speed(config["generation"]["tokens_per_second"], engine_kind(engine).start_seconds)
    speed.gpus = sorted({name for job in jobs for name in job.get("machine", {}).get("gpus", [])})
    speed.sources.append(measure_speed(speed, jobs))
    starts = [job["start_seconds"] for job in jobs if "start_seconds" in job]
    if starts:
        speed.start_seconds = sum(starts) / len(starts)
    speed.sources.append(
        f"{speed.start_seconds:.0f} s an engine start {'measured' if starts else f'assumed for {engine}'}"
    )
    usual, own, longest = usual_tokens(config, model)
    speed.longest = own
    usual = tokens / samples if samples else usual
    measured = []
    for benchmark in config["benchmarks"]:
        runs = files.present_runs.get(benchmark, [])
        paths = [layout.sample_file(model, benchmark, run) for run in spread(runs, MEASURED_FILES)]
        rows = [row for path in paths for row in spread_rows(path, MEASURED_ROWS)]
        lengths = [row["num_generated_tokens"] for _, row in rows if row.get("num_generated_tokens") is not None]
        speed.tokens[benchmark] = sum(lengths) / len(lengths) if lengths else usual
        sizes = [size for size, _ in rows]
        speed.bytes[benchmark] = sum(sizes) / len(sizes) if sizes else ROW_BYTES + TOKEN_BYTES * usual
        measured += [benchmark] * bool(lengths)
    if len(measured) == len(config["benchmarks"]):
        speed.sources.append("length of samples measured on published files")
    elif samples:
        speed.sources.append(f"{usual:,.0f} tokens a sample measured on earlier jobs")
    else:
        scaled = "" if own == longest else f", for {own:,} new tokens at most in place of {longest:,}"
        speed.sources.append(f"{usual:,.0f} tokens a sample assumed (generation: tokens_per_sample{scaled})")
    return speed


def measure_speed(speed: Speed, jobs: list[dict]) -> str:
    """Fill in what these jobs say of the speed; returns what that rests on. See Progress for `full_*`."""
    speed.measured = bool(jobs)
    full = [job for job in jobs if job.get("full_samples", 0) >= FEW and job["full_seconds"]]
    if full:
        samples = sum(job["full_samples"] for job in full)
        speed.tokens_per_second = sum(job["full_tokens"] for job in full) / sum(map(engine_seconds, full))
        ramps = [job["seconds"] - job["tokens"] / (speed.tokens_per_second * job["copies"]) for job in full]
        speed.ramp_seconds = max(0.0, sum(ramps) / len(ramps))
        speed.margin = max(LEAST_MARGIN, samples**-0.5)
        return (
            f"{speed.tokens_per_second:,.0f} tokens/s measured on {samples:,} samples at full load, "
            f"{full[-1]['concurrency']} at a time, and {speed.ramp_seconds:.0f} s a job to fill and empty the engine"
        )
    if jobs:
        largest = max(jobs, key=lambda job: job["tokens"])
        speed.tokens_per_second = largest["tokens"] / (largest["seconds"] * largest.get("copies", 1))
        return (
            f"{speed.tokens_per_second:,.0f} tokens/s measured on jobs too small to fill the engine: it will be faster"
        )
    return (
        f"{speed.tokens_per_second:,.0f} tokens/s assumed (generation: tokens_per_second); no finished job to measure"
    )


def engine_seconds(job: dict) -> float:
    """Seconds at full load, summed over the copies of the engine."""
    return job["full_seconds"] * job["copies"]


def finished_jobs(config: dict, model: str) -> list[dict]:
    """The finished generation jobs of the model's present engine, as generate.py has recorded them, the last at the end.

    Of those with as many engines on a GPU as now, where there are any: what they did was done by a GPU, not by one engine.
    """
    path = Path(f"results/{model}/.staging/jobs.jsonl")
    jobs = list(kept_rows(path, is_job)) if path.exists() else []
    engine = built_engine(config, model)
    ours = [job for job in jobs if engine is None or job["engine"] == engine["version"]]
    ours = [job for job in ours if job["tokens"] and job["seconds"]]
    shared = config["models"][model].get("engines_per_gpu", 1)
    return [job for job in ours if job.get("engines_per_gpu", 1) == shared] or ours


def spread(items: list, count: int) -> list:
    """At most `count` items, evenly spaced, first and last among them."""
    if len(items) <= count:
        return items
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def spread_rows(path: str, count: int) -> Iterator[tuple[int, dict]]:
    """(bytes, row) of about `count` rows, evenly spaced by bytes; the other rows of the file are not read.

    Of a compressed file all are, and those taken are evenly spaced by number.
    """
    if is_packed(path):
        kept, step = [], 1
        for number, line in enumerate(read_lines(path)):
            if number % step == 0:
                kept.append(line)
            if len(kept) == 2 * count:
                kept, step = kept[::2], 2 * step
        yield from ((len(line), row_of(line, path)) for line in kept)
        return
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        for i in range(count):
            file.seek(i * size // count)
            if i:
                file.readline()  # the rest of a row; taking the next one favours neither long nor short rows
            line = file.readline()
            if line.endswith(b"\n"):
                yield len(line), row_of(line, path)


def row_of(line: bytes, path: str) -> dict:
    row = parse_row(line)
    if row is None:
        hint = "move the file away to have it made again; finished samples are kept in staging."
        raise InputError("A line is not a JSON object.", where=path, found=repr(line[:80]), hint=hint)
    return row
