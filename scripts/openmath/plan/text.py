"""The plan as people read it: what each model takes, what that rests on, which files there are, what would go wrong."""

from collections.abc import Iterator
from itertools import groupby

from openmath.plan.files import STAGES
from openmath.plan.table import cost_table, size_text, time_text

WIDTH = 12  # of a column of counts


def plan_text(plan: dict) -> str:
    """plan: cost.make_plan."""
    table = list(cost_table(plan)) or ["Nothing needs an engine or a judge."]
    parts = [
        [*table, *sum_lines(plan)],
        list(cost_lines(plan)),
        list(stage_lines(plan["stages"])),
        [f"warning: {warning}." for warning in plan["warnings"]],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def sum_lines(plan: dict) -> Iterator[str]:
    """By the clock, and on the disks."""
    if plan["generation"]:
        jobs = sum(cost["engine_starts"] for cost in plan["generation"])
        numbers = [(n, hours) for n, hours in plan["wall_hours"].items() if int(n) <= jobs] or [
            *plan["wall_hours"].items()
        ][:1]
        clock = [f"{time_text(hours)} with {n}" for n, hours in numbers]
        clock[0] += f" job{'s' * (numbers[0][0] != '1')} at a time"
        yield f"By the clock, waiting for nodes not counted: {', '.join(clock)}"
    if plan["generation"] or plan["judging"] or plan.get("training"):
        trained = "what is trained counted, other " if plan.get("training") else ""
        told = f"Disk: {size_text(plan['disk_bytes'])}, {trained}checkpoints and engines not counted"
        named = [disk for disk in plan["disks"] if disk["name"]]
        free = next((disk["disk_free_bytes"] for disk in plan["disks"]), plan["disk_free_bytes"])
        yield told if named else f"{told}; {size_text(free)} are free"
        for disk in named:
            yield f"    {disk['name']}: {size_text(disk['disk_bytes'])}; {size_text(disk['disk_free_bytes'])} are free"


def cost_lines(plan: dict) -> Iterator[str]:
    """All numbers, and what each rests on."""
    for cost in plan["generation"]:
        yield f"{cost['model']}: {cost['samples']:,} samples, {cost['tokens']:,} tokens, {engine_text(cost)}"
        yield from (f"    {source}" for source in cost["assumptions"])
    for cost in plan.get("training", ()):
        hours = "" if cost["hours"] is None else f", {time_text(cost['hours'])}"
        gpu_hours = f", {cost['gpu_hours']:.1f} GPU-hours" if cost["gpu_hours"] else ""
        disk = "" if cost["disk_bytes"] is None else f", {size_text(cost['disk_bytes'])} of checkpoints"
        memory = cost["memory_bytes"]
        size = "" if memory is None else f", about {memory / 2**30:.0f} GiB on each device"
        yield f"training {cost['run']}: {cost['steps']:,} steps, {cost['tokens']:,} tokens{hours}{gpu_hours}{size}{disk}"
        yield from (f"    {source}" for source in cost["assumptions"])
    for cost in plan["judging"]:
        estimated = f" ({cost['estimated_calls']:,} of them estimated)" if cost["estimated_calls"] else ""
        price = "" if cost["usd"] is None else f", {cost['usd']:.2f} USD"
        engine = f", {engine_text(cost)}" if cost["engine_starts"] else ""
        yield f"judge {cost['judge']}: {cost['calls']:,} calls left{estimated}{price}{engine}"
        yield from (f"    {source}" for source in cost["assumptions"])
        if cost["budget_usd"] is not None and (cost["usd"] or 0) + cost["spent_usd"] > cost["budget_usd"]:
            yield f"    more than budget_usd allows: {cost['spent_usd']:.2f} USD spent of {cost['budget_usd']:.2f}"


def engine_text(cost: dict) -> str:
    """'17 engine starts, 48.6 hours of engine time'"""
    starts = cost["engine_starts"]
    return f"{starts} engine start{'s' * (starts != 1)}, {time_text(cost['engine_hours'])} of engine time"


def stage_lines(stages: list[dict]) -> Iterator[str]:
    """A row per model and benchmark, a column per stage; a model with nothing to do is one line."""
    left = max(len(name) for name in ("model", *(s["model"] for s in stages))) + 2
    right = max(len(name) for name in ("benchmark", *(s["benchmark"] or "" for s in stages))) + 2
    yield "Files present/partial/missing:"
    yield f"{'model':{left}}{'benchmark':{right}}" + "".join(f"{stage:>{WIDTH}}" for stage in STAGES)
    for model, group in groupby(stages, key=lambda s: s["model"]):
        of_model = list(group)
        if not any(s["partial"] or s["missing"] for s in of_model):
            yield f"{model:{left}}{'(all)':{right}}  nothing to do, {sum(s['present'] for s in of_model):,} files"
            continue
        for benchmark, row in groupby(of_model, key=lambda s: s["benchmark"]):
            counts = {s["stage"]: (s["present"], s["partial"], s["missing"]) for s in row}
            cells = {stage: "/".join(map(str, number)) for stage, number in counts.items() if any(number)}
            if cells:
                shown = "".join(f"{cells.get(stage, '-'):>{WIDTH}}" for stage in STAGES)
                yield f"{model:{left}}{benchmark or '(all)':{right}}{shown}"
