"""A trained checkpoint as GGUF: the base's metadata byte for byte but for the type, our weights, heads as llama.cpp turns them."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from openmath.engines.weights import read_gguf
from openmath.errors import InputError
from openmath.training.gguf import write_gguf

HEADS, KEYS, WIDTH, HIDDEN = 2, 1, 4, 6


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words)) + words.encode()


def base_gguf(folder: Path, family: str = "llama", vocabulary: int = 3) -> Path:
    """A base of the Llama family, all of it float32 zeros."""
    tensors = {
        "token_embd.weight": [HIDDEN, vocabulary],
        "blk.0.attn_q.weight": [HIDDEN, HEADS * WIDTH],
        "blk.0.attn_k.weight": [HIDDEN, KEYS * WIDTH],
        "output_norm.weight": [HIDDEN],
    }
    entries = [
        text("general.architecture") + struct.pack("<I", 8) + text(family),
        text("general.file_type") + struct.pack("<II", 4, 7),
        text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 1) + text("a"),
    ]
    described, end = b"", 0
    for name, lengths in tensors.items():
        described += text(name) + struct.pack(f"<I{len(lengths)}QIQ", len(lengths), *lengths, 0, end)
        end += 4 * int(np.prod(lengths))
        end += -end % 32
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries) + described
    folder.mkdir()
    path = folder / "base.gguf"
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(end))
    return path


def trained(folder: Path) -> dict[str, np.ndarray]:
    shapes = {
        "model.embed_tokens.weight": (3, HIDDEN),
        "model.layers.0.self_attn.q_proj.weight": (HEADS * WIDTH, HIDDEN),
        "model.layers.0.self_attn.k_proj.weight": (KEYS * WIDTH, HIDDEN),
        "model.norm.weight": (HIDDEN,),
    }
    values, header, end = {}, {}, 0
    for number, (name, shape) in enumerate(shapes.items()):
        values[name] = (np.arange(np.prod(shape), dtype="<f4") + 100 * number).reshape(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + values[name].nbytes]}
        end += values[name].nbytes
    packed = json.dumps(header).encode()
    folder.mkdir()
    body = b"".join(array.tobytes() for array in values.values())
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(packed)) + packed + body)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    (folder / "config.json").write_text(json.dumps({"num_attention_heads": HEADS, "num_key_value_heads": KEYS}))
    return values


def stored(path: Path) -> dict[str, np.ndarray]:
    """Name -> values as they lie in the file."""
    content, header = path.read_bytes(), read_gguf(path)
    place, found = header.span[1], {}
    described = []
    for name, lengths in header.tensors.items():
        place += 8 + len(name) + 4 + 8 * len(lengths)
        kind, offset = struct.unpack_from("<IQ", content, place)
        place += 12
        described.append((name, lengths, kind, offset))
    start = place + -place % 32
    for name, lengths, kind, offset in described:
        raw = np.frombuffer(content, "<f2" if kind == 1 else "<f4", int(np.prod(lengths)), start + offset)
        found[name] = raw.reshape(lengths[::-1])
    return found


def test_metadata_of_the_base_and_weights_of_the_training(tmp_path):
    base = base_gguf(tmp_path / "base")
    values = trained(tmp_path / "trained")
    path = write_gguf(tmp_path / "trained", tmp_path / "base")
    before, after = read_gguf(base), read_gguf(path)
    entries = [file.read_bytes()[slice(*header.span)] for file, header in ((base, before), (path, after))]
    assert entries[1] == entries[0].replace(struct.pack("<II", 4, 7), struct.pack("<II", 4, 1))
    assert after.tensors == before.tensors and path.stat().st_size >= after.size
    found = stored(path)
    assert (found["token_embd.weight"] == values["model.embed_tokens.weight"]).all()
    assert found["output_norm.weight"].dtype == np.dtype("<f4")
    rows = values["model.layers.0.self_attn.q_proj.weight"]  # of each head: 0 1 | 2 3 -> 0 2 1 3
    assert (found["blk.0.attn_q.weight"] == rows[[0, 2, 1, 3, 4, 6, 5, 7]]).all()
    assert (found["blk.0.attn_k.weight"] == values["model.layers.0.self_attn.k_proj.weight"][[0, 2, 1, 3]]).all()


@pytest.mark.parametrize(
    ("base", "message"),
    [({"family": "qwen2"}, "Only models of the Llama family"), ({"vocabulary": 4}, "A tensor has another shape")],
)
def test_other_bases(tmp_path, base, message):
    base_gguf(tmp_path / "base", **base)
    trained(tmp_path / "trained")
    with pytest.raises(InputError, match=message):
        write_gguf(tmp_path / "trained", tmp_path / "base")
    assert not (tmp_path / "trained/model.gguf").exists()
