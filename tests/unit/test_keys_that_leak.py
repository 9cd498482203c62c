"""No byte that scripts write or print holds the key, whatever the server does with it: replies, refusals, ids, pages, redirects."""

import json
from pathlib import Path

import pytest
from in_process import run_script
from unit.judge_server import judge_server
from unit.judging_cases import PROMPT, ROOT, different_rows, write
from unit.test_api_keys import FORMS, KEY
from unit.test_http import http, raw_server

from openmath.files.rows import read_rows

ECHOES = [form for form in FORMS if form not in ("its beginning", "its end")]
BROKEN = {
    "newline": f"{KEY}\n",
    "CR": f"{KEY}\r",
    "space": f"sk-plant 9fQ2xW7vB4{KEY}",
    "letter": f"{KEY}é",
    "control": f"{KEY}\x01x",
}
PARTS = [KEY[i : i + 12] for i in range(len(KEY) - 11)]


def generate(folder: Path, base_url: str, key: str) -> str:
    """Run generate.py in the folder; what it printed."""
    settings = {"base_url": base_url, "served_model": "m", "api_key_env": "PLANTED_KEY"}
    engine = {"engine": "endpoint", "version": "endpoint", "model": {"revision": "a"}, "settings": settings}
    (folder / "engine").mkdir(exist_ok=True)
    (folder / "engine/engine.json").write_text(json.dumps(engine))
    write(folder / "b.jsonl", [{"id": f"b-{i}", "problem": f"{i} + 0?", "expected_answer": str(i)} for i in range(2)])
    options = ["--engine", folder / "engine", "--benchmarks", folder / "b.jsonl", "--sample-runs", "greedy"]
    options += ["--output-dir", folder / "out", "--staging", folder / "staging", "--log", folder / "engine.log"]
    options += ["--prompt", ROOT / "config/prompts/math.yaml", "--prompt-template", "chat"]
    reply = run_script("generate.py", *options, environment={"PLANTED_KEY": key})
    return reply.stdout + reply.stderr


def judge(folder: Path, base_url: str, key: str, *more: object) -> str:
    write(folder / "in.jsonl", different_rows(2))
    options = ["--input", folder / "in.jsonl", "--output", folder / "judged.jsonl", "--judge", "j", "--model", "m"]
    options += ["--store", folder / "store", "--prompt", PROMPT, "--base-url", base_url, "--api-key-env", "PLANTED_KEY"]
    reply = run_script("judge_answers.py", *options, *more, environment={"PLANTED_KEY": key})
    return reply.stdout + reply.stderr


def batch(folder: Path, base_url: str, key: str) -> str:
    return judge(folder, base_url, key, "--mode", "batch", "--poll-seconds", 0.01)


def check_nothing_leaked(folder: Path, printed: str) -> None:
    texts = {"printed": printed} | {
        str(path): path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file()
    }
    for place, text in texts.items():
        plain = "".join(text.split())
        for form in (*ECHOES, *PARTS):
            spelled = FORMS.get(form, form)
            assert spelled not in text and json.dumps(spelled)[1:-1] not in text, (place, form)
        assert not [part for part in PARTS if part in plain], place


@pytest.mark.parametrize("script", [generate, judge, batch])
def test_a_server_that_answers_with_the_key(tmp_path, script):
    said = "\n".join(f"{FORMS[form]} so" for form in ECHOES) + " \\boxed{7}\nJudgement: Yes"
    with judge_server(lambda question: said) as server:
        server.model = f"m-{KEY}"
        printed = script(tmp_path, server.base_url, KEY)
    assert "error" not in printed.lower()
    check_nothing_leaked(tmp_path, printed)
    [rows] = [*tmp_path.glob("out/b/*.jsonl"), *tmp_path.glob("judged.jsonl")]
    assert "***" in rows.read_text() and "boxed{7}" in rows.read_text()


@pytest.mark.parametrize("script", [generate, judge, batch])
@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "404 Not Found", "422 No"])
def test_a_server_that_refuses_with_the_key(tmp_path, status, script):
    said = {"error": {"message": "x" * 480 + " ".join(FORMS[form] for form in ECHOES)}, KEY: KEY}
    with raw_server(http(status, json.dumps(said).encode(), f"X-Key: {KEY}")) as (address, _):
        printed = script(tmp_path, f"{address}/v1", KEY)
    assert "error: " in printed and "Traceback" not in printed
    check_nothing_leaked(tmp_path, printed)


@pytest.mark.parametrize("script", [generate, judge, batch])
@pytest.mark.parametrize("name", BROKEN)
def test_a_key_that_is_damaged(tmp_path, name, script):
    """It is used without the white space around it, or refused before anything is sent."""
    with judge_server(lambda question: "\\boxed{7}\nJudgement: Yes") as server:
        printed = script(tmp_path, server.base_url, BROKEN[name])
        asked = len(server.bodies) + server.batches.requests
    if name in ("newline", "CR"):
        assert asked and "error" not in printed, printed
    else:
        assert not asked and "holds a character that no key has" in printed and "PLANTED_KEY" in printed
    check_nothing_leaked(tmp_path, printed)


@pytest.mark.parametrize("address", [f"http://127.0.0.1:9/v1?key={KEY}", f"http://user:{KEY}@127.0.0.1:9/v1"])
def test_an_address_with_a_key_in_it(tmp_path, address):
    printed = generate(tmp_path, address, "other-key") + judge(tmp_path, address, "other-key")
    assert printed.count("without a user or password") == 2
    (tmp_path / "engine/engine.json").unlink()
    options = ("--engine", "endpoint", "--output", tmp_path / "e", "--served-model", "m", "--base-url", address)
    printed += run_script("build_engine.py", *options).stderr
    assert printed.count("without a user or password") == 3
    check_nothing_leaked(tmp_path, printed)


def test_a_key_in_parts_of_a_text(tmp_path):
    parts = [{"type": "text", "text": text} for text in (KEY[:8], KEY[8:16], KEY[16:], " \\boxed{7}")]
    reply = {"model": "m", "choices": [{"finish_reason": "stop", "message": {"content": parts}}]}
    with raw_server(http("200 OK", json.dumps(reply).encode())) as (address, _):
        printed = generate(tmp_path, f"{address}/v1", KEY)
    check_nothing_leaked(tmp_path, printed)
    assert [row["generation"] for row in read_rows(tmp_path / "out/b/output-greedy.jsonl")] == ["*** \\boxed{7}"] * 2
