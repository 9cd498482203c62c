"""Ours beside the published numbers of config/published.yaml: within | differs | too small to tell, by a stated rule."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openmath.errors import InputError
from openmath.files.text_tables import markdown_table
from openmath.files.yaml_files import read_yaml
from openmath.statistics.intervals import SIGNIFICANCE

INFORMATIVE = 5.0  # points: an interval that reaches further to either side cannot confirm a published number
Number = float | Annotated[str, Field(pattern=r"^[0-9]+([.][0-9]+|/[1-9][0-9]*)?$")]  # a percentage, or solved/total


class Part(BaseModel):
    """What of the file is used here; nothing is converted."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class PublishedSet(Part):
    """Numbers of one source."""

    source: Any
    judge: Any
    spread: float
    notes: list
    models: dict[str, dict[str, dict[str, dict[str, Number]]]]  # model, mode, grading, benchmark


class Published(Part):
    problems: dict[str, int]
    sets: dict[str, PublishedSet]


RULE = f"""\
A percentage **differs** where it lies outside our 95 % interval widened by the set's own spread between engines; else it is
**within**, or **too small to tell** where our interval reaches more than {INFORMATIVE:g} points to either side. A count
(solved/total) **differs** where Fisher's exact test against our count has p < {SIGNIFICANCE}; else it is too small to tell: with
so few problems, equal counts prove little. Where ours are not the published problems, nothing is ever within.
"""
REASONS = """\
Known reasons for a difference: the judge and its snapshot; the engine, its version, batch size and GPUs (1-2 points, says the
recipe); a doubled begin-of-text token in the prompt; the symbolic grader, which is not the recipe's (docs/grading.md); references
that are not the recipe's (docs/benchmarks.md); few sampled runs.
"""


def load_published(path: Path) -> dict:
    """The file, checked as far as it is used here."""
    published: Any = read_yaml(path, "the published numbers")
    try:
        Published.model_validate(published)
    except ValidationError as error:
        first = error.errors()[0]
        place = ": ".join(map(str, [path, *first["loc"]]))
        raise InputError("This is not a file of published numbers.", where=place, found=first["msg"]) from None
    return published


def compare_with_published(metrics: list[dict], model: str, published: dict) -> list[dict]:
    """One row per published number of `model` that we have a counterpart for, with our value, interval and the outcome.

    metrics: rows of metrics.metrics_row. Their numbers are LLM-judged or symbolic; each is compared with ours of the same
    grading, and where we have no judge, our symbolic one.
    """
    rows = []
    for name, collection in published["sets"].items():
        for mode, gradings in collection["models"].get(model, {}).items():
            for grading, numbers in gradings.items():
                for ours in metrics:
                    if ours["mode"] == mode and ours["benchmark"] in numbers:
                        expected = published["problems"].get(ours["benchmark"])
                        rows.append(_row(name, collection, grading, numbers[ours["benchmark"]], ours, expected))
    return rows


def _row(name: str, collection: dict, grading: str, number: float | str, ours: dict, problems: int) -> dict:
    own = grading if f"accuracy_{grading}" in ours else "symbolic"
    value, low, high = (100 * ours[f"{part}_{own}"] for part in ("accuracy", "ci95_low", "ci95_high"))
    solved, slash, total = str(number).partition("/")
    theirs = 100 * int(solved) / int(total) if slash else float(number)
    same_problems = ours["n_items"] == problems
    if slash:
        p = _fisher(round(value / 100 * ours["n_items"]), ours["n_items"], int(solved), int(total))
        outcome = "differs" if p < SIGNIFICANCE else "too small to tell"
        rule = f"Fisher p = {p:.2g}"
    else:
        spread = collection["spread"]
        outside = not low - spread <= theirs <= high + spread
        wide = max(high - value, value - low) > INFORMATIVE or not same_problems
        outcome = "differs" if outside else "too small to tell" if wide else "within"
        rule = f"interval ± {spread:g} points"
    remarks = [f"ours is {own}, theirs {grading}"] if own != grading else []
    remarks += [] if same_problems else [f"ours has {ours['n_items']} problems, theirs {problems}"]
    return {
        "set": name,
        "benchmark": ours["benchmark"],
        "mode": ours["mode"],
        "grading": grading,
        "ours": value,
        "ci95_low": low,
        "ci95_high": high,
        "published": theirs,
        "published_text": str(number),
        "published_source": collection["source"],
        "verdict": outcome,
        "rule": rule,
        "remarks": "; ".join(remarks),
    }


def _fisher(a: int, a_total: int, b: int, b_total: int) -> float:
    from scipy.stats import fisher_exact  # only here: its import takes a second

    return float(fisher_exact([[a, a_total - a], [b, b_total - b]]).pvalue)


def published_markdown(model: str, rows: list[dict], published: dict) -> str:
    """The rows as text for people, each set with its source and notes, and the rule."""
    text = f"# {model} beside published numbers\n"
    if not rows:
        known = sorted({name for collection in published["sets"].values() for name in collection["models"]})
        return (
            text
            + f"\nNo published number belongs to this model and these runs. Models with numbers: {', '.join(known)}.\n"
        )
    for name, collection in published["sets"].items():
        chosen = [row for row in rows if row["set"] == name]
        if chosen:
            text += f"\n## {name}: {collection['source']}, judged by {collection['judge']}\n\n"
            text += markdown_table([_cells(row) for row in chosen])
            text += "".join(f"\n- {note}" for note in collection["notes"]) + "\n" * bool(collection["notes"])
    return f"{text}\n{RULE}\n{REASONS}"


def _cells(row: dict) -> dict:
    return {
        "benchmark": row["benchmark"],
        "mode": row["mode"],
        "grading": row["grading"],
        "ours": f"{row['ours']:.2f} [{row['ci95_low']:.1f}, {row['ci95_high']:.1f}]",
        "published": row["published_text"],
        "verdict": row["verdict"],
        "rule": row["rule"],
        "remarks": row["remarks"],
    }
