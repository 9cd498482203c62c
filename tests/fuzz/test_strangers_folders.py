"""Folders from somebody else: a store of verdicts that would undo the budget, an engine that sends keys elsewhere, devices."""

import json
import os
from pathlib import Path

import pytest
import yaml
from in_process import run_script

from openmath.benchmarks.registry import prepare_rows
from openmath.engines import read_engine
from openmath.errors import InputError
from openmath.files.fingerprint import sha256_file
from openmath.files.json_files import MAX_BYTES, read_json
from openmath.files.rows import read_rows
from openmath.judging.exchange import import_verdicts
from openmath.judging.store import VerdictStore
from openmath.preflight.endpoints import check_description
from openmath.preflight.needs import Needs
from openmath.settings.config import checked_config

DEMO = yaml.safe_load((Path(__file__).parents[2] / "config/demo.yaml").read_text())
URL, VARIABLE = "https://llm.example.org/v1", "GATEWAY_KEY"


@pytest.mark.parametrize("usd", [-1000, float("nan"), float("inf"), 10**400, "0.1", [0.1]])
def test_a_price_that_would_undo_the_budget_is_refused(tmp_path, capsys, usd):
    (tmp_path / "verdicts-x.jsonl").write_text(
        json.dumps({"key": "k", "judgement": "Judgement: Yes", "usd": usd}) + "\n"
    )
    store = VerdictStore(tmp_path)
    assert store.spent == 0 and not store.records
    assert "1 line (1) damaged" in capsys.readouterr().err
    batch = {"name": "x", "settings": {"identity": "j", "prompt": {}, "sampling": {}}, "usd_at_most": usd}
    (tmp_path / "with-batch/batches").mkdir(parents=True)
    (tmp_path / "with-batch/batches/x.json").write_text(json.dumps(batch))
    with pytest.raises(InputError, match="not the state of a batch"):
        VerdictStore(tmp_path / "with-batch").pending_batches()


def test_settings_without_a_fingerprint_are_refused(tmp_path):
    (tmp_path / "v.jsonl").write_text('{"settings": "x", "described": {"temperature": NaN}}\n')
    with pytest.raises(InputError, match=r"v\.jsonl:1"):
        import_verdicts(tmp_path / "store", [tmp_path / "v.jsonl"])


@pytest.mark.parametrize(
    "changed",
    [
        {"base_url": "https://elsewhere.example.org/v1"},
        {"api_key_env": "AWS_SECRET_ACCESS_KEY"},
        {"served_model": "x"},
        {},
    ],
)
def test_an_engine_that_sends_keys_elsewhere_is_refused(tmp_path, monkeypatch, changed):
    monkeypatch.chdir(tmp_path)
    settings = {"base_url": URL, "served_model": "m", "api_key_env": VARIABLE}
    config = checked_config(DEMO | {"models": {"hosted": {"engine": "endpoint", **settings}}, "judges": {}})
    folder = tmp_path / "models/hosted/engine"
    folder.mkdir(parents=True)
    description = {"engine": "endpoint", "version": "endpoint", "model": {}, "settings": settings | changed}
    (folder / "engine.json").write_text(json.dumps(description))
    problems = check_description(Needs(config, set()), "hosted")
    assert len(problems) == bool(changed)
    assert (
        check_description(Needs(config, {"models/hosted/engine/engine.json"}), "hosted") == []
    )  # it will be made again
    for problem in problems:
        assert "not the one in the configuration" in problem.what and problem.hint


def test_a_program_that_the_configuration_does_not_name_is_refused(tmp_path, monkeypatch):
    """engine.json of an engine of one's own holds its command line."""
    monkeypatch.chdir(tmp_path)
    config = checked_config(DEMO | {"models": {"m": {"path": "c", "engine": "llamacpp"}}, "judges": {}})
    folder = tmp_path / "models/m/engine"
    folder.mkdir(parents=True)
    settings = {"dtype": "bfloat16", "tensor_parallel": 1, "context_length": 8192}
    for engine, more in (("llamacpp", {}), ("mine", {"serve": "sh -c 'touch owned'", "health": "/health"})):
        description = {"engine": engine, "version": "v", "model": {}, "checkpoint": "c", "settings": settings | more}
        (folder / "engine.json").write_text(json.dumps(description))
        problems = check_description(Needs(config, set()), "m")
        assert [problem.what for problem in problems] == ["The engine is not the one in the configuration."] * bool(
            more
        )


def test_an_engine_without_its_settings_is_refused(tmp_path):
    description = {"engine": "vllm", "version": "v", "model": {}, "checkpoint": "c"}
    settings = {"dtype": "bfloat16", "tensor_parallel": 1, "context_length": 8192}
    for changed in ({}, {"tensor_parallel": "1"}, {"tensor_parallel": -1}, {"context_length": None}):
        (tmp_path / "engine.json").write_text(json.dumps(description | {"settings": settings | changed}))
        if changed:
            with pytest.raises(InputError, match="not the description of an engine"):
                read_engine(tmp_path)
        else:
            assert read_engine(tmp_path)["settings"] == settings


def test_links_to_devices_and_pipes_are_not_read(tmp_path):
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    for name in ("zero", "pipe"):
        with pytest.raises(InputError, match="not a regular file"):
            sha256_file(tmp_path / name)
        with pytest.raises(InputError, match="not a regular file"):
            read_json(tmp_path / name, "the model's configuration")


def test_a_huge_or_odd_json_file_is_one_message(tmp_path):
    path = tmp_path / "config.json"
    for content, found in (
        (b"[" * 100_000, "recursion"),
        (b"7", "no object"),
        (b"{", "Expecting"),
        (b"\xff", "decode"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=found):
            read_json(path, "the model's configuration")
    with open(path, "wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match="more than"):
        read_json(path, "the model's configuration")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"problem": "p", "expected_answer": "007"}, "7"),
        ({"problem": "p", "expected_answer": "000"}, "0"),
        ({"problem": "p", "expected_answer": "\u00b2"}, "\u00b2"),  # a digit, and no number to Python
        ({"problem": "p", "expected_answer": "0" * 5000 + "1"}, "1"),
        ({"problem": 7, "expected_answer": "1"}, None),
        ({"problem": "p", "expected_answer": ["1", 2.0]}, "1, 2"),
        ({"problem": "p", "expected_answer": [["1"]]}, None),
        ({"problem": "p", "expected_answer": []}, None),
    ],
)
def test_odd_answers_of_a_source(row, expected):
    benchmark = {"rows": None, "sources": [], "clean": ["strip_leading_zeros"]}
    if expected is None:
        with pytest.raises(InputError, match="row 1"):
            prepare_rows("toy", benchmark, [row], "here")
    else:
        assert prepare_rows("toy", benchmark, [row], "here")[0]["expected_answer"] == expected


def test_half_characters_stop_nobody(tmp_path):
    """In every text of a row. A file of json.dumps holds them as escapes; UTF-8 has no bytes for them."""
    half = "\ud800"
    for run in ("greedy", "rs0", "rs1"):
        rows = [
            {
                "id": f"{half}{n}",
                "problem": half,
                "expected_answer": half,
                "predicted_answer": f"{run}{half}",
                "level": half,
            }
            | {"generation": half, "judgement": f"{half} Judgement: Yes", "finish_reason": half, half: half}
            for n in range(3)
        ]
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / f"b/output-{run}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    greedy, *sampled = [str(tmp_path / f"b/output-{run}.jsonl") for run in ("greedy", "rs0", "rs1")]
    grades, majority = str(tmp_path / "b.parquet"), str(tmp_path / "m.jsonl")
    for script, *options in (
        ("summarize_results", str(tmp_path), "--output-dir", str(tmp_path / "s")),
        ("grade_answers", "--samples", greedy, *sampled, "--output", grades, "--processes", "1"),
        ("fill_majority", "--grades", grades, "--samples", greedy, "--output", majority),
        ("summarize_results", "--grades", grades, "--output-dir", str(tmp_path / "s2")),
        (
            "export_results",
            "--model",
            "m",
            "--samples",
            str(tmp_path),
            "--grades",
            grades,
            "--output",
            str(tmp_path / "e"),
        ),
    ):
        reply = run_script(script, *options)
        assert reply.returncode == 0, (script, reply.stderr)
        reply.stdout.encode()
    assert [row["id"] for row in read_rows(majority)] == ["\ufffd0", "\ufffd1", "\ufffd2"]
