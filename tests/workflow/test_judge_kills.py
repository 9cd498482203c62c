"""SIGKILL of a judging job at random moments: no verdict is lost, and none is paid twice but what was in flight.

Full size, about three minutes: JUDGEMENTS=2000 JUDGE_KILLS=50 pytest -s tests/workflow/test_judge_kills.py
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from conftest import ROOT
from unit.judge_server import judge_server

from openmath.files.rows import read_rows, write_rows
from openmath.judging.store import VerdictStore

pytestmark = pytest.mark.slow

JUDGEMENTS = int(os.environ.get("JUDGEMENTS", 200))
KILLS = int(os.environ.get("JUDGE_KILLS", 6))
CONCURRENCY = 8
LATENCY = 0.05  # seconds: long enough that a kill always finds requests in flight


def question_number(body: dict) -> str:
    return body["messages"][-1]["content"].rpartition("Problem: question ")[2].split("\n")[0]


def test_kills_lose_nothing_and_pay_nothing_twice(tmp_path):
    rows = [{"problem": f"question {i}", "predicted_answer": "1", "expected_answer": "2"} for i in range(JUDGEMENTS)]
    write_rows(tmp_path / "in.jsonl", rows)
    moments = random.Random(50)
    with judge_server(lambda question: "Different.\nJudgement: No", latency=LATENCY) as server:
        command = [sys.executable, ROOT / "scripts/judge_answers.py", "--input", tmp_path / "in.jsonl"]
        command += [
            "--output",
            tmp_path / "out.jsonl",
            "--judge",
            "j",
            "--store",
            tmp_path / "store",
            "--model",
            "judge-1",
        ]
        command += ["--prompt", ROOT / "config/prompts/judge-math.yaml", "--base-url", server.base_url]
        command = [str(part) for part in [*command, "--concurrency", CONCURRENCY]]
        in_flight, most_in_flight = Counter(), 0
        # Kills are spread over the whole job: the k-th falls when k of kills + 2 parts are done, or just before or after.
        for kill in range(1, KILLS + 1):
            asked_before = len(server.bodies)
            stored_before = set(VerdictStore(tmp_path / "store").records)
            with open(tmp_path / "job.log", "ab") as log:
                job = subprocess.Popen(command, stdout=log, stderr=log)
            goal = JUDGEMENTS * kill // (KILLS + 2) + moments.randint(-CONCURRENCY, CONCURRENCY)
            while job.poll() is None and len(server.bodies) - in_flight.total() < goal:
                time.sleep(0.002)
            time.sleep(moments.uniform(0, LATENCY))
            job.send_signal(signal.SIGKILL)
            assert job.wait() == -signal.SIGKILL, (tmp_path / "job.log").read_text()[-2000:]
            time.sleep(0.05)  # what the server had received, it has counted
            records = VerdictStore(tmp_path / "store").records
            assert stored_before <= set(records)
            stored = {record["problem"].removeprefix("question ") for record in records.values()}
            asked_now = [question_number(body) for body in server.bodies[asked_before:]]
            lost = [number for number in asked_now if number not in stored]
            in_flight.update(lost)
            most_in_flight = max(most_in_flight, len(lost))
        finished = subprocess.run(command, capture_output=True, text=True)
        assert finished.returncode == 0, finished.stderr
        asked = Counter(map(question_number, server.bodies))
        # The server's count: once, and once more for each kill that caught the question in flight.
        assert asked == Counter({str(i): 1 + in_flight[str(i)] for i in range(JUDGEMENTS)})
        assert most_in_flight <= CONCURRENCY
        assert [row["judge_verdict"] for row in read_rows(tmp_path / "out.jsonl")] == ["no"] * JUDGEMENTS

        calls = len(server.bodies)
        first = (tmp_path / "out.jsonl").read_bytes()
        assert subprocess.run(command, capture_output=True).returncode == 0
        assert len(server.bodies) == calls and (tmp_path / "out.jsonl").read_bytes() == first
    print(
        f"\n{JUDGEMENTS} judgements, {KILLS} kills: {calls} calls, {in_flight.total()} of them lost in flight "
        f"(at most {most_in_flight} at a kill, concurrency {CONCURRENCY}); second run 0 calls"
    )
