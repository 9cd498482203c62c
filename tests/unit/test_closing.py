"""What a finished run says last."""

from types import SimpleNamespace

import pytest
from snakemake.exceptions import WorkflowError
from snakemake.settings.enums import Quietness

from openmath.preflight.snakemake_output import end_with_tables
from openmath.results.closing import MOST_TABLES, closing_words
from openmath.results.tables import format_table


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


def test_a_narrow_terminal_breaks_no_row(tables, tmp_path):
    columns = (
        "evaluation_mode",
        "num_entries",
        "symbolic_correct",
        "judge_correct",
        "both_correct",
        "any_correct",
        "no_answer",
    )
    row = dict.fromkeys(columns[2:], 97.53) | {"evaluation_mode": "pass@1[avg-of-256]", "num_entries": 5000}
    table = format_table("math", [{name: row[name] for name in columns}])
    (tmp_path / tables[0]).write_text(f"{table}\nwarning: {'many words ' * 20}\n")
    assert table in closing_words(tables[:1], "none")
    lines = closing_words(tables[:1], "none", 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "--- math ---" in lines
    assert [line.split() for line in lines if "entries" in line or "256" in line] == [
        ["mode", "entries", *["correct"] * 4, "answer"],
        ["pass@1[avg-of-256]", "5000", *["97.53"] * 5],
    ]


@pytest.mark.parametrize(
    ("asked", "settings", "shown"),
    [
        ((0, 1, 2), {}, True),
        ((1,), {}, False),  # one file of them: not the evaluation
        ((0, 1), {"quiet": {Quietness.ALL}}, False),
        ((0, 1), {"touch": True}, False),
        ((0, 1), {"dryrun": True}, False),
        ((0, 1), {"is_main_process": False}, False),  # a job of a run
    ],
)
def test_only_who_asked_for_the_tables_reads_them(tables, capsys, asked, settings, shown):
    files = [*tables, "x"]
    jobs = [SimpleNamespace(output=[files[number]]) for number in asked]
    settings = {"quiet": None, "touch": False, "dryrun": False, "is_main_process": True} | settings
    quiet = SimpleNamespace(quiet=settings.pop("quiet"))
    workflow = SimpleNamespace(
        dag=SimpleNamespace(jobs=jobs), output_settings=quiet, execute=lambda: "made", **settings
    )
    end_with_tables(workflow, tables, "none")
    assert workflow.execute() == "made"
    assert ("table 0" in capsys.readouterr().out) == shown


def test_another_snakemake_ends_without_tables(tables, capsys):
    workflow = SimpleNamespace(execute=lambda: "made")
    end_with_tables(workflow, tables, "none")
    assert workflow.execute() == "made" and capsys.readouterr().out == ""


def test_a_run_that_fails_ends_without_tables(tables, capsys):
    def execute() -> None:
        raise WorkflowError("At least one job did not complete successfully.")

    workflow = SimpleNamespace(execute=execute)
    end_with_tables(workflow, tables, "none")
    with pytest.raises(WorkflowError):
        workflow.execute()
    assert capsys.readouterr().out == ""
