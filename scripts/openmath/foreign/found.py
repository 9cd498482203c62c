"""What a reader says of the files that another tool left."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

GREEDY = None  # the run that is no seed
SHOWN = 5  # files of a kind that are named


@dataclass(frozen=True)
class Source:
    """One file, or the chunks of one, with samples of one model on one benchmark, in one run or several.

    benchmark, model: the tool's names. home: tells two models of the same name apart. rows: yields (run, row); run: GREEDY or a
    number, row: our names of the keys, and `id`, the tool's own, where it has one. settings: what is known of the sampling, as
    text. started: orders files of the same runs. rank: of two files of a run, the lower counts (judged ones hold the others).
    """

    tool: str
    model: str
    home: str
    benchmark: str
    paths: tuple[Path, ...]
    rows: Callable[[], Iterator[tuple[int | None, dict]]]
    settings: str = ""
    started: str = ""
    rank: int = 0


@dataclass
class Found:
    """sources: what can be read. skipped: why not -> files."""

    sources: list[Source] = field(default_factory=list)
    skipped: dict[str, list[Path]] = field(default_factory=dict)

    def skip(self, why: str, path: Path) -> None:
        self.skipped.setdefault(why, []).append(path)

    def skipped_lines(self) -> Iterator[str]:
        """A line for each reason."""
        for why, paths in self.skipped.items():
            more = f" and {len(paths) - SHOWN:,} more" if len(paths) > SHOWN else ""
            yield f"not read: {', '.join(map(str, paths[:SHOWN]))}{more}: {why}"


def folder_name(text: str) -> str:
    """A foreign name as a name of the configuration, which becomes a folder: no separators, nothing hidden, no `..`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-_")[:100] or "unnamed"
