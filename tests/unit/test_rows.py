import json
import os
import re
from functools import partial

import pytest

from openmath.errors import InputError
from openmath.files import fast_rows
from openmath.files import rows as samples
from openmath.files.append_only import kept_rows
from openmath.files.rows import read_rows, write_rows
from openmath.files.sample_runs import run_order, sample_run_of
from openmath.generation.staging import StagedRun


def test_rows_survive_a_round_trip_with_broken_surrogates(tmp_path):
    write_rows(tmp_path / "a.jsonl", [{"x": "é\ud83d", "y": "😀"}])
    assert list(read_rows(tmp_path / "a.jsonl")) == [{"x": "é\ufffd", "y": "😀"}]


def test_a_damaged_line_of_a_published_file_is_named_and_nobody_is_told_to_delete_it(tmp_path):
    path = tmp_path / "a.jsonl"
    for content, line in ((b'{"id": 1}\n{"id": 2', 2), (b'{"id": 1\n{"id": 2}\n', 1), (b'{"id": 1}\n\0\0\n', 2)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=rf"a\.jsonl:{line}[\s\S]*Hint: ") as error:
            list(read_rows(path))
        assert not re.search("remove|delete", str(error.value))


@pytest.mark.parametrize("reader", [read_rows, fast_rows.read_rows])
def test_half_characters_are_replaced_when_they_are_read(tmp_path, reader):
    path = tmp_path / "a.jsonl"
    path.write_bytes(rb'{"\ud800": ["a\uDFFFb"], "pair": "\ud83d\ude00", "n": 1e999}' + b'\n{"raw": "\xed\xa0\x80"}\n')
    first, second = reader(path)
    assert first == {"\ufffd": ["a\ufffdb"], "pair": "\U0001f600", "n": float("inf")}
    assert "\ufffd" in second["raw"]
    second["raw"].encode()  # a lone surrogate has no UTF-8


def test_sample_runs_are_ordered_by_number():
    names = ["output-rs10.jsonl", "output-rs2.jsonl", "output-greedy.jsonl"]
    assert sorted(map(sample_run_of, names), key=run_order) == ["greedy", "rs2", "rs10"]
    with pytest.raises(InputError, match="which sample run"):
        sample_run_of("results.jsonl")


def test_staging_continues_after_a_torn_line_and_publishes_in_order(tmp_path):
    path, output = tmp_path / "staged" / "output-rs0.jsonl", tmp_path / "out" / "output-rs0.jsonl"
    path.parent.mkdir()
    path.write_bytes(b'{"id": "b", "generation": "", "n": 1}\n{"id": "b", "generation": "", "n": 2}\n{"id": "a", "n"')
    run = StagedRun(path, ["a", "b", "c"])
    assert run.missing == ["a", "c"]
    run.append({"id": "c", "generation": "", "n": 3})
    run.append({"id": "a", "generation": "", "n": 4})
    assert [json.loads(line)["n"] for line in path.read_bytes().splitlines()] == [1, 2, 3, 4], (
        "each on a line of its own"
    )
    run.publish(output)
    assert [(row["id"], row["n"]) for row in read_rows(output)] == [("a", 4), ("b", 1), ("c", 3)]
    again = StagedRun(path, ["a", "b", "c"])
    assert again.missing == []
    output.unlink()
    again.publish(output)
    assert output.samefile(path)


@pytest.mark.parametrize("reader", [read_rows, partial(kept_rows, is_row=bool), fast_rows.read_rows])
def test_a_line_without_an_end_is_not_read_whole(tmp_path, monkeypatch, reader):
    monkeypatch.setattr(samples, "MAX_LINE", 1000)
    (tmp_path / "a.jsonl").write_text(json.dumps({"a": "x" * 900}) + "\n" + '{"a": "' + "x" * 5000)
    rows = reader(tmp_path / "a.jsonl")
    assert len(next(rows)["a"]) == 900
    with pytest.raises(InputError, match=r"a\.jsonl:2[\s\S]*Hint:"):
        next(rows)


@pytest.mark.parametrize(
    ("found", "words"),
    [("ba", "in another order"), ("aab", "repeated"), ("a", "missing b"), ("abc", "unknown c"), ("", "missing a, b")],
)
def test_rows_are_those_of_the_benchmark_in_its_order(found, words):
    samples.check_ids("ab", "ab", where="f", expected_from="b")
    with pytest.raises(InputError, match=words):
        samples.check_ids(found, "ab", where="f", expected_from="b")


def test_lines_that_arrive_in_blocks(monkeypatch):
    monkeypatch.setattr(samples, "MAX_LINE", 10)
    blocks = [b"one\ntw", b"o", b"\n\nth", b"ree\n", b"four"]
    found = list(samples.arriving_lines(blocks, "stdin"))
    assert found == [[b"one"], [b"two", b""], [b"three"], [b"four"]]
    lines = samples.arriving_lines([b"a\nb\n", *[b"x" * 4] * 5], "stdin")
    assert next(lines) == [b"a", b"b"]
    with pytest.raises(InputError, match=r"stdin:3[\s\S]*Hint:"):
        next(lines)


def test_files_have_the_mode_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_rows(tmp_path / "a.jsonl", [{"a": 1}])
    finally:
        os.umask(before)
    assert (tmp_path / "a.jsonl").stat().st_mode & 0o777 == 0o640
