"""A figure is one entry: registered here, it is drawn, lies among the files and stands on the page; the docs list them all."""

import re
from pathlib import Path
from pkgutil import resolve_name

import matplotlib.figure
import pandas
import pytest

import draw_figures
from openmath.report import drawing, figure_tables
from openmath.report.figures import FIGURES, Figure, Sources
from openmath.report.results import model_section
from openmath.report.summaries import read_summary

DOCS = (Path(__file__).parents[2] / "docs/report.md").read_text()
SIZES = Figure(
    name="sizes",
    title="Sizes & such",
    caption="How large each benchmark is.",
    nothing="No sizes.",
    rows="test_figures:sizes",
    draw="test_figures:draw_sizes",
    text_columns=1,
)


def sizes(sources: Sources) -> pandas.DataFrame:
    return pandas.DataFrame({"benchmark": [path.stem for path in sources.grades], "problems": 1234})


def draw_sizes(rows: pandas.DataFrame) -> matplotlib.figure.Figure:
    return drawing.message(f"{len(rows)} benchmarks")


@pytest.fixture
def only_sizes():
    """Instead of ours, which need grades."""
    ours = FIGURES[:]
    FIGURES[:] = [SIZES]
    yield
    FIGURES[:] = ours


@pytest.fixture
def summary(tmp_path) -> Path:
    folder = tmp_path / "results/m/summary/none"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text("[]")
    (folder / "tables.txt").write_text("")
    (folder / "published.csv").write_text("set,benchmark\n")
    return folder


def test_a_registered_figure_is_drawn_and_stands_on_the_page(only_sizes, summary):
    draw_figures.draw(Sources(summary, [Path("toy.parquet")], []))
    assert sorted(path.name for path in (summary / "figures").iterdir()) == [
        f"sizes.{x}" for x in ("csv", "pdf", "png", "svg")
    ]
    assert (summary / "figures/sizes.csv").read_text() == "benchmark,problems\ntoy,1234\n"
    html = model_section(read_summary(summary)).html
    assert "Sizes &amp; such" in html and SIZES.caption in html and "1,234" in html and 'class="text">toy' in html


def test_a_figure_without_rows_says_so_and_is_left_out_of_the_page(only_sizes, summary, monkeypatch):
    said = []
    message = drawing.message
    monkeypatch.setattr(drawing, "message", lambda text: said.append(text) or message(text))
    draw_figures.draw(Sources(summary, [], []))
    assert said == ["No sizes."] and (summary / "figures/sizes.svg").exists()
    assert "Sizes" not in model_section(read_summary(summary)).html


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_an_entry_names_functions_that_exist(figure):
    assert resolve_name(figure.rows).__module__ == figure_tables.__name__
    assert resolve_name(figure.draw).__module__ == drawing.__name__
    assert figure.summarised is None or callable(resolve_name(figure.summarised))


def test_the_docs_list_every_figure_with_its_numbers():
    table = DOCS.partition("## Figures for papers")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| .* \| `([\w.]+)`(?: of the summary)? \|$", table, re.MULTILINE)
    assert rows == [(figure.name, Path(figure.csv).name) for figure in FIGURES]
