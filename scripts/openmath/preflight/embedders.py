"""Models that tell which problems are alike: asked for late, after a teacher has written for hours."""

import os
from collections.abc import Iterator

from openmath.errors import InputError
from openmath.preflight.needs import Needs
from openmath.settings.same_problems import NGRAMS

MARKS = (
    "modules.json",
    "config.json",
)  # sentence-transformers writes the first; of a plain transformer it takes the second


def check_embedders(needs: Needs) -> Iterator[InputError]:
    """Folders of embedders that will be used and are none; one problem for each folder."""
    used = dict.fromkeys(one.settings["embedder"] for one in needs.comparing if one.pairs in needs.due)
    for folder in used:
        if folder == NGRAMS or any(os.path.isfile(os.path.join(folder, mark)) for mark in MARKS):
            continue
        yield InputError(
            "The embedder was not found.",
            where=f"embedder: {folder}",
            expected=f"the folder of a sentence-transformers model, with a file {' or '.join(MARKS)}",
            found="another folder" if os.path.isdir(folder) else "no such folder",
            hint="nothing is downloaded: fetch the model before; paths are relative to the folder that Snakemake runs in. "
            f"`embedder: {NGRAMS}` compares words and needs no model.",
        )
