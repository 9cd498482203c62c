import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from unit.judge_server import judge_server

from openmath.errors import InputError
from openmath.judging import (
    VerdictStore,
    check_judge_key,
    judge_messages,
    parse_verdict,
    prefilled,
    question_of,
    read_judge_prompt,
)

ROOT = Path(__file__).parents[2]
PROMPT = ROOT / "config/prompts/judge-math.yaml"
SECRET = "sk-very-secret-key"
ROWS = [
    {"id": "a", "problem": "p1", "predicted_answer": "1/2", "expected_answer": "0.5"},
    {"id": "b", "problem": "p2", "predicted_answer": None, "expected_answer": "3"},
    {"id": "c", "problem": "p3", "predicted_answer": " 4", "expected_answer": 4},
    {"id": "d", "problem": "p4", "generation": "so \\boxed{7}", "expected_answer": "8"},
    {"id": "e", "problem": "p1", "predicted_answer": "1/2", "expected_answer": "0.5"},
]


def answer(question: str) -> str:
    return "Judgement: Yes" if "Predicted answer: 1/2" in question else "Different.\nJudgement: **No**."


@pytest.mark.parametrize(
    ("text", "default", "paper"),
    [
        ("Same.\nJudgement: Yes", "yes", "yes"),
        ("Judgement: no", "no", "no"),
        ("Judgement: yes.", "yes", "no"),
        ("Judgement: **Yes**", "yes", "no"),
        ("**Judgement:** Yes", "yes", "no"),
        ("**Judgement**: No", "no", "no"),
        ("Judgement: Yes\n\nBecause they agree.", "yes", "no"),
        ("Judgment: Yes", "yes", "no"),
        ("Judgement: \\boxed{Yes}", "yes", "no"),
        ("Judgement: Yes\nno wait\nJudgement: No", "no", "no"),
        ("Judgement: Yes\nJudgement: not sure", "unparsed", "no"),
        ("Judgement: Yes/No", "unparsed", "no"),
        ("Judgement: Yes or No", "unparsed", "no"),
        ("Judgement: Not equal", "unparsed", "no"),
        ("Yes", "unparsed", "no"),
        ("", "unparsed", "no"),
    ],
)
def test_verdicts(text, default, paper):
    assert (parse_verdict(text, "default"), parse_verdict(text, "paper")) == (default, paper)


@pytest.mark.parametrize(
    ("predicted", "expected", "verdict"),
    [(None, "3", "no"), (" 4 ", "4", "yes"), ("4", 4, "yes"), ("4", 4.0, None), ("", "3", None), ("1/2", "0.5", None)],
)
def test_prefill(predicted, expected, verdict):
    text = prefilled(question_of({"problem": "p", "predicted_answer": predicted, "expected_answer": expected}))
    assert (text and parse_verdict(text, "paper")) == verdict


def test_values_are_inserted_as_they_are():
    question = {
        "problem": r"{expected_answer} \frac{1}{2} \1",
        "predicted_answer": "<{problem}>",
        "expected_answer": "<{}>",
    }
    content = judge_messages(read_judge_prompt(PROMPT), question)[-1]["content"]
    assert all(value in content for value in question.values())


def test_store_reads_every_writer_and_a_torn_line(tmp_path):
    one, two = VerdictStore(tmp_path), VerdictStore(tmp_path)
    one.add({"key": "k1", "judgement": "Judgement: Yes"})
    two.add({"key": "k2", "judgement": "Judgement: No"})
    written = sorted(tmp_path.glob("*.jsonl"))
    assert len(written) == 2  # already on disk, one file a writer
    with open(written[0], "ab") as file:
        file.write(b'{"key": "k3", "judg')
    assert set(VerdictStore(tmp_path).records) == {"k1", "k2"}


def test_a_missing_key_is_named(monkeypatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(InputError, match="SOME_KEY"):
        check_judge_key("SOME_KEY")


def judge(tmp_path, server, *more, key=SECRET):
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    command = [sys.executable, ROOT / "scripts/judge_answers.py", "--input", source, "--output", tmp_path / "out.jsonl"]
    command += ["--judge", "j", "--store", tmp_path / "store", "--prompt", PROMPT, "--model", "judge-1"]
    command += ["--base-url", server.base_url, "--api-key-env", "JUDGE_KEY", *more]
    environment = {**os.environ, "JUDGE_KEY": key}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def test_each_question_is_asked_once_ever(tmp_path):
    with judge_server(answer, statuses=[429]) as server:
        first = judge(tmp_path, server)
        assert first.returncode == 0, first.stderr
        assert len(server.bodies) == 3  # two questions, one of them tried twice
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").open()]
        assert [(r["id"], r["judge_verdict"]) for r in rows] == list(
            zip("abcde", ["yes", "no", "yes", "no", "yes"], strict=True)
        )
        assert {r["judge_model"] for r in rows} == {"j"}

        assert json.loads((tmp_path / "out.manifest.json").read_text())["prefilled"] == 2
        assert judge(tmp_path, server).returncode == 0
        assert len(server.bodies) == 3
        assert judge(tmp_path, server, "--policy", "paper").returncode == 0  # other sampling: other questions
        assert len(server.bodies) == 5
        assert server.bodies[-1]["presence_penalty"] == 1.0 and "presence_penalty" not in server.bodies[0]


def test_refusal_and_missing_key_end_with_one_message(tmp_path):
    with judge_server(answer, statuses=[401] * 9, words="unknown key") as server:
        refused = judge(tmp_path, server)
        assert refused.returncode == 2 and "unknown key" in refused.stderr
        assert SECRET not in refused.stdout + refused.stderr
        asked = len(server.bodies)
        unset = judge(tmp_path, server, key="")
        assert unset.returncode == 2 and "JUDGE_KEY" in unset.stderr and len(server.bodies) == asked
    assert not (tmp_path / "out.jsonl").exists()
