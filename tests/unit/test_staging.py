"""Staging: nothing finished is lost, whatever stops the job; no two jobs compute the same samples."""

import asyncio
import errno
import json
import multiprocessing
import os
import resource
import signal
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import pytest

import generate
from openmath.errors import InputError
from openmath.files.rows import encode_row, read_rows
from openmath.generation import job
from openmath.generation.locks import RunLocks
from openmath.generation.samples import with_fallback
from openmath.generation.staging import StagedRun

IDS = [f"p-{number}" for number in range(50)]


RUNS = [f"rs{number}" for number in range(16)]


def row(identifier: str) -> dict:
    return {"id": identifier, "generation": "x" * 400}


def fill_small_disk(path: Path) -> None:
    """Append until a file may not grow any more; as on a full disk, the last write is cut short."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    run = StagedRun(path, IDS)
    for identifier in IDS:
        try:
            run.append(row(identifier))
        except OSError as error:
            assert error.errno in (errno.ENOSPC, errno.EFBIG)
            os._exit(17)


def test_a_full_disk_loses_nothing_and_the_next_job_goes_on(tmp_path):
    path = tmp_path / "output-rs0.jsonl"
    child = multiprocessing.get_context("fork").Process(target=fill_small_disk, args=(path,))
    child.start()
    child.join()
    assert child.exitcode == 17
    assert path.read_bytes().endswith(b"\n"), "half a line was left"
    kept = list(read_rows(path))
    assert 5 < len(kept) < len(IDS)
    run = StagedRun(path, IDS)
    assert run.missing == IDS[len(kept) :]
    for identifier in run.missing:
        run.append(row(identifier))
    run.publish(tmp_path / "out.jsonl")
    assert [r["id"] for r in read_rows(tmp_path / "out.jsonl")] == IDS


def test_a_device_without_space_is_an_error_that_names_it(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    run = StagedRun(tmp_path / "a.jsonl", IDS)
    run.append(row("p-0"))
    run._file = open("/dev/full", "ab", buffering=0)
    with pytest.raises(OSError, match="No space left"):
        run.append(row("p-1"))
    assert "p-1" in run.missing and "p-0" not in run.missing


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_a_used_up_quota_and_a_file_size_limit_end_with_the_same_advice(tmp_path, monkeypatch, number):
    def cannot_write(options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(job, "Generation", cannot_write)
    options = SimpleNamespace(staging=tmp_path, sample_runs=["rs0"])
    with pytest.raises(InputError) as error:
        asyncio.run(generate.generate(options))
    message = str(error.value)
    assert f"Cannot write ({os.strerror(number)})" in message and str(tmp_path) in message
    assert "Hint: free some space" in message


def test_an_unknown_id_in_staging_is_ignored(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b"".join(
            encode_row({"id": identifier, "generation": "", "n": n})
            for n, identifier in enumerate(["p-0", "old", "p-0"], 1)
        )
    )
    run = StagedRun(path, ["p-0"])
    assert run.missing == []
    run.publish(tmp_path / "out.jsonl")
    assert list(read_rows(tmp_path / "out.jsonl")) == [{"id": "p-0", "generation": "", "n": 1}]


def test_samples_of_problems_that_are_asked_for_no_longer_are_kept_until_they_are_again(tmp_path):
    path, published = tmp_path / "staging/output-rs0.jsonl", tmp_path / "output-rs0.jsonl"
    run = StagedRun(path, IDS)
    for identifier in IDS:
        run.append(row(identifier) | {"generation": f"solution of {identifier}"})
    run.publish(published)
    whole = published.read_bytes()
    for few in (
        IDS[10:],
        IDS[20:],
        IDS[10:],
    ):  # a test problem is found to be repeated, another one, and the second no more
        run = StagedRun(path, few)
        assert not run.missing
        run.publish(published)
        assert [one["id"] for one in read_rows(published)] == few
    run = StagedRun(path, IDS)
    assert not run.missing
    run.publish(published)
    assert published.read_bytes() == whole
    kept = [one["id"] for one in read_rows(path.with_name("unwanted-output-rs0.jsonl"))]
    assert sorted(kept) == sorted(IDS[:20])


def test_a_held_run_is_refused_with_the_holder_named_and_others_are_free(tmp_path):
    first, second = RunLocks(tmp_path), RunLocks(tmp_path)
    first.acquire(["greedy", "rs0"])
    with pytest.raises(InputError, match=r"Another job is working[\s\S]*rs0\.lock") as error:
        second.acquire(["rs1", "rs0"])
    assert str(os.getpid()) in str(error.value)
    second.acquire(["rs1"])  # what it had taken before it failed is free again
    second.release()
    first.release()
    second.acquire(["greedy", "rs0"])
    second.release()
    assert list(tmp_path.iterdir()) == []


def hold_and_wait(folder: Path, ready) -> None:
    RunLocks(folder).acquire(RUNS)
    ready.set()
    signal.pause()


def test_all_locks_of_a_killed_job_are_taken_over_at_once(tmp_path, capsys):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    job = context.Process(target=hold_and_wait, args=(tmp_path, ready))
    job.start()
    ready.wait()
    locks = RunLocks(tmp_path)
    with pytest.raises(InputError, match="Another job is working"):
        locks.acquire(["rs0"])
    os.kill(job.pid, signal.SIGKILL)
    job.join()
    started = time.monotonic()
    locks.acquire(RUNS)
    assert time.monotonic() - started < locks._lease / 2, "it must not wait where it can see that the process is gone"
    assert capsys.readouterr().out.count("is dead; its locks are taken over") == 1
    locks.release()
    assert list(tmp_path.iterdir()) == []


def pretend_another_machine(folder: Path) -> None:
    [pulse] = folder.glob("*.alive")
    pulse.write_text(json.dumps({**json.loads(pulse.read_text()), "boot": "another machine's"}))


def test_a_job_on_another_machine_counts_as_dead_only_without_a_pulse(tmp_path):
    """Clocks are not compared: only whether the pulse changes while we look."""
    holder = RunLocks(tmp_path)
    holder.acquire(["rs0"])
    pretend_another_machine(tmp_path)
    heir = RunLocks(tmp_path, lease=0.5)
    heir.acquire(["rs0"])  # no beat in half a second
    with pytest.raises(InputError, match="taken over this sample run"):
        holder.beat()  # it was suspended, and notices
    heir.release()


def beat(folder: Path, ready) -> None:
    locks = RunLocks(folder)
    locks.acquire(["rs0"])
    ready.set()
    while True:
        locks.beat()
        pretend_another_machine(folder)
        time.sleep(0.02)


def test_a_beating_pulse_on_another_machine_is_respected(tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    job = context.Process(target=beat, args=(tmp_path, ready))
    job.start()
    ready.wait()
    try:
        with pytest.raises(InputError, match="Another job is working"):
            RunLocks(tmp_path, lease=20.0).acquire(["rs0"])
    finally:
        job.kill()
        job.join()


def test_a_lock_without_a_holder_is_taken_after_the_lease(tmp_path):
    (tmp_path / "rs0.lock").touch()  # killed between creating and writing it
    locks = RunLocks(tmp_path, lease=0.2)
    locks.acquire(["rs0"])
    locks.release()


def test_a_new_process_with_the_number_of_a_dead_one_is_another(tmp_path):
    holder = RunLocks(tmp_path)
    holder.acquire(["rs0"])
    [pulse] = tmp_path.glob("*.alive")
    told = json.loads(pulse.read_text())
    assert told["process"][0] == os.getpid()
    told["process"][1] += "1"  # when it started
    pulse.write_text(json.dumps(told))
    heir = RunLocks(tmp_path)
    started = time.monotonic()
    heir.acquire(["rs0"])
    assert time.monotonic() - started < heir._lease / 2
    heir.release()


def test_a_job_that_ended_and_is_not_yet_buried_is_dead(tmp_path):
    """A zombie: its parent, often Slurm's or a container's first process, has not asked how it ended."""
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    job = context.Process(target=hold_and_wait, args=(tmp_path, ready))
    job.start()
    ready.wait()
    os.kill(job.pid, signal.SIGKILL)
    while Path(f"/proc/{job.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    RunLocks(tmp_path).acquire(["rs0"])
    job.join()


def test_a_lock_of_a_faster_job_is_given_back(tmp_path, monkeypatch):
    """Two jobs find the same dead holder; the second takes its file away when it is already the first one's new lock."""
    (tmp_path / "rs0.lock").write_text("dead")
    faster, slower, rename = RunLocks(tmp_path, lease=0.1), RunLocks(tmp_path, lease=0.1), os.rename

    def after_the_other(source, target):
        monkeypatch.setattr(os, "rename", rename)
        faster.acquire(["rs0"])
        rename(source, target)

    monkeypatch.setattr(os, "rename", after_the_other)
    with pytest.raises(InputError, match="Another job is working"):
        slower.acquire(["rs0"])
    faster.beat()  # it still holds the lock
    faster.release()
    assert list(tmp_path.iterdir()) == []


def test_a_released_lock_is_only_ones_own(tmp_path):
    holder = RunLocks(tmp_path)
    holder.acquire(["rs0", "rs1"])
    (tmp_path / "rs0.lock").write_text("another job")
    holder.release()
    assert [path.name for path in tmp_path.iterdir()] == ["rs0.lock"]


def test_fallbacks_change_what_is_published_and_not_what_is_kept(tmp_path):
    """So that the setting may be changed at no cost, both ways; a cut-off sample has no answer to look for."""
    texts = {"p-0": ("The answer is 5.", "stop"), "p-1": ("The answer is 6.", "length"), "p-2": ("nothing", "stop")}
    run = StagedRun(tmp_path / "staged.jsonl", list(texts))
    for name, (text, reason) in texts.items():
        run.append({"id": name, "generation": text, "predicted_answer": None, "finish_reason": reason})
    kept = run.path.read_bytes()
    assert run.publish_changed(tmp_path / "out.jsonl", with_fallback) == 1
    first, *others = read_rows(tmp_path / "out.jsonl")
    assert (first["predicted_answer"], first["extraction"]) == ("5", "the answer is")
    assert others == list(read_rows(run.path))[1:] and run.path.read_bytes() == kept
    run.publish(tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == kept


def test_a_run_is_published_row_by_row(tmp_path):
    """Whatever the length of its samples: a run of 32k tokens has gigabytes."""
    long, ids = 2**18, [f"p-{number}" for number in range(24)]  # in all several times what is read at once
    run = StagedRun(tmp_path / "staged.jsonl", ids)
    for name in reversed(ids):
        run.append(
            {"id": name, "generation": f"{name} " + "x" * long, "predicted_answer": None, "finish_reason": "stop"}
        )
    tracemalloc.start()
    run.publish(tmp_path / "out.jsonl")
    run.publish_changed(tmp_path / "changed.jsonl", with_fallback)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row["id"] for row in read_rows(tmp_path / "out.jsonl")] == ids
    assert most < 12 * long, "the run has 24"


def test_locks_that_a_power_cut_has_emptied_stop_nobody(tmp_path):
    (tmp_path / "rs0.lock").write_bytes(b"\0\0\xff")
    (tmp_path / "rs1.lock").write_text("gone")
    (tmp_path / "gone.alive").write_text("[1]")
    locks = RunLocks(tmp_path, lease=0.1)
    locks.acquire(["rs0", "rs1"])
    locks.release()
