"""training.json in words: as facts for a table, and as sentences of the paragraph for a paper."""

from openmath.files.fingerprint import fingerprint
from openmath.provenance.words import listed, machine_text, source_text


def training_facts(record: dict) -> dict[str, str]:
    """What a training was made from, and how; without citations. record: training.json."""
    recipe, data, prompt = record["recipe"], record["dataset"], record["prompt"]
    left_out = f", {data['too_long']:.1%} of the first ones too long and left out" if data.get("too_long") else ""
    facts = {
        "started from": source_text(base_of(record), citing=False),
        "training set": f"{data['path']}, {data['rows']:,} rows{left_out}",
        "its sha256": data["sha256"],
        "steps": f"{record['steps']:,} of {recipe['batch_size']} rows: {passes(record):.3g} passes, {record['tokens']:,} tokens",
        "optimizer": optimizer(recipe),
        "precision": f"arithmetic in {recipe['precision']}, weights in float32",
        "prompt": f"{prompt['template']}, file of sha256 {prompt['sha256'][:12]}; the loss counts the solutions only",
        "checkpoints": listed([f"{step:,}" for step in record["checkpoints"]]),
        "took": took(record),
    }
    if record["resumed_at"]:
        facts["interrupted"] = f"resumed after the steps {listed([f'{step:,}' for step in record['resumed_at']])}"
    code = record["workflow"]
    known = {"code": code["commit"] or code["code"]} | record["versions"]
    facts["software"] = ", ".join(
        f"{name} {known[name][:12]}" for name in ("code", "torch", "transformers", "trl") if name in known
    )
    return facts


def training_sentences(manifest: dict) -> list[str]:
    """How the model of a summary was trained; nothing of one that was not trained here. manifest: of write_methods.py."""
    if (record := manifest.get("training")) is None:
        return []
    data, recipe = record["dataset"], record["recipe"]
    steps = manifest["config"]["models"][manifest["model"]].get("steps") or record["checkpoints"]
    return [
        f"The model was trained from {source_text(base_of(record))} on the {data['rows']:,} rows of {data['path']}"
        f" (sha256 {data['sha256'][:12]}), in {record['steps']:,} steps of {recipe['batch_size']} rows"
        f" ({passes(record):.3g} passes, {record['tokens']:,} tokens), by {optimizer(recipe)}, in {recipe['precision']},"
        " with the loss on the solutions only.",
        f"Its weights are {mean_of(steps)}.",
        f"Training took {took(record)}.",
    ]


def mean_of(steps: list[int]) -> str:
    """Which weights of a training a model has."""
    words = "the mean of the checkpoints after steps" if len(steps) > 1 else "those after step"
    return f"{words} {listed([f'{step:,}' for step in steps])}"


def base_of(record: dict) -> dict:
    """The model that a training started from, as engine.json names models."""
    base = record["base"]
    return {"source": base["source"] or "path", "revision": base["revision"], "files": fingerprint(base["files"])}


def passes(record: dict) -> float:
    """How often each row was seen."""
    return record["steps"] * record["recipe"]["batch_size"] / record["dataset"]["rows"]


def optimizer(recipe: dict) -> str:
    cut = f", gradients cut to a norm of {recipe['max_grad_norm']:g}" if recipe["max_grad_norm"] else ""
    return (
        f"AdamW at a constant learning rate of {recipe['learning_rate']:g} (betas {recipe['beta1']:g} and {recipe['beta2']:g},"
        f" weight decay {recipe['weight_decay']:g}{cut})"
    )


def took(record: dict) -> str:
    """Measured time, and on what: GPU-hours where GPUs trained. Starts of the program are not in it."""
    hours, gpus = record["seconds"] / 3600, gpus_of(record)
    if not gpus:
        where = {key: value for key, value in record["machine"].items() if key != "gpus"}
        return f"{hours:.2f} hours on {machine_text(where)}"
    return f"{hours * gpus:.2f} GPU-hours on {gpus} x {record['machine']['gpus'][0]}"


def gpus_of(record: dict) -> int:
    """GPUs that trained. Older records do not say it: then those that the machine has."""
    return record.get("gpus", record["devices"] if "gpus" in record["machine"] else 0)
