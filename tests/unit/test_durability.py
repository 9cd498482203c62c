"""What is finished is on disk before anything rests on it, and a line that a kill tore is never taken for a whole one."""

import os
from pathlib import Path

import pytest
from unit.judge_server import judge_server
from unit.test_judge_batches import judge
from unit.test_judge_questions import record, settings

from openmath.errors import InputError
from openmath.files.append_only import kept_rows
from openmath.files.rows import read_rows, write_rows, write_text
from openmath.generation.staging import StagedRun
from openmath.judging.store import VerdictStore


@pytest.fixture
def flushed(monkeypatch) -> list[tuple[Path, int]]:
    """(file, its bytes at that moment) of each fsync."""
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append((Path(os.readlink(f"/proc/self/fd/{descriptor}")), os.fstat(descriptor).st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    return calls


def test_a_published_file_is_on_disk_before_it_has_its_name(tmp_path, flushed, monkeypatch):
    renamed = []
    monkeypatch.setattr(os, "replace", lambda source, target: renamed.append((str(source), str(target), len(flushed))))
    write_text(tmp_path / "a.txt", "content")
    [(path, size)], [(source, target, before)] = flushed, renamed
    assert (str(path), target, before, size) == (source, str(tmp_path / "a.txt"), 1, 7)
    assert path.parent == tmp_path and path.name != "a.txt"


def test_a_published_file_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "a.jsonl"
    write_rows(path, [{"id": 1}])
    before = path.stat()
    with open(path) as reader, pytest.raises(ZeroDivisionError):
        write_rows(path, ({"id": 1 // n} for n in (1, 0)))
    assert list(tmp_path.iterdir()) == [path] and list(read_rows(path)) == [{"id": 1}]
    with open(path) as reader:
        write_rows(path, [{"id": 2}])
        assert reader.read() == '{"id": 1}\n', "whoever reads the old file keeps it"
    assert path.stat().st_ino != before.st_ino and path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_staged_samples_are_flushed_once_each_time_and_at_the_end(tmp_path, flushed):
    run = StagedRun(tmp_path / "s.jsonl", ["a", "b", "c"])
    for name in "ab":
        run.append({"id": name})
        run.sync()
        run.sync()  # nothing new
    run.append({"id": "c"})
    run.close()
    run.close()
    assert flushed == [(tmp_path / "s.jsonl", 12), (tmp_path / "s.jsonl", 24), (tmp_path / "s.jsonl", 36)]


def test_a_run_is_on_disk_before_it_is_published(tmp_path, flushed):
    run = StagedRun(tmp_path / "s.jsonl", ["a"])
    run.append({"id": "a", "generation": ""})
    run.publish(tmp_path / "out.jsonl")
    assert flushed == [(tmp_path / "s.jsonl", 30)]


def test_verdicts_are_flushed(tmp_path, flushed):
    store = VerdictStore(tmp_path)
    store.add(record("k1"), settings())
    assert flushed == []
    store.sync()
    store.sync()
    [path] = tmp_path.glob("*.jsonl")
    assert flushed == [(path, path.stat().st_size)]
    store.add(record("k2"), settings())
    store.close()
    assert flushed[1:] == [(path, path.stat().st_size)]


def test_half_a_verdict_of_a_full_disk_is_taken_back(tmp_path, monkeypatch):
    class Full:
        """A disk that takes half of the next line."""

        def __init__(self, file):
            self._file = file

        def write(self, data: bytes) -> int:
            return self._file.write(data[: len(data) // 2])

        def __getattr__(self, name):
            return getattr(self._file, name)

    store = VerdictStore(tmp_path)
    store.add(record("k1"), settings())
    [path] = tmp_path.glob("*.jsonl")
    before, file = path.read_bytes(), store._file
    store._file = Full(file)
    with pytest.raises(InputError, match=r"Cannot keep a verdict[\s\S]*Hint:"):
        store.add(record("k2"), settings())
    assert path.read_bytes() == before and set(store.records) == {"k1"}
    store._file = file
    store.add(record("k2"), settings())
    assert set(VerdictStore(tmp_path).records) == {"k1", "k2"}


def test_a_batch_is_marked_only_when_its_verdicts_are_on_disk(tmp_path, flushed):
    with judge_server() as server:
        judge(tmp_path, server)
    names = [path.name for path, _ in flushed]
    verdicts = next(i for i, name in enumerate(names) if name.startswith("verdicts-"))
    states = [i for i, name in enumerate(names) if ".json." in name]
    assert max(states) > verdicts, "the last state says that the verdicts are there"


def test_a_tail_without_a_newline_is_no_line_though_it_can_be_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"id": 1}\n{"id": 12}')  # of {"id": 12}, or of {"id": 12, "generation": ...
    assert list(kept_rows(path, bool)) == [{"id": 1}]
    assert list(read_rows(path)) == [{"id": 1}, {"id": 12}]  # complete files of other tools may end so
