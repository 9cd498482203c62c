"""What a training lacks is found before anything runs: memory, disk, tokenizer, template, set, and the Python that trains."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_checkpoints import tiny_gguf, tiny_safetensors
from unit.test_training import CHAT, LLAMA_8B, packed, tiny_tokenizer

from openmath.errors import InputError
from openmath.plan import make_plan, plan_text
from openmath.preflight import training
from openmath.preflight.checks import configuration_problems, machine_problems
from openmath.preflight.needs import missing_files
from openmath.settings.config import checked_config
from openmath.training import fits, memory
from openmath.training.recipe import Recipe

SIZES = {
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "intermediate_size": 8,
    "vocab_size": 128,
    "max_position_embeddings": 4096,
}
GIB = 2**30


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("own.jsonl").write_text('{"problem": "p", "expected_answer": "1"}\n')
    packed(Path("set.parquet"), [("1 + 1?", "It is 2.")])
    base(SIZES)
    return tmp_path


def base(sizes: dict, template: str = CHAT) -> None:
    Path("base").mkdir(exist_ok=True)
    Path("base/config.json").write_text(json.dumps(sizes))
    tiny_tokenizer(Path("base"), template)
    tiny_safetensors(Path("base/model.safetensors"))


def configuration(**settings) -> dict:
    """Of a training on this machine's CPU, by this Python."""
    run = {"base": "m", "dataset": "set.parquet", "steps": 20, "save_steps": 10, "gpus": 0, "python": sys.executable}
    models = {"m": {"path": "base"}, "t": {"trained": "r", "prompt_template": settings.get("prompt_template", "chat")}}
    own = {"benchmarks": ["own"], "benchmark_sources": {"own": "own.jsonl"}, "generation": {"seeds": 0}}
    return checked_config(own | {"models": models, "training": {"r": run | settings}})


def problems(config: dict) -> list[InputError]:
    """What a dry run checks, for the training alone."""
    return configuration_problems(config, {"training/r/training.json", "models/m/manifest.json"})


def trainers(config: dict, **options) -> list[InputError]:
    """What a run checks beside it."""
    due = {"training/r/training.json", "models/m/manifest.json"}
    return machine_problems(config, due, **{"here": True, **options})


def only(found: list[InputError], what: str) -> InputError:
    [problem] = found
    assert what in problem.what and problem.hint, problem
    return problem


def pretend(monkeypatch, look: list[int] | str) -> None:
    monkeypatch.setattr(training, "_look", lambda python, gpus: look)


def free_disk(monkeypatch, size: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=size))


def test_a_sound_training_has_no_problem(monkeypatch):
    assert problems(configuration()) == []
    pretend(monkeypatch, [])
    assert trainers(configuration()) == []


def test_what_is_trained_already_is_not_checked(monkeypatch):
    pretend(monkeypatch, "no such program")
    config = configuration(mem_mb=1)
    assert configuration_problems(config, set()) == machine_problems(config, set(), here=True) == []


def test_all_files_of_a_training_are_missed_until_they_are_there():
    files = {"training/r/training.json", "models/m/manifest.json", "models/t/manifest.json"}
    assert files <= missing_files(configuration())
    for name in files:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("{}")
    assert not files & missing_files(configuration())


def test_the_memory_that_a_job_asks_for():
    problem = only(problems(configuration(mem_mb=1000)), "memory that its job asks for")
    assert problem.where == "training: r: mem_mb" and "gradients, optimizer" in problem.expected
    base(SIZES | LLAMA_8B)
    assert problems(configuration(gpus=8, mem_mb=64_000)) == []
    least = only(problems(configuration(gpus=8, mem_mb=30_000)), "memory that its job asks for").expected
    assert "32122" in least  # 8.03 billion weights of four bytes


def test_the_memory_of_a_gpu(monkeypatch):
    base(SIZES | LLAMA_8B)
    free_disk(monkeypatch, 10**15)
    pretend(monkeypatch, [80 * GIB] * 8)
    assert trainers(configuration(gpus=8)) == []
    pretend(monkeypatch, [80 * GIB])
    problem = only(trainers(configuration(gpus=1)), "memory of a GPU")
    assert "119.7 GiB of weights, gradients and optimizer" in problem.expected and "`nodes` share" in problem.hint
    pretend(monkeypatch, [141 * GIB] * 2)
    config = configuration(gpus=2, micro_batch_size=64, activation_checkpointing=False)
    assert "activation_checkpointing: true" in only(trainers(config), "memory of a GPU").hint
    assert trainers(configuration(gpus=2, micro_batch_size=1)) == []


def test_the_estimate_refuses_nothing_that_was_measured_to_run():
    """docs/training.md, Measured: an 8B on two cards, a 135M on one."""
    shape = memory.shape_of(LLAMA_8B)
    recipe = Recipe(steps=5, max_length=1024, activation_checkpointing=False)
    assert memory.least_bytes(shape, recipe, 2) < 83 * GIB < memory.device_bytes(shape, recipe, 2) * 1.1
    small = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9}
    shape = memory.shape_of(small | {"num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True})
    for rows, again, measured in ((128, False, 48), (64, False, 39), (64, True, 6)):
        recipe = Recipe(steps=1, micro_batch_size=rows, max_length=385, activation_checkpointing=again)
        assert memory.least_bytes(shape, recipe, 1) < measured * GIB < 2 * memory.device_bytes(shape, recipe, 1)


def test_gpus_that_are_not_there(monkeypatch):
    pretend(monkeypatch, [80 * GIB])
    problem = only(trainers(configuration(gpus=2, batch_size=8)), "GPUs that this machine does not have")
    assert (problem.expected, problem.found, problem.where) == (2, 1, "training: r: gpus")
    assert trainers(configuration(gpus=2, batch_size=8), here=False) == []


def test_several_nodes_need_slurm(monkeypatch):
    pretend(monkeypatch, [80 * GIB])
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    found = trainers(configuration(gpus=1, nodes=2, batch_size=8))
    assert only(found, "odes").where == "training: r: nodes: 2"


def test_the_python_that_trains(tmp_path):
    problem = only(trainers(configuration(python="no/such/python")), "does not run, or lacks")
    assert problem.found == "no such program" and "make env-train" in problem.hint
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    found = only(trainers(configuration(python=str(bare))), "does not run, or lacks").found
    assert found.startswith("no torch, transformers")
    assert "does not answer" in only(trainers(configuration(python="/bin/false")), "does not run").found
    assert trainers(configuration(python="python"), conda=True) == []


def test_disk_for_the_checkpoints(monkeypatch):
    pretend(monkeypatch, [])
    config = configuration()
    needed = make_plan(config)["training"][0]["disk_bytes"]
    assert needed > 0
    free_disk(monkeypatch, needed - 1)
    problem = only(trainers(config), "disk space for the missing files")
    assert problem.expected == "0.0 GB for checkpoints of trainings"
    shape, recipe = memory.shape_of(SIZES), Recipe(steps=20, save_steps=10)
    assert "checkpoints of the training" in fits.disk_problem(shape, recipe, Path("training/r")).what
    there = Path("training/r/checkpoints/step-10/model.safetensors")
    there.parent.mkdir(parents=True)
    there.write_bytes(bytes(100))
    assert fits.disk_problem(shape, recipe, Path("training/r")) is None, "what lies there needs no more room"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.unlink(), "no such training set"),
        (lambda path: path.write_text("{}"), "Cannot read the training set"),
        (lambda path: packed(path, []), "has no rows"),
        (lambda path: packed(path, [("a", "b"), (None, "b")]), "This is no training set"),
    ],
)
def test_a_set_that_is_none(make, words):
    make(Path("set.parquet"))
    assert only(problems(configuration()), words).where == "training: r: dataset: set.parquet"


def test_a_base_without_a_template_or_an_end():
    base(SIZES, "")
    assert "has no chat template" in only(problems(configuration()), "chat template").what
    base(SIZES, "{% for m in messages %}{{ m['content'] }} {% endfor %}")
    assert "end" in only(problems(configuration()), "would never stop").what
    assert problems(configuration(prompt_template="llama3-instruct")) == []


def test_a_tokenizer_of_another_family_or_model():
    plain = json.loads(Path("base/tokenizer.json").read_text())
    plain["added_tokens"] = [token for token in plain["added_tokens"] if token["content"] != "<|eot_id|>"]
    del plain["model"]["vocab"]["<|eot_id|>"]
    Path("base/tokenizer.json").write_text(json.dumps(plain))
    problem = only(problems(configuration(prompt_template="llama3-instruct")), "text of several tokens")
    assert problem.where == "training: r: prompt_template: llama3-instruct"
    base(SIZES | {"vocab_size": 50})
    problem = only(problems(configuration()), "tokens that the model does not know")
    assert "ids below 50" in problem.expected
    highest = int(problem.found)
    base(SIZES | {"vocab_size": highest})
    only(problems(configuration()), "tokens that the model does not know")
    base(SIZES | {"vocab_size": highest + 1})
    assert problems(configuration()) == []
    Path("base/tokenizer.json").unlink()
    assert "tokenizer" in only(problems(configuration()), "The checkpoint is not whole").expected


def test_rows_longer_than_the_positions():
    base(SIZES | {"max_position_embeddings": 2048})
    assert only(problems(configuration()), "longer than the model supports").where == "training: r: max_length"
    assert problems(configuration(max_length=2048)) == []


def test_a_set_without_a_row_that_is_short_enough():
    problem = only(problems(configuration(max_length=20)), "No row of the set is short enough")
    assert problem.where == "training: r: max_length"
    packed(Path("set.parquet"), [("1 + 1?", "It is 2." * 99), ("1 + 1?", "It is 2.")])
    assert problems(configuration(max_length=300)) == []


def test_the_rows_of_a_set_that_is_made_anew_are_not_looked_at():
    due = {"training/r/training.json", "models/m/manifest.json", "set.parquet"}
    assert configuration_problems(configuration(max_length=20), due) == []


def test_a_prompt_that_is_not_there():
    config = configuration()
    config["training"]["r"]["prompt"] = "own-prompts/none.yaml"
    assert any("none.yaml" in str(problem) for problem in problems(config))


def test_a_gguf_base():
    for path in Path("base").iterdir():
        path.unlink()
    tiny_gguf(Path("base/model.gguf"))
    assert "no chat template" in only(problems(configuration()), "chat template").what
    tiny_gguf(Path("base/model.gguf"), CHAT)
    assert problems(configuration()) == []
    names = {"ffn_gate": [8, 24], "attn_q": [8, 8], "attn_k": [8, 4]}
    tensors = {f"blk.{layer}.{name}.weight": sizes for layer in range(2) for name, sizes in names.items()}
    shape = memory.shape_of_gguf({"token_embd.weight": [8, 100], **tensors})
    assert shape == memory.Shape(layers=2, hidden=8, inner=24, queries=8, keys=4, vocabulary=100, tied=True)


def test_a_base_that_is_gone():
    config = configuration()
    Path("base/model.safetensors").unlink()
    only(problems(config), "checkpoint")
    assert only(configuration_problems(config, {"training/r/training.json"}), "The checkpoint is gone").where


def test_the_plan_says_memory_and_disk():
    text = plan_text(make_plan(configuration()))
    assert "training r: 20 steps" in text and " GiB on each device, " in text and "what is trained counted" in text
