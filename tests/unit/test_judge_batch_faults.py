"""Batches of a service that errs: results that are late, cut or strange, batches that are gone, redirects, refusals."""

import json
from pathlib import Path

import pytest
from unit.judge_server import judge_server
from unit.judging_cases import SECRET, different_rows
from unit.test_judge_batches import ROWS, answer, check_all_answered_once, judge

from openmath.errors import InputError
from openmath.judging import batch
from openmath.judging.budget import Prices
from openmath.judging.store import VerdictStore


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(batch, "MOST_EMPTY_POLLS", 4)


def state_file(folder: Path) -> Path:
    (path,) = folder.glob("batches/*.json")
    return path


def test_a_completed_batch_that_does_not_name_its_results_is_waited_for(tmp_path):
    with judge_server(answer) as server:
        server.batches.late = 2
        judge(tmp_path, server)
        check_all_answered_once(tmp_path, server)


def test_the_results_of_a_batch_may_be_later_than_its_errors(tmp_path):
    with judge_server(answer) as server:
        server.batches.late = 2
        server.batches.answered = lambda number: number != 3
        judge(tmp_path, server)
        check_all_answered_once(tmp_path, server)
        assert len(server.batches.created) == 2


def test_results_that_stay_away_end_the_job_and_the_batch_is_kept(tmp_path):
    with judge_server(answer) as server:
        server.batches.late = 100
        with pytest.raises(InputError, match="does not give all of its results") as error:
            judge(tmp_path, server)
        assert str(state_file(tmp_path)) in str(error.value) and "aside" in str(error.value)
        server.batches.late = 0
        judge(tmp_path, server)
        check_all_answered_once(tmp_path, server)


STRANGE = {"id": "x", "custom_id": "unknown", "response": {"status_code": 200, "body": {}}, "error": None}


@pytest.mark.parametrize(
    "changed",
    [
        lambda results: results[:5],
        lambda results: [*results[:8], b'{"custom_id": "cut'],
        lambda results: [*results[:-1], STRANGE],
        lambda results: [{**row, "custom_id": f"x{row['custom_id']}"} for row in results],
    ],
)
def test_lines_that_are_missing_are_not_paid_again_in_silence(tmp_path, changed):
    with judge_server(answer) as server:
        server.batches.changed = changed
        for _ in range(2):
            with pytest.raises(InputError, match="does not give all of its results") as error:
                judge(tmp_path, server)
            assert str(state_file(tmp_path)) in str(error.value)
            assert len(server.batches.created) == 1
        kept = len(VerdictStore(tmp_path).records)
        server.batches.changed = lambda results: results
        state_file(tmp_path).rename(tmp_path / "aside")  # what the message says
        judge(tmp_path, server)
    assert len(VerdictStore(tmp_path).records) == 9 and len(server.batches.asked) == 9 + 9 - kept


def test_results_that_are_there_twice_count_once(tmp_path):
    with judge_server(answer) as server:
        server.batches.changed = lambda results: [STRANGE, *results, *results, b"", b"[]"]
        assert len(judge(tmp_path, server, prices=Prices(1.0, 1.0)).paid) == 9
        check_all_answered_once(tmp_path, server)


@pytest.mark.parametrize("gone", ["batch-0", "file-output-batch-0", "file-0"])
def test_what_the_service_has_forgotten_names_the_state_file(tmp_path, gone):
    with judge_server(answer) as server:
        server.batches.gone.add(gone)
        with pytest.raises(InputError, match="does not give this batch") as error:
            judge(tmp_path, server)
        assert str(state_file(tmp_path)) in str(error.value) and "move this file aside" in str(error.value)


NONSENSE = [[], "x", {}, {"id": 7}, {"id": "b", "status": None}, {"id": "b", "status": "failed", "errors": 7}]


@pytest.mark.parametrize("reply", NONSENSE)
def test_a_service_that_talks_nonsense_is_one_message(tmp_path, reply):
    with judge_server(answer) as server:
        server.batches._create = lambda request: reply
        with pytest.raises(InputError):
            judge(tmp_path, server)


def test_a_batch_of_another_name_is_not_taken(tmp_path):
    with judge_server(answer) as server:
        server.batches.status = "in_progress"
        server.batches.after = lambda number: [
            b.update(metadata={"openmath": "theirs"}) for b in server.batches.created
        ]
        with pytest.raises(InputError, match="another batch") as error:
            judge(tmp_path, server)
        assert str(state_file(tmp_path)) in str(error.value) and "theirs" in str(error.value)
    assert VerdictStore(tmp_path).records == {}


def test_no_redirect_carries_questions_or_key_elsewhere(tmp_path):
    with judge_server(answer) as server, judge_server(answer) as other:
        server.batches.moved = f"http://localhost:{other.port}"
        with pytest.raises(InputError, match="HTTP 307") as error:
            judge(tmp_path, server)
        assert SECRET not in str(error.value)
        assert other.batches.requests == 0 and other.batches.files == {}


def test_batches_of_a_given_size_follow_one_another(tmp_path):
    together = []
    with judge_server(answer) as server:
        running = lambda: sum(b["status"] == "in_progress" for b in server.batches.created)  # noqa: E731
        server.batches.after = lambda number: together.append(running())
        judge(tmp_path, server, batch_size=4)
        check_all_answered_once(tmp_path, server)
        assert [server.batches.files[b["input_file_id"]].count(b"\n") for b in server.batches.created] == [4, 4, 1]
    assert max(together) == 1


def test_refused_questions_are_outcomes_and_not_asked_again(tmp_path):
    rows = different_rows(40)
    with judge_server(answer, words=f"filtered {SECRET}") as server:
        server.refuse = lambda request: 400 if "Problem: p7\n" in request["messages"][0]["content"] else None
        assert len(judge(tmp_path, server, rows, prices=Prices(1.0, 1.0)).paid) == 39
        (refused,) = [r for r in VerdictStore(tmp_path).records.values() if r.get("outcome") == "refused"]
        assert (refused["problem"], refused["judgement"], refused["refusal"]) == ("p7", "", "filtered ***")
        assert judge(tmp_path, server, rows).paid == [] and len(server.batches.created) == 1


def test_many_refused_questions_stop_the_job(tmp_path):
    rows = different_rows(40)
    with judge_server(answer, words="no such parameter") as server:
        server.refuse = lambda request: 422 if "Problem: p1" in request["messages"][0]["content"] else None
        with pytest.raises(InputError, match=r"refuses too many[\s\S]*no such parameter"):
            judge(tmp_path, server, rows)
        assert len(VerdictStore(tmp_path).records) == 29
        server.refuse = lambda request: None
        assert len(judge(tmp_path, server, rows).paid) == 11


def test_refusals_of_another_jobs_questions_are_left_to_it(tmp_path, monkeypatch):
    rows = different_rows(40)
    with judge_server(answer) as server:
        server.refuse = lambda request: 400 if "Problem: p1" in request["messages"][0]["content"] else None
        with monkeypatch.context() as patch:  # the job ends once its batch is created
            patch.setattr(batch.BatchJudge, "_collect_ended", lambda self, waiting: False)
            with pytest.raises(InputError):
                judge(tmp_path, server, rows)
        judge(tmp_path, server, rows[:1])  # p0; of the others 11 are refused
    records = VerdictStore(tmp_path).records.values()
    assert len(records) == 29 and not [record for record in records if "outcome" in record]


def test_what_may_pass_is_asked_again(tmp_path):
    codes = iter([429, 500, 503])
    with judge_server(answer) as server:
        server.refuse = lambda request: next(codes, None)
        judge(tmp_path, server)
        check_all_answered_once(tmp_path, server)
    assert not [r for r in VerdictStore(tmp_path).records.values() if "outcome" in r]


def test_a_cut_reply_goes_into_the_next_batch_with_a_higher_limit(tmp_path):
    cut = {"finish_reason": "length", "message": {"content": "Judgement: Yes"}}
    with judge_server(answer) as server:
        server.choice = lambda request: cut if request["max_tokens"] == 10 else {}
        judge(tmp_path, server)
        lines = server.batches.files[server.batches.created[1]["input_file_id"]].splitlines()
        assert {json.loads(line)["body"]["max_tokens"] for line in lines} == {40} and len(lines) == 9
        assert judge(tmp_path, server).paid == []
    outcomes = [record.get("outcome") for record in VerdictStore(tmp_path).records.values()]
    assert sorted(outcomes, key=str) == [None] * 9 + ["cut"] * 9


def test_another_model_in_a_batch_ends_the_job(tmp_path):
    with judge_server(answer) as server:
        judge(tmp_path, server, ROWS[:3])
        server.model = "cheap-model"
        with pytest.raises(InputError, match="cheap-model"):
            judge(tmp_path, server)
        server.model = None
        judge(tmp_path, server)
    records = VerdictStore(tmp_path).records.values()
    assert {record["model"] for record in records} == {"judge-1"} and len(records) == 9
