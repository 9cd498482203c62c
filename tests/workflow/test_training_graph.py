"""A training in the graph: what a dry run shows of it, and what stops it."""

import json
import re
from pathlib import Path

import pytest
import yaml
from conftest import copy_workflow, snakemake
from tiny_checkpoints import tiny_safetensors
from unit.test_training import CHAT, packed, tiny_tokenizer

SIZES = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8, "vocab_size": 128}


def configure(folder: Path, **settings) -> None:
    run = {"base": "m", "dataset": "set.parquet", "steps": 20, "save_steps": 10, "gpus": 0, "tokens_per_second": 100}
    config = {
        "benchmarks": ["arithmetic-mini"],
        "models": {"m": {"path": "base"}, "t": {"trained": "r"}},
        "generation": {"seeds": 0},
        "training": {"r": run | settings},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


@pytest.fixture
def folder(tmp_path) -> Path:
    copy_workflow(tmp_path)
    (tmp_path / "base").mkdir()
    (tmp_path / "base/config.json").write_text(json.dumps(SIZES | {"max_position_embeddings": 8192}))
    tiny_tokenizer(tmp_path / "base", CHAT)
    tiny_safetensors(tmp_path / "base/model.safetensors")
    packed(tmp_path / "set.parquet", [("1 + 1?", "It is 2.")])
    configure(tmp_path)
    return tmp_path


def test_a_dry_run_shows_the_stages_and_what_they_take(folder):
    reply = snakemake(folder, "--dry-run", "all", "train")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    for rule in ("train_model_r", "average_checkpoints_t", "generate_t_greedy"):
        assert re.search(rf"^{rule} +1$", reply.stdout, re.MULTILINE), reply.stdout
    said = reply.stdout + reply.stderr
    # 20 steps of 512 rows of at most 4,096 tokens
    assert "training r: 20 steps, 41,943,040 tokens, 116.5 hours, about 3 GiB on each device, " in said
    assert "100 tokens/s stated (training: tokens_per_second)" in said


def test_what_stops_a_training_stops_the_dry_run(folder):
    (folder / "set.parquet").unlink()
    reply = snakemake(folder, "--dry-run", "train")
    assert reply.returncode != 0 and "There is no such training set." in reply.stdout + reply.stderr
    packed(folder / "set.parquet", [("1 + 1?", "It is 2.")])
    configure(folder, mem_mb=100)
    reply = snakemake(folder, "--dry-run", "train")
    assert reply.returncode != 0 and "memory that its job asks for" in reply.stdout + reply.stderr


def test_a_target_without_its_section_is_one_message(folder):
    reply = snakemake(folder, "--dry-run", "dataset")
    said = reply.stdout + reply.stderr
    assert reply.returncode != 0 and "target dataset" in said and "a section `dataset`" in said
    assert "Exception" not in said
