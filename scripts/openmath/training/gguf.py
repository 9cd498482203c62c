"""A trained checkpoint as GGUF, for llama.cpp, after the GGUF file that the training started from: its metadata, our weights.

Vocabulary, template and sizes are the base's, for no training changes them; so only tensors are written anew: matrices as float16,
vectors as float32. Models of the Llama family only, as that file says.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from openmath.engines.gguf_copy import write_gguf_like
from openmath.engines.weights import NotWhole, read_gguf
from openmath.errors import InputError
from openmath.files.json_files import read_json
from openmath.training.averaging import STORED, Place, as_float32, tensor_places

FAMILY = "llama"
NAMES = {  # GGUF -> HF, of what stands before `.weight`
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
LAYER = re.compile(r"blk\.(\d+)\.(\w+)\.weight")
F32, F16 = 0, 1  # types of tensors
FILE_TYPE = 1  # mostly float16


def write_gguf(checkpoint: Path, like: Path) -> Path:
    """Write model.gguf into a HF checkpoint; returns its path. like: the folder with the GGUF file to write it after."""
    template = next(iter(sorted(like.glob("*.gguf"))), None)
    if template is None:
        raise InputError("There is no GGUF file to write the trained model after.", where=like, expected="*.gguf")
    try:
        header = read_gguf(template)
    except NotWhole as problem:
        raise InputError(f"This GGUF file cannot be read: {problem}.", where=template) from None
    if (family := header.metadata.get("general.architecture")) != FAMILY:
        raise InputError(
            "Only models of the Llama family are written as GGUF.",
            where=template,
            expected=FAMILY,
            found=family,
            hint="serve the trained model with another engine: vllm takes the checkpoint as it stands.",
        )
    config = read_json(checkpoint / "config.json", "the model's configuration")
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    places = tensor_places(checkpoint)
    for name, lengths in header.tensors.items():
        place = _place(name, places, template)
        if place.shape[::-1] != lengths:
            where = f"{checkpoint}: {name}"
            raise InputError("A tensor has another shape.", where=where, expected=lengths[::-1], found=place.shape)
    kinds = {name: F16 if len(lengths) > 1 else F32 for name, lengths in header.tensors.items()}

    def content(name: str) -> Iterator[bytes]:
        values = _values(name, _place(name, places, template), heads)
        yield values.astype("<f2" if kinds[name] == F16 else "<f4").tobytes()

    output = checkpoint / "model.gguf"
    write_gguf_like(output, template, header, file_type=FILE_TYPE, kinds=kinds, content=content)
    return output


def _place(name: str, places: dict[str, Place], template: Path) -> Place:
    """The tensor of the HF checkpoint that GGUF calls `name`."""
    layer = LAYER.fullmatch(name)
    prefix, part = (f"model.layers.{layer[1]}.", layer[2]) if layer else ("", name.removesuffix(".weight"))
    theirs = f"{prefix}{NAMES.get(part)}.weight"
    if theirs not in places:
        raise InputError("The trained model has no such tensor.", where=f"{template}: {name}", expected=theirs)
    return places[theirs]


def _values(name: str, place: Place, heads: dict[str, int]) -> np.ndarray:
    """A tensor in GGUF's order, float32. heads: of the tensors that are turned, by the end of their name."""
    raw = np.fromfile(place.path, STORED[place.dtype], place.values, offset=place.offset)
    array = as_float32(raw, place.dtype).reshape(place.shape)
    for part, count in heads.items():
        if f".{part}." in name:  # llama.cpp turns pairs of neighbours, HF the two halves of a head
            array = array.reshape(count, 2, len(array) // count // 2, -1).swapaxes(1, 2).reshape(place.shape)
    return array
