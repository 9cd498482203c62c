"""What each model takes, in a few columns: the first thing that a plan says."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields

HEAD = ("", "jobs", "samples", "tokens", "engine time", "disk", "judge")
MANY_TOKENS = 10_000_000  # from here on in millions


@dataclass
class Row:
    """What one model, a judge's own engine or a training takes. hours: of engines without GPUs. disk: bytes. calls: of judges."""

    jobs: int = 0
    samples: int = 0
    tokens: int = 0
    hours: float = 0.0
    gpu_hours: float = 0.0
    disk: float = 0.0
    calls: int = 0
    usd: float = 0.0

    def cells(self) -> list[str]:
        times = [time_text(self.gpu_hours, "GPU-")] * bool(self.gpu_hours) + [time_text(self.hours)] * bool(self.hours)
        judge = [f"{self.calls:,} calls"] * bool(self.calls) + [f"{self.usd:.2f} USD"] * bool(self.usd)
        return [
            f"{self.jobs:,}" if self.jobs else "-",
            f"{self.samples:,}" if self.samples else "-",
            f"{self.tokens / 1e6:,.0f} M" if self.tokens >= MANY_TOKENS else f"{self.tokens:,}" if self.tokens else "-",
            " + ".join(times) or "-",
            size_text(self.disk) if self.disk else "-",
            ", ".join(judge) or "-",
        ]


def cost_table(plan: dict) -> Iterator[str]:
    """Lines; none where nothing needs an engine or a judge. plan: cost.make_plan."""
    rows = table_rows(plan)
    if not rows:
        return
    notes = {cost["model"]: engine_note(cost) for cost in plan["generation"] if cost["samples"]}
    lines = {"": list(HEAD)} | {name: [name, *row.cells()] for name, row in rows.items()}
    if len(rows) > 1:
        lines["all"] = ["all", *total(rows).cells()]
    widths = [max(map(len, column)) for column in zip(*lines.values(), strict=True)]
    for name, cells in lines.items():
        yield "  ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]).rstrip()
        if name in notes:
            yield f"    {notes[name]}"


def table_rows(plan: dict) -> dict[str, Row]:
    """Name -> row: models, then judges with an engine of their own, then trainings."""
    rows: dict[str, Row] = defaultdict(Row)
    for cost in plan["generation"]:
        row = rows[cost["model"]]
        row.jobs, row.samples, row.tokens = cost["jobs"], cost["samples"], cost["tokens"]
        _add_time(row, cost)
    for cost in plan["judging"]:
        for model, calls in cost["calls_by_model"].items():
            if calls:
                rows[model].calls += calls
                rows[model].usd += (cost["usd"] or 0) * calls / cost["calls"]
    for model, size in plan["disk_by_model"].items():
        rows[model].disk = size
    for cost in plan["judging"]:
        if cost["engine_starts"]:
            row = rows[f"judge {cost['judge']}"]
            row.jobs = cost["engine_starts"]
            _add_time(row, cost)
    for cost in plan.get("training", ()):
        row = rows[f"training {cost['run']}"]
        row.jobs, row.tokens, row.disk = 1, cost["tokens"], cost["disk_bytes"] or 0
        row.hours, row.gpu_hours = 0 if cost["gpu_hours"] else cost["hours"] or 0, cost["gpu_hours"] or 0
    return rows


def _add_time(row: Row, cost: dict) -> None:
    if cost["gpus_per_engine"]:
        row.gpu_hours += cost["gpu_hours"]
    else:
        row.hours += cost["engine_hours"]


def total(rows: dict[str, Row]) -> Row:
    return Row(**{field.name: sum(getattr(row, field.name) for row in rows.values()) for field in fields(Row)})


def engine_note(cost: dict) -> str:
    """'up to 4,096 tokens a sample, thought included; 2 H200 an engine, 9,000 tokens/s a job, assumed'"""
    gpus = cost["gpus_per_engine"]
    kinds = " or ".join(cost["gpus"]) or f"GPU{'s' * (gpus > 1)}"
    speed = f"{cost['tokens_per_second']:,.0f} tokens/s a job, {'measured' if cost['measured'] else 'assumed'}"
    margin = "" if cost["margin"] is None else f", ± {cost['margin']:.0%}"
    on = f"{gpus} {kinds} an engine" if gpus else "no GPU"
    return f"up to {cost['longest_sample']:,} tokens a sample, thought included; {on}, {speed}{margin}"


def time_text(hours: float, unit: str = "") -> str:
    """'1.2 hours', or with unit 'GPU-' '1.2 GPU-hours'; less than an hour in minutes."""
    return f"{hours:.1f} {unit}hours" if hours >= 1 else f"{hours * 60:.1f} {unit}minutes"


def size_text(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
