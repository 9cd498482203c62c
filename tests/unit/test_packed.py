"""Compressed sample files: every reader takes both forms; what is cut, damaged or a bomb is one message."""

import json
import os
from pathlib import Path

import pytest
from backports import zstd
from in_process import run_script

from openmath.errors import InputError
from openmath.files import fast_rows, packed, rows
from openmath.files.known_files import is_unchanged
from openmath.files.sample_runs import files_by_run
from openmath.generation.staging import StagedRun
from openmath.grading.sample_files import read_sample_file
from openmath.plan.speed import spread_rows

IDS = [f"p-{number}" for number in range(40)]


def sample(number: int, seed: int = 0) -> dict:
    text = (
        f"Of {number} and {seed} much can be said before the answer is \\boxed{{{number % 3}}}. " + "And so on. " * 20
    )
    row = {"id": IDS[number], "problem": f"{number}?", "expected_answer": "1", "generation": text, "seed": seed}
    return row | {"finish_reason": "stop", "num_prompt_tokens": 3, "num_generated_tokens": 60 + number + seed}


@pytest.fixture
def forms(tmp_path) -> tuple[Path, Path]:
    """The same runs of one benchmark in two folders, plain and compressed."""
    for run, seed in (("greedy", 9), ("rs0", 0), ("rs1", 1)):
        for folder, ending in (("plain", ""), ("packed", ".zst")):
            samples = [sample(number, seed) for number in range(len(IDS))]
            rows.write_rows(tmp_path / folder / "b" / f"output-{run}.jsonl{ending}", samples)
    return tmp_path / "plain", tmp_path / "packed"


def test_rows_are_the_same_and_found_again_by_their_places(forms):
    plain, small = (
        folder / ("b/output-rs0.jsonl" + ending) for folder, ending in zip(forms, ("", ".zst"), strict=True)
    )
    assert small.stat().st_size < plain.stat().st_size / 5
    assert list(rows.read_rows(small)) == list(fast_rows.read_rows(small)) == list(rows.read_rows(plain))
    of_plain, of_small = (read_sample_file(path, "default", None) for path in (plain, small))
    assert of_small[1:] == of_plain[1:]
    assert is_unchanged(small, of_small.file) and of_small.file["bytes"] == small.stat().st_size
    places = [of_small.noted.starts[number] for number in (3, 17, 30)]
    assert [row["id"] for row in fast_rows.read_rows_at(small, places)] == ["p-3", "p-17", "p-30"]


def test_a_plan_looks_at_rows_from_all_of_a_file(forms):
    numbers = [int(row["id"][2:]) for _, row in spread_rows(str(forms[1] / "b/output-rs0.jsonl.zst"), 5)]
    assert 5 <= len(numbers) <= 10 and numbers[0] == 0 and numbers[-1] >= 30


def test_whatever_reads_samples_gives_the_same(forms, tmp_path):
    made = []
    for folder in forms:
        files = sorted((folder / "b").iterdir())
        out = tmp_path / f"made-{folder.name}"
        grades = out / "b.parquet"
        commands = [
            ("grade_answers.py", "--processes", 1, "--output", grades, "--samples", *files),
            ("fill_majority.py", "--grades", grades, "--output", out / "majority.jsonl", "--samples", files[1]),
            ("export_results.py", "--model", "m", "--grades", grades, "--output", out / "export", "--samples", folder),
            ("import_samples.py", folder, "--out", out / "imported"),
        ]
        for command in commands:
            reply = run_script(*command)
            assert reply.returncode == 0, reply.stderr
        printed = run_script("summarize_results.py", folder / "b").stdout
        kept = {
            str(path.relative_to(out)).replace(folder.name, "m"): path.read_bytes()
            for path in sorted(out.rglob("*"))
            if path.suffix in (".parquet", ".jsonl") and ".kept" not in path.parts
        }
        made.append((printed, kept))
    assert made[0][0] == made[1][0] and "majority@2" in made[0][0]
    assert made[0][1].keys() == made[1][1].keys() and len(made[0][1]) >= 8
    assert [name for name, data in made[0][1].items() if made[1][1][name] != data] == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: data[: len(data) // 2], r"Cannot unpack the file.*output-rs0.jsonl.zst:\d+\n.*copied whole"),
        (lambda data: data[:20] + b"\xff\x00\xff" + data[23:], r"Cannot unpack the file.*output-rs0.jsonl.zst:\d+"),
        (lambda data: b"not packed at all", r"Cannot unpack the file.*output-rs0.jsonl.zst:1"),
        (lambda data: zstd.compress((b" " * 999_999 + b"\n") * 300), r"too long"),  # 300 MB of nothing in 30 kB
        (lambda data: zstd.compress(b"x" * 70_000_000), r"too long"),
        (lambda data: zstd.compress(b'{"id": "p-0"\n'), r"not a JSON object.*zst:1"),
    ],
)
def test_what_is_no_packed_file_is_one_message(forms, spoil, words):
    path = forms[1] / "b/output-rs0.jsonl.zst"
    path.write_bytes(spoil(path.read_bytes()))
    for reader in (rows, fast_rows):
        with pytest.raises(InputError, match=f"(?s){words}"):
            list(reader.read_rows(path))


def test_both_forms_of_a_run_are_one_error(forms):
    plain, small = forms
    with pytest.raises(InputError, match="Two files hold the same sample run"):
        files_by_run([plain / "b/output-rs0.jsonl", small / "b/output-rs0.jsonl.zst"])


def test_staging_is_compressed_with_what_is_published_and_grows_again(tmp_path):
    staged, plain, small = tmp_path / "staging/output-rs0.jsonl", tmp_path / "b/output-rs0.jsonl", None
    run = StagedRun(staged, IDS[:30])
    for number in range(29, -1, -1):
        run.append(sample(number))
    run.publish(plain)
    rows_before = list(rows.read_rows(plain))
    small = packed.packed_form(plain)
    run.publish(small)
    assert not plain.exists() and not staged.exists() and os.path.samefile(small, packed.packed_form(staged))
    assert list(rows.read_rows(small)) == rows_before
    again = StagedRun(staged, IDS)  # more problems
    assert again.missing == IDS[30:]
    for number in range(30, 40):
        again.append(sample(number))
    assert list(rows.read_rows(small)) == rows_before, "what is published must not grow"
    again.publish(small)
    assert [row["id"] for row in rows.read_rows(small)] == IDS and not staged.exists()
    StagedRun(staged, IDS).publish(plain)  # no longer compressed
    assert staged.exists() and not small.exists() and not packed.packed_form(staged).exists()
    assert list(rows.read_rows(plain)) == [sample(number) for number in range(40)]


def test_changed_rows_are_published_compressed_too(tmp_path):
    staged, small = tmp_path / "staging/output-rs0.jsonl", tmp_path / "b/output-rs0.jsonl.zst"
    run = StagedRun(staged, IDS[:2])
    for number in range(2):
        run.append(sample(number))
    assert run.publish_changed(small, lambda row: row | {"answer_start": 0}) == 2
    assert [row["answer_start"] for row in rows.read_rows(small)] == [0, 0]
    assert not staged.exists() and list(StagedRun(staged, IDS[:2]).kept()) == [sample(0), sample(1)]


def test_without_the_library_only_packed_files_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(packed, "LIBRARIES", ("no_such_library",))
    with pytest.raises(InputError, match=r"(?s)cannot be compressed.*pip install backports.zstd"):
        packed.library()
    monkeypatch.undo()
    (tmp_path / "x.jsonl").write_text(json.dumps(sample(0)) + "\n")
    assert len(list(rows.read_rows(tmp_path / "x.jsonl"))) == 1
