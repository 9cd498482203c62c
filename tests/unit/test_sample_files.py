"""Sample files read by several processes: the same as by one, whatever happens to these."""

import multiprocessing

import pytest
from unit.judging_cases import write

from openmath.errors import InputError
from openmath.files.same_problems import Problem, SameProblems
from openmath.grading import sample_files
from openmath.grading.sample_files import read_sample_file, read_sample_files

FILES, PROBLEMS = 12, 3


@pytest.fixture
def paths(tmp_path, monkeypatch):
    monkeypatch.setattr(sample_files, "WORTH_PROCESSES", 0)
    return [write(tmp_path / f"output-rs{seed}.jsonl", rows_of(seed)) for seed in range(FILES)]


def rows_of(seed):
    return [
        {"problem": f"{n}?", "expected_answer": str(n), "generation": rf"\boxed{{{seed * n}}}", "finish_reason": "stop"}
        for n in range(PROBLEMS)
    ]


def known(path):
    return SameProblems(path, [Problem(str(n), f"{n}?", str(n)) for n in range(PROBLEMS)])


def test_processes_read_what_one_reads_in_order(paths):
    one = [read_sample_file(path, "default", known(paths[0])) for path in paths]
    assert one[5].answers == ["0", "5", "10"]
    assert list(read_sample_files(paths, "default", known(paths[0]), 2)) == one


def test_what_is_wrong_with_a_file_is_told_as_by_one(paths):
    write(paths[4], rows_of(4)[::-1])
    with pytest.raises(InputError) as alone:
        read_sample_file(paths[4], "default", known(paths[0]))
    with pytest.raises(InputError) as together:
        list(read_sample_files(paths, "default", known(paths[0]), 2))
    assert str(together.value) == str(alone.value) and "output-rs4.jsonl:1" in str(alone.value)
    assert not multiprocessing.active_children()


def test_the_death_of_a_process_loses_no_file(paths, capsys):
    reading = read_sample_files(paths, "default", known(paths[0]), 2)
    found = [next(reading).file]
    for process in multiprocessing.active_children():
        process.kill()
    found += [samples.file for samples in reading]
    assert found == [read_sample_file(path, "default", known(paths[0])).file for path in paths]
    assert "going on with one" in capsys.readouterr().err


def test_rows_too_many_are_counted_and_not_kept(paths):
    write(paths[0], rows_of(0) * 4)
    with pytest.raises(InputError, match="12 rows"):
        read_sample_file(paths[0], "default", known(paths[1]))
