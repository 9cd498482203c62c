"""The mean of checkpoints: by numpy alone, in float32, whole or not there."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from in_process import run_script

from openmath.training import averaging
from openmath.training.averaging import as_float32, from_float32

F32, F16, BF16, I64 = "F32", "F16", "BF16", "I64"


def checkpoint(folder: Path, *shards: dict[str, tuple[str, list]], config: dict | None = None) -> Path:
    """A checkpoint with these tensors: name -> (type, values). Several dicts: several files with an index."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config or {"model_type": "llama", "dtype": "float32"}))
    (folder / "tokenizer.json").write_text("{}")
    names, weight_map = [f"model-{n + 1:05}-of-{len(shards):05}.safetensors" for n in range(len(shards))], {}
    for name, tensors in zip(names if len(shards) > 1 else ["model.safetensors"], shards, strict=True):
        header, content = {}, b""
        for tensor, (dtype, values) in tensors.items():
            array = np.array(values, np.int64 if dtype == I64 else np.float32)
            stored = array.tobytes() if dtype == I64 else from_float32(array.ravel(), dtype).tobytes()
            offsets = [len(content), len(content) + len(stored)]
            header[tensor] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
            content += stored
            weight_map[tensor] = name
        text = json.dumps(header).encode()
        (folder / name).write_bytes(struct.pack("<Q", len(text)) + text + content)
    if len(shards) > 1:
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return folder


def weights(folder: Path) -> dict[str, tuple[str, list]]:
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        content = path.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        for name, entry in json.loads(content[8 : 8 + length]).items():
            if name != "__metadata__":
                start, end = (8 + length + offset for offset in entry["data_offsets"])
                stored = np.frombuffer(content[start:end], averaging.STORED[entry["dtype"]])
                found[name] = entry["dtype"], as_float32(stored, entry["dtype"]).reshape(entry["shape"]).tolist()
    return found


def average(*folders: Path, output: Path, more: tuple = ()):
    return run_script("average_checkpoints", "--checkpoints", *folders, "--output", output, *more)


@pytest.mark.parametrize(
    ("dtype", "a", "b", "mean"),
    [
        (F32, [1.0, -2.0, 1e-30], [2.0, 4.0, 3e-30], [1.5, 1.0, 2e-30]),
        (F16, [60000.0, 1.0], [60000.0, 1.001953125], [60000.0, 1.0009765625]),  # the sum is beyond float16
        (BF16, [256.0, 1.0], [258.0, 1.0078125], [257.0, 1.0]),  # 257 lies between two: the even one, 256
    ],
)
def test_the_mean_is_made_in_float32_and_cast_back(tmp_path, dtype, a, b, mean):
    first = checkpoint(tmp_path / "step-1", {"w": (dtype, a)})
    second = checkpoint(tmp_path / "step-2", {"w": (dtype, b)})
    assert average(first, second, output=tmp_path / "m/checkpoint").returncode == 0
    kind, values = weights(tmp_path / "m/checkpoint")["w"]
    assert kind == dtype
    assert values == as_float32(from_float32(np.array(mean, np.float32), dtype), dtype).tolist()


def test_bfloat16_rounds_to_the_nearest_and_to_the_even_one():
    exact = np.array([257.0, 259.0, 257.1, -257.0, 1e-45, 3.3e38], np.float32)
    assert as_float32(from_float32(exact, BF16), BF16).tolist()[:4] == [256.0, 260.0, 258.0, -256.0]


def test_a_tensor_is_summed_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(averaging, "PART", 3)
    folders = [checkpoint(tmp_path / f"step-{n}", {"w": (F32, [[n * 1.0, 2.0], [3.0, 4.0 * n]])}) for n in (1, 2, 3)]
    assert average(*folders, output=tmp_path / "mean").returncode == 0
    assert weights(tmp_path / "mean")["w"] == (F32, [[2.0, 2.0], [3.0, 8.0]])


def test_shards_stay_shards_and_other_files_are_the_last_ones(tmp_path):
    shards = {"a": (F32, [1.0])}, {"b": (F32, [3.0])}
    folders = [checkpoint(tmp_path / f"step-{n}", *shards) for n in (1, 2)]
    (folders[1] / "chat_template.jinja").write_text("hello")
    (folders[1] / "trainer").mkdir()
    (folders[1] / "trainer/optimizer.pt").write_text("state")
    (folders[1] / "complete.json").write_text("{}")
    assert average(*folders, output=tmp_path / "mean", more=("--dtype", "bfloat16")).returncode == 0
    found = {path.name for path in (tmp_path / "mean").iterdir()}
    index = json.loads((tmp_path / "mean/model.safetensors.index.json").read_text())
    assert index["weight_map"] == {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    assert index["metadata"]["total_size"] == 4
    assert found == {*index["weight_map"].values(), "model.safetensors.index.json", "averaged.json"} | {
        "config.json",
        "tokenizer.json",
        "chat_template.jinja",
    }
    assert json.loads((tmp_path / "mean/config.json").read_text())["dtype"] == "bfloat16"
    assert weights(tmp_path / "mean") == {"a": (BF16, [1.0]), "b": (BF16, [3.0])}
    record = json.loads((tmp_path / "mean/averaged.json").read_text())
    assert record["steps"] == [1, 2] and len(record["sources"]) == 2


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"w": (I64, [1, 2])}, {"w": (I64, [1, 2])}, "Only floats"),
        ({"w": (F32, [1.0])}, {"v": (F32, [1.0])}, "same tensors"),
        ({"w": (F32, [1.0])}, {"w": (F32, [1.0, 2.0])}, "same tensors"),
        ({"w": (F32, [1.0])}, {"w": (F16, [1.0])}, "same tensors"),
        ({"w": (F32, [1.0])}, {"w": (F32, [float("nan")])}, "not a finite number"),
    ],
)
def test_what_has_no_mean_is_refused_and_leaves_nothing(tmp_path, first, second, words):
    folders = checkpoint(tmp_path / "step-1", first), checkpoint(tmp_path / "step-2", second)
    reply = average(*folders, output=tmp_path / "mean")
    assert reply.returncode == 2 and words in reply.stderr
    assert not (tmp_path / "mean").exists()


def test_other_models_and_doubles_are_refused(tmp_path):
    first = checkpoint(tmp_path / "step-1", {"w": (F32, [1.0])})
    other = checkpoint(tmp_path / "step-2", {"w": (F32, [1.0])}, config={"model_type": "qwen3"})
    assert "different models" in average(first, other, output=tmp_path / "mean").stderr
    assert "named twice" in average(first, first, output=tmp_path / "mean").stderr
    assert "no such checkpoint" in average(first, tmp_path / "step-3", output=tmp_path / "mean").stderr


def test_what_a_killed_run_left_is_made_anew(tmp_path):
    first = checkpoint(tmp_path / "step-1", {"w": (F32, [1.0])})
    left = tmp_path / ".mean.averaging"
    left.mkdir()
    (left / "old.safetensors").write_text("half")
    assert average(first, output=tmp_path / "mean").returncode == 0
    assert not left.exists() and not (tmp_path / "mean/old.safetensors").exists()
