"""Whether the problems of a foreign folder are those of a benchmark of ours: by their text, white space aside.

A tool that keeps the whole prompt is understood too: a problem is then looked for in it.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from openmath.files.fast_rows import read_rows
from openmath.files.same_problems import Problem

PROBES = 50  # texts that decide which benchmarks are compared whole
KNOWN_SHARE = 0.5  # of the texts; with fewer it is another benchmark
HEAD = 24  # characters by which a problem is found in a prompt
SHORTEST = 12  # characters of a problem that is looked for in a prompt: a shorter one would stand in any
LONGEST_PROMPT = 50_000  # characters, without white space; of a longer one the last, where the problem stands


class Benchmark:
    """A prepared benchmark of ours: its problems in order, found by a text."""

    def __init__(self, name: str, problems: Iterable[Problem]):
        self.name, self.problems = name, list(problems)
        self._places: dict[str, int] = {}
        self.times: dict[str, list[int]] = {}  # text -> the problems that have it: a few benchmarks hold one twice
        for number, problem in enumerate(self.problems):
            text = without_space(problem.text or "")
            self._places.setdefault(text, number)
            self.times.setdefault(text, []).append(number)
        self._heads: dict[str, list[str]] = {}
        for text in self._places:
            if len(text) >= SHORTEST:
                self._heads.setdefault(text[:HEAD], []).append(text)
        self._head_lengths = sorted({len(head) for head in self._heads})

    def find(self, text: str) -> str | None:
        """The text of the problem that this text is or holds, of several the last; None where it holds none."""
        if text in self._places:
            return text
        text = text[-LONGEST_PROMPT:]
        best: tuple[int, int, str | None] = (0, 0, None)
        for length in self._head_lengths:
            for start in range(len(text) - length + 1):
                for candidate in self._heads.get(text[start : start + length], ()):
                    if text.startswith(candidate, start):
                        best = max(best, (start + len(candidate), len(candidate), candidate), key=lambda one: one[:2])
        return best[2]


def without_space(text: str) -> str:
    """A text as it is compared: tools cut and wrap white space."""
    return "".join(text.split())


def prepared_benchmarks(folder: Path) -> list[Benchmark]:
    """The benchmarks that are prepared in a folder, data/ of a checkout."""
    return [
        Benchmark(path.stem, (Problem.of(row, number) for number, row in enumerate(read_rows(path))))
        for path in sorted(folder.glob("*.jsonl"))
    ]


def best_match(texts: Sequence[str], benchmarks: Iterable[Benchmark]) -> tuple[Benchmark, list[str | None]] | None:
    """(the benchmark that holds most of these texts, the text of its problem for each); None where none holds half of them.

    Of two that hold as many (MATH-500 is a part of MATH) the smaller one.
    """
    probes = texts[:: max(1, len(texts) // PROBES)]
    likely = []
    for benchmark in benchmarks:
        share = sum(benchmark.find(text) is not None for text in probes) / max(1, len(probes))
        if share >= KNOWN_SHARE:
            likely.append((share, benchmark))
    best = None
    for share, benchmark in likely:
        if share < max(other for other, _ in likely):
            continue
        matched = [benchmark.find(text) for text in texts]
        order = (sum(text is not None for text in matched), -len(benchmark.problems))
        if best is None or order > best[0]:
            best = order, benchmark, matched
    return best[1:] if best else None
