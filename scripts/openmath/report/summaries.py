"""One summary folder, results/{model}/summary/{judge}, read back with its figures."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas

from openmath.errors import InputError
from openmath.files.json_files import read_json
from openmath.report.figures import FIGURES

# What would end an address, or an attribute of HTML.
ESCAPES = str.maketrans({mark: quote(mark) for mark in "%#\"'<>&"})
ANCHOR = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass
class Summary:
    """results: results/{model}. metrics: rows of metrics.metrics_row. tables: the recipe's, as text. published: rows of
    published.csv. figures: name -> SVG as a data: address. figure_tables: name -> rows of the table behind it. manifest, methods:
    of write_methods.py; None and "" where it did not run."""

    model: str
    judge: str
    results: Path
    metrics: list[dict]
    tables: str
    published: list[dict]
    figures: dict[str, str]
    figure_tables: dict[str, list[dict]]
    manifest: dict | None = None
    methods: str = ""

    @property
    def title(self) -> str:
        return f"{self.model}, {'symbolic grading' if self.judge == 'none' else f'judged by {self.judge}'}"

    @property
    def anchor(self) -> str:
        """Of its section on the page."""
        return ANCHOR.sub("-", f"model-{self.model}-{self.judge}")


def read_summary(folder: Path) -> Summary:
    """Raises InputError where a file is missing."""
    manifest, methods = folder / "manifest.json", folder / "methods.md"
    try:
        return Summary(
            model=folder.parents[1].name,
            judge=folder.name,
            results=folder.parents[1],
            metrics=read_json(folder / "metrics.json", "the metrics"),
            tables=(folder / "tables.txt").read_text(),
            published=read_csv(folder / "published.csv"),
            figures={figure.name: data_url(folder / f"figures/{figure.name}.svg") for figure in FIGURES},
            figure_tables={figure.name: read_csv(folder / figure.csv) for figure in FIGURES},
            manifest=read_json(manifest, "the manifest") if manifest.exists() else None,
            methods=methods.read_text() if methods.exists() else "",
        )
    except OSError as error:
        raise InputError(
            "A file of a summary is missing.",
            where=error.filename,
            hint="summarize_results.py --output-dir and draw_figures.py make them.",
        ) from None


def read_csv(path: Path) -> list[dict]:
    """Rows; text stays as it is written ('NA' is an answer), numbers are numbers, empty cells are ''."""
    return pandas.read_csv(path, keep_default_na=False).to_dict("records")


def data_url(svg: Path) -> str:
    """A figure as an address that holds it: as an image it can run nothing, and its element names meet no other figure's.

    As text it is a quarter shorter than in base64. An address may hold no line breaks: they are blanks here.
    """
    return "data:image/svg+xml," + " ".join(svg.read_text(encoding="utf-8").split()).translate(ESCAPES)
