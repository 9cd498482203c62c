"""The least time in which a card could decode some requests: the ceiling under which perf/generation_vllm.py measures.

A step of a batch computes 2 operations for each parameter and token, and reads the weights once and each sequence's cache. Both
are counted one after the other, at speeds that one H200 was measured to reach; attention's own operations are left out.
"""

import json
from pathlib import Path

OPERATIONS = 790e12  # a second: product of two bfloat16 matrices of 8192 x 8192
BYTES = 4.3e12  # a second: copy on the device, bytes read and written
BATCH = 1024  # sequences in a step: MAX_NUM_SEQS of engines/vllm.py
BYTES_OF_NUMBER = 2  # bfloat16


def bound_seconds(
    checkpoint: Path, requests: list[dict], tokens: int, *, gpus: int, cache_bytes: int = BYTES_OF_NUMBER
) -> float:
    """requests: with the token `ids` of their prompts. tokens: generated for all of them. gpus: that share each layer.

    cache_bytes: of a number in the cache.
    """
    config = json.loads((checkpoint / "config.json").read_text())
    prompts = sum(len(request["ids"]) for request in requests)
    context = (prompts + tokens / 2) / len(requests)  # tokens in the cache of a sequence, on the average of its steps
    operations = 2 * parameters(config) * (tokens + prompts)
    read = BYTES_OF_NUMBER * parameters(config) * tokens / min(BATCH, len(requests))
    read += cache_bytes * cache_numbers(config) * context * tokens
    return (operations / OPERATIONS + read / BYTES) / gpus


def parameters(config: dict) -> int:
    """Of a dense Llama, as used in a step: the embedding of the input is only looked up."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    attention = 2 * width * width + width * cache_numbers(config) // config["num_hidden_layers"]
    return config["num_hidden_layers"] * (attention + 3 * width * inner) + config["vocab_size"] * width


def cache_numbers(config: dict) -> int:
    """Keys and values of one token, in all layers."""
    head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    return 2 * config["num_hidden_layers"] * config["num_key_value_heads"] * head
