"""Keys of a hosted model and its judge: in no command line while they are used, and in no file, Snakemake's own included."""

import shutil
import threading
from pathlib import Path

import yaml
from conftest import OWN, ROOT, WORKFLOW, snakemake
from unit.judge_server import judge_server

KEYS = {"MODEL_KEY": "zz-secret-of-the-model-0123", "JUDGE_KEY": "zz-secret-of-the-judge-0123"}


def _watch(stop: threading.Event, marker: bytes, seen: set[bytes]) -> None:
    """Collect the command lines of this machine until `stop`; those with `marker` show that the run itself was seen."""
    while not stop.wait(0.02):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes()
            except OSError:  # the process has ended
                continue
            if marker in line or any(key.encode() in line for key in KEYS.values()):
                seen.add(line)


def test_keys_are_in_no_command_line_and_in_no_file(tmp_path):
    folder = tmp_path / "evaluation"
    folder.mkdir()
    for name in WORKFLOW:
        source = ROOT / name
        shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy2(source, folder / name)
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
        stop, seen = threading.Event(), set()
        watch = threading.Thread(target=_watch, args=(stop, b"scripts/", seen))
        watch.start()
        reply = snakemake(folder, "tables", environment=KEYS)
        stop.set()
        watch.join()
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert any(b"generate.py" in line for line in seen) and any(b"judge_answers.py" in line for line in seen)
    written = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert any(".snakemake" in path.parts for path in written)
    for key in KEYS.values():
        assert [line for line in seen if key.encode() in line] == []
        assert [path for path, content in written.items() if key.encode() in content] == []
        assert key not in reply.stdout + reply.stderr
