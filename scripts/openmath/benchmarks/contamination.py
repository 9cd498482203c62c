"""Overlap between benchmarks and a training set: the benchmarks are indexed, the training set streams past once.

    exact   the same problem: equal but for case, spaces and dollar signs
    near    near duplicates: Jaccard similarity of their sets of word triples, candidates by MinHash (rensa)
    ngram   runs of n words in common: a single one of 13 words was contamination for GPT-3 (Brown et al. 2020); for PaLM
            (Chowdhery et al. 2022) 70 % of a problem's runs of 8 words, each found anywhere in the training data

Both rules as Touvron et al. 2023, arXiv 2307.09288, appendix A.6, restate them; of a run that a problem repeats, one counts.
Memory grows with the benchmarks only. Words are what is left without punctuation.
"""

import re
import unicodedata
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
from rensa import RMinHash, RMinHashLSH

from openmath.errors import InputError
from openmath.files.fast_rows import read_rows

OVERLAP_TYPES = ("exact", "near", "ngram")
FEWEST_WORDS = 8  # shorter problems have too few triples to be near anything by more than chance
PERMUTATIONS, BANDS = 128, 32  # finds 99.9 % of pairs at similarity 0.7 and more; each is then computed exactly
SEED = 42
BATCH = 4096  # rows of a parquet training set read together
REMEMBERED = 100_000  # distinct training problems lately seen: sets of solutions repeat each problem many times

WORD = re.compile(r"\w+")
INVISIBLE = re.compile(r"[\s$]+")


@dataclass
class Match:
    """The most similar training row of one benchmark problem in one type of overlap. row: from 1; rows: how many match."""

    similarity: float
    row: int
    text: str
    rows: int = 0


class Text:
    """A problem's text in the forms that are compared."""

    def __init__(self, text: str, ngram: int):
        text = unicodedata.normalize("NFKC", text).casefold()
        self.bare = INVISIBLE.sub("", text)
        self.words = WORD.findall(text)
        self._ngram = ngram

    def runs(self, length: int) -> set[str]:
        words = self.words
        return {" ".join(words[i : i + length]) for i in range(len(words) - length + 1)}

    @cached_property
    def triples(self) -> set[str]:
        return self.runs(3) if len(self.words) >= FEWEST_WORDS else set()

    @cached_property
    def ngrams(self) -> set[str]:
        return self.runs(self._ngram)

    def minhash(self) -> RMinHash:
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
        sketch.update(list(self.triples))
        return sketch


class Overlap:
    """Problems of all benchmarks, and what of them the training rows given to `add` hold.

    problems: texts. matches: type -> number of the problem -> Match. ngram: words of a run; similarity: least of a near duplicate.
    """

    def __init__(self, problems: list[str], *, ngram: int, similarity: float):
        self._ngram, self._similarity = ngram, similarity
        self.texts = [Text(problem, ngram) for problem in problems]
        self.matches: dict[str, dict[int, Match]] = {overlap_type: {} for overlap_type in OVERLAP_TYPES}
        self._seen: dict[int, set[str]] = defaultdict(set)  # problem -> its runs of n words that the training set holds
        self._exact, self._holders = defaultdict(list), defaultdict(list)
        self._index = RMinHashLSH(threshold=similarity, num_perm=PERMUTATIONS, num_bands=BANDS)
        self._lately: OrderedDict[str, list[tuple[str, int, float]]] = OrderedDict()
        for number, text in enumerate(self.texts):
            self._exact[text.bare].append(number)
            for run in text.ngrams:
                self._holders[run].append(number)
            if text.triples:
                self._index.insert(number, text.minhash())

    def add(self, row: int, problem: str) -> None:
        """Compare one training problem with all benchmarks."""
        found = self._lately.get(problem)
        if found is None:
            found = self._lately[problem] = list(self._compare(Text(problem, self._ngram)))
            if len(self._lately) > REMEMBERED:
                self._lately.popitem(last=False)
        for overlap_type, number, similarity in found:
            match = self.matches[overlap_type].setdefault(number, Match(similarity, row, problem))
            match.rows += 1
            if similarity > match.similarity:
                match.similarity, match.row, match.text = similarity, row, problem

    def _compare(self, text: Text) -> Iterator[tuple[str, int, float]]:
        """(type, number of the benchmark problem, similarity) of every overlap."""
        for number in self._exact.get(text.bare, ()):
            yield "exact", number, 1.0
        if text.triples:
            for number in self._index.query(text.minhash()):
                other = self.texts[number].triples
                similarity = len(text.triples & other) / len(text.triples | other)
                if similarity >= self._similarity:
                    yield "near", number, similarity
        shared = defaultdict(set)
        for run in text.ngrams:
            for number in self._holders.get(run, ()):
                shared[number].add(run)
        for number, runs in shared.items():
            self._seen[number] |= runs
            yield "ngram", number, len(runs) / len(self.texts[number].ngrams)

    def containment(self, number: int) -> float:
        """Share of a problem's runs of n words that stand anywhere in the training set."""
        return len(self._seen.get(number, ())) / max(len(self.texts[number].ngrams), 1)


def training_problems(paths: Iterable[Path], field: str) -> Iterator[str]:
    """The problems of a training set of .parquet or JSON lines files; rows without one are "" and match nothing."""
    for path in paths:
        if path.suffix == ".parquet":
            yield from _parquet_column(path, field)
            continue
        for number, row in enumerate(read_rows(path), start=1):
            if field not in row:
                raise _no_field(f"{path}:{number}", field, row)
            yield row[field] if isinstance(row[field], str) else ""


def _parquet_column(path: Path, field: str) -> Iterator[str]:
    try:
        file = parquet.ParquetFile(path)
        if field not in file.schema_arrow.names:
            raise _no_field(path, field, file.schema_arrow.names)
        for batch in file.iter_batches(BATCH, columns=[field]):
            for value in batch.column(0).to_pylist():
                yield value if isinstance(value, str) else ""
    except (OSError, pa.ArrowException) as error:
        raise InputError("Cannot read the training set.", where=path, found=" ".join(str(error).split())) from None


def _no_field(where: object, field: str, names: Iterable[str]) -> InputError:
    return InputError(
        "The training set has no such field.",
        where=where,
        expected=field,
        found=", ".join(names),
        hint="set `contamination: field:` to the one that holds the problem.",
    )
