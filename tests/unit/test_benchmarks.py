import copy
import http.server
import json
import re
import socket
import threading
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from in_process import run_script
from test_methods import RECORD

import prepare_benchmark
from openmath.benchmarks.cleaning import strip_leading_zeros
from openmath.benchmarks.registry import group_fields, prepare_rows, read_registry
from openmath.errors import InputError
from openmath.files.fingerprint import sha256_text
from openmath.files.rows import read_rows, write_rows
from openmath.provenance import methods
from openmath.report.figure_tables import problem_groups

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs/benchmarks.md").read_text()
RAW = ROOT.parent / "shared" / "data" / "raw"


def prepare(name, output, *options):
    return run_script("prepare_benchmark.py", name, "--output", output, *options)


def test_the_demo_benchmark_has_60_problems_and_the_right_sums(tmp_path):
    assert prepare("arithmetic-mini", tmp_path / "a.jsonl").returncode == 0
    rows = list(read_rows(tmp_path / "a.jsonl"))
    assert len(rows) == 60
    signs = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "times": lambda a, b: a * b}
    checked = 0
    for row in rows:
        words = row["problem"].removeprefix("What is ").removesuffix("?").split()
        if row["problem"].startswith("What is ") and len(words) == 3 and words[1] in signs:
            try:
                a, b = Fraction(words[0]), Fraction(words[2])
            except ValueError:
                continue
            assert Fraction(row["expected_answer"]) == signs[words[1]](a, b), row
            checked += 1
    assert checked >= 20


@pytest.mark.skipif(not RAW.exists(), reason="benchmark data is not part of the repository")
@pytest.mark.parametrize(
    "name, rows, first",
    [("aime24", 30, "204"), ("amc23", 40, "27"), ("math", 5000, "2"), ("gsm8k", 1319, "18")],
)
def test_upstream_layouts(name, rows, first, tmp_path):
    reply = prepare(name, tmp_path / "b.jsonl", "--source", str(RAW / f"{name}.jsonl"))
    assert reply.returncode == 0, reply.stderr
    prepared = list(read_rows(tmp_path / "b.jsonl"))
    assert len(prepared) == rows
    assert prepared[0]["expected_answer"] == first
    assert all(isinstance(row["expected_answer"], str) for row in prepared)


@pytest.mark.parametrize(
    ("name", "row", "answer", "solution"),
    [
        ("aime24", {"id": 60, "problem": "p", "answer": "025", "solution": "so 25", "url": "u"}, "25", "so 25"),
        ("amc23", {"id": 0, "problem": "p", "answer": 27.0, "url": "u"}, "27", None),
        ("math", {"problem": "p", "level": "Level 3", "type": "Algebra", "solution": r"\boxed{2}"}, "2", r"\boxed{2}"),
        ("gsm8k", {"question": "p", "answer": "It is 2+2=<<2+2=4>>4.\n#### 1,004"}, "1004", "It is 2+2=4."),
        ("omni-math", {"problem": "p", "answer": r"\frac12", "solution": "s", "difficulty": 5.0}, r"\frac12", "s"),
    ],
)
def test_a_row_in_the_upstream_layout(name, row, answer, solution, tmp_path):
    (tmp_path / "raw.jsonl").write_text(json.dumps(row) + "\n")
    reply = prepare(name, tmp_path / "b.jsonl", "--source", str(tmp_path / "raw.jsonl"), "--allow-partial")
    assert reply.returncode == 0, reply.stderr
    [prepared] = read_rows(tmp_path / "b.jsonl")
    assert prepared["id"] == f"{name}-{row.get('id', 0)}" and prepared["problem"] == "p"
    assert (prepared["expected_answer"], prepared.get("reference_solution")) == (answer, solution)


def test_a_short_file_fails_unless_it_is_meant(tmp_path):
    source = tmp_path / "part.jsonl"
    source.write_text(json.dumps({"question": "q", "answer": "so 1,200\n#### 1,200"}) + "\n")
    reply = prepare("gsm8k", tmp_path / "g.jsonl", "--source", str(source))
    assert reply.returncode == 2 and "1319" in reply.stderr and "Hint:" in reply.stderr
    reply = prepare("gsm8k", tmp_path / "g.jsonl", "--source", str(source), "--allow-partial")
    assert reply.returncode == 0 and "1 of 1319 rows" in reply.stdout
    assert next(read_rows(tmp_path / "g.jsonl"))["expected_answer"] == "1200"


def test_messages_for_unknown_names_torn_lines_and_wrong_hashes(tmp_path):
    reply = prepare("gsm8", tmp_path / "g.jsonl")
    assert reply.returncode == 2 and "did you mean 'gsm8k'" in reply.stderr
    torn = tmp_path / "torn.jsonl"
    torn.write_text('{"problem": "p", "expected_answer": "1"}\n{"prob')
    reply = prepare("my-own", tmp_path / "m.jsonl", "--source", str(torn))
    assert reply.returncode == 2 and "torn.jsonl:2" in reply.stderr
    registry = tmp_path / "r.yaml"
    registry.write_text(f"toy: {{rows: 1, sources: [{{url: '{torn}', sha256: abc}}]}}\n")
    reply = prepare("toy", tmp_path / "t.jsonl", "--registry", str(registry))
    assert reply.returncode == 2 and "abc" in reply.stderr
    assert not (tmp_path / "t.jsonl").exists()


def test_a_url_works_and_a_dead_one_says_what_to_do(tmp_path):
    (tmp_path / "own.jsonl").write_text('{"problem": "p", "expected_answer": 2.0}\n')

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        assert prepare("mine", tmp_path / "m.jsonl", "--source", f"{url}/own.jsonl?signature=s3cr3t").returncode == 0
        reply = prepare("mine", tmp_path / "n.jsonl", "--source", f"{url}/gone.jsonl")
    finally:
        server.shutdown()
    assert next(read_rows(tmp_path / "m.jsonl"))["expected_answer"] == "2"
    assert reply.returncode == 2 and "404" in reply.stderr and "Hint:" in reply.stderr
    assert "s3cr3t" not in (tmp_path / "m.manifest.json").read_text()


def test_a_source_that_does_not_say_its_length_is_bounded(tmp_path, monkeypatch):
    class Endless(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with suppress(ConnectionError):  # the client has had enough
                while True:
                    self.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

        def log_message(self, *args):
            pass

    monkeypatch.setattr(prepare_benchmark, "MAX_BYTES", 3 * 2**20)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(OSError, match="larger than 3145728 bytes"):
            prepare_benchmark.fetch(f"http://127.0.0.1:{server.server_port}/", tmp_path / "raw", shipped=False)
    finally:
        server.shutdown()
    assert (tmp_path / "raw").stat().st_size <= 4 * 2**20


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_source_that_drips_is_given_up(tmp_path, monkeypatch, head):
    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(head)
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Word: a\r\n" * 100:
                connection.sendall(bytes([byte]))
                time.sleep(0.05)

    monkeypatch.setattr(prepare_benchmark, "ALL_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(OSError, match=r"not whole within 0\.3 s"):
            prepare_benchmark.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/", tmp_path / "raw", shipped=False)
    assert time.monotonic() - began < 3


def test_a_hub_that_drips_is_given_up(monkeypatch):
    monkeypatch.setattr(prepare_benchmark, "ALL_SECONDS", 0.1)
    monkeypatch.setattr(prepare_benchmark, "fetch_from_hub", lambda _source: time.sleep(2))
    monkeypatch.setattr(prepare_benchmark, "leave", lambda error: (_ for _ in ()).throw(error))  # not us
    with pytest.raises(InputError, match=r"too slow[^@]*hf:a/b/test[^@]*not whole within 0\.1 s"):
        prepare_benchmark.fetch_any("b", [{"url": "hf:a/b/test"}], Path("raw"), shipped=True)


def test_another_version_of_a_benchmark_is_refused(tmp_path):
    source = tmp_path / "own.jsonl"
    source.write_text('{"problem": "p", "expected_answer": "1"}\n')
    registry = tmp_path / "r.yaml"
    registry.write_text(f"toy: {{rows: 1, sources: [{{url: '{source}'}}], problems_sha256: abc}}\n")
    reply = prepare("toy", tmp_path / "t.jsonl", "--registry", str(registry))
    assert reply.returncode == 2 and "problems_sha256 abc" in reply.stderr and "Hint:" in reply.stderr
    assert not (tmp_path / "t.jsonl").exists()


def test_the_answer_is_the_last_box_unless_the_registry_says_otherwise():
    solution = r"So $\boxed{-1}$ and then $\boxed{\frac{1}{2}}$."
    for which, expected in ((None, r"\frac{1}{2}"), ("first", "-1"), ("all", r"-1, \frac{1}{2}")):
        boxes = {sha256_text("p")[:12]: which} if which else {}
        benchmark = {"fields": {"reference_solution": "solution"}, "clean": ["boxed_answer"], "boxes": boxes}
        [row] = prepare_rows("toy", benchmark, [{"problem": "p", "solution": solution}], "here")
        assert row["expected_answer"] == expected


@pytest.mark.parametrize(("name", "text"), [("a.jsonl", ""), ("a.json", "[]"), ("a.csv", "problem,expected_answer\n")])
def test_a_source_without_problems_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    reply = prepare("own", tmp_path / "own.jsonl", "--source", str(tmp_path / name))
    assert reply.returncode == 2 and "The source has no problems." in reply.stderr
    assert not (tmp_path / "own.jsonl").exists()


def test_a_correction_stands_in_for_what_the_solution_has():
    key = sha256_text("p")[:12]
    benchmark = {"fields": {"reference_solution": "solution"}, "clean": ["boxed_answer", "corrected_answer"]}
    for solution in (r"So $\boxed{}$.", r"So $\boxed{7}$.", "So."):
        rows = [{"problem": "p", "solution": solution}, {"problem": "q", "solution": r"\boxed{8}"}]
        prepared = prepare_rows("toy", benchmark | {"corrections": {key: "A"}}, rows, "here")
        assert [row["expected_answer"] for row in prepared] == ["A", "8"]
        assert prepared[0]["reference_solution"] == solution


def test_what_the_registry_says_of_single_problems_is_asked_for():
    for name, benchmark in read_registry().items():
        steps = benchmark.get("clean", [])
        assert ("corrections" in benchmark) == ("corrected_answer" in steps), name
        assert "boxed_answer" in steps or "boxes" not in benchmark, name
        assert set(benchmark.get("boxes", {}).values()) <= {"first", "all"}, name
        for key in [*benchmark.get("boxes", {}), *benchmark.get("corrections", {})]:
            assert re.fullmatch("[0-9a-f]{12}", key), (name, key)


def test_a_registered_benchmark_is_known_to_papers_and_figures(monkeypatch):
    entry = {"title": "The Toy", "citation": "flint", "groups": ["contest"], "rows": 7, "sources": []}
    monkeypatch.setattr(methods, "read_registry", lambda: {"toy": entry})
    record = RECORD | {
        "benchmarks": {"toy": RECORD["benchmarks"]["mine"]},
        "results": {"toy": RECORD["results"]["mine"]},
    }
    text = methods.methods_text(copy.deepcopy(record))
    assert "The benchmark is The Toy (5 of 7 problems) [@flint]." in text and "| The Toy | https" in text
    assert group_fields("toy", {"toy": entry}) == ["contest"] and "level" in group_fields("own", {"toy": entry})


def test_problems_are_grouped_by_the_fields_of_their_benchmark(tmp_path):
    write_rows(
        tmp_path / "toy.jsonl", [{"id": "a", "contest": "x", "level": 1}, {"id": "b", "contest": "y", "level": 2}]
    )
    assert problem_groups(tmp_path / "toy.jsonl", ["contest"]) == {"contest": {"a": "x", "b": "y"}}


def test_the_docs_list_every_benchmark():
    rows = re.findall(r"^\| ([\w-]+) \| (.*?) \| ([\d,]+) \| (.*?) \|", DOCS, re.MULTILINE)
    told = {name: (title, int(problems.replace(",", "")), licence) for name, title, problems, licence in rows}
    assert told == {name: (e["title"], e["rows"], e["licence"]) for name, e in read_registry().items()}


def test_published_numbers_are_about_the_registered_problems():
    published = yaml.safe_load((ROOT / "config/published.yaml").read_text())["problems"]
    assert published == {name: e["rows"] for name, e in read_registry().items() if name in published}


@pytest.mark.parametrize(("upstream", "ours"), [("025", "25"), ("000", "0"), ("7", "7"), ("0x1", "0x1")])
def test_leading_zeros_are_dropped_and_zero_stays(upstream, ours):
    row = {"expected_answer": upstream}
    strip_leading_zeros(row, {})
    assert row == {"expected_answer": ours}


def test_ids_name_their_benchmark_and_more_rows_than_registered_are_no_part_of_it():
    rows = [{"problem": "p", "expected_answer": 1}, {"id": "7", "problem": "q", "expected_answer": 2}]
    prepared = prepare_rows("b", {"rows": 2, "sources": []}, rows, "b.jsonl")
    assert [row["id"] for row in prepared] == ["b-0", "b-7"]
    with pytest.raises(InputError, match="registered number of rows"):
        prepare_benchmark.check_problems({"rows": 1}, 2, "hash", "b.jsonl", allow_partial=True)
