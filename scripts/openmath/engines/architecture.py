"""A model's settings against the config.json of its HF checkpoint; asked before the start, and once more where the engine is made.

Standard library only: this module also runs inside engine containers.
"""

from collections.abc import Iterator

from openmath.errors import InputError


def check_architecture(
    where: str, architecture: dict, *, tensor_parallel: int, context_length: int, pipeline_parallel: int = 1
) -> Iterator[InputError]:
    """Each problem of heads, layers and positions. where: what the settings stand in. architecture: config.json."""
    heads, groups = architecture.get("num_attention_heads"), architecture.get("num_key_value_heads")
    # Key-value heads are split, or repeated where there are fewer of them than GPUs.
    uneven = (heads and heads % tensor_parallel) or (groups and groups % tensor_parallel and tensor_parallel % groups)
    if uneven:
        yield InputError(
            "tensor_parallel does not divide the model's attention heads.",
            where=f"{where}: tensor_parallel",
            expected=f"a divisor of {heads} attention heads that fits {groups} key-value heads",
            found=tensor_parallel,
            hint="1, 2, 4 and 8 fit most models.",
        )
    layers = architecture.get("num_hidden_layers")
    if layers and pipeline_parallel > layers:
        yield InputError(
            "There are fewer layers than parts to deal them to.",
            where=f"{where}: pipeline_parallel",
            expected=f"at most {layers} (num_hidden_layers)",
            found=pipeline_parallel,
            hint="tensor_parallel takes more GPUs, too.",
        )
    longest = architecture.get("max_position_embeddings")
    stretched = architecture.get("rope_scaling") or (architecture.get("rope_parameters") or {}).get("factor")
    if longest and context_length > longest and not stretched:
        yield InputError(
            "The context is longer than the model supports.",
            where=f"{where}: context_length",
            expected=f"at most {longest} (max_position_embeddings)",
            found=f"{context_length}, longer than the model's positions",
            hint=f"context_length: {longest}",
        )
