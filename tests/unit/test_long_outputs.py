"""Samples of 250 KB: whoever reads whole files holds a row at a time, and judged rows leave the text where it is."""

import json
import os
import tracemalloc
from pathlib import Path

import pytest
from unit.judging_cases import write
from unit.test_summary import write_grades

import compare_judges
import fill_majority
import judge_answers
from openmath.files.fingerprint import sha256_file
from openmath.files.known_files import known_file
from openmath.judging.judged_files import verdict_of
from openmath.provenance.chain import Chain, broken
from openmath.report.figure_tables import problem_groups
from openmath.results.grades import read_judged
from openmath.settings.config import checked_config

PROMPT = Path(__file__).parents[2] / "config/prompts/judge-math.yaml"
ROWS, LONG = 60, 250_000
IDS = [f"toy-{n}" for n in range(ROWS)]


def long_rows(**more):
    for n, name in enumerate(IDS):
        text = f"{n} ".ljust(LONG, "x") + "\\boxed{7}"
        yield {"id": name, "problem": f"{n}?", "expected_answer": "7", "generation": text, "reasoning": text} | more


@pytest.fixture
def answers(tmp_path):
    return write(tmp_path / "output-greedy.jsonl", list(long_rows(level="1")))


@pytest.fixture
def few_rows_at_once():
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < ROWS * LONG, f"{peak / LONG:.0f} texts at once"  # half of what whole rows take, with their reasoning


def judge(call, answers, output):
    options = ("--judge", "j", "--store", output.parent / "store", "--prompt", PROMPT, "--model", "m", "--replay")
    call(judge_answers, "--input", answers, "--output", output, *options)


def test_judged_rows_leave_out_the_text(answers, tmp_path, call, few_rows_at_once):
    judge(call, answers, tmp_path / "judged/greedy.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "judged/greedy.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == IDS
    kept = {"id", "problem", "expected_answer", "level", "predicted_answer"}
    assert rows[0].keys() == kept | {"judgement", "judge_verdict", "judge_model", "judge_prefilled"}
    assert rows[0]["predicted_answer"] == "7", "the text that it was read from is not there any more"
    assert rows[0]["judge_prefilled"] == "identical" and verdict_of(rows[0], "default") == "yes"
    manifest = json.loads((tmp_path / "judged/greedy.manifest.json").read_text())
    assert manifest["answers"] == {"sha256": sha256_file(answers), "bytes": answers.stat().st_size}


def test_judged_files_of_earlier_versions_are_read_a_row_at_a_time(tmp_path, call, few_rows_at_once):
    more = {"judgement": "Judgement: Yes", "judge_verdict": "yes", "judge_prefilled": None}
    files = [tmp_path / judge / "b/greedy.jsonl" for judge in ("j", "k")]
    for path in files:
        path.parent.mkdir(parents=True)
        write(path, list(long_rows(**more)))
    tracemalloc.reset_peak()
    assert read_judged(files[0], IDS).answers == ["7"] * ROWS
    call(compare_judges, "--judges", "j", "k", "--judged", *files, "--output", tmp_path / "agreement.md")


def test_whoever_reads_problems_from_samples_leaves_out_the_text(answers, tmp_path, call, few_rows_at_once):
    assert problem_groups(answers, ["level"]) == {}, "one group is none"
    write_grades(tmp_path / "b.parquet", {"rs0": [("7", True)] * ROWS})
    options = ("--grades", tmp_path / "b.parquet", "--samples", answers)
    call(fill_majority, *options, "--output", tmp_path / "output-majority.jsonl")
    assert "xxx" not in (tmp_path / "output-majority.jsonl").read_text()


def test_a_trace_reads_unchanged_samples_only_where_it_is_asked_to(tmp_path):
    path = tmp_path / "output-rs0.jsonl"
    path.write_bytes(b"x" * 3_000_000)
    state = path.stat()
    known = {path.name: known_file(path, sha256_file(path), state)}
    config = checked_config({"benchmarks": ["b"], "models": {"m": {"path": "c"}}, "generation": {"seeds": 1}})
    files = {path.name: {"sha256": sha256_file(path)}}
    chain = Chain({"config": config, "model": "m", "judge": "none", "files": files}, tmp_path)
    [file] = chain.files([path.name], known)
    assert file.sampled and broken([file]) == []

    def change(place):
        with open(path, "r+b") as changed:
            changed.seek(place)
            changed.write(b"y")
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))

    change(100_000)  # between two of the parts, as nobody does by accident
    assert broken(chain.files([path.name], known)) == []
    assert len(broken(chain.files([path.name]))) == 1, "--verify"
    change(0)
    assert len(broken(chain.files([path.name], known))) == 1
