"""The plan as people read it."""

from collections.abc import Iterator
from itertools import groupby

from openmath.plan.files import STAGES


def plan_text(plan: dict) -> str:
    """plan: cost.make_plan."""
    return "\n".join([*stage_lines(plan["stages"]), "", *cost_lines(plan)])


def stage_lines(stages: list[dict]) -> Iterator[str]:
    """A row per model and benchmark, a column per stage; a model with nothing to do is one line."""
    left = max(len(name) for name in ("model", *(s["model"] for s in stages))) + 2
    right = max(len(name) for name in ("benchmark", *(s["benchmark"] or "" for s in stages))) + 2
    yield "Files present/partial/missing:"
    yield f"{'model':{left}}{'benchmark':{right}}" + "".join(f"{stage:>14}" for stage in STAGES)
    for model, group in groupby(stages, key=lambda s: s["model"]):
        of_model = list(group)
        if not any(s["partial"] or s["missing"] for s in of_model):
            yield f"{model:{left}}{'(all)':{right}}  nothing to do, {sum(s['present'] for s in of_model):,} files"
            continue
        for benchmark, row in groupby(of_model, key=lambda s: s["benchmark"]):
            counts = {s["stage"]: (s["present"], s["partial"], s["missing"]) for s in row}
            cells = {stage: "/".join(map(str, number)) for stage, number in counts.items() if any(number)}
            if cells:
                shown = "".join(f"{cells.get(stage, '-'):>14}" for stage in STAGES)
                yield f"{model:{left}}{benchmark or '(all)':{right}}{shown}"


def cost_lines(plan: dict) -> Iterator[str]:
    """What it takes, and what that rests on."""
    for cost in plan["generation"]:
        margin = "" if cost["margin"] is None else f" (± {cost['margin']:.0%})"
        yield f"{cost['model']}: {cost['samples']:,} samples, {cost['tokens']:,} tokens, {engine_text(cost)}{margin}"
        yield f"    {'; '.join(cost['assumptions'])}"
    for cost in plan.get("training", ()):
        hours = "" if cost["hours"] is None else f", {time_text(cost['hours'])}"
        gpu_hours = f", {cost['gpu_hours']:.1f} GPU-hours" if cost["gpu_hours"] else ""
        disk = "" if cost["disk_bytes"] is None else f", {size_text(cost['disk_bytes'])} of checkpoints"
        memory = (
            "" if cost["memory_bytes"] is None else f", about {cost['memory_bytes'] / 2**30:.0f} GiB on each device"
        )
        yield f"training {cost['run']}: {cost['steps']:,} steps, {cost['tokens']:,} tokens{hours}{gpu_hours}{memory}{disk}"
        yield f"    {'; '.join(cost['assumptions'])}"
    for cost in plan["judging"]:
        estimated = f" ({cost['estimated_calls']:,} of them estimated)" if cost["estimated_calls"] else ""
        price = "" if cost["usd"] is None else f", {cost['usd']:.2f} USD"
        engine = f", {engine_text(cost)}" if cost["engine_starts"] else ""
        yield f"judge {cost['judge']}: {cost['calls']:,} calls left{estimated}{price}{engine}"
        if cost["assumptions"]:
            yield f"    {'; '.join(cost['assumptions'])}"
        if cost["budget_usd"] is not None and (cost["usd"] or 0) + cost["spent_usd"] > cost["budget_usd"]:
            yield f"    more than budget_usd allows: {cost['spent_usd']:.2f} USD spent of {cost['budget_usd']:.2f}"
    if plan["generation"]:
        jobs = sum(cost["engine_starts"] for cost in plan["generation"])
        numbers = [(n, hours) for n, hours in plan["wall_hours"].items() if int(n) <= jobs] or [
            *plan["wall_hours"].items()
        ][:1]
        clock = ", ".join(f"{time_text(hours)} with {n} at a time" for n, hours in numbers)
        yield f"Generation jobs by the clock, waiting for nodes not counted: {clock}"
    if plan["generation"] or plan["judging"] or plan.get("training"):
        trained = (
            " and of checkpoints of trainings" if any(cost["disk_bytes"] for cost in plan.get("training", ())) else ""
        )
        yield (
            f"Disk: {size_text(plan['disk_bytes'])} of samples and judgements{trained}, other checkpoints and engines not counted; "
            f"{size_text(plan['disk_free_bytes'])} are free"
        )
    else:
        yield "Nothing needs an engine or a judge."
    for warning in plan["warnings"]:
        yield f"warning: {warning}."


def engine_text(cost: dict) -> str:
    """'17 engine starts, 48.6 hours of engine time, 48.6 GPU-hours'"""
    starts = cost["engine_starts"]
    gpus = f" on {', '.join(cost['gpus'])}" if cost.get("gpus") else ""
    gpu_hours = f", {cost['gpu_hours']:.1f} GPU-hours{gpus}" if cost["gpus_per_engine"] else ""
    return f"{starts} engine start{'s' * (starts != 1)}, {time_text(cost['engine_hours'])} of engine time{gpu_hours}"


def time_text(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:.1f} minutes"
    return f"{hours:.1f} hours"


def size_text(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
