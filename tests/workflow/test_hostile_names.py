"""Names of folders that a shell, a glob or YAML would take for more than a name; and names that the configuration refuses."""

import json

import pytest
import yaml
from conftest import ROOT, copy_workflow, snakemake

from openmath.errors import InputError
from openmath.settings.config import checked_config

HOSTILE = """two words 'one' "two" $(touch pwned) `touch pwned`;touch pwned #&* %s é"""
ROW = {"problem": "p", "expected_answer": "1/2"}


def _pipeline(folder, **changes):
    """A copy of the workflow with imported samples as its one model."""
    folder.mkdir(parents=True)
    copy_workflow(folder)
    config = {"benchmarks": ["own"], "models": {"imported": {"samples": HOSTILE, "seeds": 2}}, "generation": {}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config | changes))


@pytest.mark.slow
def test_a_folder_of_any_name_is_only_a_folder(tmp_path):
    folder = tmp_path / HOSTILE
    _pipeline(folder)
    (folder / HOSTILE / "own").mkdir(parents=True)
    for run in ("greedy", "rs0", "rs1"):
        row = ROW | {"generation": "\\boxed{$(touch pwned)}" if run == "rs1" else "\\boxed{0.5}"}
        (folder / HOSTILE / f"own/output-{run}.jsonl").write_text(json.dumps(row) + "\n")
    reply = snakemake(folder)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert (
        "greedy           | 1           | 100.00" in (folder / "results/imported/summary/none/tables.txt").read_text()
    )
    assert (folder / "results/report.html").stat().st_size > 1000
    assert [path for path in tmp_path.rglob("*pwned*") if path.name != HOSTILE] == []
    assert not (ROOT / "pwned").exists()


@pytest.mark.parametrize("name", ["$(touch pwned)", "a;b", "two words", "it's", "a\nb", "a\n", "-rf", "..", "a/b", ""])
@pytest.mark.parametrize("kind", ["benchmarks", "models", "judges"])
def test_a_name_that_is_more_than_a_name_is_refused(name, kind):
    judge = {"base_url": "http://localhost/v1", "model": "m", "api_key_env": "KEY"}
    config = {"benchmarks": ["gsm8k"], "models": {"m": {"hf": "a/b"}}, "generation": {}}
    config[kind] = {"benchmarks": [name], "models": {name: {"hf": "a/b"}}, "judges": {name: judge}}[kind]
    with pytest.raises(InputError) as caught:
        checked_config(config)
    message = str(caught.value)
    assert kind in message and "config" in message and "Hint:" in message
