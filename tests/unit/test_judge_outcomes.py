"""Replies that are no verdict: refused for good, cut at the limit, empty, by another model. What is kept, counted, asked again."""

import json
from pathlib import Path

import pytest
from unit.judge_server import judge_server
from unit.judging_cases import SECRET, different_rows
from unit.test_judging import answer, judge, manifest, verdicts

from openmath.judging.exchange import export_verdicts, import_verdicts
from openmath.judging.store import VerdictStore
from openmath.results.grades import read_judged, read_sample_files


def asks(words: str):
    """A status of 400 for each question that holds these words."""
    return lambda request: 400 if words in request["messages"][0]["content"] else None


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "out.jsonl").open()]


def records(folder: Path) -> list[dict]:
    return list(VerdictStore(folder / "store").records.values())


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_question_is_an_outcome_and_not_asked_again(tmp_path, status):
    rows = different_rows(30)
    with judge_server(answer, words=f"too long {SECRET}") as server:
        server.refuse = lambda request: status if "Problem: p5\n" in request["messages"][0]["content"] else None
        first = judge(tmp_path, server, "--prices", 1, 1, rows=rows)
        assert first.returncode == 0, first.stderr
        assert "30/30 questions" in first.stdout and "29 verdicts" in first.stdout and "1 refused" in first.stdout
        assert "1 questions are refused for good" in first.stdout and "too long ***" in first.stdout
        refused = rows_of(tmp_path)[5]
        assert (refused["judge_verdict"], refused["judge_outcome"], refused["judgement"]) == ("unparsed", "refused", "")
        assert refused["judge_refusal"] == f"HTTP {status}: too long ***"
        assert all("judge_outcome" not in row for n, row in enumerate(rows_of(tmp_path)) if n != 5)
        assert manifest(tmp_path)["outcomes"] == {"refused": 1} and manifest(tmp_path)["verdicts_used"]["calls"] == 29
        assert len(server.bodies) == 30

        assert judge(tmp_path, server, rows=rows).returncode == 0 and len(server.bodies) == 30
        replayed = judge(tmp_path, None, "--replay", rows=rows, key="")
        assert replayed.returncode == 0 and rows_of(tmp_path)[5] == refused
        again = judge(tmp_path, server, "--ask-refused", rows=rows)  # on request: it is refused again
        assert again.returncode == 0 and len(server.bodies) == 31 and rows_of(tmp_path)[5] == refused
        server.refuse = lambda request: None
        assert judge(tmp_path, server, "--ask-refused", rows=rows).returncode == 0 and len(server.bodies) == 32
        assert verdicts(tmp_path) == ["no"] * 30
        assert judge(tmp_path, None, rows=rows).returncode == 0  # the reply takes the refusal's place, in either order
        assert verdicts(tmp_path) == ["no"] * 30
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not kept


def test_refusals_and_cut_replies_are_shipped_and_a_reply_replaces_a_refusal(tmp_path):
    with judge_server(answer) as server:
        server.refuse = asks("p4")
        server.choice = lambda request: {"finish_reason": "length"}
        assert judge(tmp_path, server, "--max-refused", 1).returncode == 0
        before = (tmp_path / "out.jsonl").read_bytes()
        export_verdicts(tmp_path / "store", tmp_path / "refused.jsonl")
        server.refuse = server.choice = lambda request: {}
        assert judge(tmp_path, server, "--ask-refused").returncode == 0
        export_verdicts(tmp_path / "store", tmp_path / "answered.jsonl")
    (tmp_path / "store").rename(tmp_path / "theirs")
    assert import_verdicts(tmp_path / "store", [tmp_path / "refused.jsonl"]) == (3, 0, 0)
    assert judge(tmp_path, None, "--replay", key="").returncode == 0
    assert (tmp_path / "out.jsonl").read_bytes() == before and verdicts(tmp_path)[3] == "unparsed"
    assert import_verdicts(tmp_path / "store", [tmp_path / "answered.jsonl"]) == (1, 2, 0)
    assert import_verdicts(tmp_path / "store", [tmp_path / "refused.jsonl"]) == (0, 2, 1)  # ours stays
    assert judge(tmp_path, None, "--replay", key="").returncode == 0 and verdicts(tmp_path)[3] == "no"


def test_a_filtered_reply_is_refused_too(tmp_path):
    with judge_server(answer, faults=[{"finish_reason": "content_filter"}]) as server:
        assert judge(tmp_path, server, "--concurrency", 1, rows=different_rows(30)).returncode == 0
    assert rows_of(tmp_path)[0]["judge_outcome"] == "refused"


def test_many_refused_questions_stop_the_job_and_nothing_of_them_is_kept(tmp_path):
    rows = different_rows(60)
    with judge_server(answer, words="no such parameter", latency=0.01) as server:
        server.refuse = asks("Problem: p")
        stopped = judge(tmp_path, server, "--concurrency", 2, rows=rows)
        assert stopped.returncode == 2 and "refuses too many questions" in stopped.stderr
        assert "no such parameter" in stopped.stderr and "at most 5% of 60" in stopped.stderr
        assert len(server.bodies) < 10 and records(tmp_path) == [] and not (tmp_path / "out.jsonl").exists()
        server.refuse = asks("Problem: p1")  # 11 of 60
        assert judge(tmp_path, server, rows=rows).returncode == 2
        assert {record["judgement"] != "" for record in records(tmp_path)} <= {True}  # what was paid is kept
        assert judge(tmp_path, server, "--max-refused", 0.2, rows=rows).returncode == 0
        assert manifest(tmp_path)["outcomes"] == {"refused": 11}
        assert judge(tmp_path, server, rows=rows).returncode == 0  # refusals of earlier runs alone stop nothing
        more = judge(tmp_path, server, rows=[*rows, {**rows[0], "problem": "p100"}])  # with one of this run they count
        assert more.returncode == 2 and "ask_refused" in more.stderr and "12 refused" in more.stderr


@pytest.mark.parametrize(
    ("questions", "refused", "most", "stops"),
    [(4, 1, 0.05, False), (4, 2, 0.05, True), (1, 1, 0.05, True), (4, 1, 0, True)],
)
def test_of_few_questions_one_may_be_refused(tmp_path, questions, refused, most, stops):
    with judge_server(answer) as server:
        server.refuse = lambda request: 400 if f"p{questions - 1}" in str(request) or refused > 1 else None
        done = judge(tmp_path, server, "--max-refused", most, rows=different_rows(questions))
    assert done.returncode == (2 if stops else 0)
    assert not stops or "refuses too many questions" in done.stderr


@pytest.mark.parametrize(
    "choice",
    [
        {"finish_reason": "length", "message": {"content": "It is\nJudgement: Yes"}},
        {"finish_reason": "length", "message": {"content": None, "reasoning_content": "Judgement: Yes"}},
        {"finish_reason": "stop", "message": {"content": "", "reasoning": "Judgement: Yes"}},
    ],
)
def test_a_reply_that_was_cut_is_asked_once_more_with_a_higher_limit(tmp_path, choice):
    with judge_server(answer) as server:
        server.choice = lambda request: choice if request["max_tokens"] == 100 else {}
        assert judge(tmp_path, server, "--max-new-tokens", 100).returncode == 0
        assert verdicts(tmp_path) == ["yes", "no", "yes", "no", "yes"]
        assert [body["max_tokens"] for body in server.bodies].count(400) == 2 and len(server.bodies) == 4
        assert all(len(body["messages"]) == 1 for body in server.bodies)
        assert judge(tmp_path, server, "--max-new-tokens", 100).returncode == 0 and len(server.bodies) == 4


def test_replies_that_stay_cut_are_counted_and_not_paid_again(tmp_path):
    cut = {"finish_reason": "length", "message": {"content": "Well ...\nJudgement: Yes"}}
    with judge_server(answer) as server:
        server.choice = lambda request: cut
        said = judge(tmp_path, server, "--max-new-tokens", 100)
        assert said.returncode == 0 and "2 replies were cut" in said.stdout and "max_new_tokens" in said.stdout
        assert verdicts(tmp_path) == ["unparsed", "no", "yes", "unparsed", "unparsed"]
        assert rows_of(tmp_path)[0]["judge_outcome"] == "cut" and manifest(tmp_path)["outcomes"] == {"cut": 3}
        assert len(server.bodies) == 4
        assert judge(tmp_path, server, "--max-new-tokens", 100).returncode == 0 and len(server.bodies) == 4
        assert judge(tmp_path, server, "--max-new-tokens", 100, "--policy", "paper").returncode == 0
        assert verdicts(tmp_path) == ["no", "no", "yes", "no", "no"]


def test_a_folder_of_judged_files_keeps_what_the_rows_say(tmp_path):
    """summarize_results.py reads judgements by their words, which say Yes here, but were cut."""
    with judge_server(answer) as server:
        server.choice = lambda request: {"finish_reason": "length", "message": {"content": "Judgement: Yes"}}
        assert judge(tmp_path, server).returncode == 0
    for policy, expected in (("default", "unparsed"), ("paper", "yes")):
        file = (tmp_path / "out.jsonl").rename(tmp_path / "output-greedy.jsonl")
        assert read_sample_files([file], policy).judged[0, 0] == expected
        file.rename(tmp_path / "out.jsonl")


def test_a_judge_that_never_says_a_word_stops_the_job(tmp_path):
    rows = different_rows(100)
    silent = {"finish_reason": "length", "message": {"content": "", "reasoning_content": "Let me think"}}
    with judge_server(answer, latency=0.005) as server:
        server.choice = lambda request: silent
        stopped = judge(tmp_path, server, "--concurrency", 2, rows=rows)
        assert (
            stopped.returncode == 2 and "max_new_tokens" in stopped.stderr and "before it says a word" in stopped.stderr
        )
        asked = len(server.bodies)
        assert asked < 30
        again = judge(tmp_path, server, "--concurrency", 2, rows=rows)
        assert again.returncode == 2 and len(server.bodies) == asked  # nothing is paid twice for the same limits


def test_an_endpoint_that_refuses_the_raised_limit_has_cut_the_reply(tmp_path):
    cut = {"finish_reason": "length", "message": {"content": "Well"}}
    with judge_server(answer, words="maximum context length") as server:
        server.choice = lambda request: cut
        server.refuse = lambda request: 400 if request["max_tokens"] > 100 else None
        assert judge(tmp_path, server, "--max-new-tokens", 100).returncode == 0
        assert manifest(tmp_path)["outcomes"] == {"cut": 3} and rows_of(tmp_path)[0]["judgement"] == "Well"
        assert judge(tmp_path, server, "--max-new-tokens", 100).returncode == 0 and len(server.bodies) == 4


def test_the_highest_limit_is_not_raised(tmp_path):
    with judge_server(answer) as server:
        server.finish_reason = "length"
        assert judge(tmp_path, server, "--max-new-tokens", 40000).returncode == 0
        assert [body["max_tokens"] for body in server.bodies] == [40000, 40000]


def test_records_of_older_versions_are_read_as_they_were(tmp_path):
    """A reply that was cut had a verdict by its words then: finished evaluations stay what they are."""
    with judge_server(answer) as server:
        assert judge(tmp_path, server).returncode == 0
        for path in (tmp_path / "store").glob("*.jsonl"):
            path.write_text(path.read_text().replace('"finish_reason": "stop"', '"finish_reason": "length"'))
        assert judge(tmp_path, server).returncode == 0 and len(server.bodies) == 2
    assert verdicts(tmp_path) == ["yes", "no", "yes", "no", "yes"]


def test_another_model_than_before_ends_the_job_before_verdicts_are_mixed(tmp_path):
    with judge_server(answer) as server:
        assert judge(tmp_path, server, rows=different_rows(5)).returncode == 0
        server.model = "cheap-model"
        mixed = judge(tmp_path, server, "--concurrency", 1, rows=different_rows(50))
        assert mixed.returncode == 2 and "cheap-model" in mixed.stderr and "judge-1" in mixed.stderr
        assert len(server.bodies) == 6 and len(records(tmp_path)) == 6  # paid, kept, and no verdict
        server.model = None
        assert judge(tmp_path, server, rows=different_rows(50)).returncode == 0
        assert len(server.bodies) == 51 and manifest(tmp_path)["answered_by"] == {"judge-1 fp_test": 50}


@pytest.mark.parametrize(("model", "warns"), [("judge-1-2026-08-06", False), ("org/judge-1", False), ("other", True)])
def test_another_model_than_asked_for_is_said(tmp_path, model, warns):
    with judge_server(answer) as server:
        server.model = model
        said = judge(tmp_path, server)
        assert said.returncode == 0 and ("and other answers" in said.stdout) is warns
    assert manifest(tmp_path)["answered_by"] == {f"{model} fp_test": 2}


def test_a_judged_file_may_be_judged_again_by_another(tmp_path):
    with judge_server(answer) as server:
        server.refuse = asks("p4")
        assert judge(tmp_path, server, "--max-refused", 1).returncode == 0
        server.refuse, rows = (lambda request: None), rows_of(tmp_path)
        assert judge(tmp_path, server, "--ask-refused", rows=rows).returncode == 0
    assert not [row for row in rows_of(tmp_path) if row.keys() & {"judge_outcome", "judge_refusal"}]


def test_judged_files_say_what_was_asked_and_refused(tmp_path):
    with judge_server(answer) as server:
        server.refuse = asks("p4")
        assert judge(tmp_path, server, "--max-refused", 1).returncode == 0
    judged = read_judged(tmp_path / "out.jsonl", ["a", "b", "c", "d", "e"])
    assert judged.asked.tolist() == [True, False, False, True, True]
    assert judged.outcomes.tolist() == ["", "", "", "refused", ""]
