"""The section of trainings: what each was made from, its curves, and the cards of its models."""

from collections.abc import Sequence
from pathlib import Path

from openmath.errors import parts_of
from openmath.files.json_files import read_json
from openmath.provenance.training import training_facts
from openmath.report.page import render, with_interval
from openmath.report.section import Section
from openmath.report.summaries import Summary, data_url, read_csv
from openmath.training.curve import Point, read_curve

CURVE_HEADER = ["step", "loss", "learning rate", "tokens", "tokens/s", "GiB"]
LEARNING_HEADER = ["benchmark", "mode", "judge", "step", "model", "n", "accuracy"]
SHOWN_STEPS = 20  # of a curve as numbers; the file has all


def trainings_section(root: Path, summaries: Sequence[Summary]) -> Section | None:
    """Of training/RUN below the folder where the results lie; None where no training has ended and is drawn."""
    runs = [path.parent for path in sorted(root.glob("training/*/curve.svg"))]
    shown = [_shown(run, summaries) for run in runs if (run / "training.json").exists()]
    return Section("trainings", "Training", render("trainings.html", runs=shown)) if shown else None


def _shown(run: Path, summaries: Sequence[Summary]) -> dict:
    """What trainings.html shows of training/RUN."""
    root = run.parents[1]
    record = read_json(run / "training.json", "the record of a training")
    with parts_of("the record of a training", run / "training.json"):
        facts = training_facts(record)
        dataset = Path(record["dataset"]["path"]).parent
    has_section = dataset.parent == Path("datasets") and (root / dataset / "stages.svg").exists()
    return {
        "name": run.name,
        "facts": facts,
        "dataset_card": dataset / "card.md" if has_section else None,
        "image": data_url(run / "curve.svg"),
        "header": CURVE_HEADER,
        "rows": [_curve_row(point) for point in some(read_curve(run / "curve.csv"))],
        "learning": _learning(run),
        "learning_header": LEARNING_HEADER,
        "cards": {model: card for model in models_of(run.name, summaries) if (card := _card(root, model))},
    }


def models_of(run: str, summaries: Sequence[Summary]) -> list[str]:
    """Models on the page that came out of a training."""
    found = {summary.model: (summary.manifest or {}).get("config", {}) for summary in summaries}
    return [model for model, config in found.items() if config.get("models", {}).get(model, {}).get("trained") == run]


def some(points: list[Point]) -> list[Point]:
    """At most SHOWN_STEPS of a curve, evenly spread, the first and the last among them."""
    last = len(points) - 1
    count = min(SHOWN_STEPS, len(points))
    return [points[round(number * last / max(count - 1, 1))] for number in range(count)]


def _curve_row(point: Point) -> list[str]:
    rate, speed, memory = f"{point.learning_rate:g}", f"{point.tokens_per_second:,.0f}", f"{point.memory_gib:.1f}"
    return [f"{point.step:,}", f"{point.loss:.4f}", rate, f"{point.tokens:,}", speed, memory]


def _learning(run: Path) -> dict | None:
    """The learning curve, where the configuration asks for models after single steps."""
    figure = run / "learning_curve.svg"
    if not figure.exists():
        return None
    rows = []
    for row in read_csv(run / "learning_curve.csv"):
        solved = with_interval(row["accuracy"], row["ci95_low"], row["ci95_high"])
        names = [row[name] for name in ("benchmark", "mode", "judge")]
        rows.append([*names, f"{row['step']:,}", row["model"], f"{row['n_items']:,}", solved])
    return {"image": data_url(figure), "rows": rows}


def _card(root: Path, model: str) -> str:
    """models/MODEL/card.md; '' where it is not written."""
    path = root / f"models/{model}/card.md"
    return path.read_text() if path.exists() else ""
