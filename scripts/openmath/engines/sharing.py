"""Several engines on one GPU: how many pay, what share of its memory each gets, and whether they fit. Speed only.

An engine is one busy Python process. Beside a small model it leaves most of a large GPU idle, which further engines fill:
four of a 135M model on an H200 gave 2.5 times the tokens of one in a short job, two of an 8B model nothing (docs/engines.md).

Standard library only: this module also runs inside engine containers.
"""

import itertools
import json
import math
import os
import shlex
from pathlib import Path
from typing import Literal, NamedTuple

from openmath.errors import InputError
from openmath.files.records import EngineRecord
from openmath.machine import gpu_memory
from openmath.settings.engine_kinds import EngineKind, engine_kind, gpus_of

EnginesPerGpu = int | Literal["auto"]

GIB = 2**30
# (engines, largest part of the card that the weights may take): the more of the card a step reads, the less it leaves idle.
# A card with more memory is, roughly, a faster one: so the part decides and not the size.
PAYING = ((4, 1 / 200), (3, 1 / 40), (2, 1 / 15))
CORES = 1.5  # of each engine: its scheduler keeps one busy, its HTTP server half of one
USABLE = 0.9  # of what is free, unless the engine's own flag says less of the card; the rest is for what engines do not count
WORKSPACE = GIB  # beside weights and cache: activations, CUDA graphs, the context of the process
BYTES_OF_CACHE = 2  # a number in the cache: bfloat16


class Card(NamedTuple):
    """Memory of the GPUs of an engine, in bytes: the least of them."""

    total: int
    free: int


def shares(description: EngineRecord, wanted: EnginesPerGpu, *, args: str) -> tuple[int, list[str]]:
    """How many engines to start on each GPU, and the flags that give each its share; InputError where so many cannot fit.

    description: engine.json. args: the engine's own flags; what they say of the memory is for all engines of the GPU together.
    """
    kind = engine_kind(description["engine"])
    if wanted == 1 or (wanted == "auto" and not kind.memory_flag):
        return 1, []
    if not kind.memory_flag:
        raise InputError(
            "This engine cannot share a GPU.",
            where="engines_per_gpu",
            expected="an engine that can be told its share of the memory: vllm",
            found=description["engine"],
        )
    card, size = visible_card(), max(1, gpus_of(description["settings"]))
    weights = weights_bytes(Path(description["checkpoint"])) // size
    needed = weights + cache_bytes(description) // size + WORKSPACE
    usable = usable_part(kind, args)
    if card:
        usable = min(usable, USABLE * card.free / card.total)
    if wanted == "auto":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        engines = paying_engines(weights, needed, card, usable, cores) if card else 1
    else:
        engines = wanted
        check_room(engines, needed, card, usable)
    share = math.floor(1000 * usable / engines) / 1000  # the last one to start needs all of it free
    return engines, [kind.memory_flag, f"{share:.3f}"] if engines > 1 else []


def paying_engines(weights: int, needed: int, card: Card, usable: float, cores: int) -> int:
    """How many engines make better use of a card than one; 1 where nothing is gained.

    weights, needed: bytes of one engine on one GPU, without and with its cache and workspace. usable: part of the card.
    """
    for engines, part in PAYING:
        pays = 0 < weights <= part * card.total
        if pays and engines * needed <= usable * card.total and engines * CORES <= cores:
            return engines
    return 1


def check_room(engines: int, needed: int, card: Card | None, usable: float) -> None:
    """InputError where a share of the card cannot hold an engine."""
    if card and engines * needed > usable * card.total:
        fit = int(usable * card.total // needed)
        raise InputError(
            f"A GPU is too small for {engines} engines.",
            where="engines_per_gpu",
            expected=f"{needed / GIB:.1f} GiB for each: weights, the cache of one longest sequence, {WORKSPACE // GIB} GiB beside",
            found=f"{usable * card.total / engines / GIB:.1f} GiB ({card.total / GIB:.0f} in all, {card.free / GIB:.0f} free)",
            hint=f"engines_per_gpu: {fit}" if fit else "raise tensor_parallel, or free the GPU.",
        )


def usable_part(kind: EngineKind, args: str) -> float:
    """The part of the card that the engines of it may take together: what their flags say, or USABLE."""
    words = [word for written in shlex.split(args) for word in written.split("=", 1)]
    given = [value for flag, value in itertools.pairwise(words) if flag == kind.memory_flag]
    try:
        return float(given[-1]) if given else USABLE
    except ValueError:
        return USABLE  # the engine itself will refuse it


def visible_card() -> Card | None:
    """The smallest of the GPUs that this job sees; None where there is none, or none that answers."""
    cards = [Card(*memory) for memory in gpu_memory(os.environ.get("CUDA_VISIBLE_DEVICES"))]
    return Card(min(card.total for card in cards), min(card.free for card in cards)) if cards else None


def weights_bytes(checkpoint: Path) -> int:
    """Size of a checkpoint's weights; 0 where they are in no file that we know."""
    for pattern in ("*.safetensors", "*.bin"):
        if found := sum(path.stat().st_size for path in checkpoint.glob(pattern)):
            return found
    return 0


def cache_bytes(description: EngineRecord) -> int:
    """Memory of one sequence of the whole context, which an engine must be able to hold; 0 where it cannot be told."""
    try:
        config = json.loads((Path(description["checkpoint"]) / "config.json").read_text())
        if "kv_lora_rank" in config or config.get("sliding_window"):
            return 0  # kept in less
        heads = config["num_attention_heads"]
        groups, width = (
            config.get("num_key_value_heads") or heads,
            config.get("head_dim") or config["hidden_size"] // heads,
        )
        token = 2 * config["num_hidden_layers"] * groups * width * BYTES_OF_CACHE
        return token * description["settings"]["context_length"]
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError, AttributeError):
        return 0
