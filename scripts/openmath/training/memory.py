"""What a training will need, from the sizes of its base alone: parameters, memory, disk, operations. Standard library only.

Weights, gradients and both moments of AdamW are float32: 16 bytes a parameter, dealt to the GPUs by FSDP. Activations are those
of one micro-batch on one device.
"""

from pathlib import Path
from typing import NamedTuple

from openmath.engines.weights import NotWhole, read_gguf
from openmath.files.json_files import read_json
from openmath.training.recipe import Recipe

STATE_BYTES = 16  # a parameter: weight, gradient, two moments
WEIGHT_BYTES, OPTIMIZER_BYTES = 4, 8  # a parameter, on the disk
LOGITS = 2**30  # bytes: of the loss, which is made in chunks of tokens
OVERHEAD = 2 * 2**30  # bytes: CUDA context, NCCL, what the allocator cannot use


class Shape(NamedTuple):
    """A decoder of the Llama family, from its config.json."""

    layers: int
    hidden: int
    inner: int  # of the MLP
    queries: int  # heads x their width
    keys: int  # key-value heads x their width
    vocabulary: int
    tied: bool


def shape_of(config: dict) -> Shape | None:
    """None where config.json does not say enough."""
    try:
        hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
        width = int(config.get("head_dim") or hidden // heads)
        groups = int(config.get("num_key_value_heads") or heads)
        return Shape(
            layers=int(config["num_hidden_layers"]),
            hidden=hidden,
            inner=int(config["intermediate_size"]),
            queries=heads * width,
            keys=groups * width,
            vocabulary=int(config["vocab_size"]),
            tied=bool(config.get("tie_word_embeddings", False)),
        )
    except (LookupError, TypeError, ValueError, ZeroDivisionError):
        return None


def shape_of_checkpoint(folder: Path) -> Shape | None:
    """None where there is no checkpoint, or none that says enough."""
    config = folder / "config.json"
    if config.is_file():
        return shape_of(read_json(config, "the model's configuration"))
    files = sorted(folder.glob("*.gguf"))
    try:
        return shape_of_gguf(read_gguf(files[0]).tensors) if len(files) == 1 else None
    except (NotWhole, OSError):
        return None  # another check names the damage


def shape_of_gguf(tensors: dict[str, list[int]]) -> Shape | None:
    """tensors: of a GGUF file, name -> lengths, of the inner dimension first. None where they are not the Llama family's."""
    try:
        hidden, vocabulary = tensors["token_embd.weight"]
        return Shape(
            layers=sum(name.endswith(".ffn_gate.weight") for name in tensors),
            hidden=hidden,
            inner=tensors["blk.0.ffn_gate.weight"][1],
            queries=tensors["blk.0.attn_q.weight"][1],
            keys=tensors["blk.0.attn_k.weight"][1],
            vocabulary=vocabulary,
            tied="output.weight" not in tensors,
        )
    except (LookupError, ValueError):
        return None


def parameters(shape: Shape) -> int:
    attention = shape.hidden * (2 * shape.queries + 2 * shape.keys)
    layer = attention + 3 * shape.hidden * shape.inner + 2 * shape.hidden
    return shape.layers * layer + shape.hidden + shape.vocabulary * shape.hidden * (1 if shape.tied else 2)


def device_bytes(shape: Shape, recipe: Recipe, devices: int) -> int:
    """Memory of each device, at rows of max_length tokens."""
    tokens = recipe.micro_batch_size * recipe.max_length
    size = 2 if recipe.precision == "bf16" else 4
    # What the backward pass needs of a layer: inputs of its products, and what lies between them; norms are made in float32.
    values = 8 * shape.hidden + 3 * shape.queries + 3 * shape.keys + 5 * shape.inner
    layer = tokens * values * size + tokens * shape.hidden * 8
    kept = (
        shape.layers * tokens * shape.hidden * size + layer if recipe.activation_checkpointing else shape.layers * layer
    )
    gathered = 0
    # FSDP: the embedding, the layer at work and the next are whole on each device, as is their gradient.
    if devices > 1:
        one = shape.hidden * (2 * shape.queries + 2 * shape.keys) + 3 * shape.hidden * shape.inner
        gathered = (2 * one + 2 * shape.vocabulary * shape.hidden) * (size + 4)
    return STATE_BYTES * parameters(shape) // devices + kept + gathered + LOGITS + OVERHEAD


def least_bytes(shape: Shape, recipe: Recipe, devices: int) -> int:
    """Memory of each device without which a training cannot run: the state, and half of the rest, for compiled layers keep less."""
    state = STATE_BYTES * parameters(shape) // devices
    return state + (device_bytes(shape, recipe, devices) - state) // 2


def host_bytes(shape: Shape) -> int:
    """Memory of a node whose GPUs train: its first process holds all weights when they are read, and when they are written."""
    return WEIGHT_BYTES * parameters(shape)


def disk_bytes(shape: Shape, recipe: Recipe) -> int:
    """Most that the checkpoints take at a time: weights of kept steps, two whole ones, and the one that is being written.

    Where save_at names the kept steps, the last three may be others.
    """
    weights = len(recipe.kept()) + (3 if recipe.save_at else 0)
    return parameters(shape) * (WEIGHT_BYTES * weights + 3 * OPTIMIZER_BYTES)


def flops_per_token(shape: Shape, length: int) -> float:
    """Operations of training on one token in rows of so many: 6 a parameter, and attention to half of the row on average."""
    return 6 * parameters(shape) + 6 * shape.layers * shape.queries * length
