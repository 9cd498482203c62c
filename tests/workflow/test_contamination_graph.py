"""`snakemake contamination` on a registered benchmark and training sets in files of both kinds, with and without a judge."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from conftest import copy_workflow, snakemake
from unit.judge_server import judge_server

pytestmark = pytest.mark.slow

LONG = "A train goes 60 miles an hour. How many miles does it go in 2.5 hours?"


def test_problems_in_a_training_set_are_reported_and_nothing_is_done_twice(tmp_path):
    copy_workflow(tmp_path)
    other = "How many primes are there below one hundred, if one is not counted as a prime?"
    parquet.write_table(pa.table({"question": [other, "what is 3+4 ?"]}), tmp_path / "train.parquet")
    near = json.dumps({"question": LONG.replace("train", "lorry")})
    (tmp_path / "train.jsonl").write_text(f"{near}\n")
    config = {
        "benchmarks": ["arithmetic-mini"],
        "models": {"imported": {"samples": "samples", "seeds": 0}},
        "generation": {},
        "contamination": {
            "training_set": ["train.parquet", "train.jsonl"],
            "field": "question",
            "ngram": 8,
            "similarity": 0.6,
        },
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    reply = snakemake(tmp_path, "contamination")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    with open(tmp_path / "results/contamination/arithmetic-mini.csv") as file:
        found = {(row["problem"], row["kind"]) for row in csv.DictReader(file)}
    assert ("What is 3 + 4?", "exact") in found and (LONG, "near") in found and (LONG, "ngram") in found
    assert {problem for problem, _ in found} == {"What is 3 + 4?", LONG}
    assert "arithmetic-mini" in (tmp_path / "results/contamination/report.md").read_text()
    assert "Nothing to be done" in snakemake(tmp_path, "contamination").stderr


def paraphrased(folder, judges: dict, **paraphrases) -> None:
    config = {
        "benchmarks": ["arithmetic-mini"],
        "models": {"imported": {"samples": "samples", "seeds": 0}},
        "generation": {},
        "judges": judges,
        "contamination": {
            "training_set": ["train.parquet", "train.jsonl"],
            "paraphrases": {"embedder": "ngrams", "top": 2, **paraphrases},
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def test_paraphrases_in_any_training_set_by_similarity_and_by_a_judge(tmp_path):
    copy_workflow(tmp_path)
    other = "Name a prime between 20 and 30."
    reworded = LONG.replace("A train goes", "A lorry is going").replace("it go", "that lorry go")
    parquet.write_table(pa.table({"problem": [other, reworded, other]}), tmp_path / "train.parquet")
    (tmp_path / "train.jsonl").write_text(
        "".join(json.dumps({"problem": p}) + "\n" for p in (reworded, "What is 3 + 4?"))
    )
    paraphrased(tmp_path, {}, similarity=0.6)
    reply = snakemake(tmp_path, "contamination")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    out = tmp_path / "results/contamination"
    counts = json.loads((out / "clean.counts.json").read_text())
    assert counts["by_benchmark"] == {"arithmetic-mini": 2} and counts["pairs"] == 3 * 2
    assert [json.loads(line) for line in open(out / "clean.jsonl")] == [{"id": "1", "problem": other}]
    text = (out / "paraphrases.md").read_text()
    assert "3 different problems" in text and "a cosine of at least 0.6" in text
    assert f"    {reworded}\n" in text and f"    {LONG}\n" in text
    assert "Nothing to be done" in snakemake(tmp_path, "contamination").stderr

    with judge_server(lambda question: "Judgement: " + ("Yes" if question.count("2.5 hours") == 2 else "No")) as server:
        judge = {"model": "j-1", "base_url": server.base_url, "api_key_env": "JUDGE_KEY", "cascade": True}
        paraphrased(tmp_path, {"j": judge}, judge="k")
        reply = snakemake(tmp_path, "contamination")
        assert reply.returncode != 0 and "judge: no judge 'k'; known judges: j" in reply.stderr
        paraphrased(tmp_path, {"j": judge}, judge="j")
        reply = snakemake(tmp_path, "contamination", environment={"JUDGE_KEY": ""})
        assert reply.returncode != 0 and "JUDGE_KEY" in reply.stderr
        reply = snakemake(tmp_path, "contamination", environment={"JUDGE_KEY": "sk-x"})
        assert reply.returncode == 0, reply.stdout + reply.stderr
        asked = len(server.bodies)
        assert asked == 2 * (3 * 2 - 1)  # both orders; of the copy no question is needed
        counts = json.loads((out / "clean.counts.json").read_text())
        assert counts["by_benchmark"] == {"arithmetic-mini": 2}
        paraphrased(tmp_path, {"j": judge}, judge="j", top=3)
        assert snakemake(tmp_path, "contamination", environment={"JUDGE_KEY": "sk-x"}).returncode == 0
        assert len(server.bodies) == asked + 2 * 3  # the further pairs only


def test_an_embedder_or_prompt_that_is_not_there_is_said_before_anything_runs(tmp_path):
    copy_workflow(tmp_path)
    (tmp_path / "train.jsonl").write_text('{"problem": "What is 3 + 4?"}\n')
    parquet.write_table(pa.table({"problem": ["p"]}), tmp_path / "train.parquet")
    (tmp_path / "wrong.yaml").write_text("user: no place for the problems\n")
    (tmp_path / "empty").mkdir()
    judge = {"model": "j-1", "api_key_env": "JUDGE_KEY"}
    for embedder, prompt, said in (
        ("models/none", "judge-same-problem", ("embedder: models/none", "no such folder")),
        ("empty", "judge-same-problem", ("embedder: empty", "another folder")),
        ("ngrams", "./wrong.yaml", ("wrong.yaml", "{predicted_answer}")),
    ):
        paraphrased(tmp_path, {"j": judge}, judge="j", embedder=embedder, prompt=prompt)
        reply = snakemake(tmp_path, "--dry-run", "contamination", environment={"JUDGE_KEY": "sk-x"})
        assert reply.returncode != 0 and "A problem found before the start" in reply.stdout + reply.stderr
        assert all(word in reply.stdout + reply.stderr for word in said), reply.stdout + reply.stderr
    assert not (tmp_path / "results").exists()
