"""Keys of a hosted model and its judge: in no command line while they are used, and in no file, Snakemake's own included."""

import base64
import itertools

import pytest
import yaml
from conftest import OWN, copy_workflow, job_logs, snakemake
from unit.judge_server import judge_server
from workflow.watched_keys import KEYS, command_lines

pytestmark = pytest.mark.slow


def test_keys_are_in_no_command_line_and_in_no_file(tmp_path):
    folder = tmp_path / "evaluation"
    folder.mkdir()
    copy_workflow(folder)
    (folder / "own.jsonl").write_text(OWN)
    # Each server repeats the key that it is sent.
    echoes = {
        name: f"{key} {key[:15]}\n{key[15:]} {base64.b64encode(key.encode()).decode()}" for name, key in KEYS.items()
    }
    with (
        judge_server(
            lambda question: f"{echoes['MODEL_KEY']} \\boxed{{3}}", faults=[401], words=echoes["MODEL_KEY"]
        ) as server,
        judge_server(
            lambda question: f"{echoes['JUDGE_KEY']}\nJudgement: Yes", faults=[401], words=echoes["JUDGE_KEY"]
        ) as judge,
    ):
        server.model, judge.model = f"m-{KEYS['MODEL_KEY']}", f"j-{KEYS['JUDGE_KEY']}"
        model = {"base_url": server.base_url, "engine": "endpoint", "served_model": "m", "api_key_env": "MODEL_KEY"}
        config = {
            "benchmarks": ["own"],
            "benchmark_sources": {"own": "own.jsonl"},
            "models": {"hosted": model},
            "generation": {"seeds": 1, "mem_mb": 1000, "threads": 1},
            "judges": {"j": {"base_url": judge.base_url, "model": "j", "api_key_env": "JUDGE_KEY"}},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        with command_lines(b"scripts/") as seen:
            keys = {name: f"{key}\n" for name, key in KEYS.items()}  # as read from a file
            replies = [
                snakemake(folder, "tables", environment=keys) for _ in range(3)
            ]  # each server refuses one request
    said = "".join(reply.stdout + reply.stderr for reply in replies)
    assert [reply.returncode for reply in replies] == [1, 1, 0], said
    assert (said + job_logs(folder)).count("***") > 2, "no server repeated its key"
    assert any(b"generate.py" in line for line in seen) and any(b"judge_answers.py" in line for line in seen)
    written = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert any(".snakemake" in path.parts for path in written)
    parts = [(key, key[:15], key[15:], base64.b64encode(key.encode()).decode()) for key in KEYS.values()]
    for part in itertools.chain(*parts):
        assert [line for line in seen if part.encode() in line] == []
        assert [path for path, content in written.items() if part.encode() in content] == []
        assert part not in said
