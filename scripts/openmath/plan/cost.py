"""What the missing files will take: engine starts, hours at a number of parallel jobs, judge calls, dollars, disk."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from openmath.files.disk import free_bytes
from openmath.foreign.configured import warnings_of
from openmath.plan.dataset import dataset_steps, pairs_to_judge
from openmath.plan.disks import disk_warnings, disks_of
from openmath.plan.files import FileToJudge, Inventory, ModelFiles
from openmath.plan.judging import judge_costs
from openmath.plan.speed import Speed, model_speed
from openmath.plan.table import time_text
from openmath.plan.training import training_costs
from openmath.settings.dataset_layout import DatasetLayout
from openmath.settings.job_size import seeds_per_job

PARALLEL_JOBS = (1, 4, 16)
JUDGED_ROW_BYTES = 1500  # problem, answer, reference and the judge's words
# What the report's viewer keeps of the samples of a model, of their bytes: 0.33 with five sample runs of 1,500 solutions of MATH,
# and 0.24 of each run more.
REPORT_SHARE = 0.3
TRIES = 4  # of a job that meets its wall limit: `retries: 3` of profiles/slurm; each goes on where the last one ended


def make_plan(
    config: dict,
    *,
    parallel_jobs: Sequence[int] = PARALLEL_JOBS,
    due: set[str] | None = None,
    count_judge_calls: bool = True,
) -> dict:
    """The plan as plain JSON values. parallel_jobs: numbers of generation jobs at the same time. due: see Inventory.
    count_judge_calls: takes a second for 20,000 answers that exist.

    Keys: stages (counts of files), generation (per model, and per stage and origin of a training set: jobs, samples, tokens,
    engine_starts, hours, gpu_hours, longest_job_hours, disk_bytes of the samples and of what the report keeps of them, and
    assumptions), warnings (of imported samples, and what cannot end so, in words), training (per run, where there is one: see
    plan/training.py), judging (per judge: calls, also by model, usd, hours of an own engine), wall_hours (number of jobs at the
    same time -> hours of generation), disk_by_model (without trainings), disk_bytes, disk_free_bytes (of the disk of
    `results`), disks (of each disk that something goes to: see plan/disks.py).
    """
    inventory = Inventory(config, due)
    stages, generation, seconds = [], [], []
    disk, sizes = Counter[str](), Counter[str]()  # name, and folder that is written to -> bytes
    to_judge: dict[str, list[FileToJudge]] = {}
    speeds: dict[str, Speed] = {}
    judges = {judge["self_hosted"] for judge in config["judges"].values() if "self_hosted" in judge}
    for model in config["models"]:
        files = inventory.model_files(model)
        stages += [asdict(stage) for stage in files.stages]
        if not files.left and not files.to_judge and model not in judges:
            continue  # finished: its files are not looked into
        speed = speeds[model] = model_speed(config, model, files)
        if files.left and "samples" not in config["models"][model]:
            kept = report_bytes(inventory, model, files, speed)
            cost, jobs = generation_cost(config, inventory, model, files, speed, kept)
            generation.append(cost)
            seconds += jobs
            disk[model] += cost["disk_bytes"]
            sizes[f"results/{model}"] += cost["disk_bytes"] - kept
            sizes[inventory.layout.report_folder(model)] += kept
        for judge, answers in files.to_judge.items():
            to_judge.setdefault(judge, []).extend(answers)
            judged = JUDGED_ROW_BYTES * sum(inventory.rows_of(model, file.benchmark) for file in answers)
            disk[model] += judged
            sizes[f"results/{model}"] += judged
    if "dataset" in config:
        teacher = config["dataset"]["teacher"]
        folder = DatasetLayout(config).folder
        for step in dataset_steps(inventory):
            stages.append(asdict(step.files))
            if step.samples:
                seconds += step.jobs
                work = (step.samples, step.tokens, step.jobs, step.speed, step.disk)
                cost = cost_entry(inventory, f"{teacher}, {step.name}", teacher, *work)
                generation.append(cost)
                disk[cost["model"]] += cost["disk_bytes"]
                sizes[folder] += cost["disk_bytes"]
    for judge in config["judges"]:
        if pairs := list(pairs_to_judge(inventory, judge)):
            to_judge.setdefault(judge, []).extend(pairs)
    trainings = list(training_costs(inventory))
    for cost in trainings:
        sizes[f"training/{cost['run']}"] += cost["disk_bytes"] or 0
    disks = disks_of(sizes)
    return {
        "stages": stages,
        "generation": generation,
        **({"training": trainings} if "training" in config else {}),
        "warnings": [
            *warnings_of(config),
            *filter(None, (job_warning(config, cost) for cost in generation)),
            *disk_warnings(disks),
        ],
        "judging": judge_costs(inventory, to_judge, speeds) if count_judge_calls else [],
        "wall_hours": {str(number): makespan(seconds, number) / 3600 for number in parallel_jobs},
        "disk_by_model": dict(disk),
        "disk_bytes": sizes.total(),
        "disk_free_bytes": free_bytes("results"),
        "disks": disks,
    }


def generation_cost(
    config: dict, inventory: Inventory, model: str, files: ModelFiles, speed: Speed, kept: int
) -> tuple[dict, list[float]]:
    """(what the missing samples of one model take, seconds of each job that starts an engine). kept: bytes, by the report."""
    copies = config["generation"].get("engines_per_job", 1)
    tokens_per_second = speed.tokens_per_second * copies
    jobs, tokens = [], 0.0
    for benchmarks, runs in inventory.layout.generation_jobs(model).values():
        left = {benchmark: sum(files.left.get((benchmark, run), 0) for run in runs) for benchmark in benchmarks}
        if not any(left.values()):
            continue  # all there, or finished and only to be published: no engine
        job_tokens = sum(samples * speed.tokens[benchmark] for benchmark, samples in left.items())
        jobs.append(speed.start_seconds + speed.ramp_seconds + job_tokens / tokens_per_second)
        tokens += job_tokens
    disk = sum(left * speed.bytes[benchmark] for (benchmark, _), left in files.left.items())
    return cost_entry(inventory, model, model, sum(files.left.values()), tokens, jobs, speed, disk + kept), jobs


def report_bytes(inventory: Inventory, model: str, files: ModelFiles, speed: Speed) -> int:
    """What the report will keep of this model's samples beside its page, beyond what it keeps of them already."""
    folder = Path(inventory.layout.report_folder(model))
    if inventory.due is not None and str(folder) not in inventory.due:
        return 0
    samples = Counter[str]()
    for (benchmark, _), left in files.left.items():
        samples[benchmark] += left
    for benchmark, runs in ({} if folder.exists() else files.present_runs).items():
        samples[benchmark] += len(runs) * inventory.rows_of(model, benchmark)
    return round(REPORT_SHARE * sum(number * speed.bytes[benchmark] for benchmark, number in samples.items()))


def cost_entry(
    inventory: Inventory,
    name: str,
    model: str,
    samples: int,
    tokens: float,
    jobs: list[float],
    speed: Speed,
    disk: float,
) -> dict:
    """What samples of one model take, under a name for people. jobs: seconds of each; disk: bytes."""
    generation, gpus = inventory.config["generation"], inventory.layout.gpus(model)
    copies = generation.get("engines_per_job", 1)
    return {
        "model": name,
        "jobs": len(jobs),
        "samples": samples,
        "tokens": round(tokens),
        "engine_starts": len(jobs) * copies,
        "longest_sample": speed.longest,
        "tokens_per_second": speed.tokens_per_second * copies,
        "measured": speed.measured,
        "start_seconds": speed.start_seconds,
        "ramp_seconds": speed.ramp_seconds,
        "margin": speed.margin,
        "engine_hours": copies * sum(jobs) / 3600,
        "gpus_per_engine": gpus,
        "gpu_hours": copies * gpus * sum(jobs) / 3600,
        "gpus": speed.gpus or ([generation["gpu_model"]] if generation["gpu_model"] else []),
        "longest_job_hours": max(jobs, default=0.0) / 3600,
        "disk_bytes": round(disk),
        "assumptions": speed.sources,
    }


def job_warning(config: dict, cost: dict) -> str | None:
    """What to change where Slurm would end the longest job of a model for good; None where it may end."""
    hours, limit = cost["longest_job_hours"], config["generation"]["runtime"] / 60
    if hours <= TRIES * limit:
        return None
    fitting = int(seeds_per_job(config, cost["model"].partition(",")[0]) * limit / hours)
    smaller = f"{fitting}, or auto" if fitting else "1, benchmarks_per_job: 1"
    return (
        f"{cost['model']}: a job of {time_text(hours)} does not end in {TRIES} tries of {time_text(limit)}, its limit on Slurm. "
        f"Smaller jobs (generation: seeds_per_job: {smaller}), a longer one (runtime) or a faster one (engines_per_job)"
    )


def makespan(jobs: list[float], workers: int) -> float:
    """Seconds until the last of these jobs ends, each starting on the first worker that is free, in order."""
    free_at = [0.0] * workers
    for seconds in jobs:
        heapq.heapreplace(free_at, free_at[0] + seconds)
    return max(free_at)
