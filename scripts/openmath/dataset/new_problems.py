"""New problems as a teacher wrote them, and what is wrong with those that are dropped.

A run's problems are compared with those of the runs before it, so that a further run never changes what an earlier one has left.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypedDict

from rensa import RMinHashLSH

from openmath.benchmarks.contamination import BANDS, PERMUTATIONS, Text
from openmath.dataset.written import written, written_tokens
from openmath.errors import InputError
from openmath.files.sample_rows import REFUSED_REASONS

# Why a problem is dropped, in the order in which it is looked for.
REFUSED, TRUNCATED, EMPTY, TOO_LONG, COPIED, DUPLICATE = DROPPED = (
    "refused",
    "truncated",
    "empty",
    "too_long",
    "copied",
    "duplicate",
)
SIMILARITY = 0.8  # least Jaccard similarity of the word triples of near duplicates
_LABEL = re.compile(r"\s*(?:\*\*)?(?:new problem|problem)\s*:(?:\*\*)?\s*", re.IGNORECASE)


class NewProblem(TypedDict):
    """A line of new-problems/{origin}-rs{seed}.jsonl. expected_answer: "", nobody knows it yet. origin: id of the problem that it
    was made from; sample_run: the run that made it."""

    id: str
    problem: str
    expected_answer: str
    origin: str
    sample_run: str
    num_generated_tokens: int | None


class Known:
    """Problems that a new one may not repeat, but for a few words."""

    def __init__(self, similarity: float = SIMILARITY):
        self._similarity = similarity
        self._bare: set[str] = set()
        self._texts: list[str] = []
        self._index = RMinHashLSH(threshold=similarity, num_perm=PERMUTATIONS, num_bands=BANDS)

    def add(self, problem: str) -> None:
        text = Text(problem, 1)
        self._bare.add(text.bare)
        if text.triples:
            self._index.insert(len(self._texts), text.minhash())
            self._texts.append(problem)

    def __contains__(self, problem: str) -> bool:
        text = Text(problem, 1)
        return text.bare in self._bare or self._near(text)

    def _near(self, text: Text) -> bool:
        if not text.triples:
            return False
        others = (Text(self._texts[number], 1).triples for number in self._index.query(text.minhash()))
        return any(len(text.triples & other) >= self._similarity * len(text.triples | other) for other in others)


def new_problems(
    samples: Iterable[dict], run: str, *, seeds: Known, earlier: Known, max_tokens: int, counts: dict[str, int]
) -> Iterator[NewProblem]:
    """The problems of one run that are good to solve. seeds: what they may not copy; earlier: grows by them.

    max_tokens: of the engine's count. counts: gets one more under `written` and under the reason of each that is dropped.
    """
    counts |= dict.fromkeys(("written", *DROPPED), 0)
    for row in samples:
        text = written(row)
        text = text[found.end() :] if (found := _LABEL.match(text)) else text
        text = text.strip()
        reason = _flaw(row, text, max_tokens)
        if reason is None and text in seeds:
            reason = COPIED
        if reason is None and text in earlier:
            reason = DUPLICATE
        counts["written"] += 1
        if reason:
            counts[reason] += 1
            continue
        earlier.add(text)
        yield {
            "id": f"{row['id']}-{run}",
            "problem": text,
            "expected_answer": "",
            "origin": row["id"],
            "sample_run": run,
            "num_generated_tokens": written_tokens(row),
        }


def _flaw(row: dict, text: str, max_tokens: int) -> str | None:
    if row.get("finish_reason") in REFUSED_REASONS:
        return REFUSED
    if row.get("finish_reason") == "length":
        return TRUNCATED
    if not any(character.isalnum() for character in text):
        return EMPTY
    return TOO_LONG if (written_tokens(row) or 0) > max_tokens else None


def check_some(problems: Sequence[Mapping], counts: dict[str, int], where: object) -> None:
    """InputError where none is left: then the prompt does not fit the teacher."""
    if not problems:
        known = sum(counts.get(reason, 0) for reason in (COPIED, DUPLICATE))
        raise InputError(
            "No new problem of this run can be used.",
            where=where,
            found=", ".join(f"{number} {reason}" for reason, number in counts.items() if number),
            hint="the teacher has nothing new to say: fewer `seeds` of `problems`, or a higher temperature."
            if 2 * known > counts.get("written", 0)
            else "read some generations: does the prompt fit the teacher, and does it stop where a problem ends?",
        )
