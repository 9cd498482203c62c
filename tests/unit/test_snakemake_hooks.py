"""What stands on Snakemake's undocumented sides warns, and lets the run go on, where another version has them changed."""

import logging
import signal
from types import SimpleNamespace

import pytest
from snakemake.exceptions import WorkflowError

from openmath.preflight import snakemake_hooks, snakemake_output
from openmath.preflight.snakemake_hooks import check_before_start, check_dry_runs, check_no_prefix, plain_error
from openmath.preflight.snakemake_output import end_quietly


@pytest.fixture
def warnings(monkeypatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(snakemake_hooks, "logger", SimpleNamespace(warning=said.append))
    return said


def test_an_unknown_snakemake_is_not_stopped_by_us(warnings):
    executed = []
    workflow = SimpleNamespace(dryrun=True, execute=lambda *args, **kwargs: executed.append(kwargs))
    check_no_prefix(workflow)
    check_before_start(workflow, {}, "plan")
    check_dry_runs(workflow, {}, "plan")
    workflow.execute(updated_files=None)
    assert executed == [{"updated_files": None}]
    check_dry_runs(SimpleNamespace(), {}, "plan")
    assert len(warnings) == 3 and all("This version of Snakemake" in text for text in warnings)
    assert "check_setup.py" in warnings[0] and "snakemake plan" in warnings[2]


def test_jobs_of_a_run_check_nothing(warnings):
    def execute() -> None: ...

    job = SimpleNamespace(execute=execute, is_main_process=False)
    check_dry_runs(job, {}, "plan")
    assert job.execute is execute


def test_an_error_of_the_configuration_is_shown_without_our_files(monkeypatch, caplog):
    logger = logging.getLogger("a run that does not start")
    monkeypatch.setattr(snakemake_hooks, "logger", logger)
    assert str(plain_error("No such model.\nHint: look")) == "No such model.\nHint: look"
    for text in (
        'WorkflowError in file "rules/common.smk", line 1:\nNo such model.\nHint: look\n  File "rules/common.smk"',
        "Another one.",
    ):
        logger.error(text)
    assert [record.getMessage() for record in caplog.records] == ["No such model.\nHint: look", "Another one."]


def test_a_prefix_is_seen_in_the_module_and_in_a_module_around_it():
    def module(**modifier) -> SimpleNamespace:
        return SimpleNamespace(
            modifier=SimpleNamespace(path_modifier=SimpleNamespace(**modifier), globals={"__name__": "m"})
        )

    check_no_prefix(module(prefix=None))
    for moved in ({"prefix": "sub/"}, {"prefix": None, "inner_modifier": SimpleNamespace(modifies_prefixes=True)}):
        with pytest.raises(WorkflowError, match="cannot be used with `prefix:`"):
            check_no_prefix(module(**moved))


def interrupt_a_run(monkeypatch, capsys, **workflow) -> tuple[str, str, int]:
    """(what is logged, what is printed, exit status) of a run that is interrupted while it executes."""
    logged, filters = [], []

    def log(text: str) -> None:
        logged.extend([text] if all(accepts(text) for accepts in filters) else [])

    def execute() -> None:
        log("a job starts")
        try:
            signal.raise_signal(signal.SIGINT)
        except SystemExit:  # as the scheduler takes it
            log("Error in rule generate")
            raise WorkflowError("At least one job did not complete successfully.") from None

    monkeypatch.setattr(snakemake_output, "logger", SimpleNamespace(addFilter=filters.append))
    monkeypatch.setattr(snakemake_output, "_kept", lambda config: "7 finished samples")
    run, before = SimpleNamespace(execute=execute, **workflow), signal.getsignal(signal.SIGINT)
    try:
        end_quietly(run, {})
        with pytest.raises((SystemExit, WorkflowError)) as end:
            run.execute()
    finally:
        signal.signal(signal.SIGINT, before)
    return " ".join(logged), capsys.readouterr().out, getattr(end.value, "code", 1)


def test_ctrl_c_ends_a_run_with_what_is_kept(monkeypatch, capsys):
    logged, printed, status = interrupt_a_run(monkeypatch, capsys)
    assert (logged, status) == ("a job starts", 130)
    assert printed == "7 finished samples kept; run the same command again to go on.\n"


def test_ctrl_c_ends_a_job_without_a_word(monkeypatch, capsys):
    logged, printed, status = interrupt_a_run(monkeypatch, capsys, is_main_process=False)
    assert (logged, printed, status) == ("a job starts", "", 1)


def test_who_handles_ctrl_c_already_goes_on_doing_so(monkeypatch):
    monkeypatch.setattr(snakemake_output, "logger", SimpleNamespace())
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as of a run in the background
    try:
        end_quietly(SimpleNamespace(), {})
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
