"""What an import has found and written, as text for people and as configurations that are ready to run."""

from collections.abc import Iterator

from openmath.files.fingerprint import identity
from openmath.foreign.found import Found
from openmath.foreign.publishing import Imported, label
from openmath.settings.config import checked_config

MADE_BY = "# Written by scripts/import_samples.py."  # first words of its configurations: others are not written over


def findings_text(imported: dict[str, list[Imported]], found: Found) -> str:
    """imported: by model."""
    lines = []
    for model, benchmarks in imported.items():
        lines.append(model)
        for one in benchmarks:
            lines += _benchmark_lines(one)
    lines += found.skipped_lines()
    return "\n".join(lines) + "\n"


def _benchmark_lines(one: Imported) -> Iterator[str]:
    if one.ours:
        counted = f"{one.matched:,} of {len(one.ours.problems):,}"
        if one.matched < one.problems:
            counted += f", and {one.problems - one.matched:,} others"
    else:
        counted = f"{one.problems:,} problems, of no benchmark in data/"
    renamed = "" if one.name == one.task.name else f" ({one.task.tool}'s {one.task.name})"
    yield f"  {one.name}: {counted}; {_runs_text(one)}{renamed}"
    for warning in one.warnings:
        yield f"    warning: {warning}"


def _runs_text(one: Imported) -> str:
    seeds = [run for run in one.runs if run != "greedy"]
    settings = {source.settings for source in one.task.files if source.settings}
    told = ["greedy"] if "greedy" in one.runs else []
    if seeds:
        told.append(
            f"{len(seeds)} sampled run{'s' * (len(seeds) > 1)}"
            + (f" ({'; '.join(sorted(settings))})" if settings else "")
        )
    return ", ".join(told) or "no runs"


def configurations(imported: dict[str, list[Imported]], out: str) -> list[dict]:
    """Configurations that together ask for all that was imported; each has the same benchmarks for all of its models.

    A model whose benchmarks have different runs is several entries. out: the folder as the configuration shall name it.
    """
    entries: dict[tuple[str, ...], dict] = {}
    taken: set[str] = set()
    for model, benchmarks in imported.items():
        by_runs: dict[tuple[bool, int], list[str]] = {}
        for one in benchmarks:
            if one.runs:
                shape = "greedy" in one.runs, len(one.runs) - ("greedy" in one.runs)
                by_runs.setdefault(shape, []).append(one.name)
        for (greedy, seeds), names in sorted(by_runs.items(), key=lambda item: -len(item[1])):
            parts = ["greedy"] * greedy + [f"{seeds}-seeds"] * bool(seeds)
            name = "-".join([model, *parts]) if model in taken else model
            while name in taken:
                name += "-more"
            taken.add(name)
            entries.setdefault(tuple(sorted(names)), {})[name] = {
                "samples": f"{out}/{model}",
                "greedy": greedy,
                "seeds": seeds,
            }
    ordered = sorted(entries.items(), key=lambda item: (-len(item[0]) * len(item[1]), item[0]))
    made = [{"benchmarks": list(names), "models": models, "generation": {}} for names, models in ordered]
    for config in made:
        checked_config(config)
    return made


def record(imported: dict[str, list[Imported]]) -> dict:
    """What was made from what: the hash of each file of a tool; of each benchmark its runs, ours -> the tool's, and warnings."""
    read = {
        path for benchmarks in imported.values() for one in benchmarks for file in one.task.files for path in file.paths
    }
    samples = {
        model: {
            one.name: {
                "tool": one.task.tool,
                "task": one.task.name,
                "runs": {run: label(theirs) for run, theirs in one.runs.items()},
                "sampling": sorted({source.settings for source in one.task.files if source.settings}),
                "warnings": one.warnings,
            }
            for one in benchmarks
        }
        for model, benchmarks in imported.items()
    }
    return {"made_from": {str(path): identity(path) for path in sorted(read)}, "samples": samples}
