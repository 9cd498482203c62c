"""What README and docs/extending.md say about models, benchmarks and judges of your own is one evaluation by a real model.

This test's own are only what the pages cannot know: the place of the checkpoint, the port of the judge, and how little to sample.
"""

import json
import os
import re
import shutil

import pyarrow.parquet as parquet
import pytest
import yaml
from conftest import ROOT, copy_workflow, snakemake
from unit.judge_server import judge_server

from openmath.files.rows import read_rows

pytestmark = pytest.mark.slow

NAMES = ("own", "my-benchmark", "exam")  # the benchmarks of the pages
OWN_SAMPLING = {  # of the page's models, in the settings of their samples
    "advised": {
        "temperature": 0.7,
        "top_k": 5,
        "max_new_tokens": 12,
        "chat_template_kwargs": {"enable_thinking": True},
    },
    "by-hand": {"temperature": 0.6, "top_k": 20, "repetition_penalty": 1.05, "max_new_tokens": 16},
}
SHORT = {"seeds": 0, "max_new_tokens": 16, "mem_mb": 1000, "threads": 2}


def blocks(page: str, heading: str, language: str = "yaml") -> list[str]:
    """Blocks of one section, at most ten lines each."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)[1]
    found = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found and all(block.count("\n") <= 10 for block in found)
    return found


def test_own_models_benchmarks_and_judge(tmp_path, checkpoint):
    copy_workflow(tmp_path)
    [vllm], [models] = blocks("README.md", "Your model"), blocks("docs/extending.md", "A model")
    [problems], [benchmark, exam] = blocks("README.md", "Your benchmark"), blocks("docs/extending.md", "A benchmark")
    judge, prompt = blocks("docs/extending.md", "A judge")
    [sampling] = blocks("docs/extending.md", "A model's own sampling")
    [row] = blocks("docs/extending.md", "A benchmark", "json")
    (tmp_path / "own.jsonl").write_text(row)
    (tmp_path / "problems.jsonl").write_text('{"problem": "What is 1 + 1?", "expected_answer": 2}\n')
    (tmp_path / "exam.csv").write_text("Task,Key,Grade\nWhat is 3 - 1?,$\\boxed{2}$,easy\n")
    (tmp_path / "judge.yaml").write_text(prompt)
    shutil.copytree(checkpoint, advised := tmp_path / "advised", copy_function=os.symlink)
    (advised / "generation_config.json").write_text('{"top_k": 5, "max_new_tokens": 12}')
    for name in NAMES:
        (tmp_path / "elsewhere" / name).mkdir(parents=True)
        sample = json.dumps(json.loads(row) | {"generation": "\\boxed{half}"})
        (tmp_path / f"elsewhere/{name}/output-greedy.jsonl").write_text(sample + "\n")

    with judge_server(
        lambda question: f"Judgement: {'Yes' if 'Is half the same as 1/2?' in question else 'No'}"
    ) as server:
        config: dict = {"benchmarks": [], "benchmark_sources": {}, "models": {}, "generation": SHORT}
        for text in (
            yaml.safe_dump({"models": yaml.safe_load(vllm)["models"]}),  # its benchmarks are too large for here
            models,
            sampling,
            problems,
            benchmark,
            exam,
            judge.replace("http://127.0.0.1:8000/v1", server.base_url),
        ):
            for key, value in yaml.safe_load(text).items():
                config[key] = (
                    config.get(key, type(value)()) + value if key == "benchmarks" else config.get(key, {}) | value
                )
        for name in ("my-model", "mine"):
            assert config["models"][name]["path"] == f"/checkpoints/{name}"
            config["models"][name] |= {
                "path": str(checkpoint),
                "engine": "llamacpp",
            }  # for the README's vLLM: no GPU here
        for name in ("advised", "by-hand"):
            config["models"][name] |= {"path": str(advised), "engine": "llamacpp", "context_length": 2048}
        config["models"]["by-hand"]["sampling"]["max_new_tokens"] = 16
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        reply = snakemake(tmp_path, "tables")
    assert reply.returncode == 0, reply.stdout + reply.stderr

    assert next(read_rows(tmp_path / "data/own.jsonl"))["id"] == "own-0"
    [task] = read_rows(tmp_path / "data/exam.jsonl")
    assert (task["problem"], task["expected_answer"], task["level"]) == ("What is 3 - 1?", "2", "easy")
    for model in ("my-model", "mine", "advised", "by-hand"):
        for name in NAMES:
            [sample] = read_rows(tmp_path / f"results/{model}/eval-results/{name}/output-greedy.jsonl")
            assert sample["generation"] and sample["num_generated_tokens"] > 0
            [grade] = parquet.read_table(tmp_path / f"results/{model}/grades/{name}.parquet").to_pylist()
            assert grade["id"] == sample["id"] and grade["sample_run"] == "greedy"
    for model, own in OWN_SAMPLING.items():
        settings = [
            json.loads(path.read_text()) for path in tmp_path.glob(f"results/{model}/.staging/*/*/settings.json")
        ]
        assert len(settings) == len(NAMES) and all(own.items() <= one.items() for one in settings), settings
    [judged] = read_rows(tmp_path / "results/elsewhere/judged/my-judge/own/greedy.jsonl")
    assert judged["judge_verdict"] == "yes"
    for model in config["models"]:
        assert "greedy" in (tmp_path / f"results/{model}/summary/my-judge/tables.txt").read_text()
