"""Keys below `contamination`, and of the comparison with test problems that `dataset` asks for too: see config_model.py."""

from typing import Annotated

from pydantic import MISSING

from openmath.settings import defaults
from openmath.settings.config_types import Count, ListOfOne, Section, key


class Decontamination(Section):
    embedder: str = key(
        ...,
        "Folder of a sentence-transformers model; or `ngrams`, which compares words and needs none.",
        costs="the comparison",
        min_length=1,
    )
    top: Count = key(
        defaults.TOP,
        "Nearest test problems of all `benchmarks` that a problem is compared with.",
        costs="only new pairs",
    )
    judge: str | MISSING = key(
        MISSING,
        "Who says whether two problems are the same: a name under `judges`; asked in both orders.",
        costs="verdicts",
        unset="`similarity` decides",
    )
    prompt: str = key("judge-same-problem", "The judge's prompt for it.", costs="verdicts")
    similarity: float = key(0.9, "Without a judge: least cosine of the same problem.", costs="the decision", gt=0, le=1)


class Contamination(Section):
    training_set: Annotated[list[str], ListOfOne] = key(
        ..., "Parquet or JSONL file of the training set, or a list of files.", costs="nothing", min_length=1
    )
    field: str = key(defaults.FIELD, "Where a training row holds the problem.", costs="nothing")
    ngram: int = key(
        defaults.NGRAM, "Words of a run that counts as copied: 13 as for GPT-3, 8 as for PaLM.", costs="nothing", ge=2
    )
    similarity: float = key(
        defaults.SIMILARITY, "Least Jaccard similarity of a near duplicate.", costs="nothing", gt=0, le=1
    )
    paraphrases: Decontamination | MISSING = key(
        MISSING,
        "Compare each problem of the set with its nearest test problems, as `dataset: decontamination` does.",
        costs="as its keys say",
        unset="copies and near copies only",
    )
