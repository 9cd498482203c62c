"""Ctrl-C while judge_answers.py asks: what is in flight is taken, what is paid is kept, and one line says how to go on."""

import signal
import time

import pytest
from unit.judge_server import judge_server
from unit.judging_cases import different_rows
from unit.test_judging import judge, start_judge


def wait_for(server, requests: int) -> None:
    while len(server.bodies) < requests:
        time.sleep(0.01)


def test_ctrl_c_keeps_what_is_paid(tmp_path):
    rows = different_rows(12)
    with judge_server(latency=0.2) as server:
        job = start_judge(tmp_path, server, "--concurrency", 3, rows=rows)
        wait_for(server, 5)
        job.send_signal(signal.SIGINT)
        said = job.communicate(timeout=60)[0]
        paid = len(server.bodies)
        assert job.returncode == 130 and paid < 12
        assert said.splitlines()[-1] == f"judge: interrupted; {paid} verdicts kept; run the same command again", said
        assert "error" not in said and "Traceback" not in said
        assert judge(tmp_path, server, rows=rows).returncode == 0
        assert len(server.bodies) == 12


@pytest.mark.slow
def test_a_second_ctrl_c_waits_for_nobody(tmp_path):
    with judge_server(faults=[None, "hang", "hang"]) as server:
        job = start_judge(tmp_path, server, "--concurrency", 1, rows=different_rows(4))
        wait_for(server, 2)
        job.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert job.poll() is None, "it does not wait for what is in flight"
        job.send_signal(signal.SIGINT)
        said = job.communicate(timeout=60)[0]
    assert job.returncode == 130 and said.endswith(
        "judge: interrupted; 1 verdicts kept; run the same command again\n"
    ), said


@pytest.mark.slow
def test_ctrl_c_while_a_batch_is_at_work(tmp_path):
    with judge_server() as server:
        server.batches.status = "in_progress"
        job = start_judge(tmp_path, server, "--mode", "batch", "--poll-seconds", 60, rows=different_rows(4))
        while not server.batches.created or server.batches.requests < 4:
            time.sleep(0.01)
        time.sleep(0.2)
        job.send_signal(signal.SIGINT)
        said = job.communicate(timeout=60)[0]
    assert job.returncode == 130 and "0 verdicts kept; run the same command again" in said, said
    assert "Traceback" not in said
