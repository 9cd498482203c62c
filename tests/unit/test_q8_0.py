"""llama.cpp's copy of a checkpoint: what is stored as Q8_0, how far a value may move, and how the copy is made and served."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from in_process import run_script

from openmath.engines import llamacpp, read_engine
from openmath.engines.q8_0 import floats, write_q8_0
from openmath.engines.weights import read_gguf, stored_bytes
from openmath.errors import InputError

F32, F16, Q4_0, Q4_1, Q8_0, BF16 = 0, 1, 2, 3, 8, 30
ROWS, WIDTH = 3, 64


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words)) + words.encode()


def write_gguf(path: Path, tensors: dict[str, tuple[int, list[int], bytes]], file_type: int = 3) -> Path:
    """name -> type, lengths, content."""
    entries = [
        text("general.architecture") + struct.pack("<I", 8) + text("llama"),
        text("general.file_type") + struct.pack("<II", 4, file_type),
    ]
    described, body = b"", b""
    for name, (kind, lengths, content) in tensors.items():
        described += text(name) + struct.pack(f"<I{len(lengths)}QIQ", len(lengths), *lengths, kind, len(body))
        body += content + bytes(-len(content) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries) + described
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + bytes(-len(head) % 32) + body)
    return path


def values_of(path: Path, name: str) -> np.ndarray:
    """A Q8_0 tensor, by the format's definition."""
    header, content = read_gguf(path), path.read_bytes()
    _, start = header.places[name]
    found = []
    for at in range(start, start + stored_bytes(header.tensors[name], Q8_0), 34):
        scale, *numbers = struct.unpack_from("<e32b", content, at)
        found += [scale * number for number in numbers]
    return np.array(found)


DRAWN = np.random.default_rng(0).normal(0, 0.05, ROWS * WIDTH).astype("<f4")
NIBBLES = [(7 * place) % 16 for place in range(ROWS * WIDTH)]
SCALE, LEAST = 0.0625, -0.5  # float16 holds both


def as_q4_1() -> bytes:
    blocks = [NIBBLES[start : start + 32] for start in range(0, ROWS * WIDTH, 32)]
    pairs = (bytes(low | high << 4 for low, high in zip(block[:16], block[16:], strict=True)) for block in blocks)
    return b"".join(struct.pack("<ee", SCALE, LEAST) + pair for pair in pairs)


STORED = {
    F16: (DRAWN.astype("<f2").tobytes(), DRAWN.astype("<f2").astype(float)),
    BF16: (
        (DRAWN.view("<u4") >> 16).astype("<u2").tobytes(),
        (DRAWN.view("<u4") >> 16 << 16).view("<f4").astype(float),
    ),
    Q4_1: (as_q4_1(), np.array([SCALE * nibble + LEAST for nibble in NIBBLES])),
}


@pytest.mark.parametrize("kind", STORED)
def test_no_value_moves_by_more_than_half_a_step_of_its_block(tmp_path, kind):
    stored, true = STORED[kind]
    source = write_gguf(tmp_path / "m.gguf", {"w": (kind, [WIDTH, ROWS], stored)})
    copy = write_q8_0(source, tmp_path / "copy.gguf")
    moved = np.abs(values_of(copy, "w") - true).reshape(-1, 32)
    largest = np.abs(true).reshape(-1, 32).max(axis=1, keepdims=True)
    # The scale is a float16, whose 11 bits move the largest value, 127 steps, by up to 127 / 2048 of a step more.
    assert (moved <= largest / 127 * (0.5 + 127 / 2048 + 1e-3)).all()
    assert moved.max() > 0, "numbers of eight bits cannot hold all of them"


def test_what_a_nibble_means():
    assert floats(as_q4_1(), Q4_1).ravel().tolist() == [SCALE * nibble + LEAST for nibble in NIBBLES]


def test_a_block_of_zeros_stays_one(tmp_path):
    source = write_gguf(tmp_path / "m.gguf", {"w": (F16, [WIDTH, ROWS], bytes(2 * WIDTH * ROWS))})
    assert not values_of(write_q8_0(source, tmp_path / "copy.gguf"), "w").any()


def test_all_else_is_the_files_own(tmp_path):
    """Vectors, float32, other quantised types, and rows that are no whole number of blocks."""
    kept = {
        "norm": (F16, [WIDTH], bytes(range(2 * WIDTH))),
        "router": (F32, [WIDTH, 1], DRAWN[:WIDTH].tobytes()),
        "fast": (Q4_0, [WIDTH, 1], bytes(range(36))),
        "narrow": (F16, [16, 2], bytes(range(64))),
    }
    tensors = {"norm": kept["norm"], "w": (Q4_1, [WIDTH, ROWS], as_q4_1()), **kept}
    source = write_gguf(tmp_path / "m.gguf", tensors)
    copy = write_q8_0(source, tmp_path / "copy.gguf")
    header, content, before = read_gguf(copy), copy.read_bytes(), source.read_bytes()
    assert header.tensors == read_gguf(source).tensors and header.places["w"][0] == Q8_0
    for name, (kind, lengths, stored) in kept.items():
        place, start = header.places[name]
        assert place == kind and content[start : start + stored_bytes(lengths, kind)] == stored, name
    entries = content[slice(*header.span)]
    assert entries == before[slice(*read_gguf(source).span)].replace(struct.pack("<II", 4, 3), struct.pack("<II", 4, 7))


def test_parts_of_a_large_matrix_join_without_a_seam(tmp_path, monkeypatch):
    stored, _ = STORED[Q4_1]
    source = write_gguf(tmp_path / "m.gguf", {"w": (Q4_1, [WIDTH, ROWS], stored)})
    whole = write_q8_0(source, tmp_path / "whole.gguf").read_bytes()
    monkeypatch.setattr("openmath.engines.q8_0.PART", 1)
    assert write_q8_0(source, tmp_path / "parts.gguf").read_bytes() == whole


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"w": (Q8_0, [WIDTH, ROWS], bytes(204))}, "No weights of this GGUF file would change"),
        ({"w": (Q4_1, [WIDTH, ROWS], as_q4_1()), "new": (99, [WIDTH], b"?")}, "a type that we do not know"),
        ({"w": (Q4_1, [WIDTH, ROWS], b"")}, "This GGUF file cannot be read: .* cut off"),
    ],
)
def test_what_is_not_copied(tmp_path, tensors, message):
    source = write_gguf(tmp_path / "m.gguf", tensors)
    with pytest.raises(InputError, match=message):
        write_q8_0(source, tmp_path / "copy.gguf")
    assert not (tmp_path / "copy.gguf").exists()


def test_build_engine_makes_the_copy_and_the_server_loads_it(tmp_path):
    source = write_gguf(tmp_path / "checkpoint/m.gguf", {"w": (Q4_1, [WIDTH, ROWS], as_q4_1())})
    (tmp_path / "manifest.json").write_text(json.dumps({"source": "path", "revision": None, "files": {}}))
    options = ("--engine", "llamacpp", "--checkpoint", source.parent, "--manifest", tmp_path / "manifest.json")
    for dtype in ("bfloat16", "q8_0"):
        reply = run_script("build_engine.py", *options, "--dtype", dtype, "--output", tmp_path / dtype)
        assert reply.returncode == 0, reply.stderr
    served = {}
    for dtype in ("bfloat16", "q8_0"):
        description = read_engine(tmp_path / dtype)
        server = llamacpp.server(description, command="serve", args="", log=tmp_path / "log")
        served[dtype] = server.command(1)[2], server.model
    copy = tmp_path / "q8_0/m-q8_0.gguf"
    assert served == {"bfloat16": (str(source), "m"), "q8_0": (str(copy), "m-q8_0")}
    assert read_gguf(copy).places["w"][0] == Q8_0
    copy.unlink()
    with pytest.raises(InputError, match="The copy of the weights is not there"):
        llamacpp.server(description, command="serve", args="", log=tmp_path / "log")


def test_a_description_without_its_copy_is_none(tmp_path):
    settings = {"dtype": "q8_0", "tensor_parallel": 1, "context_length": 512, "deterministic": False}
    described = {"engine": "llamacpp", "version": "1", "model": {}, "settings": settings, "checkpoint": "c"}
    (tmp_path / "engine.json").write_text(json.dumps(described))
    with pytest.raises(InputError, match="not the description of an engine"):
        read_engine(tmp_path)
