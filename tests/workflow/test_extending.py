"""docs/extending.md, as it stands there: only the port of the judge is this test's."""

import json
import re
import shutil

from conftest import ROOT, WORKFLOW, snakemake
from unit.judge_server import judge_server

from openmath.samples import read_rows


def test_own_benchmark_model_and_judge(tmp_path):
    for name in WORKFLOW:
        source = ROOT / name
        shutil.copytree(source, tmp_path / name) if source.is_dir() else shutil.copy2(source, tmp_path / name)
    config, prompt = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/extending.md").read_text(), re.DOTALL)
    assert max(config.count("\n"), prompt.count("\n")) <= 10
    row = {"problem": "What is 1/2?", "expected_answer": "1/2"}
    (tmp_path / "own.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "judge.yaml").write_text(prompt)
    (tmp_path / "mine/own").mkdir(parents=True)
    for run in ("greedy", "rs0"):
        (tmp_path / f"mine/own/output-{run}.jsonl").write_text(json.dumps(row | {"generation": "\\boxed{half}"}) + "\n")
    with judge_server(
        lambda question: f"Judgement: {'Yes' if 'Is half the same as 1/2?' in question else 'No'}"
    ) as server:
        (tmp_path / "config.yaml").write_text(config.replace("http://127.0.0.1:8000/v1", server.base_url))
        reply = snakemake(tmp_path, "all", "data/own.jsonl")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert next(read_rows(tmp_path / "data/own.jsonl"))["id"] == "own-0"
    judged = list(read_rows(tmp_path / "results/mine/judged/my-judge/own/greedy.jsonl"))
    assert [row["judge_verdict"] for row in judged] == ["yes"]
