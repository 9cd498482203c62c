"""A metric and an estimator are one entry each: registered here, they are in every table; the docs list them all."""

import json
import re
from pathlib import Path

import pandas
import pytest
from test_summary import summarise, write_grades

import summarize_results
from openmath.provenance.cells import read_cells
from openmath.report.drawing import draw_curves
from openmath.report.figures import FIGURES
from openmath.report.results import model_section
from openmath.report.summaries import Summary
from openmath.results.metrics import METRICS, Metric
from openmath.results.modes import AGGREGATIONS
from openmath.statistics.estimates import ESTIMATORS, pass_at_k

DOCS = (Path(__file__).parents[2] / "docs/statistics.md").read_text()
NAMES = dict(zip(AGGREGATIONS, ("greedy", "pass@1[avg-of-n]", "majority@n", "pass@n"), strict=True))


@pytest.fixture
def answered():
    """How many answers a mode has: of samples as they stand only, as a count."""
    METRICS.append(Metric("answered", "answers", "count", lambda mode: (~mode.unanswered).sum(), ("greedy", "average")))
    yield
    METRICS.pop()


@pytest.fixture
def none_correct():
    """Whether k samples are all wrong."""
    ESTIMATORS["none@k"] = lambda correct, ballots, k: 1 - pass_at_k(correct, k)
    yield
    del ESTIMATORS["none@k"]


def test_a_registered_metric_is_a_column_of_its_modes(tmp_path, call, answered):
    _, out = summarise(call, tmp_path)
    rows = {row["mode"]: row for row in json.loads((out / "metrics.json").read_text())}
    assert {mode: row["answered"] for mode, row in rows.items() if "answered" in row} == {
        "greedy": 2,
        "pass@1[avg-of-4]": 8,
    }
    assert pandas.read_csv(out / "metrics.csv").set_index("mode")["answered"].dropna().to_list() == [2, 8]
    assert "| answered |" in (out / "tables.md").read_text()
    cells = read_cells(out)
    assert cells["toy", "greedy", "answered"] == {"metrics.json": 2}
    assert number_on_the_page(out, "answered") == "8"


def number_on_the_page(summary: Path, title: str) -> str:
    """The second mode's cell of a column of the page's table of accuracies."""
    metrics = json.loads((summary / "metrics.json").read_text())
    html = model_section(Summary("m", "j", summary, metrics, "", [], {}, {figure.name: [] for figure in FIGURES})).html
    header = re.findall(r"<th[^>]*>([^<]*)</th>", html)
    return re.findall(r"<td[^>]*>(.*?)</td>", html)[len(header) + header.index(title)]


def test_a_registered_estimator_has_its_curve(tmp_path, call, none_correct):
    _, out = summarise(call, tmp_path)
    curves = pandas.read_csv(out / "curves.csv").set_index(["estimator", "k"])["estimate"]
    assert curves["none@k", 4] == pytest.approx(1 - curves["pass@k", 4]) == pytest.approx(1 / 3)
    assert "none@k symbolic" in (out / "tables.md").read_text()
    (axes,) = draw_curves(pandas.read_csv(out / "curves.csv")).axes
    assert len({(line.get_linestyle(), line.get_marker()) for line in axes.lines}) == 3


def test_a_metric_of_the_judge_needs_one(tmp_path, call):
    grades = write_grades(tmp_path / "toy.parquet")
    call(summarize_results, "--grades", grades, "--output-dir", tmp_path / "out")
    columns = {column for row in json.loads((tmp_path / "out/metrics.json").read_text()) for column in row}
    missing = {metric.name for metric in METRICS if metric.name not in columns}
    assert missing == {m.name for m in METRICS if m.judged} | {"not_boxed"}


def test_the_docs_list_every_metric():
    table = DOCS.partition("## Metrics")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (\w+) \| (.*?) \|$", table, re.MULTILINE)
    assert rows == [(m.name, m.meaning, m.unit, modes(m)) for m in METRICS]


def modes(metric: Metric) -> str:
    named = [NAMES[aggregation] for aggregation in metric.aggregations]
    return ("all" if len(named) == len(NAMES) else ", ".join(named)) + ", judged" * metric.judged
