"""What stands on Snakemake's undocumented sides warns, and lets the run go on, where another version has them changed."""

from types import SimpleNamespace

import pytest
from snakemake.exceptions import WorkflowError

from openmath.preflight import snakemake_hooks
from openmath.preflight.snakemake_hooks import check_before_start, check_dry_runs, check_no_prefix


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


def test_a_prefix_is_seen_in_the_module_and_in_a_module_around_it():
    def module(**modifier) -> SimpleNamespace:
        return SimpleNamespace(
            modifier=SimpleNamespace(path_modifier=SimpleNamespace(**modifier), globals={"__name__": "m"})
        )

    check_no_prefix(module(prefix=None))
    for moved in ({"prefix": "sub/"}, {"prefix": None, "inner_modifier": SimpleNamespace(modifies_prefixes=True)}):
        with pytest.raises(WorkflowError, match="cannot be used with `prefix:`"):
            check_no_prefix(module(**moved))
