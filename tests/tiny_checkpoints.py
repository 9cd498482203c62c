"""Files of checkpoints that are whole by their headers, and hold next to nothing."""

import json
import struct
from pathlib import Path

SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


def tiny_safetensors(path: Path, size: int = 4) -> Path:
    """One tensor of `size` bytes of zeros, which take no room on the disk."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + size)
    return path


def tiny_gguf(path: Path, template: str = "") -> Path:
    """One tensor of 64 values of four bits, a vocabulary, a chat template."""

    def text(words: str) -> bytes:
        return struct.pack("<Q", len(words.encode())) + words.encode()

    entries = [
        text("general.alignment") + struct.pack("<II", 4, 32),
        text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
        text("tokenizer.ggml.scores") + struct.pack("<IIQ2f", 9, 6, 2, 0.0, 1.0),
        text("tokenizer.chat_template") + struct.pack("<I", 8) + text(template),
    ]
    tensor = text("w") + struct.pack("<IQIQ", 1, 64, 2, 0)
    header = b"GGUF" + struct.pack("<IQQ", 3, 1, len(entries)) + b"".join(entries) + tensor
    path.write_bytes(header + bytes(-len(header) % 32) + bytes(2 * 18))
    return path


def tiny_checkpoint(folder: Path, *, shards: bool = False) -> Path:
    """A folder as from the Hub: configuration, tokenizer, and weights in one file or in two with an index."""
    folder.mkdir(exist_ok=True, parents=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    for name in SHARDS if shards else ["model.safetensors"]:
        tiny_safetensors(folder / name)
    if shards:
        weight_map = {"a": SHARDS[0], "b": SHARDS[1]}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return folder
