"""What a judge is sent, to the last field, by judge_answers.py: online, by an engine of our own, and in a batch."""

import json

import pytest
from unit.judge_server import judge_server
from unit.judging_cases import SECRET, write

import judge_answers
from openmath.errors import InputError

ROWS = [{"problem": "p {x}", "predicted_answer": "1/2", "expected_answer": "0.5"}]
PROMPT = "system: You are strict.\nuser: '{problem}: {predicted_answer} or {expected_answer}?'\nask_again: Yes or no?\n"
MESSAGES = [
    {"role": "system", "content": "You are strict."},
    {"role": "user", "content": "p {x}: 1/2 or 0.5?"},
]
SAMPLING = {"temperature": 0.0, "top_p": 0.95, "seed": 0, "max_tokens": 77}


@pytest.fixture
def judge(tmp_path, call, monkeypatch):
    """Judge ROWS with these options."""
    monkeypatch.setenv("JUDGE_KEY", SECRET)
    (tmp_path / "prompt.yaml").write_text(PROMPT)

    def judge(*options):
        source, output = write(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
        required = ("--input", source, "--output", output, "--judge", "j", "--store", tmp_path / "store")
        call(judge_answers, *required, "--prompt", tmp_path / "prompt.yaml", "--max-new-tokens", 77, *options)
        return json.loads(output.with_suffix(".manifest.json").read_text())

    return judge


def test_a_hosted_judge(judge):
    replies = iter(["Hard to say.", "Judgement: Yes"])
    with judge_server(lambda question: next(replies)) as server:
        said = judge("--model", "judge-1", "--api-key-env", "JUDGE_KEY", "--base-url", server.base_url)
    again = [{"role": "assistant", "content": "Hard to say."}, {"role": "user", "content": "Yes or no?"}]
    assert server.bodies == [
        {"model": "judge-1", "messages": messages, **SAMPLING} for messages in (MESSAGES, MESSAGES + again)
    ]
    assert said["sampling"] == SAMPLING and said["judge"] == "judge-1"


def test_an_engine_gets_what_only_it_knows(judge, tmp_path):
    with judge_server() as server:
        settings = {"base_url": server.base_url, "served_model": "model-1", "extra_body": {"top_k": 0, "min_p": 0}}
        engine = {"engine": "endpoint", "version": "endpoint", "model": {}, "settings": settings}
        (tmp_path / "engine").mkdir()
        (tmp_path / "engine/engine.json").write_text(json.dumps(engine))
        said = judge("--engine", tmp_path / "engine")
    assert server.bodies == [{"model": "model-1", "messages": MESSAGES, **SAMPLING, "top_k": 0, "min_p": 0}]
    assert said["judge"] == engine


def test_an_endpoint_that_others_run_may_not_change_its_model(judge, tmp_path):
    (tmp_path / "engine").mkdir()
    with judge_server() as server:
        settings = {"base_url": server.base_url, "served_model": "model-1"}
        engine = {"engine": "endpoint", "version": "endpoint", "model": {}, "settings": settings}
        (tmp_path / "engine/engine.json").write_text(json.dumps(engine))
        judge("--engine", tmp_path / "engine")
        server.model, ROWS[0]["predicted_answer"] = "model-2", "1/3"
        try:
            with pytest.raises(InputError, match="Another model answers"):
                judge("--engine", tmp_path / "engine")
        finally:
            ROWS[0]["predicted_answer"] = "1/2"


def test_a_batch(judge):
    with judge_server() as server:
        options = ("--mode", "batch", "--poll-seconds", 0.01, "--base-url", server.base_url)
        judge("--model", "judge-1", "--api-key-env", "JUDGE_KEY", *options)
    [lines] = [server.batches.files[batch["input_file_id"]] for batch in server.batches.created]
    request = json.loads(lines)
    assert (request["method"], request["url"]) == ("POST", "/v1/chat/completions")
    assert request["body"] == {"model": "judge-1", "messages": MESSAGES, **SAMPLING}
