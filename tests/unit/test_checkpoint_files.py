"""Checkpoints that no engine could load are refused by the name of the file, before anything starts."""

import json
import struct
from pathlib import Path

import pytest
from in_process import run_script
from tiny_checkpoints import SHARDS, tiny_checkpoint, tiny_gguf, tiny_safetensors

from openmath.engines.checkpoint_files import checkpoint_problem
from openmath.engines.weights import read_gguf

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 4976698672\n"
WEIGHTS, GGUF = "model.safetensors", "model.gguf"
HUGE = struct.pack("<Q", 2**62)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tiny_checkpoint(tmp_path / "checkpoint")


def found(folder: Path) -> str:
    problem = checkpoint_problem(folder, where=folder)
    assert problem and problem.hint
    return str(problem.found)


def cut(path: Path, length: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:length])


def test_whole_checkpoints_have_no_problem(folder, tmp_path):
    assert checkpoint_problem(folder, where=folder) is None
    assert checkpoint_problem(tiny_checkpoint(tmp_path / "sharded", shards=True), where="") is None
    (tmp_path / "gguf").mkdir()
    tiny_gguf(tmp_path / "gguf" / GGUF)
    assert checkpoint_problem(tmp_path / "gguf", where="") is None
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": "pytorch_model.bin"}}))
    assert checkpoint_problem(folder, where="") is None, "a second copy of the weights, which is not fetched"


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json", "config.json"])
def test_a_git_lfs_pointer(folder, name):
    (folder / name).write_text(POINTER)
    assert found(folder) == f"{name}: a Git LFS pointer instead of the file"


def test_a_dangling_link(folder):
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to("/gone/blob")
    assert found(folder) == f"{WEIGHTS}: a link to /gone/blob, which is not there"


def test_no_weights_no_tokenizer_no_configuration(folder):
    for path in folder.iterdir():
        path.unlink()
    (folder / "training_args.bin").write_bytes(b"no weights")
    words = found(folder)
    assert all(part in words for part in ("no weights", "config.json: missing", "no tokenizer")), words


@pytest.mark.parametrize("index", [True, False])
def test_a_missing_shard(tmp_path, index):
    folder = tiny_checkpoint(tmp_path / "sharded", shards=True)
    (folder / SHARDS[1]).unlink()
    if not index:
        (folder / "model.safetensors.index.json").unlink()
    because = "model.safetensors.index.json names it" if index else f"{SHARDS[0]} is there"
    assert found(folder) == f"{SHARDS[1]}: missing; {because}"


@pytest.mark.parametrize("content", ["[]", "{", '{"weight_map": 1}'])
def test_a_damaged_index(tmp_path, content):
    folder = tiny_checkpoint(tmp_path / "sharded", shards=True)
    (folder / "model.safetensors.index.json").write_text(content)
    assert found(folder) == "model.safetensors.index.json: no index of weights"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("config.json", "{", "not JSON"),
        ("config.json", "[]", "no JSON object"),
        ("config.json", "\udcff", "not JSON"),
        ("config.json", "[" * 100_000, "not JSON"),
        ("tokenizer_config.json", "", "not JSON"),
        ("tokenizer.json", '{"model": ', "cut off"),
        (WEIGHTS, "", "cut off within its header, at 0 bytes"),
        (WEIGHTS, "<html>not found</html>", "no safetensors file"),
        (WEIGHTS, "\x02" + "\0" * 7 + "{}", "no tensor in it"),
        (WEIGHTS, "\x02" + "\0" * 7 + "[]", "its header is not readable"),
        (WEIGHTS, "\x10" + "\0" * 7 + "{}", "cut off within its header"),
        (GGUF, "<html>not found</html>", "no GGUF file"),
        (GGUF, "", "no GGUF file"),
        (GGUF, "GGUF", "cut off within its header"),
    ],
)
def test_a_file_that_is_not_what_its_name_says(folder, name, content, words):
    (folder / name).write_text(content, errors="surrogateescape")
    assert f"{name}: " in found(folder) and words in found(folder)


@pytest.mark.parametrize("by", [-1, 1])
def test_weights_of_another_length_than_their_header_says(folder, by):
    path = folder / WEIGHTS
    length = path.stat().st_size
    cut(path, -1) if by < 0 else path.write_bytes(path.read_bytes() + b"\0")
    assert f"{length + by} bytes instead of {length}" in found(folder)


def test_a_gguf_file_cut_anywhere(tmp_path):
    whole = tiny_gguf(tmp_path / GGUF).read_bytes()
    for length in range(len(whole)):
        (tmp_path / GGUF).write_bytes(whole[:length])
        assert f"{GGUF}: " in found(tmp_path), length


@pytest.mark.parametrize("place", [8, 16, 24])  # counts of tensors and entries, length of a name
def test_a_gguf_file_that_claims_too_much(tmp_path, place):
    content = bytearray(tiny_gguf(tmp_path / GGUF).read_bytes())
    content[place : place + 8] = HUGE
    (tmp_path / GGUF).write_bytes(content)
    assert f"{GGUF}: " in found(tmp_path)


def test_the_texts_of_a_gguf_file(tmp_path):
    header = read_gguf(tiny_gguf(tmp_path / GGUF, "{{ strftime_now('%Y') }}"))
    assert header.metadata == {"tokenizer.chat_template": "{{ strftime_now('%Y') }}"}


@pytest.mark.parametrize("name", [WEIGHTS, GGUF])
def test_a_local_checkpoint_is_refused_where_it_is_linked(folder, tmp_path, name):
    (tiny_safetensors if name == WEIGHTS else tiny_gguf)(folder / name)
    cut(folder / name, -1)
    options = ["--path", folder, "--output", tmp_path / "m/checkpoint", "--manifest", tmp_path / "m/manifest.json"]
    reply = run_script("download_checkpoint.py", *options)
    assert reply.returncode == 2 and f"{name}: " in reply.stderr and "cut off" in reply.stderr
    assert not (tmp_path / "m/manifest.json").exists() and not (tmp_path / "m/checkpoint").exists()
