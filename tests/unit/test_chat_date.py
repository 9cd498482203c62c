"""Chat templates that print today's date: prompts say one day, whenever and wherever they are made."""

import json
import os
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from test_sample_settings import GOLDEN, GOLDEN_ENGINE, folder, options  # noqa: F401
from test_tokenizers import MESSAGES, checkpoint
from tiny_checkpoints import tiny_gguf

from openmath.errors import InputError
from openmath.files.fingerprint import fingerprint
from openmath.generation.chat_date import first_day, prints_date, with_date
from openmath.generation.job import Generation
from openmath.generation.prompts import CheckpointTokenizer, LlamaCppTokenizer
from openmath.plan.files import StagedFolders
from openmath.settings.command_lines import Options
from openmath.settings.config import checked_config

DAY = date(2024, 7, 26)
# As Llama 3.2's: it takes a date that it is given, else today's.
DATED = "{% if not date_string is defined %}{% if strftime_now is defined %}{% set date_string = strftime_now('%d %b %Y') %}"
DATED += "{% else %}{% set date_string = '01 Jan 2000' %}{% endif %}{% endif %}Today: {{ date_string }} "
DATED += "{{ messages[-1]['content'] }}"
PROMPT = "Today: 26 Jul 2024 two"
# As older ones of Llama 3.1: only llama.cpp puts today's date in.
DEFAULT = "{% if not date_string is defined %}{% set date_string = '01 Jan 2000' %}{% endif %}{{ date_string }}"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("strftime_now('%d %b %Y')", '"26 Jul 2024"'),
        ('strftime_now( "%Y-%m-%d" )', '"2024-07-26"'),
        ("strftime_now(format='%B')", '"July"'),
        ("strftime_now is defined", "strftime_now is defined"),
    ],
)
def test_the_day_stands_in_place_of_the_call(call, text):
    assert with_date(f"a {{{{ {call} }}}} b", DAY) == f"a {{{{ {text} }}}} b"


def test_a_date_that_cannot_be_fixed_is_refused():
    with pytest.raises(InputError, match=r"cannot be fixed[^@]*strftime_now\(wanted\)[^@]*Hint"):
        with_date("{% set wanted = '%Y' %}{{ strftime_now(wanted) }}", DAY)


def test_the_template_of_a_checkpoint(tmp_path):
    checkpoint(tmp_path, DATED)
    assert prints_date(tmp_path, "checkpoint") and not prints_date(tmp_path, "none")
    assert CheckpointTokenizer(tmp_path, DAY).render(MESSAGES) == PROMPT
    assert CheckpointTokenizer(tmp_path).render(MESSAGES) != PROMPT, "today's"
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert not prints_date(tmp_path, "checkpoint")
    (tmp_path / "chat_template.jinja").write_text(DATED)
    assert prints_date(tmp_path, "checkpoint")


@pytest.mark.parametrize(("template", "prints"), [(DATED, True), (DEFAULT, True), ("{{ messages }}", False)])
def test_the_template_of_a_gguf_file(tmp_path, template, prints):
    tiny_gguf(tmp_path / "m.gguf", template)
    assert prints_date(tmp_path, "server") == prints


def test_a_default_that_llama_cpp_alone_replaces_is_no_date_elsewhere(tmp_path):
    assert not prints_date(checkpoint(tmp_path, DEFAULT), "checkpoint")


@pytest.mark.parametrize(("template", "prompt"), [(DATED, PROMPT), (DEFAULT, "26 Jul 2024")])
def test_llama_cpp_is_not_asked_for_the_date(template, prompt):
    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/props"
            data = json.dumps({"chat_template": template, "bos_token": "<s>", "eos_token": "</s>"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
        tokenizer = LlamaCppTokenizer(f"http://127.0.0.1:{server.server_port}/v1", "key", DAY)
        assert tokenizer.render(MESSAGES) == prompt
        server.shutdown()


@pytest.fixture
def dated(options, tmp_path):  # noqa: F811
    """Options of a job whose checkpoint prints the date."""
    (tmp_path / "m").mkdir()
    described = GOLDEN_ENGINE | {"checkpoint": str(checkpoint(tmp_path / "m", DATED))}
    Path("engine/engine.json").write_text(json.dumps(described))
    options.prompt_template = "chat"
    return options


def settings() -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(Path("staging").glob("*/*/settings.json"))]


def test_the_day_of_the_first_run_is_kept_and_named_by_the_fingerprint(dated, capsys):
    first = Generation(dated)
    assert first.chat_date == date.today() and f"all prompts say {date.today()}" in capsys.readouterr().out
    assert [one["chat_date"] for one in settings()] == [str(date.today())]
    Path("staging/chat_date").write_text("2024-07-26\n")  # as if that run had been then
    later = Generation(dated)
    assert later.chat_date == DAY and later.fingerprints != first.fingerprints
    assert Generation(dated).fingerprints == later.fingerprints
    [prompt] = later._encode(None).values()
    dated.chat_date = DAY
    assert Generation(dated).fingerprints == later.fingerprints
    assert prompt == Generation(dated)._encode(None)["mini", "mini-0"]


def test_samples_of_earlier_versions_are_kept_and_their_day_goes_on(dated):
    undated = {key: value for key, value in (Generation(dated), settings()[0])[1].items() if key != "chat_date"}
    old = Path("staging") / fingerprint(undated) / "mini"
    old.mkdir(parents=True)
    (old / "output-greedy.jsonl").touch()
    os.utime(old / "output-greedy.jsonl", (1721988000, 1721988000))  # 2024-07-26
    Path("staging/chat_date").unlink()
    job = Generation(dated)
    assert job.fingerprints["mini"] == fingerprint(undated) and job.chat_date == DAY
    dated.chat_date = date(2025, 1, 1)  # asked for: another prompt
    assert Generation(dated).fingerprints["mini"] != fingerprint(undated)


@pytest.mark.parametrize("change", ["template", "prompt"])
def test_a_job_without_a_date_in_its_prompts_keeps_its_fingerprint(options, dated, change):  # noqa: F811
    if change == "prompt":
        dated.prompt_template, expected = "llama3-instruct", GOLDEN
    else:
        checkpoint(Path("m"))
        expected = None
    dated.chat_date = DAY
    job = Generation(dated)
    assert job.chat_date is None and "chat_date" not in settings()[0] and not Path("staging/chat_date").exists()
    assert expected in (None, job.fingerprints["mini"])


def test_a_damaged_day_is_one_message(tmp_path):
    (tmp_path / "chat_date").write_text("yesterday")
    with pytest.raises(InputError, match="does not hold the date"):
        first_day(tmp_path)


@pytest.mark.parametrize(
    ("written", "configured", "ours"),
    [
        (None, None, True),
        ("2024-07-26", None, True),
        ("2024-07-26", "2024-07-26", True),
        ("2024-07-26", "2025-01-01", False),
        (None, "2025-01-01", True),  # of a template that prints none
    ],
)
def test_the_plan_finds_samples_of_another_day(folder, written, configured, ours):  # noqa: F811
    config = {"benchmarks": ["toy"], "models": {"m": {"path": "m"}}, "generation": {}}
    config["generation"] |= {"chat_date": configured} if configured else {}
    staging = Path("results/m/.staging/0123/toy")
    staging.mkdir(parents=True)
    (staging / "settings.json").write_text(json.dumps({"chat_date": written} if written else {}))
    assert StagedFolders(checked_config(config), "m").of("toy") == (([staging], []) if ours else ([], [staging]))


@pytest.mark.parametrize(("written", "right"), [("2024-07-26", True), (DAY, False), ("26.7.2024", False)])
def test_the_day_in_the_configuration(written, right):
    config = {"benchmarks": ["arithmetic-mini"], "models": {"m": {"path": "m"}}, "generation": {"chat_date": written}}
    if right:
        options = Options(checked_config(config)).sampling("m")
        assert options[-2:] == ["--chat-date", "2024-07-26"]
        return
    with pytest.raises(InputError, match=r"chat_date[^@]*expected 'YYYY-MM-DD', in quotes"):
        checked_config(config)
