"""docs/results.md: its Python runs as it stands, and the data frames say what the files of the summaries say."""

import importlib.machinery
import importlib.util
import re
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import pandas
import pytest
from unit.finished_results import PROBLEMS, RIGHT, write_results

from openmath.errors import InputError
from openmath.files.rows import write_text
from openmath.results.load import RESULT_COLUMNS, load_curves, load_grades, load_results, load_scores

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two models, one of them under two judges."""
    folder = tmp_path_factory.mktemp("loaded") / "results"
    write_results(folder)
    write_results(folder, "other", ("none",))
    (folder / "m/grades").mkdir()
    pandas.DataFrame({"id": ["gsm8k-0"], "sample_run": ["greedy"]}).to_parquet(folder / "m/grades/gsm8k.parquet")
    return folder


def test_each_result_has_one_row_and_what_no_judge_changes_stands_once(results):
    table = load_results(results)
    assert (
        list(table) == RESULT_COLUMNS and not table.duplicated(["model", "judge", "benchmark", "mode", "metric"]).any()
    )
    greedy = table[(table["mode"] == "greedy") & (table.model == "m")].set_index(["judge", "metric"])
    assert set(greedy.index) == {
        *(("none", metric) for metric in ("accuracy_symbolic", "no_answer")),
        *((judge, metric) for judge in ("alice", "bob") for metric in ("accuracy_judge", "agreement")),
    }, "no row for what is not known: null, NaN"
    bob = greedy.loc[("bob", "accuracy_judge")]
    assert bob.value == (RIGHT["greedy"] + 11) / PROBLEMS and bob.ci95_low == bob.value - 0.02
    assert (
        greedy.ci95_low.notna().tolist() == greedy.index.get_level_values("metric").str.startswith("accuracy").tolist()
    )


@pytest.mark.parametrize(("below", "models"), [("", ["m", "other"]), ("m", ["m"]), ("m/summary/bob", ["m"])])
def test_a_folder_of_any_height_is_read(results, below, models):
    for load in (load_results, load_curves, load_scores):
        assert load(results / below).model.unique().tolist() == models
        assert "bob" in load(str(results / below)).judge.unique()


def test_scores_and_curves_name_their_judge(results):
    scores = load_scores(results / "m")
    assert scores.groupby("judge").score.mean().to_dict() == {"none": pytest.approx(2 / 3), "alice": 1, "bob": 0}
    assert not scores.duplicated(["judge", "mode", "id"]).any()
    assert load_curves(results).judge.tolist() == ["none", "alice", "bob", "none"]
    grades = load_grades(results)
    assert grades[["model", "benchmark", "id"]].values.tolist() == [["m", "gsm8k", "gsm8k-0"]]


def test_a_folder_without_results_is_refused(results, tmp_path):
    for load, folder in ((load_results, tmp_path), (load_grades, results / "other")):
        with pytest.raises(InputError, match="There are no"):
            load(folder)
    write_text(tmp_path / "m/summary/none/metrics.json", "{")
    with pytest.raises(InputError, match="metrics"):
        load_results(tmp_path)


def test_the_python_of_the_page_runs_and_draws_its_figures(results, tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("run_python", DOCS / "run_python.py")
    run_python = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run_python)
    logged = {}
    mlflow = ModuleType("mlflow")  # a stand-in that takes the names that MLflow takes
    mlflow.__spec__ = importlib.machinery.ModuleSpec("mlflow", None)
    mlflow.start_run = lambda run_name: nullcontext()
    mlflow.log_metric = lambda name, value: logged.setdefault(re.fullmatch(r"[\w./: -]+", name)[0], value)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.chdir(results.parent)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names = run_python.run(DOCS / "results.md")
    assert len(logged) == len(names["results"].drop_duplicates(["judge", "benchmark", "mode", "metric"]))
    pictures = re.findall(r"!\[.*\]\(images/(.*)\)", (DOCS / "results.md").read_text())
    assert len(pictures) == 2
    for name in pictures:
        assert (results.parent / name).stat().st_size > 1000 and (DOCS / "images" / name).exists()
