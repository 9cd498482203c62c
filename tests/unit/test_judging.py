"""judge_answers.py against a server that counts: what is asked, paid, kept, and said when it goes wrong."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from in_process import run_script
from unit.judge_server import judge_server
from unit.judging_cases import PROMPT, ROOT, SECRET, different_rows, write

from openmath.client.pacing import Pacer
from openmath.judging.store import VerdictStore

ROWS = [
    {"id": "a", "problem": "p1", "predicted_answer": "1/2", "expected_answer": "0.5"},
    {"id": "b", "problem": "p2", "predicted_answer": None, "expected_answer": "3"},
    {"id": "c", "problem": "p3", "predicted_answer": " 4", "expected_answer": 4},
    {"id": "d", "problem": "p4", "generation": "so \\boxed{7}", "expected_answer": "8"},
    {"id": "e", "problem": "p1", "predicted_answer": "1/2", "expected_answer": "0.5"},
]


def answer(question: str) -> str:
    return "Judgement: Yes" if "Predicted answer: 1/2" in question else "Different.\nJudgement: **No**."


def judge_options(folder: Path, server, *more, rows=ROWS, name="out") -> list[str]:
    source = write(folder / f"{name}.in.jsonl", rows)
    options = ["--input", source, "--output", folder / f"{name}.jsonl", "--judge", "j", "--store", folder / "store"]
    options += ["--prompt", PROMPT, "--model", "judge-1", "--api-key-env", "JUDGE_KEY"]
    options += ["--base-url", server.base_url if server else "http://127.0.0.1:9/v1", *more]
    return list(map(str, options))


def start_judge(folder: Path, server, *more, **where) -> subprocess.Popen:
    """The same as `judge`, in a process of its own."""
    command = [sys.executable, ROOT / "scripts/judge_answers.py", *judge_options(folder, server, *more, **where)]
    environment = {**os.environ, "JUDGE_KEY": SECRET}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def judge(folder: Path, server, *more, key=SECRET, **where) -> subprocess.CompletedProcess:
    """Judge rows into folder/name.jsonl. server: None where nothing may be asked."""
    options = judge_options(folder, server, *more, **where)
    return run_script("judge_answers.py", *options, environment={"JUDGE_KEY": key})


def verdicts(folder: Path) -> list[str]:
    return [json.loads(line)["judge_verdict"] for line in (folder / "out.jsonl").open()]


def manifest(folder: Path) -> dict:
    return json.loads((folder / "out.manifest.json").read_text())


def test_each_question_is_asked_once_ever(tmp_path):
    with judge_server(answer, faults=[429]) as server:
        first = judge(tmp_path, server, "--prices", 2.5, 10)
        assert first.returncode == 0, first.stderr
        assert len(server.bodies) == 3  # two questions, one of them tried twice
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").open()]
        assert [(r["id"], r["judge_verdict"], r["judge_prefilled"]) for r in rows] == [
            ("a", "yes", None),
            ("b", "no", "no_answer"),
            ("c", "yes", "identical"),
            ("d", "no", None),
            ("e", "yes", None),
        ]
        assert {r["judge_model"] for r in rows} == {"j"}
        cost = {"calls": 2, "num_prompt_tokens": 22, "num_generated_tokens": 14, "usd": 0.000195}
        said = manifest(tmp_path)
        assert said["prefilled"] == {"no_answer": 1, "identical": 1} and said["verdicts"] == {"yes": 3, "no": 2}
        assert said["answered_by"] == {"judge-1 fp_test": 2}
        assert said["paid_in_this_run"] == said["verdicts_used"] == cost

        assert judge(tmp_path, server, "--prices", 2.5, 10).returncode == 0
        assert len(server.bodies) == 3
        said = manifest(tmp_path)
        assert said["paid_in_this_run"]["calls"] == 0 and said["verdicts_used"] == cost

        more = [*ROWS, {"id": "f", "problem": "p9", "predicted_answer": "1", "expected_answer": "2"}]
        assert judge(tmp_path, server, rows=more).returncode == 0  # another model, most of its answers known
        assert len(server.bodies) == 4

        assert judge(tmp_path, server, "--policy", "paper").returncode == 0  # other sampling: other questions
        assert len(server.bodies) == 6
        assert server.bodies[-1]["presence_penalty"] == 1.0 and "presence_penalty" not in server.bodies[0]


def test_a_reply_without_a_verdict_is_asked_again_and_the_second_reply_counts(tmp_path):
    with judge_server(lambda question: "Yes" if question.startswith("Write one line") else "Hard to say.") as server:
        assert judge(tmp_path, server).returncode == 0
        assert verdicts(tmp_path) == ["yes", "no", "yes", "yes", "yes"]
        assert len(server.bodies) == 4
        again = next(body for body in server.bodies if len(body["messages"]) == 3)
        assert [message["role"] for message in again["messages"]] == ["user", "assistant", "user"]
        assert again["messages"][1]["content"] == "Hard to say."
        assert judge(tmp_path, server).returncode == 0
        assert len(server.bodies) == 4


def test_asking_again_is_bounded_and_paid_once(tmp_path):
    with judge_server(lambda question: "Hard to say.") as server:
        assert judge(tmp_path, server).returncode == 0
        assert verdicts(tmp_path) == ["unparsed", "no", "yes", "unparsed", "unparsed"]
        assert manifest(tmp_path)["verdicts"]["unparsed"] == 3
        assert len(server.bodies) == 4
        assert judge(tmp_path, server).returncode == 0
        assert len(server.bodies) == 4
        assert judge(tmp_path, server, "--tries-unparsed", 3).returncode == 0
        assert len(server.bodies) == 6  # only the third attempts
        assert judge(tmp_path, server, "--policy", "paper").returncode == 0  # never asked again: the reference did not
        assert verdicts(tmp_path) == ["no", "no", "yes", "no", "no"] and len(server.bodies) == 8


def test_cascade_asks_only_where_the_grader_says_no(tmp_path):
    with judge_server(answer) as server:
        assert judge(tmp_path, server, "--cascade").returncode == 0
        assert len(server.bodies) == 1 and "Predicted answer: 7" in server.bodies[0]["messages"][-1]["content"]
    assert manifest(tmp_path)["prefilled"] == {"symbolic": 2, "no_answer": 1, "identical": 1}


def test_replay_needs_the_store_and_nothing_else(tmp_path):
    missing = judge(tmp_path, None, "--replay", key="")
    assert missing.returncode == 2 and "2 verdicts are not in the store" in missing.stderr
    with judge_server(answer) as server:
        assert judge(tmp_path, server).returncode == 0
    replayed = judge(tmp_path, None, "--replay", key="", name="replayed")
    assert replayed.returncode == 0, replayed.stderr
    assert (tmp_path / "replayed.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes()
    assert judge(tmp_path, None, key="").returncode == 0  # nothing to ask: no key needed here either


def exchange(*options: object) -> subprocess.CompletedProcess:
    return run_script("exchange_verdicts.py", *options)


def test_exported_verdicts_are_imported_once_and_replayed(tmp_path):
    shipped = tmp_path / "shipped.jsonl"
    with judge_server(answer) as server:
        assert judge(tmp_path, server, "--prices", 1, 1).returncode == 0
    assert exchange("export", tmp_path / "store", "--output", shipped).returncode == 0
    first = shipped.read_bytes()
    (tmp_path / "store").rename(tmp_path / "theirs")
    assert "2 verdicts added, 0 were there" in exchange("import", tmp_path / "store", "--input", shipped).stdout
    assert "0 verdicts added, 2 were there" in exchange("import", tmp_path / "store", "--input", shipped).stdout
    assert len(list((tmp_path / "store").glob("*.jsonl"))) == 1
    assert VerdictStore(tmp_path / "store").spent == 0
    exchange("export", tmp_path / "store", "--output", shipped)
    assert shipped.read_bytes() == first
    assert judge(tmp_path, None, "--replay", key="").returncode == 0

    for old, new in ((b'"0.5"', b'"0.6"'), (b'"seed": 0', b'"seed": 1')):
        shipped.write_bytes(first.replace(old, new))
        changed = exchange("import", tmp_path / "fresh", "--input", shipped)
        assert changed.returncode == 2 and "was changed" in changed.stderr and "shipped.jsonl:" in changed.stderr
    assert not (tmp_path / "fresh").exists()


def test_two_jobs_at_once_pay_once(tmp_path):
    rows = different_rows(60)
    with judge_server(answer, latency=0.05) as server:
        options = (tmp_path, server, "--concurrency", 4)
        jobs = [start_judge(*options, rows=rows, name=f"out{n}") for n in range(3)]
        assert [job.wait() for job in jobs] == [0, 0, 0]
        assert len(server.bodies) == 60
    assert len({(tmp_path / f"out{n}.jsonl").read_bytes() for n in range(3)}) == 1


def test_the_budget_stops_before_it_is_exceeded_and_keeps_what_is_paid(tmp_path):
    rows = different_rows(40)
    prices = ("--prices", 0, 1000, "--max-new-tokens", 10)  # 7 tokens a reply, 10 at most: 0.007 USD, 0.01 at most
    with judge_server(answer) as server:
        stopped = judge(tmp_path, server, *prices, "--budget-usd", 0.1, rows=rows)
        assert stopped.returncode == 2 and "budget" in stopped.stderr and "Traceback" not in stopped.stderr
        assert len(server.bodies) == 13  # 13 x 0.007 = 0.091: one more could come to 0.101
        assert len(VerdictStore(tmp_path / "store").records) == 13
        again = judge(tmp_path, server, *prices, "--budget-usd", 0.1, rows=rows)  # a restart is no new budget
        assert again.returncode == 2 and len(server.bodies) == 13
        assert judge(tmp_path, server, *prices, "--budget-usd", 1, rows=rows).returncode == 0
        assert len(server.bodies) == 40


def test_a_refusal_stops_the_job_and_keeps_what_is_in_flight(tmp_path):
    rows = different_rows(200)
    with judge_server(answer, faults=[None] * 20 + [401], words=f"unknown key {SECRET}", latency=0.02) as server:
        refused = judge(tmp_path, server, "--concurrency", 8, rows=rows)
        assert refused.returncode == 2 and "unknown key ***" in refused.stderr and "Traceback" not in refused.stderr
        assert len(server.bodies) < 60
        assert len(VerdictStore(tmp_path / "store").records) == len(server.bodies) - 1
        assert not (tmp_path / "out.jsonl").exists()
        unset = judge(tmp_path, server, key="", rows=rows)
        assert unset.returncode == 2 and "JUDGE_KEY" in unset.stderr
        assert SECRET not in refused.stdout + refused.stderr + unset.stdout + unset.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()] == []


def test_an_endpoint_that_answers_nobody_is_not_asked_everything(tmp_path, monkeypatch):
    async def no_pause(self, seconds: float) -> None:
        pass

    monkeypatch.setattr(Pacer, "pause", no_pause)
    with judge_server(answer, faults=[500] * 9999) as server:
        reply = judge(tmp_path, server, "--concurrency", 4, rows=different_rows(200))
    assert reply.returncode == 2 and "questions could not be judged" in reply.stderr
    assert len({str(body["messages"]) for body in server.bodies}) < 40


def test_a_terminated_job_takes_what_is_in_flight(tmp_path):
    with judge_server(answer, latency=1.0) as server:
        job = start_judge(tmp_path, server, "--concurrency", 8, rows=different_rows(50))
        while len(server.bodies) < 8:
            assert job.poll() is None
            time.sleep(0.01)
        job.terminate()
        said = job.communicate()[0]
        assert job.returncode == 2 and "terminated" in said and "Traceback" not in said
        assert len(VerdictStore(tmp_path / "store").records) == len(server.bodies)


def test_every_kind_of_fault_passes(tmp_path):
    rows = different_rows(30)
    faults = [429, "hang", "truncated", "wrong_json", "drop", 500, "slow", "no_choices", (503, {"retry-after": "1"})]
    with judge_server(answer, faults=faults) as server:
        reply = judge(tmp_path, server, "--request-seconds", 3, "--concurrency", 16, rows=rows)
        assert reply.returncode == 0, reply.stderr
        assert verdicts(tmp_path) == ["no"] * 30
        assert len(server.bodies) == 30 + len(faults) - 1  # slow is only slow


def test_a_row_without_a_reference_is_named(tmp_path):
    reply = judge(tmp_path, None, rows=[{"problem": "p", "predicted_answer": "1"}])
    assert reply.returncode == 2 and "in.jsonl:1" in reply.stderr and "expected_answer" in reply.stderr
