"""The model that a training starts from, as transformers loads it. A GGUF file becomes a HF checkpoint first."""

import shutil
from pathlib import Path

from openmath.errors import InputError


def base_checkpoint(base: Path, work: Path) -> Path:
    """A folder with config.json, tokenizer and safetensors: `base`, or what its GGUF file says, written once below `work`.

    The weights of a GGUF file are those after its quantisation.
    """
    if (base / "config.json").is_file():
        return base
    files = sorted(base.glob("*.gguf"))
    if len(files) != 1:
        raise InputError(
            "This is no checkpoint to train.", where=base, expected="config.json and weights, or one .gguf file"
        )
    output = work / "base"
    if not output.exists():
        unfinished = work / ".base"
        shutil.rmtree(unfinished, ignore_errors=True)
        _from_gguf(files[0], unfinished)
        unfinished.rename(output)
    return output


def _from_gguf(path: Path, output: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, file = str(path.parent), path.name
    read = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, local_files_only=True, dtype=torch.float32)
    config = read.config
    del config.quantization_config  # it says that the model came from a GGUF file; such a one cannot be written
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.save_pretrained(output)
    AutoTokenizer.from_pretrained(folder, gguf_file=file, local_files_only=True).save_pretrained(output)
