"""`snakemake contamination` on a registered benchmark and a training set in two files of both kinds."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from conftest import copy_workflow, snakemake

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
