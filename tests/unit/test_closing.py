"""What a finished run says last."""

from types import SimpleNamespace

import pytest
from snakemake.settings.enums import Quietness

from openmath.preflight.snakemake_hooks import end_with_tables
from openmath.results.closing import MOST_TABLES, closing_words


@pytest.fixture
def tables(tmp_path, monkeypatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    made = ["results/m/summary/none/tables.txt", "results/m/summary/j/tables.txt"]
    for number, path in enumerate(made):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(f"--- table {number} ---\n\n\n")
    return made


def test_tables_are_named_explained_and_followed_by_the_report(tables, tmp_path):
    report = tmp_path / "results/report.html"
    assert "Report" not in closing_words(tables, str(report))
    report.touch()
    text = closing_words(tables, str(report))
    assert "\nm: results/m/summary/none/tables.txt\n\n--- table 0 ---\n\nm, judged by j: " in text
    assert text.count("majority@n their vote") == 1 and text.endswith(f"Report: {report} (open it in a browser)\n")


def test_many_tables_are_only_counted(tables):
    text = closing_words(tables * MOST_TABLES, "none")
    assert "table 0" not in text and f"Tables: {2 * MOST_TABLES} files" in text


@pytest.mark.parametrize(
    ("asked", "quiet", "touch", "shown"),
    [
        (["results/m/summary/none/tables.txt", "results/m/summary/j/tables.txt", "x"], set(), False, True),
        (["results/m/summary/j/tables.txt"], set(), False, False),  # one file of them: not the evaluation
        (["results/m/summary/none/tables.txt", "results/m/summary/j/tables.txt"], {Quietness.ALL}, False, False),
        (["results/m/summary/none/tables.txt", "results/m/summary/j/tables.txt"], None, True, False),
    ],
)
def test_only_who_asked_for_the_tables_reads_them(tables, capsys, asked, quiet, touch, shown):
    jobs = [SimpleNamespace(output=[file]) for file in asked]
    settings = SimpleNamespace(quiet=quiet)
    workflow = SimpleNamespace(dag=SimpleNamespace(jobs=jobs), output_settings=settings, touch=touch)
    end_with_tables(workflow, tables, "none")
    assert ("table 0" in capsys.readouterr().out) == shown
    end_with_tables(SimpleNamespace(), tables, "none")  # another Snakemake: nothing, and no error
