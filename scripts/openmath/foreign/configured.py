"""What a reader of the numbers has to know of the folders of samples that a configuration names. Reads little of each file."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from openmath.benchmarks.registry import read_registry
from openmath.benchmarks.sources import count_rows
from openmath.files.fast_rows import read_rows
from openmath.files.same_problems import Problem
from openmath.foreign.matching import Benchmark, without_space
from openmath.foreign.standing import unread_files
from openmath.settings.layout import Layout

COMPARED = 200  # rows of a file


def warnings_of(config: dict) -> list[str]:
    """One for each file that is not read, and for each benchmark of which the samples are not, or not all. config: checked."""
    layout = Layout(config)
    return [
        f"{model}: {warning}"
        for model in config["models"]
        if "samples" in config["models"][model]
        for benchmark in config["benchmarks"]
        for warning in _warnings(layout, model, benchmark)
    ]


def _warnings(layout: Layout, model: str, benchmark: str) -> Iterator[str]:
    files = [Path(layout.sample_file(model, benchmark, run)) for run in layout.sample_runs(model)]
    if unread := unread_files(files[0].parent) if files else []:
        more = f" and {len(unread) - 1:,} more" if len(unread) > 1 else ""
        yield f"{unread[0]}{more}: not read where it stands; scripts/import_samples.py reads it"
    first = next((path for path in files if path.exists()), None)
    if first is None:
        return
    prepared = Path(f"data/{benchmark}.jsonl")
    if prepared.exists():
        ours = Benchmark(benchmark, (Problem.of(row, number) for number, row in enumerate(read_rows(prepared))))
        looked_at = [str(row.get("problem", "")) for row in islice(read_rows(first), COMPARED)]
        strange = sum(without_space(text) not in ours.times for text in looked_at)
        if strange:
            yield f"{benchmark}: {strange:,} of the first {len(looked_at):,} problems of {first} are not in {prepared}"
    yield from size_warning(benchmark, count_rows(first))


def size_warning(benchmark: str, problems: int) -> Iterator[str]:
    """A sentence where a registered benchmark has another number of problems than the samples that go by its name."""
    registered = read_registry().get(benchmark, {})
    if registered.get("rows") not in (None, problems):
        title, rows = registered.get("title", benchmark), registered["rows"]
        yield f"{benchmark}: {problems:,} problems, where {title} has {rows:,}: no number of that benchmark"
