"""What a person sees of a run: Snakemake's records go in, lines come out, live ones at a terminal."""

import io
import logging
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.settings.enums import Quietness

from openmath.generation.progress import clock_text
from openmath.preflight import snakemake_output
from openmath.preflight.snakemake_output import _quiet_wanted, be_quiet
from openmath.preflight.terminal import SEE_LOGS, Terminal, said_better


def record(text: str = "", *, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": text, "levelno": level, **fields})


def job(
    event: str, number: int, rule: str, *logs: Path, message: str | None = None, **wildcards: str
) -> logging.LogRecord:
    level = logging.ERROR if event == "job_error" else logging.INFO
    fields = {"jobid": number, "rule_name": rule, "rule_msg": message, "log": [*map(str, logs)], "wildcards": wildcards}
    return record(event=event, level=level, **fields)


def terminal(*, here: bool = True, columns: int | None = 80) -> tuple[Terminal, io.StringIO]:
    stream = io.StringIO()
    return Terminal(stream, here=lambda: here, columns=(lambda: columns) if columns else None, untold={"all"}), stream


def test_stages_live_lines_and_an_error_told_once(tmp_path):
    handler, stream = terminal()
    log = tmp_path / "g.log"
    stats = {"generate_m_1": 1, "generate_m_2": 1, "grade_answers": 2, "all": 1, "total": 5}
    handler.emit(record(event="run_info", stats=stats))
    assert stream.getvalue() == "To do, 4 jobs: generate (2), grade answers (2)\n"
    log.write_text("generate: 4/8 samples, 60 tokens/s, 0:05 left\n")
    handler.emit(job("job_info", 1, "generate_m_1", log, message="generate samples of m; log: g.log"))
    assert [line[6:] for line in handler._live(79)] == ["generate samples of m: 4/8 samples, 60 tokens/s, 0:05 left"]
    handler.emit(record(event="job_finished", job_id=1))
    assert "done" not in stream.getvalue()  # a job of the stage is left
    handler.emit(job("job_info", 2, "generate_m_2", log))
    handler.emit(record(event="job_finished", job_id=2))
    assert "done: generate, 2 jobs, 0:00\n" in stream.getvalue()
    handler.emit(job("job_info", 3, "grade_answers", log, model="m"))
    log.write_text("loading\nerror: no \x1b[2Jrow\n  found: 1\nHint: look\n")
    for _ in range(2):
        handler.emit(job("job_error", 3, "grade_answers", log))
    handler.emit(record("RuleException:\nCommand ...", level=logging.ERROR))
    handler.stop()
    said = stream.getvalue().split("failed: ")
    assert len(said) == 2
    error, _, last = said[1].partition("\n\n")
    assert error == f"grade answers m\n  error: no \\x1b[2Jrow\n    found: 1\n  Hint: look\n  log: {log}"
    assert last == "1 job failed, 1 job not begun. What is finished is kept; the same command goes on from there.\n"


def test_a_line_fits_and_keeps_what_is_new(tmp_path):
    handler, _ = terminal()
    (tmp_path / "j.log").write_text("judge: 1/3 questions (1 unparsed), 1:09 left\n")
    handler.emit(job("job_info", 1, "judge_a-model-of-a-long-name_by_another-one-of-a-longer-name", tmp_path / "j.log"))
    [line] = handler._live(79)
    assert len(line) == 79
    assert line[6:].startswith("judge a-model-of") and line.endswith(
        "...: judge: 1/3 questions (1 unparsed), 1:09 left"
    )
    assert len(handler._live(40)[0]) == 40


def test_a_job_that_is_tried_again_tells_each_of_its_failures(tmp_path):
    """With what the cluster says of it: a job that was ended from outside has written nothing of that."""
    handler, stream = terminal(here=False)
    ours, slurm = tmp_path / "g.log", tmp_path / "slurm.log"
    handler.emit(record(event="run_info", stats={"grade_answers": 1}))
    for reason in ("TIMEOUT", "OUT_OF_MEMORY"):
        handler.emit(job("job_info", 7, "grade_answers", ours, model="m"))
        slurm.write_text(f"slurmstepd: {reason}\n")
        handler.emit(job("job_error", 7, "grade_answers", ours, slurm, message=f"status is: '{reason}'. {SEE_LOGS}"))
        if reason == "TIMEOUT":
            handler.emit(record("Trying to restart job 7."))
    said = stream.getvalue()
    assert said.count("failed: grade answers m\n") == 2 and said.count("  tried again: grade answers m\n") == 1
    assert f"  status is: 'OUT_OF_MEMORY'.\n  slurmstepd: OUT_OF_MEMORY\n  log: {ours}\n  log: {slurm}\n" in said
    handler.emit(job("job_info", 7, "grade_answers", ours, model="m"))
    handler.emit(record(event="job_finished", job_id=7))
    handler.stop()
    assert "not begun" not in stream.getvalue() and "1 job failed" not in stream.getvalue()


@pytest.mark.parametrize("words", ["died with <Signals.SIGKILL: 9>.", "returned non-zero exit status 137."])
def test_a_job_that_was_ended_from_outside_says_by_what(tmp_path, words):
    handler, stream = terminal()
    handler.emit(job("job_info", 1, "grade_answers", tmp_path / "g.log", model="m"))
    handler.emit(job("job_error", 1, "grade_answers", tmp_path / "g.log"))
    handler.emit(record(f"RuleException:\nCalledProcessError in file x:\nCommand 'y' {words}", level=logging.ERROR))
    said = stream.getvalue()
    assert said.endswith("  ended by SIGKILL: by somebody, by a limit, or because memory was short\n")
    assert "Command" not in said


def test_a_file_gets_a_line_where_a_job_begins_and_ends_and_none_that_moves(tmp_path):
    handler, stream = terminal(columns=None)
    log = tmp_path / "g.log"
    handler.start()
    handler.emit(record(event="run_info", stats={"grade_answers": 1, "all": 1}))
    for number, rule in ((1, "grade_answers"), (2, "all")):
        handler.emit(job("job_info", number, rule, *[log] * (number == 1), model="m"))
        log.write_text("words\n")
        handler.emit(record(event="job_finished", job_id=number))
    handler.stop()
    head, begun, done = stream.getvalue().splitlines()
    assert head == "To do, 1 job: grade answers"
    assert begun[8:] == f"  begun: grade answers m; log: {log}" and done[8:] == "  done, 1 of 1: grade answers m, 0:00"
    assert "\033" not in stream.getvalue()


def test_what_is_only_printed_has_no_line(tmp_path):
    """One would lie over what it prints."""
    handler, stream = terminal()
    handler.emit(record(event="run_info", stats={"all": 1, "total": 1}))
    handler.emit(job("job_info", 1, "all", tmp_path / "a.log"))
    assert handler._live(79) == []
    handler.emit(record(event="job_finished", job_id=1))
    handler.stop()
    assert stream.getvalue() == ""


def test_an_earlier_runs_log_is_not_shown_and_jobs_of_a_queue_are_summed_up(tmp_path):
    handler, _ = terminal(here=False)
    for number in (1, 2):
        log = tmp_path / f"{number}.log"
        handler.emit(job("job_info", number, f"generate_m_{number}", log))
        log.write_text("generate: 4/8 samples, 60 tokens/s, 0:05 left\n")
    assert handler._live(79) == ["submitted: 2 generate; 8/16 samples, 120 tokens/s"]
    os.utime(log, (0, time.time() - 100))
    (tmp_path / "j.log").write_text("judge: 1/3 questions (1 yes), 1:09 left\n")
    handler.emit(job("job_info", 3, "judge_m_by_j", tmp_path / "j.log"))
    assert handler._live(79) == ["submitted: 2 generate, 1 judge; 4/8 samples, 1/3 questions, 60 tokens/s"]


def test_times_are_read_at_a_glance():
    assert [clock_text(seconds) for seconds in (0, 7.4, 750, 11100)] == ["0:00", "0:07", "12:30", "3:05:00"]


@pytest.mark.parametrize(
    ("text", "level", "shown"),
    [
        ("Select jobs to execute...", logging.INFO, False),
        ("Nothing to be done (all files are there).", logging.INFO, True),
        ("Creating conda environment envs/vllm.yaml...", logging.INFO, True),
        ("A file is old", logging.WARNING, True),
        ("Command 'x | tee y' returned non-zero exit status 1.", logging.ERROR, True),
        ("Exiting because a job execution failed. Look below", logging.ERROR, False),
    ],
)
def test_of_other_words_those_for_people_are_shown(text, level, shown):
    handler, stream = terminal()
    handler.emit(record(text, level=level))
    assert stream.getvalue() == (f"{text}\n" if shown else "")


def test_snakemakes_own_output_is_kept_where_it_is_asked_for(monkeypatch):
    def wanted(**settings: object) -> bool:
        asked = {
            "dryrun": False,
            "verbose": False,
            "printshellcmds": False,
            "debug_dag": False,
            "quiet": {Quietness.REASON},
        }
        workflow = SimpleNamespace(touch=False, output_settings=SimpleNamespace(**{**asked, **settings}))
        return _quiet_wanted(workflow)

    assert wanted()
    for setting in ("dryrun", "verbose", "printshellcmds", "debug_dag"):
        assert not wanted(**{setting: True})
    assert not wanted(quiet={Quietness.RULES})
    assert not _quiet_wanted(SimpleNamespace())
    monkeypatch.setenv("OPENMATH_TERMINAL", "snakemake")
    assert not wanted()


@pytest.mark.parametrize(("asked", "shown"), [(("all",), False), (("plan",), True)])
def test_the_output_of_jobs_stays_in_their_logs_but_for_a_plan(monkeypatch, asked, shown):
    """And all is as before when the run has ended; what Snakemake then says of it is left out where we have said it."""
    own = logging.StreamHandler(io.StringIO())
    own.name = "DefaultStreamHandler"
    logger = logging.getLogger("a run")
    logger.handlers = [own]
    monkeypatch.setattr(snakemake_output, "logger", logger)
    printed = object()
    monkeypatch.setattr(snakemake_output, "shell_module", SimpleNamespace(STDOUT=printed))
    seen = []

    def execute() -> None:
        seen.append((snakemake_output.shell_module.STDOUT is printed, own in logger.handlers))

    settings = SimpleNamespace(dryrun=False, verbose=False, printshellcmds=False, debug_dag=False, quiet=None)
    workflow = SimpleNamespace(
        execute=execute,
        output_settings=settings,
        touch=False,
        rules=[],
        dag_settings=SimpleNamespace(targets=asked),
    )
    be_quiet(workflow, "plan")
    workflow.execute()
    assert seen == [(shown, False)]
    assert snakemake_output.shell_module.STDOUT is printed and logger.handlers == [own]
    logger.error("WorkflowError: At least one job did not complete successfully.")
    logger.error("another")
    assert own.stream.getvalue() == "another\n"
    assert said_better("Exiting because a job execution failed. Look below") and not said_better("another")


def test_jobs_of_an_executor_are_submitted_though_it_is_chosen_late(monkeypatch):
    """Snakemake's property says that jobs run here until it executes."""
    logger, stream = logging.Logger("another"), io.StringIO()
    own = logging.StreamHandler(stream)
    own.name = "DefaultStreamHandler"
    logger.addHandler(own)
    monkeypatch.setattr(snakemake_output, "logger", logger)
    settings = SimpleNamespace(dryrun=False, verbose=False, printshellcmds=False, debug_dag=False, quiet=None)
    workflow = SimpleNamespace(local_exec=True, output_settings=settings, touch=False, rules=[], dag_settings=None)

    def execute() -> None:
        workflow.local_exec = False
        logger.handle(job("job_info", 1, "grade_answers", model="m"))
        own_machine = job("job_info", 2, "describe_engine", model="m")
        own_machine.local = True  # of a `localrule`
        logger.handle(own_machine)

    workflow.execute = execute
    be_quiet(workflow, "plan")
    workflow.execute()
    assert [line[8:] for line in stream.getvalue().splitlines()] == [
        "  submitted: grade answers m",
        "  begun: describe engine m",
    ]


def test_of_a_call_that_was_refused_the_beginning_is_told():
    handler, stream = terminal(columns=None)
    call = f"sbatch failed: Invalid account.\nsbatch -A mine -p gpu --wrap={'x' * 2000}"
    handler.emit(job("job_error", 1, "grade_answers", message=call))
    said = stream.getvalue()
    assert "  sbatch failed: Invalid account.\n  sbatch -A mine -p gpu --wrap=xxx" in said
    assert "xxx...\n" in said and len(said) < 800


def test_a_rule_that_is_not_counted_may_fail():
    handler, stream = terminal(columns=None)
    handler.emit(record(event="run_info", stats={"all": 1, "total": 1}))
    handler.emit(job("job_error", 1, "all"))
    handler.stop()
    assert "\n1 job failed. What" in stream.getvalue()


def test_another_workflow_that_uses_ours_keeps_its_output():
    def execute() -> None: ...

    module = SimpleNamespace(execute=execute, modifier=SimpleNamespace(is_main_snakefile=lambda: False))
    be_quiet(module, "plan")
    assert module.execute is execute
