"""What has to be cited: keys for what a manifest names, and their entries from config/references.bib."""

import re
from pathlib import Path

REFERENCES = Path(__file__).parents[3] / "config" / "references.bib"
CITATION = re.compile(r"@([A-Za-z0-9_.:-]*[A-Za-z0-9])")  # as in [@hendrycksmath2021; @cobbe2021gsm8k]
RECIPE, WORKFLOW, GRADER, PASS_AT_K = "toshniwal2024openmath2", "snakemake2021", "flint", "chen2021evaluating"

INTERVALS = {  # the beginning of a method's name, as in scripts/openmath/statistics/intervals.py
    "Wilson": "wilson1927",
    "Clopper-Pearson": "clopper1934",
    "question-level t": "miller2024adding",
    "bootstrap": "efron1979",
    "Bayesian bootstrap": "rubin1981",
}
HOSTED_JUDGES = {"gpt-4o": "openai2024gpt4o"}  # the beginning of a model's name


def hub_repository(model: dict) -> str | None:
    """org/name of a model from the Hugging Face hub."""
    return model["source"].removeprefix("hf:") if model["source"].startswith("hf:") else None


def model_key(model: dict) -> str | None:
    """Key of the model card; None for a model that is not on the hub."""
    repository = hub_repository(model)
    return repository and re.sub(r"[^a-z0-9]+", "-", repository.lower()).strip("-")


def model_entry(model: dict) -> str:
    """The model card of a repository at a revision. Its authors' paper, if there is one, is theirs to name: on the card."""
    repository = hub_repository(model) or ""
    organisation, name = repository.split("/")
    return (
        f"@misc{{{model_key(model)},\n"
        f"  title = {{{name}}},\n"
        f"  author = {{{{{organisation}}}}},\n"
        f"  howpublished = {{Hugging Face model card, \\url{{https://huggingface.co/{repository}}}}},\n"
        f"  note = {{Revision {model['revision']}}}\n}}"
    )


def bibliography(text: str, models: list[dict]) -> str:
    """The BibTeX entries of everything that a text cites, in its order. models: sources of hub models in it."""
    known = {entry.split("{", 1)[1].split(",", 1)[0]: entry for entry in _entries()}
    known |= {key: model_entry(model) for model in models if (key := model_key(model))}
    keys = dict.fromkeys(key for group in re.findall(r"\[(@[^\]]*)\]", text) for key in CITATION.findall(group))
    return "\n\n".join(known[key] for key in keys)


def _entries() -> list[str]:
    return [entry.strip() for entry in re.findall(r"^@\w+\{.*?^\}", REFERENCES.read_text(), re.MULTILINE | re.DOTALL)]
