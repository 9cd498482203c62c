"""`seeds_per_job: auto`: how many sample runs one job can compute within `runtime`.

By the configuration and the registry of benchmarks alone: what earlier jobs have measured would name other jobs while a run
goes on, and Snakemake would not find those that it has sent out.
"""

from functools import cache
from pathlib import Path
from typing import cast

from openmath.files.yaml_files import read_yaml
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.sampling import usual_tokens

REGISTRY = Path(__file__).parents[3] / "config" / "benchmarks.yaml"
MOST_SEEDS = 16  # an engine start is cheap by then, and more jobs can run at a time
OWN_ROWS = 500  # assumed of a benchmark that the registry does not know
USED = 0.8  # of the time: engines and samples differ


def seeds_per_job(config: dict, model: str) -> int:
    """Seeds of a block of an evaluation, at least 1."""
    return _block(config, model, usual_tokens(config, model)[0] * _most_rows(config))


def seeds_per_teacher_job(config: dict, origin: str, files: int, drawn: dict) -> int:
    """Seeds of a block of a training set's stage, at least 1. files: of problems, each with as many as the origin at most.

    drawn: how the stage draws its samples.
    """
    rows = files * _registered_rows().get(origin, OWN_ROWS)
    tokens = min(config["generation"]["tokens_per_sample"], drawn["max_new_tokens"])
    return _block(config, config["dataset"]["teacher"], tokens * rows)


def _block(config: dict, model: str, tokens_per_seed: float) -> int:
    generation = config["generation"]
    if generation["seeds_per_job"] != "auto":
        return generation["seeds_per_job"]
    seconds = USED * 60 * generation["runtime"] - engine_kind(config["models"][model]["engine"]).start_seconds
    tokens = seconds * generation["tokens_per_second"] * generation["engines_per_job"]
    return max(1, min(MOST_SEEDS, int(tokens / tokens_per_seed)))


def _most_rows(config: dict) -> int:
    """Problems of the largest group of benchmarks that share a job."""
    generation, benchmarks = config["generation"], config["benchmarks"]
    size, registered = generation["benchmarks_per_job"] or len(benchmarks), _registered_rows()
    rows = [registered.get(name, OWN_ROWS) for name in benchmarks]
    rows = [min(count, generation["limit"] or count) for count in rows]
    return max(sum(rows[start : start + size]) for start in range(0, len(rows), size))


@cache
def _registered_rows() -> dict[str, int]:
    registry = cast(dict[str, dict], read_yaml(REGISTRY, "the registry of benchmarks"))
    return {name: benchmark["rows"] for name, benchmark in registry.items()}
