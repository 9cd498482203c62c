"""Sources of benchmarks: five formats, other names of fields, a Hub of our own, and pins of what is first fetched."""

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from in_process import run_script
from local_server import serving

from openmath.benchmarks import sources
from openmath.benchmarks.cleaning import CLEANING
from openmath.benchmarks.hub import files_of_part, parse_hub_source
from openmath.benchmarks.lock import check_pin
from openmath.benchmarks.registry import prepare_rows, problems_sha256, read_registry
from openmath.benchmarks.sources import read_source, repair, source_format
from openmath.errors import InputError
from openmath.files.rows import read_rows
from openmath.settings.benchmark_names import read_groups, source_of, without_groups
from openmath.settings.command_lines import Options
from openmath.settings.config import checked_config

ROOT = Path(__file__).parents[2]
COMMIT = "fedcba9876543210fedcba9876543210fedcba98"
ROWS = [{"question": 'Add "1", 1', "answer": "2"}, {"question": "Half\nof 1", "answer": "1/2"}]


def table(delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["question", "answer"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ROWS)
    return text.getvalue().encode()


def parquet_bytes(rows: list[dict]) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


FILES = {
    "own.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS).encode(),
    "own.json": json.dumps(ROWS, indent=1).encode(),
    "lines.json": "".join(json.dumps(row) + "\n" for row in ROWS).encode(),
    "own.csv": b"\xef\xbb\xbf" + table(","),
    "own.tsv": table("\t"),
    "own.parquet": parquet_bytes(ROWS),
}


def prepare(folder: Path, name: str, *options: str):
    return run_script("prepare_benchmark.py", name, "--output", folder / f"{name}.jsonl", *options, cwd=folder)


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_rows(name, tmp_path):
    (tmp_path / name).write_bytes(FILES[name])
    assert list(read_source(tmp_path / name, source_format(name))) == ROWS
    assert sources.count_rows(tmp_path / name) == 2
    reply = prepare(tmp_path, "own", "--source", tmp_path / name)
    assert reply.returncode == 0, reply.stderr
    prepared = [(row["id"], row["problem"], row["expected_answer"]) for row in read_rows(tmp_path / "own.jsonl")]
    assert prepared == [("own-0", 'Add "1", 1', "2"), ("own-1", "Half\nof 1", "1/2")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"problem,answer\np,1\nq\n", ["a.csv:3", "problem, answer", "found:    1"]),
        ("a.csv", b"x,x\n1,2\n", ["same name", "a.csv:1"]),
        ("a.csv", b"problem,answer\n\xff\xfe,1\n", ["not a table", "UTF-8."]),
        ("a.parquet", b"PAR1 not really", ["not a parquet file"]),
        ("a.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", ["not a parquet file"]),
        ("a.json", b'[{"problem": "p"}, 3]', ["row 2", "not a JSON object"]),
        ("a.json", b"[" * 100_000, ["not JSON"]),
        ("a.jsonl", b'{"problem": "p", "target": 3}\n', ["no expected_answer", "fields problem, target", "fields:"]),
        ("a.jsonl", b'{"problem": "p", "answer": "so\\n#### 3"}\n', ["whole solution", "gsm8k_answer"]),
        ("a.jsonl", b'{"problem": "p", "answer": [[1], 2]}\n', ["neither text nor a number"]),
        ("a.jsonl", b'{"problem": " ", "answer": 2}\n', ["no problem", "row 1", "a blank text"]),
        ("a.jsonl.gz", b"\x1f\x8b", ["The source is compressed.", "unpack it"]),
        ("a.ZIP", b"PK", ["The source is compressed.", ".zip\n"]),
    ],
)
def test_a_broken_source_is_one_message(name, content, words, tmp_path):
    (tmp_path / name).write_bytes(content)
    reply = prepare(tmp_path, "own", "--source", name)
    assert reply.returncode == 2 and reply.stderr.count("error:") == 1
    assert all(word in reply.stderr for word in words), reply.stderr
    assert not (tmp_path / "own.jsonl").exists()


def test_sizes_are_bounded(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(parquet_bytes([{"problem": "x" * 3000, "answer": "1"}] * 50))
    monkeypatch.setattr(sources, "MAX_UNPACKED", 1000)
    with pytest.raises(InputError, match="bytes unpacked"):
        list(read_source(tmp_path / "a.parquet", ".parquet"))
    monkeypatch.setattr(sources, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="too large"):
        list(read_source(tmp_path / "a.parquet", ".parquet"))


def test_columns_that_json_cannot_hold_are_left_out_and_nan_is_null(tmp_path):
    row = {"problem": "p", "answer": ["1", "2"], "picture": b"\x89PNG", "level": float("nan")}
    (tmp_path / "a.parquet").write_bytes(parquet_bytes([row]))
    assert list(read_source(tmp_path / "a.parquet", ".parquet")) == [
        {"problem": "p", "answer": ["1", "2"], "level": None}
    ]


def test_fields_lists_and_boxes_of_a_source(tmp_path):
    row = {"task": "p", "gold": [r"$\boxed{5}$"], "no": 7, "difficulty": "hard"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    fields = [
        option
        for pair in ("problem=task", "expected_answer=gold", "id=no", "level=difficulty")
        for option in ("--field", pair)
    ]
    reply = prepare(tmp_path, "own", "--source", "a.jsonl", *fields, "--clean", "unwrap_box")
    assert reply.returncode == 0, reply.stderr
    expected = {"id": "own-7", "problem": "p", "expected_answer": "5", "reference_solution": None, "level": "hard"}
    assert list(read_rows(tmp_path / "own.jsonl")) == [expected]
    reply = prepare(tmp_path, "own", "--source", "a.jsonl", *fields[:4], "--field", "level=grade")
    assert reply.returncode == 2 and "grade" in reply.stderr and "difficulty" in reply.stderr
    [joined] = prepare_rows("b", {}, [{"problem": "p", "expected_answer": [1, 2.0, "x"]}], "b.jsonl")
    assert joined["expected_answer"] == "1, 2, x"


@pytest.mark.parametrize(
    ("answer", "unwrapped"),
    [(r"\boxed{3}", "3"), (r"$\boxed{\frac{1}{2}}$", r"\frac{1}{2}"), (r"\boxed{1}, \boxed{2}", None), ("5", None)],
)
def test_only_an_answer_that_is_one_box_is_unwrapped(answer, unwrapped):
    row = {"expected_answer": answer}
    CLEANING["unwrap_box"](row, {})
    assert row["expected_answer"] == (unwrapped or answer)


def test_a_mistake_in_the_text_of_a_source_is_mended_where_it_stands(tmp_path):
    (tmp_path / "a.csv").write_text('id,problem,answer\n1,"What?\n,"7"\n')
    repairs = [{"found": '\n,"7', "becomes": '\n","7'}]
    mended = repair(tmp_path / "a.csv", repairs, tmp_path / "repaired.csv")
    assert list(read_source(mended, ".csv")) == [{"id": "1", "problem": "What?\n", "answer": "7"}]
    assert repair(mended, repairs, tmp_path / "again.csv") == mended  # a corrected upstream stays as it is


class Hub(BaseHTTPRequestHandler):
    """One data set a/set at one commit, with two shards of `test` as MathArena's are laid, and a `train` of two kinds."""

    files: ClassVar = {
        "README.md": b"a card",
        "data/test-00000-of-00002.parquet": parquet_bytes([{"problem_idx": 1, "problem": "p", "answer": "025"}]),
        "data/test-00001-of-00002.parquet": parquet_bytes([{"problem_idx": 2, "problem": "q", "answer": "7"}]),
        "main/train.jsonl": b"{}\n",
        "socratic/train.jsonl": b"{}\n",
    }

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].split("/")[1:]
        if path[:4] == ["api", "datasets", "a", "set"] and "tree" in path:
            tree = [{"type": "file", "path": n, "size": len(c), "oid": "0" * 40} for n, c in self.files.items()]
            return self.answer(json.dumps(tree).encode())
        if path[:4] == ["api", "datasets", "a", "set"]:
            siblings = [{"rfilename": name, "size": len(content)} for name, content in self.files.items()]
            info = {"id": "a/set", "sha": COMMIT, "siblings": siblings, "private": False, "tags": [], "downloads": 0}
            return self.answer(json.dumps(info).encode())
        if path[:3] == ["datasets", "a", "set"] and path[4] == COMMIT and "/".join(path[5:]) in self.files:
            return self.answer(self.files["/".join(path[5:])])
        self.send_response(401)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def answer(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_args) -> None:
        pass


def from_hub(folder: Path, endpoint: str, *options: str, **environment: str):
    """A process of its own: huggingface_hub reads its environment once."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    settings = {"HF_HOME": str(folder / "hf"), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1", **environment}
    command = [sys.executable, ROOT / "scripts/prepare_benchmark.py", *options]
    return subprocess.run(command, cwd=folder, env=clean | settings, capture_output=True, text=True, timeout=60)


def test_a_split_comes_from_the_hub_and_then_from_its_cache(tmp_path):
    (tmp_path / "r.yaml").write_text(
        "toy: {rows: 2, sources: [{url: 'hf:a/set@main/test'}], clean: [strip_leading_zeros],\n"
        "  fields: {expected_answer: answer, id: problem_idx}}\n"
    )
    with serving(Hub) as endpoint:
        reply = from_hub(tmp_path, endpoint, "toy", "--registry", "r.yaml", "--output", "toy.jsonl")
        assert reply.returncode == 0, reply.stderr
        assert "pinned in benchmarks.lock.json" in reply.stdout
        for source, words in (
            ("hf:a/set@main/validation", ["no such file or split", "main/train.jsonl"]),
            ("hf:a/set/train", ["main/train.jsonl, socratic/train.jsonl", "give the path"]),
            ("hf:a/other/test", ["could not be fetched", "HF_TOKEN"]),
            ("hf:a/set", ["hf:ORG/NAME@REVISION/PATH-OR-SPLIT"]),
        ):
            reply = from_hub(tmp_path, endpoint, "own", "--source", source, "--output", "own.jsonl")
            assert reply.returncode == 2 and all(word in reply.stderr for word in words), reply.stderr
    rows = [(row["id"], row["expected_answer"]) for row in read_rows(tmp_path / "toy.jsonl")]
    assert rows == [("toy-1", "25"), ("toy-2", "7")]
    record = json.loads((tmp_path / "toy.manifest.json").read_text())
    assert record["source"] == f"hf:a/set@{COMMIT}/test"
    pin = json.loads((tmp_path / "benchmarks.lock.json").read_text())["toy"]
    assert (pin["rows"], pin["problems_sha256"]) == (2, record["problems_sha256"])
    reply = from_hub(  # the hub is gone now
        tmp_path, "http://127.0.0.1:9", "toy", "--registry", "r.yaml", "--output", "again.jsonl", HF_HUB_OFFLINE="1"
    )
    assert reply.returncode == 0, reply.stderr
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "toy.jsonl").read_bytes()


def test_what_was_fetched_first_is_what_is_accepted_later(tmp_path):
    registry, source = tmp_path / "r.yaml", tmp_path / "toy.jsonl"
    registry.write_text("toy: {rows: 1, sources: [{url: toy.jsonl}], fields: {expected_answer: answer}}\n")
    options = ("--registry", registry, "--source", source)
    source.write_text('{"problem": "p", "answer": "1"}\n')
    assert "pinned" in prepare(tmp_path, "toy", *options).stdout
    assert "pinned" not in prepare(tmp_path, "toy", *options).stdout
    source.write_text('{"problem": "p", "answer": "2"}\n')
    reply = prepare(tmp_path, "toy", *options)
    assert reply.returncode == 2 and "benchmarks.lock.json: toy" in reply.stderr and "Hint:" in reply.stderr


def test_a_benchmark_with_a_hash_or_a_part_of_one_is_not_pinned(tmp_path):
    (tmp_path / "toy.jsonl").write_text('{"problem": "p", "expected_answer": "1"}\n')
    for rows in (1, 2):
        pinned = prepare_rows("toy", {}, [{"problem": "p", "expected_answer": "1"}], "")
        digest = f", problems_sha256: {problems_sha256(pinned)}" if rows == 1 else ""
        (tmp_path / "r.yaml").write_text(f"toy: {{rows: {rows}, sources: [{{url: toy.jsonl}}]{digest}}}\n")
        options = ("--registry", "r.yaml", "--source", "toy.jsonl", "--allow-partial")
        assert prepare(tmp_path, "toy", *options).returncode == 0
    assert not (tmp_path / "benchmarks.lock.json").exists()


def test_pins_of_benchmarks_prepared_at_once_are_all_kept(tmp_path):
    lock = tmp_path / "benchmarks.lock.json"
    threads = [threading.Thread(target=check_pin, args=(f"b{i}", "0" * 64, 1, "s", lock)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(lock.read_text())) == 20


def test_names_of_splits():
    names = ["data/test-00000-of-00002.parquet", "data/test-00001-of-00002.parquet", "test.md", "latest.jsonl"]
    assert files_of_part("test", names) == names[:2]
    assert files_of_part("latest.jsonl", names) == ["latest.jsonl"] and files_of_part("train", names) == []
    assert parse_hub_source("hf:o/n@v1/data/a.csv") == ("o/n", "v1", "data/a.csv")


def test_groups_hold_registered_benchmarks_and_stand_for_them_once():
    registry, groups = read_registry(), read_groups()
    assert not set(groups) & set(registry)
    assert all(name in registry for members in groups.values() for name in members)
    assert without_groups(["gsm8k", "recipe"], []) == ["gsm8k", "aime24", "amc23", "math", "omni-math"]
    assert without_groups(["recipe"], ["recipe"]) == ["recipe"]  # a benchmark of the user's own


def test_the_configuration_takes_groups_and_described_sources():
    source = {"source": "hf:a/set@main/test", "fields": {"problem": "task"}, "clean": ["unwrap_box"]}
    config = {
        "benchmarks": ["own", "olympiads-2026"],
        "benchmark_sources": {"own": source, "plain": "a.csv"},
        "models": {"m": {"hf": "o/n"}},
        "generation": {},
    }
    checked = checked_config(config)
    assert checked["benchmarks"] == ["own", "aime26", "hmmt_feb26"]
    assert checked["benchmark_sources"]["plain"] == "a.csv"
    assert source_of(checked, "plain") == {"source": "a.csv"} and source_of(checked, "none") == {}
    wildcards = type("Wildcards", (), {"benchmark": "own"})
    expected = ["--source", "hf:a/set@main/test", "--field", "problem=task", "--clean", "unwrap_box"]
    assert Options(checked).prepare_benchmark(wildcards) == expected
    config["benchmark_sources"]["own"] = {"source": "a.csv", "feilds": {}}
    with pytest.raises(InputError, match="unknown key 'feilds'; did you mean 'fields'"):
        checked_config(config)


def test_benchmarks_are_listed_with_their_state(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/gsm8k.jsonl").write_text("")
    check_pin("aime26", "0" * 64, 30, "hf:a/b", tmp_path / "benchmarks.lock.json")
    own = json.dumps({"own": {"source": "a.csv"}})
    reply = run_script("list_benchmarks.py", "--own-json", own, cwd=tmp_path)
    lines = {line.split()[0]: line for line in reply.stdout.splitlines() if line.strip()}
    assert "prepared" in lines["gsm8k"] and "registered" in lines["gsm8k"] and "MIT" in lines["gsm8k"]
    assert "pinned 20" in lines["aime26"] and "first fetch" in lines["hmmt_feb26"] and "a.csv" in lines["own"]
    assert "olympiads-2026:" in lines
