"""Rows, checkpoints, curve and settings of a training: all that needs no torch."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from openmath.errors import InputError
from openmath.generation.prompts import CheckpointTokenizer, messages_of, token_ids
from openmath.training import checkpoints, launch, memory
from openmath.training.curve import Point, append, cut_curve, read_curve
from openmath.training.recipe import Recipe, read_recipe
from openmath.training.rows import (
    IGNORED,
    SAMPLE,
    Texts,
    Tokens,
    TrainingRows,
    end_of_answer,
    first_rows,
    kept_tokens_problem,
    lay_rows,
    too_long,
)

SPECIAL = ["<s>", "</s>", "<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|end|>"]
CHAT = (
    "{{ bos_token }}{% for m in messages %}{{ m['role'] }} {{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}assistant {% endif %}"
)
PROMPT = {"system": "", "user": "Solve: {problem}", "examples": []}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> CheckpointTokenizer:
    return CheckpointTokenizer(tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"), CHAT))


def tiny_tokenizer(folder: Path, template: str) -> Path:
    """Each character is a token."""
    alphabet = [chr(code) for code in range(32, 127)] + ["\n", "?"]
    words = {word: number for number, word in enumerate([*SPECIAL, *dict.fromkeys(alphabet)])}
    model = Tokenizer(models.WordLevel(words, unk_token="?"))
    model.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    model.add_special_tokens(SPECIAL)
    model.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "?"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": template}))
    return folder


def packed(path: Path, rows: list[tuple[str | None, str | None]]) -> Path:
    texts = {"problem": [row[0] for row in rows], "generated_solution": [row[1] for row in rows]}
    table = pa.table({name: pa.array(column, pa.string()) for name, column in texts.items()})
    parquet.write_table(table.append_column("problem_source", pa.array(["own"] * len(rows))), path)
    return path


def uncounted(path: Path, rows: list[tuple[str | None, str | None]]) -> None:
    """As packed(), by a program that counts nothing in the file's footer."""
    parquet.write_table(parquet.read_table(packed(path, rows)), path, write_statistics=False)


def training_rows(tmp_path, tokenizer, count=10, *, steps=4, batch_size=4, seed=1) -> TrainingRows:
    path = packed(tmp_path / "train.parquet", [(f"p{n}", f"s{'x' * n}") for n in range(count)])
    texts = Texts(lay_rows(path, tmp_path))
    return TrainingRows(texts, Tokens(tokenizer, "chat", PROMPT, 1000), steps=steps, batch_size=batch_size, seed=seed)


@pytest.mark.parametrize(
    ("template", "end"), [("chat", "<|end|>"), ("llama3-instruct", "<|eot_id|>"), ("completion", "</s>")]
)
def test_the_prompt_is_the_evaluations_token_by_token_and_does_not_count(tokenizer, template, end):
    row = Tokens(tokenizer, template, PROMPT, 1000)("What is {1 + 1}?", "It is \\boxed{2}.")
    prompt = token_ids(tokenizer, template, messages_of(PROMPT, "What is {1 + 1}?"))
    solution = [*tokenizer.encode("It is \\boxed{2}."), SPECIAL.index(end)]
    assert row == {"input_ids": prompt + solution, "labels": [IGNORED] * len(prompt) + solution}


def test_a_row_that_is_too_long_counts_for_nothing(tokenizer):
    whole = Tokens(tokenizer, "chat", PROMPT, 1000)("2?", "3")
    size = len(whole["input_ids"])
    assert Tokens(tokenizer, "chat", PROMPT, size)("2?", "3") == whole
    assert Tokens(tokenizer, "chat", PROMPT, size - 1)("2?", "3") == {
        "input_ids": whole["input_ids"][:2],
        "labels": [IGNORED] * 2,
    }


def test_a_template_whose_turns_have_no_end_is_refused(tmp_path):
    endless = CheckpointTokenizer(tiny_tokenizer(tmp_path, CHAT.replace("<|end|>", "")))
    with pytest.raises(InputError, match="would never stop"):
        end_of_answer(endless, "chat")


def test_the_texts_are_those_of_the_set_in_any_number_of_batches(tmp_path, monkeypatch):
    monkeypatch.setattr("openmath.training.rows.BATCH", 3)
    rows = [(f"problem {n}", f"solution {n} ü") for n in range(11)]
    texts = Texts(lay_rows(packed(tmp_path / "train.parquet", rows), tmp_path))
    assert [texts[n] for n in range(len(texts))] == rows  # the last batch has two rows


def test_texts_that_repeat_may_be_numbers_of_a_dictionary(tmp_path):
    path = packed(tmp_path / "train.parquet", [("a", "b"), ("a", "c")])
    table = parquet.read_table(path)
    parquet.write_table(table.set_column(0, "problem", table["problem"].dictionary_encode()), path)
    assert Texts(lay_rows(path, tmp_path))[1] == ("a", "c")


def test_a_set_that_changes_is_laid_anew(tmp_path):
    path = packed(tmp_path / "train.parquet", [("a", "b")])
    first = lay_rows(path, tmp_path)
    assert lay_rows(path, tmp_path) == first
    assert Texts(lay_rows(packed(path, [("c", "dd"), ("e", "f")]), tmp_path))[0] == ("c", "dd")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such training set"),
        (lambda path: path.write_bytes(b"PAR1 half"), "Cannot read"),
        (lambda path: packed(path, []), "no rows"),
        (lambda path: packed(path, [("a", None)]), "1 rows without generated_solution"),
        (lambda path: uncounted(path, [("a", None)]), "lacks a text"),
        (
            lambda path: parquet.write_table(pa.table({"problem": [[1]], "generated_solution": [2]}), path),
            "problem is list",
        ),
        (lambda path: parquet.write_table(pa.table({"problem": ["a"]}), path), "no training set"),
    ],
)
def test_what_is_no_training_set_is_refused(tmp_path, make, words):
    make(tmp_path / "train.parquet")
    with pytest.raises(InputError, match=words):
        lay_rows(tmp_path / "train.parquet", tmp_path)
    assert not list(tmp_path.glob("*.arrow"))


def test_each_pass_has_every_row_once_in_an_order_of_its_own(tmp_path, tokenizer):
    rows = training_rows(tmp_path, tokenizer, 10, steps=5, batch_size=4)
    places = [row for step in range(5) for row in rows.rows_of_step(step)]
    assert sorted(places[:10]) == sorted(places[10:]) == list(range(10))
    assert places[:10] != places[10:]
    assert places != [
        row for step in range(5) for row in training_rows(tmp_path, tokenizer, 10, steps=5, seed=2).rows_of_step(step)
    ]


def test_a_step_begins_with_its_longest_rows(tmp_path, tokenizer):
    rows = training_rows(tmp_path, tokenizer)
    assert len(rows) == 16
    for step in range(4):
        items = [rows[step * 4 + place] for place in range(4)]
        sizes = [len(item["input_ids"]) for item in items]
        assert sizes == sorted(sizes, reverse=True)
        shortest = len(items[-1]["input_ids"]) - min(rows.rows_of_step(step))
        assert sorted(size - shortest for size in sizes) == sorted(rows.rows_of_step(step))
    with pytest.raises(IndexError):
        rows[16]


def test_a_tokenizer_that_changes_when_it_is_saved_is_refused(tmp_path, tokenizer):
    texts = Texts(lay_rows(packed(tmp_path / "train.parquet", [("a", "b"), ("c", "d")]), tmp_path))
    tokens = Tokens(tokenizer, "chat", PROMPT, 1000)
    folder = tmp_path / "saved"
    folder.mkdir()
    other = Tokens(
        CheckpointTokenizer(tiny_tokenizer(folder, CHAT.replace("assistant", "model"))), "chat", PROMPT, 1000
    )
    assert kept_tokens_problem(tokens, tokens, texts, "base") is None
    assert "asked otherwise than it was trained" in kept_tokens_problem(tokens, other, texts, "base").what


def test_rows_that_do_not_count_are_told(tmp_path, tokenizer):
    path = packed(tmp_path / "train.parquet", [("a", "b"), ("a", "b" * 99)])
    tokens, texts = Tokens(tokenizer, "chat", PROMPT, 60), Texts(lay_rows(path, tmp_path))
    assert too_long(tokens, texts) == too_long(tokens, first_rows(path)) == 0.5
    assert too_long(tokens, [("a", "b")] * SAMPLE + [("a", "b" * 99)]) == 0, "only the first rows are looked at"


def saved(run: Path, step: int) -> Path:
    unfinished = run / f"checkpoints/checkpoint-{step}"
    (unfinished / "trainer").mkdir(parents=True)
    (unfinished / "model.safetensors").write_bytes(b"weights" * step)
    (unfinished / "trainer/optimizer.pt").write_bytes(b"state")
    return checkpoints.finish(unfinished, step, tokens=step * 100, seconds=step * 1.5)


def test_the_newest_whole_checkpoint_is_gone_on_from(tmp_path):
    for step in (2, 10, 9):
        saved(tmp_path, step)
    said: list[str] = []
    folder, complete = checkpoints.newest_complete(tmp_path, said.append)
    assert (folder.name, complete["step"], complete["tokens"], complete["seconds"]) == ("step-10", 10, 1000, 15.0)
    assert not said


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.safetensors").write_bytes(b"cut"),
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "trainer/optimizer.pt").unlink(),
        lambda folder: (folder / "complete.json").unlink(),
        lambda folder: (folder / "complete.json").write_text('{"step": 9'),
        lambda folder: (folder / "complete.json").write_text('{"step": 9}'),
    ],
)
def test_a_damaged_checkpoint_is_left_out_with_one_message(tmp_path, damage):
    saved(tmp_path, 4)
    damage(saved(tmp_path, 9))
    said: list[str] = []
    folder, _ = checkpoints.newest_complete(tmp_path, said.append)
    assert folder.name == "step-4"
    assert len(said) == 1 and "step-9 is damaged" in said[0]


def test_a_half_written_checkpoint_has_another_name_and_goes(tmp_path):
    assert checkpoints.newest_complete(tmp_path, print) is None
    half = tmp_path / "checkpoints/checkpoint-7"
    half.mkdir(parents=True)
    said: list[str] = []
    checkpoints.drop_unfinished(tmp_path, "checkpoint-*", said.append)
    assert not half.exists() and "half-written" in said[0]


def test_a_damaged_checkpoint_of_the_same_step_is_replaced(tmp_path):
    (saved(tmp_path, 4) / "model.safetensors").unlink()
    assert (saved(tmp_path, 4) / "model.safetensors").exists()


def test_old_checkpoints_go_but_for_the_weights_that_are_kept(tmp_path):
    for step in (10, 15, 20, 25):
        saved(tmp_path, step)
        checkpoints.drop_old(tmp_path, [10, 20])
    assert list(checkpoints.steps_saved(tmp_path)) == [25, 20, 10]
    assert [(tmp_path / f"checkpoints/step-{step}/trainer").exists() for step in (10, 20, 25)] == [False, True, True]
    for folder in ("step-25", "step-20"):
        shutil.rmtree(tmp_path / "checkpoints" / folder)
    assert checkpoints.newest_complete(tmp_path, pytest.fail) is None  # the weights alone are no place to go on from


def test_the_curve_goes_on_where_the_training_does(tmp_path):
    path = tmp_path / "curve.csv"
    cut_curve(path, 0)
    points = [Point(step, 2.0 / step, 1e-05, step * 10, 99.5, 1.25, step * 2.0) for step in (1, 2, 3)]
    for point in points:
        append(path, point)
    with open(path, "a") as file:
        file.write("4,0.5,1e")  # killed meanwhile
    assert read_curve(path) == points
    cut_curve(path, 2)
    append(path, points[2])
    assert read_curve(path) == points


def test_which_steps_are_saved_and_kept():
    every = read_recipe({"steps": 10, "save_steps": 4})
    assert every.kept() == [4, 8, 10]
    assert [step for step in range(1, 11) if every.saves_at(step)] == [4, 8, 10]
    named = read_recipe({"steps": 10, "save_steps": 4, "save_at": [5, 10]})
    assert named.kept() == [5, 10]
    assert [step for step in range(1, 11) if named.saves_at(step)] == [4, 5, 8, 10]


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"steps": 1, "lr": 1}, "lr"),
        ({}, "--settings"),
        ({"steps": 0}, "steps"),
        ({"steps": True}, "steps"),
        ({"steps": 1, "learning_rate": "2e-5"}, "learning_rate"),
        ({"steps": 1, "beta2": 1.0}, "beta2"),
        ({"steps": 1, "precision": "fp8"}, "precision"),
        ({"steps": 1, "max_grad_norm": 0}, "max_grad_norm"),
        ({"steps": 1, "seed": 2**32}, "seed"),
        ({"steps": 3, "save_at": [4]}, "save_at"),
        ({"steps": 3, "compile": 1}, "compile"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, where):
    with pytest.raises(InputError, match=f"where: .*{where}"):
        read_recipe(settings)


def test_the_rows_of_a_step_come_out_even():
    assert Recipe(steps=1, batch_size=512, micro_batch_size=4).micro_batches(8) == 16
    for batch_size, devices in ((512, 3), (4, 2)):
        with pytest.raises(InputError, match="evenly"):
            Recipe(steps=1, batch_size=batch_size, micro_batch_size=4).micro_batches(devices)


def test_several_gpus_are_started_by_torchrun(monkeypatch):
    monkeypatch.setenv(*launch.SHUTDOWN)
    monkeypatch.delenv(launch.STARTED, raising=False)
    assert launch.launch_line(["train.py"], 0, 1) is launch.launch_line(["train.py"], 1, 1) is None
    line = launch.launch_line(["train.py", "--gpus", "4"], 4, 1)
    assert line[1:] == [
        "-P",
        launch.TORCHRUN[2],
        "--nproc-per-node",
        "4",
        "--standalone",
        "train.py",
        "--gpus",
        "4",
    ]
    monkeypatch.setenv(launch.STARTED, "x")
    assert launch.launch_line(["train.py"], 4, 1) is None


@pytest.mark.parametrize(("visible", "one"), [(None, "0"), ("2,3", "2"), ("GPU-5e1b,GPU-7c", "GPU-5e1b"), ("", "")])
def test_one_gpu_of_a_machine_with_several_is_seen(visible, one, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    launch.see_one_gpu()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == one


def test_several_nodes_are_started_by_srun(monkeypatch):
    monkeypatch.setenv(*launch.SHUTDOWN)
    monkeypatch.delenv(launch.STARTED, raising=False)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(InputError, match="Slurm job"):
        launch.launch_line(["train.py"], 8, 2)
    monkeypatch.setenv("SLURM_JOB_ID", "70007")
    monkeypatch.setenv("SLURMD_NODENAME", "a1")
    monkeypatch.setattr(launch, "job_nodes", lambda nodes: ("10.0.0.1", ["a2"]))
    line = launch.launch_line(["train.py"], 8, 2)
    text = " ".join(line)
    assert line[0] == "srun" and line[-1] == "train.py"
    assert "--nodelist a1,a2" in text and "--nnodes 2" in text and "--rdzv-endpoint 10.0.0.1:30007" in text


LLAMA_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}


def test_what_a_training_needs_follows_from_the_models_configuration():
    shape = memory.shape_of(LLAMA_8B)
    assert memory.parameters(shape) == 8_030_261_248  # as its checkpoint has
    recipe = Recipe(steps=60_000, save_steps=500, save_at=(10_000, 20_000))
    one, eight = memory.device_bytes(shape, recipe, 1), memory.device_bytes(shape, recipe, 8)
    assert one > 128e9 and 16e9 < eight < 60e9
    assert memory.disk_bytes(shape, recipe) == memory.parameters(shape) * (2 * 4 + 3 * 12)
    assert np.isclose(memory.flops_per_token(shape, 1024), 6 * 8.03e9, rtol=0.03)
    assert memory.shape_of({"model_type": "mamba"}) is None
