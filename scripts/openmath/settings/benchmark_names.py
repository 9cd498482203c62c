"""Benchmarks as a configuration names them: groups of config/benchmark_groups.yaml, and sources with or without further keys."""

from collections.abc import Iterable
from pathlib import Path

from openmath.errors import InputError
from openmath.files.yaml_files import read_yaml

GROUPS = Path(__file__).parents[3] / "config" / "benchmark_groups.yaml"


def read_groups(path: Path = GROUPS) -> dict[str, list[str]]:
    """Group -> its benchmarks, in order."""
    groups = read_yaml(path, "the groups of benchmarks")
    if not isinstance(groups, dict) or not all(isinstance(names, list) for names in groups.values()):
        raise InputError("These are not groups of benchmarks.", where=path, expected="a list of names for each group")
    return groups


def without_groups(names: Iterable[str], own: Iterable[str]) -> list[str]:
    """Names of benchmarks in order, each once; a group is replaced by its own. own: names that the user has given a source."""
    groups = {group: members for group, members in read_groups().items() if group not in set(own)}
    return list(dict.fromkeys(member for name in names for member in groups.get(name, [name])))


def source_of(config: dict, benchmark: str) -> dict:
    """`source`, `fields` and `clean` that a checked configuration gives a benchmark; {} where it gives no source."""
    given = config["benchmark_sources"].get(benchmark, {})
    return {"source": given} if isinstance(given, str) else given
