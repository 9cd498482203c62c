"""A thinking model from its template to the report: the demo's, whose template opens a thought. The page's lines, as they stand."""

import re

import pandas
import pytest
import yaml
from conftest import CONFIG, ROOT, copy_workflow, job_logs, snakemake

from openmath.files.rows import read_rows

pytestmark = pytest.mark.slow

[LINES] = re.findall(
    r"## A thinking model in five lines\n\n```yaml\n(.*?)```", (ROOT / "docs/extending.md").read_text(), re.DOTALL
)
# A small model ends its thought where it has seen another end.
PROMPT = {
    "user": "{problem}",
    "examples": [
        {"problem": "What is 6 + 8?", "solution": "6 + 8 = 14.</think>The answer is \\boxed{14}."},
        {"problem": "What is 3 + 2?", "solution": "3 + 2 = 5.</think>The answer is \\boxed{5}."},
    ],
}


def opening_a_thought(gguf: bytes) -> bytes:
    """The same file with another template in the same place: as many bytes."""
    turn, words = b"'<|im_start|>assistant\n' }}", b"a helpful AI assistant"
    assert gguf.count(turn) == gguf.count(words) == 1
    return gguf.replace(turn, b"'<|im_start|>assistant\n<think>\n' }}").replace(words, b"a AI assistant")


def test_a_model_whose_template_opens_a_thought(tmp_path, checkpoint):
    assert LINES.count("\n") <= 6
    copy_workflow(tmp_path)
    [gguf] = checkpoint.glob("*.gguf")
    (tmp_path / "thinker").mkdir()
    (tmp_path / "thinker" / gguf.name).write_bytes(opening_a_thought(gguf.read_bytes()))
    (tmp_path / "prompt.yaml").write_text(yaml.safe_dump(PROMPT))
    config = yaml.safe_load(LINES.replace("/checkpoints/thinker", str(tmp_path / "thinker")))
    model = config["models"]["thinker"]
    model |= {"engine": "llamacpp", "prompt": "./prompt.yaml", "context_length": 512}
    model["sampling"]["max_new_tokens"] = 24
    config |= {"benchmarks": ["arithmetic-mini"], "generation": CONFIG["generation"] | {"seeds": 2, "limit": 8}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    reply = snakemake(tmp_path, "all", "export")
    assert reply.returncode == 0, reply.stdout + reply.stderr

    results = tmp_path / "results/thinker"
    rows = [row for path in sorted(results.glob("eval-results/*/*.jsonl")) for row in read_rows(path)]
    assert len(rows) == 8 * 3 and all("answer_start" in row and row["num_reasoning_tokens"] for row in rows)
    ended = ["</think>" in row["generation"] for row in rows]
    assert any(ended) and [row["answer_start"] is not None for row in rows] == ended
    for row, end in zip(rows, ended, strict=True):
        if end:
            assert row["generation"][: row["answer_start"]].endswith("</think>")
            assert 0 < row["num_reasoning_tokens"] <= row["num_generated_tokens"]
        else:
            assert row["predicted_answer"] is None and row["num_reasoning_tokens"] == row["num_generated_tokens"]
    assert all(path.stat().st_nlink == 2 for path in results.glob("eval-results/*/*.jsonl"))  # published as staged

    grades = pandas.read_parquet(results / "grades/arithmetic-mini.parquet")
    assert (grades["grade_status"] == "unfinished").sum() == ended.count(False)
    tables = (results / "summary/none/tables.txt").read_text()
    assert ("warning: more than 5%" in tables) == (ended.count(False) > 1) and "unfinished" in (
        results / "summary/none/tables.md"
    ).read_text()
    exported = pandas.read_parquet(results / "export/dataset/arithmetic-mini.parquet")
    assert exported["num_reasoning_tokens"].notna().all() and set(exported["grade_status"]) == set(
        grades["grade_status"]
    )

    # Another setting reads the same samples again.
    model["thinking"] = "none"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    reply = snakemake(tmp_path, "all")
    said = job_logs(tmp_path)
    assert (
        reply.returncode == 0
        and "16 kept from before, 0 to compute" in said
        and "8 kept from before, 0 to compute" in said
    )
    again = [row for path in sorted(results.glob("eval-results/*/*.jsonl")) for row in read_rows(path)]
    assert [row["answer_start"] for row in again] == [0] * len(rows)
    assert [row["generation"] for row in again] == [row["generation"] for row in rows]
