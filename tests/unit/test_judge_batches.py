"""The OpenAI Batch API as a judge: results in any order, parts that expire, and processes that die anywhere."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from in_process import run_script
from unit.judge_server import judge_server
from unit.judging_cases import PROMPT, ROOT, SECRET, different_rows, write

from openmath.errors import InputError
from openmath.files import rows as samples
from openmath.judging import batch, batch_service
from openmath.judging.attempts import Attempts
from openmath.judging.budget import BudgetSpent, Prices
from openmath.judging.questions import question_of
from openmath.judging.records import ServedModel
from openmath.judging.refusals import Unanswered
from openmath.judging.settings import JudgeSettings, judge_sampling, read_judge_prompt
from openmath.judging.store import VerdictStore

ROWS = different_rows(9)


def answer(question: str) -> str:
    number = question.rpartition("Problem: p")[2].split("\n")[0]
    return f"Reply {number}.\nJudgement: {'Yes' if int(number) % 2 else 'No'}"


def judge(folder: Path, server, rows=ROWS, prices=None, budget_usd=None, **more) -> batch.BatchJudge:
    """Judge in this process; the judge afterwards."""
    attempts = Attempts(
        JudgeSettings("judge-1", read_judge_prompt(PROMPT), judge_sampling(10, "default")), "default", 2
    )
    judge = batch.BatchJudge(
        "j",
        attempts,
        store := VerdictStore(folder),
        Unanswered(len(rows), more.pop("max_refused", 0.05)),
        ServedModel("judge-1", attempts.settings, store.records.values()),
        base_url=server.base_url,
        api_key=SECRET,
        model="judge-1",
        prices=prices,
        budget_usd=budget_usd,
        poll_seconds=0.05,
        **more,
    )
    try:
        judge.ask([question_of(row) for row in rows])
    finally:
        judge.store.close()
    return judge


def check_all_answered_once(folder: Path, server, rows=ROWS) -> None:
    """Each question is stored with its own reply, and was paid once."""
    records = VerdictStore(folder).records.values()
    assert {r["problem"]: r["judgement"] for r in records} == {
        f"p{i}": f"Reply {i}.\nJudgement: {'Yes' if i % 2 else 'No'}" for i in range(len(rows))
    }
    assert len(server.batches.asked) == len(set(server.batches.asked)) == len(rows)
    assert server.bodies == []


def test_results_are_joined_by_id_and_kept(tmp_path):
    with judge_server(answer) as server:
        assert len(judge(tmp_path, server, prices=Prices(1.0, 2.0)).paid) == 9
        check_all_answered_once(tmp_path, server)
        requests = server.batches.requests
        assert judge(tmp_path, server).paid == [] and server.batches.requests == requests
    (state,) = (json.loads(path.read_text()) for path in tmp_path.glob("batches/*.json"))
    assert (state["status"], state["verdicts"]) == ("completed", 9)
    assert VerdictStore(tmp_path).spent == pytest.approx(9 * (11 * 1.0 + 7 * 2.0) / 1e6)
    assert [path.suffix for path in tmp_path.glob("batches/*")] == [".json"]


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_what_an_ended_batch_has_answered_is_taken_and_the_rest_asked_again(tmp_path, status):
    with judge_server(answer) as server:
        server.batches.status = status
        server.batches.answered = lambda number: number < 4
        judge(tmp_path, server)
        check_all_answered_once(tmp_path, server)
        assert len(server.batches.created) == 3  # of 9, 5 and 1


def test_results_that_break_off_are_read_again(tmp_path, monkeypatch):
    with judge_server(answer) as server:
        server.batches.breaks = 2
        judge(tmp_path / "mended", server)
        check_all_answered_once(tmp_path / "mended", server)
    monkeypatch.setattr(batch_service, "TRIES", 2)
    monkeypatch.setattr(batch_service, "READ_BYTES", 500)
    with judge_server(answer) as server:
        server.batches.breaks = 100
        with pytest.raises(InputError, match="batch service cannot be reached"):
            judge(tmp_path / "broken", server)
        assert 0 < len(VerdictStore(tmp_path / "broken").records) < 9  # what came before the break is kept


def test_results_without_a_newline_are_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "MAX_LINE", 1000)
    monkeypatch.setattr(batch_service, "READ_BYTES", 500)
    with judge_server(lambda question: "x" * 5000) as server:
        with pytest.raises(InputError, match=r"too long[\s\S]*result file file-output-batch-0:1[\s\S]*Hint:"):
            judge(tmp_path, server)


def test_a_batch_without_any_answer_ends_the_job_with_the_servers_words(tmp_path):
    with judge_server(answer) as server:
        server.batches.answered = lambda number: False
        with pytest.raises(InputError, match="too late"):
            judge(tmp_path, server)
        server.batches.status = "failed"
        with pytest.raises(InputError, match="bad line 1"):
            judge(tmp_path, server)
        server.batches.status, server.batches.answered = "completed", lambda number: True
        judge(tmp_path, server)
        check_all_answered_once(tmp_path, server)


def test_a_reply_without_a_verdict_goes_into_the_next_batch(tmp_path):
    replies = iter(["Hard to say."] * 9)
    with judge_server(lambda question: next(replies, "Judgement: Yes")) as server:
        judge(tmp_path, server)
    assert Counter(r["attempt"] for r in VerdictStore(tmp_path).records.values()) == {1: 9, 2: 9}
    assert server.batches.asked[9:] == ['Write one line only: either "Judgement: Yes" or "Judgement: No".'] * 9


def test_batches_keep_to_the_limits_of_the_api(tmp_path, monkeypatch):
    with judge_server(answer) as server:
        monkeypatch.setattr(batch, "MOST_REQUESTS", 4)
        judge(tmp_path / "requests", server)
        assert [server.batches.files[b["input_file_id"]].count(b"\n") for b in server.batches.created] == [4, 4, 1]
        monkeypatch.setattr(batch, "MOST_BYTES", 4000)
        judge(tmp_path / "bytes", server)
        sizes = [len(server.batches.files[b["input_file_id"]]) for b in server.batches.created[3:]]
        assert len(sizes) == 5 and max(sizes) <= 4000


def test_the_budget_bounds_what_is_submitted(tmp_path):
    prices = Prices(0.0, 1000.0)  # 10 tokens at most, 7 in fact: 0.01 and 0.007 USD
    with judge_server(answer) as server:
        judge(tmp_path, server, prices=prices, budget_usd=0.075)
        assert [server.batches.files[b["input_file_id"]].count(b"\n") for b in server.batches.created] == [7, 2]
        with pytest.raises(BudgetSpent):
            judge(tmp_path, server, different_rows(20), prices=prices, budget_usd=0.07)
        assert len(server.batches.created) == 2


def test_what_is_out_counts_as_spent(tmp_path):
    """A batch of another job may still cost its highest price."""
    (tmp_path / "batches").mkdir()
    settings = {"identity": "judge-1", "prompt": {}, "sampling": {}}
    state = {"name": "x", "file_id": "f", "batch_id": "b", "usd_at_most": 0.07, "settings": settings}
    write(tmp_path / "batches/x.json", [state])
    write(tmp_path / "batches/x.questions", [{"key": "another", "attempt": 1, **question_of(different_rows(1)[0])}])
    with judge_server(answer) as server:
        with pytest.raises(BudgetSpent):
            judge(tmp_path, server, prices=Prices(0.0, 1000.0), budget_usd=0.075)
        assert server.batches.created == []


def test_a_damaged_question_of_a_batch_that_is_out_is_told_and_asked_again(tmp_path, monkeypatch, capfd):
    with judge_server(answer) as server:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(batch.BatchJudge, "_collect_ended", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            judge(tmp_path, server)
        [questions] = tmp_path.glob("batches/*.questions")
        lines = questions.read_bytes().splitlines(keepends=True)
        questions.write_bytes(b"".join([lines[0], b"\0" * len(lines[1]) + b"\n", *lines[2:]]))
        judge(tmp_path, server)
        assert len(VerdictStore(tmp_path).records) == 9
        assert len(server.batches.asked) == 10
    assert f"{questions.name}: 1 line (2) damaged and left out" in capfd.readouterr().err


def test_a_lost_reply_to_the_creation_makes_no_second_batch(tmp_path):
    with judge_server(answer) as server:
        server.batches.drops = ["/batches"]
        judge(tmp_path, server)
        check_all_answered_once(tmp_path, server)
        assert len(server.batches.created) == 1


def test_jobs_at_once_wait_for_each_others_batches(tmp_path):
    with judge_server(answer) as server:
        with ThreadPoolExecutor() as threads:
            jobs = [threads.submit(judge, tmp_path, server, ROWS[first:]) for first in (0, 2, 4, 0)]
        assert sum(len(job.result().paid) for job in jobs) == 9
        check_all_answered_once(tmp_path, server)


def test_nothing_is_asked_online_while_a_batch_is_out(tmp_path):
    write(tmp_path / "in.jsonl", ROWS)
    (tmp_path / "store/batches").mkdir(parents=True)
    settings = {"identity": "judge-1", "prompt": {}, "sampling": {}}
    write(tmp_path / "store/batches/x.json", [{"name": "x", "usd_at_most": 0.1, "settings": settings}])
    with judge_server(answer) as server:
        options = ("--input", tmp_path / "in.jsonl", "--output", tmp_path / "out.jsonl", "--judge", "j")
        options += (
            "--store",
            tmp_path / "store",
            "--prompt",
            PROMPT,
            "--model",
            "judge-1",
            "--base-url",
            server.base_url,
        )
        reply = run_script("judge_answers.py", *options)
        assert reply.returncode == 2 and "still running" in reply.stderr and "batches/x.json" in reply.stderr
        assert server.bodies == []


def test_verdicts_stored_before_a_death_are_not_counted_twice(tmp_path):
    with judge_server(answer) as server:
        judge(tmp_path, server, prices=Prices(1.0, 1.0))
        records, spent = VerdictStore(tmp_path).records, VerdictStore(tmp_path).spent
        (path,) = tmp_path.glob("batches/*.json")  # back to the moment before it was marked
        state = {k: v for k, v in json.loads(path.read_text()).items() if k not in ("status", "verdicts", "error")}
        path.write_text(json.dumps(state))
        write(path.with_suffix(".questions"), [{**r, "usd_at_most": 1.0} for r in records.values()])
        path.with_suffix(".requests").write_text("")
        judge(tmp_path, server, different_rows(10), prices=Prices(1.0, 1.0))
        assert VerdictStore(tmp_path).spent == pytest.approx(spent * 10 / 9)
        check_all_answered_once(tmp_path, server, different_rows(10))


@pytest.mark.slow
def test_a_death_at_any_request_pays_nothing_twice(tmp_path):
    """Each process is killed after the server has carried out its first, second, ... sixth request, in turn."""
    source = write(tmp_path / "in.jsonl", ROWS)
    command = [sys.executable, ROOT / "scripts/judge_answers.py", "--input", source, "--output", tmp_path / "out.jsonl"]
    command += ["--judge", "j", "--store", tmp_path / "store", "--prompt", PROMPT, "--model", "judge-1"]
    command += ["--api-key-env", "JUDGE_KEY", "--mode", "batch", "--poll-seconds", "0.05"]
    with judge_server(answer) as server:
        server.batches.answered = lambda number: number < 6
        command += ["--base-url", server.base_url]
        deaths, job = 0, None
        while job is None or job.returncode:
            job = subprocess.Popen(
                list(map(str, command)),
                env={**os.environ, "JUDGE_KEY": SECRET},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            server.batches.requests = 0
            server.batches.after = lambda n, pid=job.pid, last=deaths % 6: n > last and os.kill(pid, signal.SIGKILL)
            said = job.communicate()[0]
            assert job.returncode in (0, -signal.SIGKILL), said
            deaths += job.returncode != 0
            assert deaths < 20, said
        assert deaths >= 4, said
        check_all_answered_once(tmp_path / "store", server)
        assert len(server.batches.created) == 2  # 9 questions, and the 3 that came too late
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files and not [path for path in files if SECRET.encode() in path.read_bytes()]
