"""All samples of a folder, by model and benchmark: which tasks are one benchmark, which of ours it is, and its name."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from openmath.benchmarks.registry import read_registry
from openmath.foreign.collection import Collection, Task
from openmath.foreign.found import Found, Source, folder_name
from openmath.foreign.matching import Benchmark, best_match
from openmath.foreign.publishing import Publication

RESULTS = Path("results")
OTHER_NAMES = {"hendrycks_math": "math"}  # NeMo-Skills' name since 2025 -> ours


@dataclass
class Model:
    """Samples of one model. name: of its folder and in the configuration."""

    name: str
    collection: Collection
    tasks: list[Task]


@dataclass
class Matched:
    """A task, the benchmark of ours that it is (None: none that is here), and, of its problems, the texts there."""

    task: Task
    ours: Benchmark | None
    places: dict[int, str]


def read_models(found: Found, spools: Iterable[IO[bytes]]) -> list[Model]:
    """Read all sources. spools: a temporary file for each model."""
    grouped: dict[str, list[Source]] = defaultdict(list)
    for source in found.sources:
        grouped[source.home].append(source)
    models: list[Model] = []
    for sources, spool in zip(grouped.values(), spools, strict=False):
        collection = Collection(spool)
        tasks: dict[tuple[str, str], list[Source]] = defaultdict(list)
        for source in sources:
            tasks[source.tool, source.benchmark].append(source)
        name = folder_name(sources[0].model)
        if (RESULTS / name / "eval-results").is_dir():
            name = f"{name}-imported"  # a model of this name is evaluated here: its grades and tables stay its own
        name = without_repeat(name, {model.name for model in models})
        read = [collection.read(tool, task, files, found) for (tool, task), files in tasks.items()]
        models.append(Model(name, collection, read))
    return models


def publications(model: Model, benchmarks: list[Benchmark]) -> list[Publication]:
    """What there is to publish of a model, each benchmark under a name of its own."""
    texts = list(model.collection.numbers())
    matched = [_match(task, texts, benchmarks) for task in model.tasks if task.runs]
    parts = defaultdict(list)
    for one in matched:
        parts[one.ours.name if one.ours else None, one.task.tool].append(one)
    merged = [one for key, of_one in parts.items() for one in (_as_one(of_one) if key[0] else of_one)]
    claims = Counter(one.ours.name for one in merged if one.ours)
    prepared = {benchmark.name for benchmark in benchmarks}
    made: list[Publication] = []
    names: set[str] = set()
    for one in merged:
        name = without_repeat(_name(one, claims, prepared), names)
        names.add(name)
        made.append(Publication(model.collection, one.task, name, one.ours, one.places))
        if not one.ours:
            made[-1].warnings[:0] = _doubts(name, _asked(one), prepared, len(made[-1].problems))
    return made


def _asked(one: Matched) -> str:
    """The tool's name of the benchmark, as one of ours would be written."""
    return folder_name(OTHER_NAMES.get(one.task.name, one.task.name))


def _name(one: Matched, claims: Counter[str], prepared: set[str]) -> str:
    """Ours where the problems are; of several tasks with the problems of one benchmark each keeps its own."""
    asked = _asked(one)
    if one.ours is None:
        return f"{asked}-other" if asked in prepared else asked
    if claims[one.ours.name] == 1 or asked == one.ours.name:
        return one.ours.name
    return f"{one.ours.name}-{asked}" if asked in read_registry() else asked


def _doubts(name: str, asked: str, prepared: set[str], problems: int) -> Iterator[str]:
    """Whether a benchmark that is none of those in data/ may be called as it is."""
    registered = read_registry().get(name, {})
    if asked in prepared:
        yield f"calls itself {asked}, but most of its problems are not in data/{asked}.jsonl"
    elif registered:
        rows, title = registered["rows"], registered.get("title", name)
        size = "" if rows in (None, problems) else f" and has {rows:,} problems where this has {problems:,}"
        yield (
            f"is named as {title}, which could not be compared{size}: "
            f"`python scripts/prepare_benchmark.py {name} --output data/{name}.jsonl`, then import again"
        )


def _match(task: Task, texts: list[str], benchmarks: list[Benchmark]) -> Matched:
    numbers = list(task.references)
    match = best_match([texts[number] for number in numbers], benchmarks)
    if match is None:
        return Matched(task, None, {})
    ours, found = match
    return Matched(task, ours, {number: text for number, text in zip(numbers, found, strict=True) if text is not None})


def _as_one(parts: list[Matched]) -> list[Matched]:
    """Tasks that are parts of one benchmark as one (subjects of MATH): the same runs, and no problem in two of them."""
    first, *others = parts
    problems = [number for part in parts for number in part.task.references]
    if (
        not others
        or len(set(problems)) < len(problems)
        or any(p.task.runs.keys() != first.task.runs.keys() for p in others)
    ):
        return parts
    whole = Task(first.task.tool, f"{first.task.name} and {len(others)} more")
    for part in parts:
        whole.files += part.task.files
        whole.references |= part.task.references
        whole.contradicted |= part.task.contradicted
        for run, entries in part.task.runs.items():
            whole.runs.setdefault(run, type(entries)()).extend(entries)
    return [Matched(whole, first.ours, {number: text for part in parts for number, text in part.places.items()})]


def without_repeat(name: str, taken: set[str]) -> str:
    """The name, or with -2, -3, ... behind it where it is taken."""
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}-{number}"
    return free
