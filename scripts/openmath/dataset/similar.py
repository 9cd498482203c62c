"""Test problems that new problems may repeat: the nearest by the cosine of two embeddings, as questions for a judge.

embedder: folder of a sentence-transformers model; or NGRAMS, counts of hashed words and letters, which needs no model and sees
common words, not common meaning.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np

from openmath.benchmarks.contamination import Text, training_problems
from openmath.errors import InputError
from openmath.files.fast_rows import read_rows
from openmath.settings.same_problems import NGRAMS, SENTENCE_TRANSFORMERS

DIMENSIONS = 4096  # of NGRAMS
BLOCK = 1024  # new problems compared at once: with 6,000 test problems 25 MB of similarities
# The third field of a judge's question, beside the two problems.
QUESTION = "Are these two the same problem?"
ORDERS = ("new first", "test first")

Embedder = Callable[[Sequence[str]], np.ndarray]  # texts -> vectors of length 1 (texts, dimensions), float32


class Nearest(NamedTuple):
    """A test problem near a new one. test: its number; similarity: cosine, -1 to 1."""

    test: int
    similarity: float


def embedder(name: str) -> Embedder:
    """Raises InputError where the model cannot be loaded."""
    if name == NGRAMS:
        return ngram_vectors
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise InputError(
            "sentence-transformers is not installed.",
            where=f"embedder: {name}",
            hint=f"pip install {SENTENCE_TRANSFORMERS}, or `embedder: ngrams`, which compares words.",
        ) from None
    try:
        model = SentenceTransformer(name, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # which ones a missing or broken file raises is not documented
        expected, found = "the folder of a sentence-transformers model", f"{type(error).__name__}: {error}"[:500]
        raise InputError("Cannot load the embedder.", where=name, expected=expected, found=found) from None
    return lambda texts: model.encode(
        list(texts), batch_size=512, normalize_embeddings=True, convert_to_numpy=True
    ).astype(np.float32)


def ngram_vectors(texts: Sequence[str]) -> np.ndarray:
    """Counts of words, pairs of words, and runs of four letters, each at the place of its hash; see Embedder."""
    vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
    for number, text in enumerate(texts):
        known = Text(text, 1)
        runs = [known.bare[i : i + 4] for i in range(len(known.bare) - 3)]
        grams = [*known.words, *known.runs(2), *runs] or [known.bare]
        places = [crc32(gram.encode("utf-8", "replace")) % DIMENSIONS for gram in grams]
        np.add.at(vectors[number], places, 1.0)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def problems_of(paths: Sequence[Path], field: str | None) -> Iterator[dict]:
    """The rows of new problems; with a field those of any training set: each different problem, named by its first row, from 1."""
    if field is None:
        for path in paths:
            yield from read_rows(path)
        return
    seen: set[str] = set()
    for number, text in enumerate(training_problems(paths, field), start=1):
        if text and text not in seen:
            seen.add(text)
            yield {"id": str(number), "problem": text}


def nearest(new: Sequence[str], tests: Sequence[str], top: int, embed: Embedder) -> Iterator[list[Nearest]]:
    """The `top` nearest test problems of each new one, the nearest first; of equally near ones the earlier."""
    vectors = embed(tests)
    for start in range(0, len(new), BLOCK):
        similarities = embed(new[start : start + BLOCK]) @ vectors.T
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :top]
        for row, numbers in zip(similarities, order, strict=True):
            yield [Nearest(int(number), float(row[number])) for number in numbers]


def questions(problem: dict, test: dict, benchmark: str, similarity: float) -> Iterator[dict]:
    """The rows that ask a judge about a new problem and a test problem, one for each order."""
    for order in ORDERS:
        first, second = (problem, test) if order == ORDERS[0] else (test, problem)
        yield {
            "id": f"{problem['id']} {benchmark} {test['id']} {order}",
            "problem": QUESTION,
            "predicted_answer": first["problem"],
            "expected_answer": second["problem"],
            "new": problem["id"],
            "benchmark": benchmark,
            "test": test["id"],
            "similarity": round(similarity, 4),
            "order": order,
        }
