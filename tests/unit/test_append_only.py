"""Staging, verdict stores and jobs.jsonl with damage inside: what is whole is kept, the rest set aside, and nobody is stopped."""

import fcntl
import json
from pathlib import Path

import pytest
from unit.judge_server import judge_server
from unit.test_judging import ROWS, answer, judge

from openmath.files.append_only import kept_rows, set_damage_aside
from openmath.files.rows import encode_row, read_rows
from openmath.files.sample_rows import is_sample
from openmath.generation.progress import is_job
from openmath.generation.staging import StagedRun
from openmath.judging.store import VerdictStore

IDS = ["a", "b", "c", "d"]


def sample(identifier: str, **more) -> dict:
    return {"id": identifier, "problem": "p", "expected_answer": "1", "generation": "é \\boxed{1}", **more}


def damaged_second(rows: list[dict], kind: str) -> bytes:
    """Lines of which the second is damaged; glued, and after NULs, the third shares its line and is whole."""
    lines = [encode_row(row) for row in rows]
    second = {
        "bad JSON": lines[1].replace(b":", b";", 1),
        "NULs": b"\0" * (len(lines[1]) - 1) + b"\n",
        "NULs before a row": b"\0" * 40,
        "torn": lines[1][: len(lines[1]) // 2] + b"\n",
        "glued": lines[1][: len(lines[1]) // 2],
        "bad UTF-8": lines[1].replace(b"1", b"\xff", 1),
        "no object": b"[1, 2]\n",
        "too deep": b"[" * 100_000 + b"\n",
    }[kind]
    return b"".join([lines[0], second, *lines[2:]])


KINDS = ["bad JSON", "NULs", "NULs before a row", "torn", "glued", "bad UTF-8", "no object", "too deep"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_sample_is_set_aside_and_asked_again(tmp_path, capfd, kind):
    path = tmp_path / "output-rs0.jsonl"
    content = damaged_second([sample(identifier) for identifier in IDS], kind)
    path.write_bytes(content)
    run = StagedRun(path, IDS)
    assert run.missing == ["b"]
    told = capfd.readouterr().err
    assert told.count("\n") == 1 and "1 line (2) damaged and set aside in output-rs0.jsonl.damaged" in told
    aside = path.with_name("output-rs0.jsonl.damaged").read_bytes()
    kept = path.read_bytes()
    assert sorted((kept + aside).replace(b"\n", b"")) == sorted(content.replace(b"\n", b""))  # not a byte is lost
    run.append(sample("b"))
    run.publish(tmp_path / "out.jsonl")
    assert [row["id"] for row in read_rows(tmp_path / "out.jsonl")] == IDS
    assert StagedRun(path, IDS).missing == [] and capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 7},
        {"generation": None},
        {"generation": ["x"]},
        {"problem": 3},
        {"finish_reason": {}},
        {"predicted_answer": 1},
        {"num_generated_tokens": "12"},
        {"seed": True},
    ],
)
def test_a_row_with_wrong_types_is_no_sample(tmp_path, wrong):
    path = tmp_path / "output-rs0.jsonl"
    path.write_bytes(b"".join(map(encode_row, [sample("a"), sample("b") | wrong, sample("c")])))
    assert StagedRun(path, ["a", "b", "c"]).missing == ["b"]


def test_a_power_cut_at_the_end_is_told_and_an_unfinished_line_is_not(tmp_path, capfd):
    path = tmp_path / "output-rs0.jsonl"
    path.write_bytes(encode_row(sample("a")) + encode_row(sample("b"))[:20])
    assert StagedRun(path, IDS).missing == ["b", "c", "d"]
    assert capfd.readouterr().err == ""
    path.write_bytes(encode_row(sample("a")) + b"\0" * 4096)
    run = StagedRun(path, IDS)
    assert "1 line (2) damaged and set aside" in capfd.readouterr().err
    for identifier in run.missing:
        run.append(sample(identifier))
    run.publish(tmp_path / "out.jsonl")
    assert [row["id"] for row in read_rows(tmp_path / "out.jsonl")] == IDS


def test_a_complete_run_with_a_tail_is_published_without_it(tmp_path):
    path = tmp_path / "output-rs0.jsonl"
    path.write_bytes(encode_row(sample("a")) + b'{"id": "a", "gen')
    StagedRun(path, ["a"]).publish(tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == encode_row(sample("a"))


def test_damage_of_several_times_is_all_kept(tmp_path):
    path = tmp_path / "a.jsonl"
    for damage in (b"one\n", b"two\n"):
        path.write_bytes(encode_row(sample("a")) + damage)
        set_damage_aside(path, is_sample)
    assert (tmp_path / "a.jsonl.damaged").read_bytes() == b"one\ntwo\n"


def stored(folder: Path) -> Path:
    [path] = folder.glob("store/verdicts-*.jsonl")
    return path


def damage_verdict(path: Path, kind: str, replace: dict | None = None) -> None:
    """The second verdict of a store (its first line holds the settings)."""
    settings, *verdicts = map(json.loads, path.read_bytes().splitlines())
    if replace:
        verdicts[1] |= replace
        path.write_bytes(b"".join(map(encode_row, [settings, *verdicts])))
    else:
        path.write_bytes(encode_row(settings) + damaged_second(verdicts, kind))


MORE_ROWS = [*ROWS, {"id": "f", "problem": "p6", "predicted_answer": "5", "expected_answer": "9"}]


@pytest.mark.parametrize(
    "kind", [*KINDS, {"judgement": 5}, {"key": None}, {"usd": -3.0}, {"usd": float("nan")}], ids=str
)
def test_a_damaged_verdict_is_set_aside_and_only_it_is_asked_again(tmp_path, capfd, kind):
    with judge_server(answer) as server:
        judge(tmp_path, server, rows=MORE_ROWS)
        paid = len(server.bodies)
        damage_verdict(stored(tmp_path), kind, kind if isinstance(kind, dict) else None)
        before = stored(tmp_path).read_bytes()
        store = VerdictStore(tmp_path / "store")  # as the plan reads it
        assert len(store.records) == paid - 1
        assert "1 line (3) damaged and left out" in capfd.readouterr().err
        assert stored(tmp_path).read_bytes() == before and not list(tmp_path.glob("store/*.damaged"))
        reply = judge(tmp_path, server, rows=MORE_ROWS)
        assert reply.returncode == 0, reply.stderr
        assert len(server.bodies) == paid + 1
    assert reply.stderr.count("warning:") == 1 and ".jsonl.damaged" in reply.stderr, reply.stderr
    assert len(list(tmp_path.glob("store/*.damaged"))) == 1
    assert len(VerdictStore(tmp_path / "store").records) == paid
    assert capfd.readouterr().err == ""


def test_a_file_to_which_somebody_adds_is_not_rewritten(tmp_path, capfd):
    path = tmp_path / "verdicts-x.jsonl"
    path.write_bytes(encode_row({"key": "k", "judgement": "Judgement: Yes"}) + b"\0\0\n")
    with open(path, "ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert set(VerdictStore(tmp_path, mends=True).records) == {"k"}
        assert "left out" in capfd.readouterr().err and path.stat().st_nlink == 1
        assert not list(tmp_path.glob("*.damaged"))
    VerdictStore(tmp_path, mends=True)
    assert list(tmp_path.glob("*.damaged"))


def test_a_writer_holds_its_file(tmp_path):
    from unit.test_judge_questions import record, settings

    store = VerdictStore(tmp_path)
    store.add(record("k"), settings())
    [path] = tmp_path.glob("*.jsonl")
    with open(path, "r+b") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    store.close()
    with open(path, "r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


JOB = {
    "samples": 3,
    "tokens": 90,
    "seconds": 2.0,
    "engine": "v",
    "copies": 1,
    "concurrency": 4,
    "settings": {"own": "0f"},
}
FULL = {"full_samples": 3, "full_tokens": 80, "full_seconds": 1.0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"engine": None},
        {"tokens": "90"},
        {"seconds": float("inf")},
        {"settings": []},
        {"start_seconds": "1"},
        {"copies": True},
        FULL | {"full_seconds": None},
    ],
)
def test_a_damaged_record_of_a_job_is_left_out_and_told(tmp_path, capfd, wrong):
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(b"".join(map(encode_row, [JOB, JOB | wrong, JOB | FULL])))
    assert list(kept_rows(path, is_job)) == [JOB, JOB | FULL]
    assert "1 line (2) damaged and left out" in capfd.readouterr().err
    assert is_job({name: JOB[name] for name in ("samples", "tokens", "seconds", "engine")})  # of an older version
    assert not is_job({**JOB, "full_samples": 1})
