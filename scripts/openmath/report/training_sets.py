"""The section of training sets: how many rows each has, and the figure of its stages."""

from pathlib import Path

from openmath.files.json_files import read_json
from openmath.report.page import render
from openmath.report.section import Section
from openmath.report.summaries import data_url, read_csv


def training_sets_section(root: Path) -> Section | None:
    """Of datasets/NAME below the folder where the results lie; None where no set is packed and drawn."""
    sets = [_shown(path) for path in sorted(root.glob("datasets/*/stages.svg"))]
    return Section("training-sets", "Training sets", render("training_sets.html", sets=sets)) if sets else None


def _shown(figure: Path) -> dict:
    """What training_sets.html shows of a set."""
    folder = figure.parent
    rows = read_csv(folder / "stages.csv")
    return {
        "name": folder.name,
        "sets": read_json(folder / "counts.json", "the counts of a training set")["sets"],
        "image": data_url(figure),
        "header": list(rows[0]) if rows else [],
        "rows": [[f"{value:,}" if isinstance(value, int) else value for value in row.values()] for row in rows],
    }
