"""NeMo-Skills, 2024 to 2026: eval-results/BENCHMARK/output-greedy.jsonl or output.jsonl, output-rs*.jsonl; .gz, .zst, in chunks.

Rows are taken as they are: `predicted_answer`, `is_correct` (2024) or `symbolic_correct`, `judgement`. Ours are of this form.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from openmath.answers import as_text
from openmath.errors import InputError
from openmath.foreign.found import GREEDY, Found, Source
from openmath.foreign.reading import first_row, foreign_rows

TOOL = "NeMo-Skills"
FILE = re.compile(r"output(?:-greedy|-rs(?P<seed>\d{1,9}))?(?:_chunk_(?P<chunk>\d{1,9}))?\.jsonl(?:\.gz|\.zst)?")
LEFT_OUT = (
    (re.compile(r"output.*\.jsonl(?:\.gz)?\.done"), "marks of finished files"),
    (re.compile(r"output.*\.jsonl-async"), "unfinished: NeMo-Skills orders the rows when the run ends"),
    (re.compile(r"output-(?:agg|majority)\.jsonl(?:\.gz)?"), "majority answers, no samples"),
    (re.compile(r"output.*\.jsonl.*"), "not a file of a sample run"),
)
RESULTS = "eval-results"  # the folder of benchmarks; eval-results-judged beside it holds copies of its rows, judged
INTERNAL = ("_async_position", "_full_generation", "_generation_finished_thinking")


class Part(NamedTuple):
    """A file by its name. run: a seed, or GREEDY. chunk: its number where the run is in chunks."""

    path: Path
    run: int | None
    chunk: int | None


def part_of(path: Path) -> Part | None:
    """What the name of a file says; None where it is not that of a sample run."""
    match = FILE.fullmatch(path.name)
    if not match:
        return None
    seed, chunk = match["seed"], match["chunk"]
    return Part(path, GREEDY if seed is None else int(seed), None if chunk is None else int(chunk))


def claim(files: list[Path], found: Found) -> list[Path]:
    """Add what is of this tool; returns the other files."""
    others, folders = [], defaultdict(list)
    for path in files:
        if part := part_of(path):
            folders[path.parent].append(part)
        elif why := left_out(path):
            found.skip(why, path)
        else:
            others.append(path)
    for folder, parts in folders.items():
        for run, of_run in runs_of(parts).items():
            chosen = chosen_parts(of_run, found)
            if any("majority_votes" in first_row(part.path) for part in chosen):
                for part in chosen:
                    found.skip("majority answers, no samples", part.path)
                continue
            paths = tuple(part.path for part in chosen)
            rank = 0 if folder.parent.name.startswith(f"{RESULTS}-judged") else 1
            home = model_folder(folder)
            rows = partial(_rows, paths, run)
            found.sources.append(Source(TOOL, home.name, str(home), folder.resolve().name, paths, rows, rank=rank))
    return others


def left_out(path: Path) -> str | None:
    """Why a file that NeMo-Skills has made holds no samples; None for one that does, and for a file of others."""
    if part_of(path):
        return None
    return next((why for pattern, why in LEFT_OUT if pattern.fullmatch(path.name)), None)


def runs_of(parts: list[Part]) -> dict[int | None, list[Part]]:
    """Run -> its files, the greedy one first, then by seed."""
    runs = defaultdict(list)
    for part in sorted(
        parts, key=lambda part: (part.run is not GREEDY, part.run or 0, part.chunk or 0, part.path.name)
    ):
        runs[part.run].append(part)
    return runs


def chosen_parts(parts: list[Part], found: Found) -> list[Part]:
    """The whole file of a run, else its chunks in order. InputError where two files claim to be the same."""
    whole = [part for part in parts if part.chunk is None]
    if whole:
        for part in parts:
            if part.chunk is not None:
                found.skip("chunks of a run that is there whole", part.path)
    chosen = whole or parts
    if len({part.chunk for part in chosen}) < len(chosen):
        raise InputError(
            "Two files hold the same sample run.",
            where=chosen[0].path.parent,
            found=", ".join(part.path.name for part in chosen),
            hint="which of them is it? Move the other away; output.jsonl and output-greedy.jsonl are both greedy runs.",
        )
    missing = sorted(set(range((chosen[-1].chunk or 0) + 1)) - {part.chunk or 0 for part in chosen})
    if missing:
        found.skip(f"of a run that lacks chunk {missing[0]}; its other chunks are read", chosen[0].path)
    return chosen


def model_folder(benchmark: Path) -> Path:
    """The folder of a model, above that of a benchmark, or above the eval-results that hold it."""
    above = benchmark.resolve().parent
    return above.parent if above.name.startswith(RESULTS) else above


def _rows(paths: tuple[Path, ...], run: int | None) -> Iterator[tuple[int | None, dict]]:
    for path in paths:
        for row in foreign_rows(path):
            yield run, _ours(row)


def _ours(row: dict) -> dict:
    """A row without what is only the tool's; thought that it cut off the text stands under `reasoning`, as with us."""
    ours = {key: value for key, value in row.items() if key not in INTERNAL}
    for key in ("predicted_answer", "expected_answer"):
        if key in ours:
            ours[key] = as_text(ours[key])
    if "is_correct" not in ours and isinstance(row.get("symbolic_correct"), bool):
        ours["is_correct"] = row["symbolic_correct"]
    whole, said = row.get("_full_generation"), row.get("generation")
    if isinstance(whole, str) and isinstance(said, str) and whole != said and "reasoning" not in ours:
        thought = whole.removesuffix(said) if said else whole
        ours["reasoning"] = thought.replace("<think>", "").replace("</think>", "").strip()
    return ours
