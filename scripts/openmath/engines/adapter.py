"""A LoRA adapter, served by vLLM on its base: is it whole, can vLLM serve it, and does it belong to this base? Reads headers only.

Standard library only: this module also runs inside engine containers.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from openmath.engines.weights import NotWhole, Tensor, read_safetensors
from openmath.errors import InputError
from openmath.settings.sample_settings import ON_HUB

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # that --max-lora-rank takes, of vLLM 0.33
MODULE = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
UNSERVED = {  # of adapter_config.json: what vLLM refuses -> the values with which it does not
    "use_dora": (None, False),
    "lora_bias": (None, False),
    "bias": (None, "none"),
    "modules_to_save": (None, []),
    "layer_replication": (None, []),
    "alora_invocation_tokens": (None, []),
    "use_bdlora": (None, False),
    "use_qalora": (None, False),
}
MERGE = "merge it into its base, as PEFT can, and give the result as `path:`."
NUMBERS = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")  # of weights that lie as they are; others are packed


class Base(NamedTuple):
    """What an adapter is put on: a checkpoint's folder, and the repository that it comes from, if one is known."""

    folder: Path
    hf: str | None


def adapter_problem(folder: Path, *, where: object, base: Base | None) -> InputError | None:
    """What keeps vLLM from serving an adapter on a base. where: the place that names it. base: None: it is not here yet."""
    try:
        config, tensors = read_config(folder), read_safetensors(folder / WEIGHTS)
        rank = highest_rank(config)
    except OSError as error:
        return InputError(
            "This is not the folder of a LoRA adapter.",
            where=where,
            expected=f"{CONFIG} and {WEIGHTS}, as PEFT writes them",
            found=f"{Path(error.filename).name}: {error.strerror}" if error.filename else error,
            hint="relative paths start where Snakemake runs; ~ and $NAME are taken as they stand: write the whole path.",
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        found = str(error) if isinstance(error, NotWhole) else f"{CONFIG} of another form"
        return InputError("The LoRA adapter is not whole.", where=where, found=found, hint="copy or fetch it again.")
    if config.get("peft_type", "LORA") != "LORA":
        return InputError(
            "vLLM serves LoRA adapters only.", where=where, found=f"peft_type {config['peft_type']!r}", hint=MERGE
        )
    if unserved := [key for key, plain in UNSERVED.items() if config.get(key) not in plain]:
        found = ", ".join(f"{key}: {config[key]!r}" for key in unserved)
        what = "vLLM cannot serve this kind of adapter."
        return InputError(what, where=where, expected="a plain LoRA", found=found, hint=MERGE)
    if not 1 <= rank <= RANKS[-1]:
        return InputError(
            "vLLM does not serve a LoRA of this rank.",
            where=where,
            expected=f"1 to {RANKS[-1]}",
            found=rank,
            hint=MERGE,
        )
    if base and (differing := next(_differences(config, tensors, base), None)):
        return InputError(
            "The adapter was made for another base.",
            where=where,
            expected=differing[0],
            found=differing[1],
            hint=f"its {CONFIG} names the base {config.get('base_model_name_or_path')!r}. Where both are the same weights under "
            "two names, write the name of yours into a copy of the adapter.",
        )
    return None


def read_config(folder: Path) -> dict:
    """adapter_config.json. Raises OSError or ValueError."""
    config = json.loads((folder / CONFIG).read_bytes())
    if not isinstance(config, dict):
        raise ValueError
    return config


def highest_rank(config: dict) -> int:
    """Rank of the LoRA, or of the module with the highest one. Raises KeyError, TypeError or ValueError."""
    return max([int(config["r"]), *(int(rank) for rank in (config.get("rank_pattern") or {}).values())])


def serving_flags(folder: Path) -> list[str]:
    """Flags of vLLM that serve the adapter under the name `model`, which requests ask for."""
    room = next(rank for rank in RANKS if rank >= highest_rank(read_config(folder)))
    return ["--enable-lora", "--max-loras", "1", "--max-lora-rank", str(room), "--lora-modules", f"model={folder}"]


def _differences(config: dict, tensors: dict[str, Tensor], base: Base) -> Iterator[tuple[str, str]]:
    """(what the base says, what the adapter says) wherever they do not fit each other."""
    named = config.get("base_model_name_or_path")
    if base.hf and isinstance(named, str) and ON_HUB.fullmatch(named):
        ours, theirs = (name.partition("@")[0] for name in (base.hf, named))
        if ours.lower() != theirs.lower():
            yield ours, theirs
    weights = base_tensors(base.folder)
    modules = {name.rpartition(".")[0] for name in weights}
    kinds = {_kind(module) for module in modules}
    changed = [
        (found["module"], found["side"], tensor)
        for name, tensor in tensors.items()
        if (found := MODULE.fullmatch(name))
    ]
    if not changed:
        yield "weights named base_model.model.MODULE.lora_A.weight", next(iter(tensors), "none")
    for module, side, tensor in changed:
        weight = weights.get(f"{module}.weight")
        if weights and module not in modules and _kind(module) in kinds:
            yield f"modules of {base.folder}", module  # the same module of a layer that the base does not have
        elif weight and weight.dtype in NUMBERS and len(weight.shape) == len(tensor.shape) == 2:
            axis = 1 if side == "A" else 0  # A reads what the module reads, B writes what it writes
            if weight.shape[axis] != tensor.shape[axis]:
                yield f"{module} of {_size(weight)}", f"lora_{side} of {_size(tensor)}"
    if weights and changed and not any(module in modules for module, _, _ in changed):
        yield f"modules of {base.folder}, as {min(modules)}", changed[0][0]


def base_tensors(folder: Path) -> dict[str, Tensor]:
    """Of all safetensors files of a checkpoint; without one there is nothing to compare with."""
    found: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            found |= read_safetensors(path)
        except (OSError, NotWhole):
            continue  # the checks of the checkpoint say so
    return found


def _kind(module: str) -> str:
    """A module without the number of its layer."""
    return re.sub(r"(?<=\.)\d+(?=\.)", "N", module)


def _size(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape))
