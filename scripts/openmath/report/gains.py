"""What a training has changed: its model beside the one that it started from, from their paired comparison."""

from collections.abc import Sequence
from pathlib import Path

from openmath.provenance.words import listed
from openmath.report.summaries import Summary, read_csv

TURNED = {"higher": "lower", "lower": "higher"}
# Keys of a model that say how it is asked, and how its answers are read.
ASKED = ("prompt", "prompt_template", "system", "chat_template_kwargs", "sampling", "extraction", "thinking")


def base_name(summary: Summary) -> str | None:
    """Name of the model that a trained one started from; None of a model that was not trained here."""
    config = (summary.manifest or {}).get("config", {})
    run = config.get("models", {}).get(summary.model, {}).get("trained")
    return config["training"][run]["base"] if run else None


def asked_otherwise(summary: Summary) -> list[str]:
    """The keys of ASKED in which a trained model and its base differ: then a difference is not that of the training alone."""
    models = (summary.manifest or {}).get("config", {}).get("models", {})
    ours, bases = (models.get(name, {}) for name in (summary.model, base_name(summary)))
    return [key for key in ASKED if ours.get(key) != bases.get(key)]


def gains(summary: Summary, comparisons: Sequence[Path]) -> list[dict]:
    """Rows of comparison.csv, a trained model minus its base, under the judge of the summary; [] where they were not compared.

    comparisons: results/compare/{model}-vs-{other}/{judge}/comparison.csv, in which either may come first.
    """
    base = base_name(summary)
    for path in comparisons:
        pair, judge = path.parents[1].name, path.parent.name
        if judge == summary.judge and pair == f"{summary.model}-vs-{base}":
            return read_csv(path)
        if judge == summary.judge and pair == f"{base}-vs-{summary.model}":
            return [_turned(row) for row in read_csv(path)]
    return []


def _turned(row: dict) -> dict:
    """The same comparison, from the other side."""
    return row | {
        "first": row["second"],
        "second": row["first"],
        "difference": -row["difference"],
        "ci95_low": -row["ci95_high"],
        "ci95_high": -row["ci95_low"],
        "only_first": row["only_second"],
        "only_second": row["only_first"],
        "verdict": TURNED.get(row["verdict"], row["verdict"]),
    }


def after_training(summary: Summary, row: dict, grading: str, comparisons: Sequence[Path]) -> str:
    """', +33.3 points after training (21.4 to 45.3, paired)' of a row of the metrics; '' where nothing is to compare.

    Where the base was asked otherwise, that is said as well.
    """
    for gain in gains(summary, comparisons):
        if (gain["benchmark"], gain["mode"], gain["grading"]) == (row["benchmark"], row["mode"], grading):
            low, high = 100 * gain["ci95_low"], 100 * gain["ci95_high"]
            other = asked_otherwise(summary)
            doubt = f"; {base_name(summary)} was asked with another {listed(other)}" if other else ""
            return f", {100 * gain['difference']:+.1f} points after training ({low:.1f} to {high:.1f}, paired{doubt})"
    return ""
