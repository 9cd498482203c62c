"""Files of a checkpoint: is each there, and whole? Asked before the start and where a checkpoint is fetched, so that no engine
finds it out half an hour later. Reads headers, never weights.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from openmath.engines.weights import NotWhole, read_gguf, read_safetensors
from openmath.errors import InputError

POINTER = b"version https://git-lfs.github.com/spec/"  # what Git leaves of a large file until `git lfs pull`
WEIGHTS = ("*.safetensors", "*.gguf", "*.bin", "*.pt", "*.pth")
STATE = ("training_args*", "optimizer*", "scheduler*", "rng_state*")  # of a training, beside its weights
TOKENIZERS = ("tokenizer.json", "*.model", "*.spm", "vocab*", "*.tiktoken", "tekken.json")
SHARD = re.compile(r"(?P<before>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<after>\.\w+)")
SHOWN = 10  # files in a message


def checkpoint_problem(folder: Path, *, where: object) -> InputError | None:
    """What keeps an engine from loading this checkpoint. where: the place that names it."""
    damaged = list(_damage(folder))
    if not damaged:
        return None
    more = f"\n    and {len(damaged) - SHOWN} more" if len(damaged) > SHOWN else ""
    return InputError(
        "The checkpoint is not whole.",
        where=where,
        expected="config.json, tokenizer and weights, or a .gguf file, each of them whole",
        found="\n    ".join(damaged[:SHOWN]) + more,
        hint="copy or fetch these files again; `git lfs pull` brings what a Git LFS pointer stands for.",
    )


def _damage(folder: Path) -> Iterator[str]:
    """Each file of the folder that is missing or damaged, with what is wrong."""
    names = {path.name: path for path in sorted(folder.iterdir()) if not path.name.startswith(".")}
    for name, path in names.items():
        if wrong := _wrong_with(path):
            yield f"{name}: {wrong}"
    weights = [
        name for name, path in names.items() if any(map(path.match, WEIGHTS)) and not any(map(path.match, STATE))
    ]
    if not weights:
        yield "no weights: neither *.safetensors nor *.gguf"
    yield from _missing_shards(names)
    if not any(name.endswith(".gguf") for name in weights):  # a GGUF file is its own configuration and tokenizer
        if "config.json" not in names:
            yield "config.json: missing"
        if not any(path.match(pattern) for path in names.values() for pattern in TOKENIZERS):
            yield "no tokenizer: neither tokenizer.json nor tokenizer.model"


def _wrong_with(path: Path) -> str | None:
    """What keeps one file from being loaded."""
    try:
        if path.is_symlink() and not path.exists():
            return f"a link to {path.readlink()}, which is not there"
        if not path.is_file():
            return None
        with open(path, "rb") as file:
            if file.read(len(POINTER)) == POINTER:
                return "a Git LFS pointer instead of the file"
        if path.suffix == ".safetensors":
            read_safetensors(path)
        elif path.suffix == ".gguf":
            read_gguf(path)
        elif path.name in ("config.json", "tokenizer_config.json", "generation_config.json"):
            if not isinstance(json.loads(path.read_bytes()), dict):
                return "no JSON object"
        elif path.name == "tokenizer.json":  # of many megabytes: only its ends
            content = path.read_bytes().strip()
            if content[:1] + content[-1:] != b"{}":
                return "no JSON object, or cut off"
        elif any(map(path.match, (*WEIGHTS, *TOKENIZERS))) and not path.stat().st_size:
            return "empty"
    except NotWhole as error:
        return str(error)
    except OSError as error:
        return f"not readable ({error.strerror})"
    except (ValueError, RecursionError):
        return "not JSON"
    return None


def _missing_shards(names: dict[str, Path]) -> Iterator[str]:
    """Files of weights that an index names, or that others are numbered with."""
    missing: dict[str, str] = {}
    for name, path in names.items():
        if name.endswith((".safetensors.index.json", ".bin.index.json")) and path.is_file():
            if ".bin." in name and any(other.endswith(".safetensors") for other in names):
                continue  # of a second copy of the weights, which download_checkpoint.py leaves out
            try:
                named = set(map(str, json.loads(path.read_bytes())["weight_map"].values()))
            except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
                yield f"{name}: no index of weights"
                continue
            missing |= {
                shard: f"missing; {name} names it" for shard in named if not os.path.lexists(path.parent / shard)
            }
        if shard := SHARD.fullmatch(name):
            for number in range(1, min(int(shard["count"]), 10_000) + 1):
                other = f"{shard['before']}-{number:05}-of-{shard['count']}{shard['after']}"
                if other not in names:
                    missing.setdefault(other, f"missing; {name} is there")
    yield from (f"{name}: {why}" for name, why in sorted(missing.items()))
