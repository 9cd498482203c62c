"""Sets and exports as their pages and cards say, by Hugging Face's `datasets`, which the environment of training holds."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from in_process import run_script
from unit.test_dataset import made  # noqa: F401

from openmath.files.rows import write_rows

PYTHON = Path(__file__).parents[2] / ".venv-train/bin/python"
LOADED = """
import json, sys
from datasets import load_dataset
arguments = json.loads(sys.argv[1])
found = load_dataset(*arguments.pop("names"), **arguments)
print(json.dumps({name: one.to_list() for name, one in (found if isinstance(found, dict) else {"": found}).items()}))
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="needs `make env-train`"),
]


def loaded(cache: Path, *names: object, **arguments: object) -> dict[str, list[dict]]:
    """Split -> rows; where one is asked for, it has no name."""
    told = json.dumps({"names": list(map(str, names)), **arguments})
    environment = os.environ | {"HF_HOME": str(cache), "HF_HUB_OFFLINE": "1"}
    reply = subprocess.run([PYTHON, "-c", LOADED, told], capture_output=True, text=True, env=environment, cwd=cache)
    assert reply.returncode == 0, reply.stderr
    return json.loads(reply.stdout)


def test_a_packed_set_is_loaded_as_it_stands(made, tmp_path):  # noqa: F811
    path = made / "datasets/own/train.parquet"
    found = loaded(tmp_path, "parquet", data_files=str(path), split="train")
    assert found[""] == parquet.read_table(path).to_pylist()


def test_its_card_names_the_splits_for_the_hub(made, tmp_path):  # noqa: F811
    own, hub = made / "datasets/own", tmp_path / "hub"
    hub.mkdir()
    for path in own.glob("*.parquet"):
        shutil.copy2(path, hub)
    shutil.copy2(own / "card.md", hub / "README.md")
    sizes = json.loads((own / "counts.json").read_text())["sets"]
    assert {split: len(rows) for split, rows in loaded(tmp_path, hub).items()} == sizes


def test_exported_samples_are_loaded_by_benchmark(tmp_path):
    problem = {"id": "gsm8k-0", "problem": "1 + 1?", "expected_answer": "2"}
    path, grades = tmp_path / "s/gsm8k/output-greedy.jsonl", tmp_path / "gsm8k.parquet"
    write_rows(path, [problem | {"generation": "\\boxed{2}", "seed": None, "finish_reason": "stop"}])
    options = ("--samples", tmp_path / "s", "--grades", grades, "--output", tmp_path / "export")
    for script in (
        ("grade_answers", "--samples", path, "--output", grades, "--processes", 1),
        ("export_results", "--model", "m", *options),
    ):
        reply = run_script(*script)
        assert reply.returncode == 0, reply.stderr
    found = loaded(tmp_path, tmp_path / "export/dataset", "gsm8k", split="test")
    assert [(row["id"], row["is_correct"]) for row in found[""]] == [("gsm8k-0", True)]
