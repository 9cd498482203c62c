"""What an engine says of itself: whether tokens come, and how much its cache holds. Pure functions of what it serves and prints.

Standard library only: this module also runs inside engine containers.
"""

import math
import re
from typing import NamedTuple

# Samples of Prometheus that count tokens or steps: vllm:generation_tokens_total, sglang:generation_tokens_total,
# llamacpp:n_decode_total; and the step of TensorRT-LLM's JSON. Not what a look at them moves, as requests and CPU seconds do.
COUNTER = re.compile(
    rb"^[a-z:_]*(?:token|decode)[a-z_]*_(?:total|sum)(?:\{[^\n]*\})? [^\n]+|\"iter\": ?\d+",
    re.MULTILINE | re.IGNORECASE,
)
CACHE_BLOCKS = re.compile(r"^vllm:cache_config_info\{([^\n]*)\}", re.MULTILINE)
LABEL = r'\b%s="(\d+)"'
# In the log: vLLM's sum over unlike layers is better than blocks times their size; TensorRT-LLM says it nowhere else.
CACHE_LINES = (
    re.compile(r"GPU KV cache size: ([\d,]+) tokens"),
    re.compile(r"max tokens in paged KV cache \((\d+)\)"),
)
QUEUED = 2  # as many again wait before each slot, so that none is ever idle
SLOTS = re.compile(r"\bn_slots = (\d+)")  # llama.cpp


class Capacity(NamedTuple):
    """What an engine has room for, as far as it says. cache_tokens: in its cache. slots: requests that it works on at a time."""

    cache_tokens: int | None = None
    slots: int | None = None

    def requests(self, held: float) -> float:
        """How many requests in flight keep the engine full. held: tokens that one has in the cache, on average over its time."""
        fits = max(1, self.cache_tokens // held) if self.cache_tokens else math.inf
        return min(fits, QUEUED * self.slots if self.slots else math.inf)

    def words(self, held: float) -> str:
        """Why it is not more."""
        if self.cache_tokens and self.cache_tokens // held <= self.requests(held):
            return f"the cache holds {self.cache_tokens:,} tokens, and a request takes {held:,.0f} of them on average"
        return f"the engine works on {self.slots} at a time"


def counters(metrics: bytes) -> bytes:
    """Those lines of /metrics that change while tokens come, and only then; empty where there are none."""
    return b"\n".join(COUNTER.findall(metrics))


def capacity(metrics: str, log: str) -> Capacity:
    """metrics: what the engine serves under /metrics. log: what it has printed since its start."""
    slots = SLOTS.findall(log)
    return Capacity(_cache_tokens(metrics, log), int(slots[-1]) if slots else None)


def _cache_tokens(metrics: str, log: str) -> int | None:
    for line in CACHE_LINES:
        if found := line.findall(log):
            return int(found[-1].replace(",", ""))
    tokens = 0
    for labels in CACHE_BLOCKS.findall(metrics):  # a line for each engine behind the server
        blocks, size = (re.search(LABEL % name, labels) for name in ("num_gpu_blocks", "block_size"))
        tokens += int(blocks[1]) * int(size[1]) if blocks and size else 0
    return tokens or None
