"""An engine that the configuration describes, as docs/extending.md has it: only the checkpoint's place is this test's."""

import json
import re

import pytest
import yaml
from conftest import CONFIG, OWN, ROOT, copy_workflow, snakemake

from openmath.files.rows import read_rows

pytestmark = pytest.mark.slow

[EXAMPLE] = re.findall(r"```yaml\n(engines:.*?)```", (ROOT / "docs/extending.md").read_text(), re.DOTALL)


@pytest.fixture(name="folder")
def folder_fixture(tmp_path, checkpoint):
    assert EXAMPLE.count("\n") <= 10
    copy_workflow(tmp_path)
    config = yaml.safe_load(EXAMPLE.replace("/checkpoints/mine", str(checkpoint)))
    config["models"]["mine"] |= {"prompt": "math-few-shot", "context_length": 512}
    config |= {key: CONFIG[key] for key in ("benchmarks", "benchmark_sources")}
    config["generation"] = CONFIG["generation"] | {"seeds": 2}
    (tmp_path / "own.jsonl").write_text(OWN)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def test_samples_come_from_the_engine_of_ones_own(folder):
    reply = snakemake(folder, "all")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    rows = [row for path in sorted(folder.glob("results/mine/eval-results/*/*.jsonl")) for row in read_rows(path)]
    assert len(rows) == 2 * 3 * 2 and all(row["num_generated_tokens"] and row["generation"] for row in rows)
    engine = json.loads((folder / "models/mine/engine/engine.json").read_text())
    assert engine["version"].startswith("xllamacpp ") and "llamacpp_server.py" in engine["settings"]["serve"]
    methods = (folder / "results/mine/summary/none/methods.md").read_text()
    assert engine["version"] in methods and "tensor parallelism" not in methods
    assert "nothing to be done" in snakemake(folder, "all").stderr.lower()
