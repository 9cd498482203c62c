"""The quiet terminal: Snakemake's records go in, lines for a person come out."""

import io
import logging
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.settings.enums import Quietness

from openmath.preflight.snakemake_hooks import _quiet_wanted
from openmath.preflight.terminal import Terminal


def record(text: str = "", *, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": text, "levelno": level, **fields})


def job(
    event: str, number: int, rule: str, log: Path, message: str | None = None, **wildcards: str
) -> logging.LogRecord:
    level = logging.ERROR if event == "job_error" else logging.INFO
    fields = {"jobid": number, "rule_name": rule, "rule_msg": message, "log": [str(log)], "wildcards": wildcards}
    return record(event=event, level=level, **fields)


def terminal(*, here: bool = True) -> tuple[Terminal, io.StringIO]:
    stream = io.StringIO()
    return Terminal(stream, here=here, columns=lambda: 80), stream


def test_stages_live_lines_and_an_error_told_once(tmp_path):
    handler, stream = terminal()
    log = tmp_path / "g.log"
    handler.emit(record(event="run_info", stats={"generate_m_1": 1, "generate_m_2": 1, "grade_answers": 1, "total": 3}))
    assert stream.getvalue() == "To do, 3 jobs: generate (2), grade answers\n"
    log.write_text("generate: 4/8 samples, 60 tokens/s, 0:05 left\n")
    handler.emit(job("job_info", 1, "generate_m_1", log, "generate samples of m; log: g.log"))
    assert [line[6:] for line in handler._live()] == ["generate samples of m: 4/8 samples, 60 tokens/s, 0:05 left"]
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
    assert said[1] == f"grade answers m\n  error: no \\x1b[2Jrow\n    found: 1\n  Hint: look\n  log: {log}\n"


def test_an_earlier_runs_log_is_not_shown_and_jobs_of_a_queue_are_summed_up(tmp_path):
    handler, _ = terminal(here=False)
    for number in (1, 2):
        log = tmp_path / f"{number}.log"
        handler.emit(job("job_info", number, f"generate_m_{number}", log))
        log.write_text("generate: 4/8 samples, 60 tokens/s, 0:05 left\n")
    assert handler._live() == ["submitted: 2 generate; 8/16 samples, 120 tokens/s"]
    os.utime(log, (0, time.time() - 100))
    assert handler._live() == ["submitted: 2 generate; 4/8 samples, 60 tokens/s"]


@pytest.mark.parametrize(
    ("text", "level", "shown"),
    [
        ("Select jobs to execute...", logging.INFO, False),
        ("Nothing to be done (all files are there).", logging.INFO, True),
        ("Complete log(s): x", logging.INFO, True),
        ("A file is old", logging.WARNING, True),
        ("Exiting because a job execution failed. Look below", logging.ERROR, False),
    ],
)
def test_of_other_words_those_for_people_are_shown(text, level, shown):
    handler, stream = terminal()
    handler.emit(record(text, level=level))
    assert stream.getvalue() == (f"{text}\n" if shown else "")


def test_snakemakes_own_output_is_kept_where_it_is_asked_for(monkeypatch):
    def wanted(tty: bool = True, **settings: object) -> bool:
        asked = {
            "dryrun": False,
            "verbose": False,
            "printshellcmds": False,
            "debug_dag": False,
            "quiet": {Quietness.REASON},
        }
        workflow = SimpleNamespace(touch=False, output_settings=SimpleNamespace(**{**asked, **settings}))
        return _quiet_wanted(workflow, SimpleNamespace(isatty=lambda: tty))

    monkeypatch.setenv("TERM", "xterm")
    assert wanted()
    assert not wanted(tty=False)
    for setting in ("dryrun", "verbose", "printshellcmds", "debug_dag"):
        assert not wanted(**{setting: True})
    assert not wanted(quiet={Quietness.RULES})
    assert not _quiet_wanted(SimpleNamespace(), SimpleNamespace(isatty=lambda: True))
    monkeypatch.setenv("OPENMATH_TERMINAL", "snakemake")
    assert not wanted()
