"""Keys of a hosted model and its judge: in no command line while they are used, and in no file, Snakemake's own included."""

import pytest
import yaml
from conftest import OWN, copy_workflow, snakemake
from unit.judge_server import judge_server
from workflow.watched_keys import KEYS, command_lines

pytestmark = pytest.mark.slow


def test_keys_are_in_no_command_line_and_in_no_file(tmp_path):
    folder = tmp_path / "evaluation"
    folder.mkdir()
    copy_workflow(folder)
    (folder / "own.jsonl").write_text(OWN)
    with judge_server(lambda question: "\\boxed{2}\nJudgement: Yes") as server:
        model = {"base_url": server.base_url, "engine": "endpoint", "served_model": "m", "api_key_env": "MODEL_KEY"}
        config = {
            "benchmarks": ["own"],
            "benchmark_sources": {"own": "own.jsonl"},
            "models": {"hosted": model},
            "generation": {"seeds": 1, "mem_mb": 1000, "threads": 1},
            "judges": {"j": {"base_url": server.base_url, "model": "j", "api_key_env": "JUDGE_KEY"}},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        with command_lines(b"scripts/") as seen:
            reply = snakemake(folder, "tables", environment=KEYS)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert any(b"generate.py" in line for line in seen) and any(b"judge_answers.py" in line for line in seen)
    written = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert any(".snakemake" in path.parts for path in written)
    for key in KEYS.values():
        assert [line for line in seen if key.encode() in line] == []
        assert [path for path, content in written.items() if key.encode() in content] == []
        assert key not in reply.stdout + reply.stderr
