"""Benchmarks: from what a public source serves to rows with id, problem, expected_answer (str), reference_solution.

What each benchmark is stands in config/benchmarks.yaml; the cleaning steps it names are in cleaning.py.
"""

import difflib
import json
from collections import Counter
from pathlib import Path

from openmath.answers import as_text
from openmath.benchmarks.cleaning import CLEANING
from openmath.errors import InputError
from openmath.files.fingerprint import sha256_text
from openmath.files.yaml_files import read_yaml

REGISTRY = Path(__file__).parents[3] / "config" / "benchmarks.yaml"
# A user's own benchmark.
OWN: dict = {"rows": None, "sources": [], "groups": ["level", "difficulty", "type", "subject", "domain"]}
GSM8K_MARK = "\n#### "  # before the answer
OTHER_NAMES = {
    "problem": ("question", "prompt"),
    "expected_answer": ("answer", "final_answer"),
}  # where OWN says nothing


def read_registry(path: Path = REGISTRY) -> dict[str, dict]:
    """Benchmark -> what config/benchmarks.yaml says of it."""
    registry = read_yaml(path, "the registry of benchmarks")
    if not isinstance(registry, dict) or not all(
        isinstance(one, dict) and {"rows", "sources"} <= one.keys() for one in registry.values()
    ):
        raise InputError(
            "This is not a registry of benchmarks.", where=path, expected="rows and sources of each benchmark"
        )
    return registry


def find_benchmark(name: str, registry: dict[str, dict], *, has_source: bool) -> dict:
    """The registered benchmark; a user's own where a source is given; else InputError with the nearest known name."""
    if name in registry:
        return registry[name]
    if has_source:
        return OWN
    near = difflib.get_close_matches(name, registry, 1, 0.0)
    raise InputError(
        "Unknown benchmark.",
        where=name,
        expected=", ".join(registry),
        hint=f"did you mean {near[0]!r}? For your own, give its file: benchmark_sources: {{{name}: FILE.jsonl}}.",
    )


def group_fields(name: str, registry: dict[str, dict]) -> list[str]:
    """Fields of a benchmark's rows by which its problems may be grouped."""
    return registry.get(name, OWN).get("groups", OWN["groups"])


def prepare_rows(name: str, benchmark: dict, rows: list[dict], source: str) -> list[dict]:
    """Cleaned rows with stable ids. Raises InputError naming the row for a missing field or an empty answer."""
    prepared: list[dict] = []
    fields = benchmark.get("fields") or other_names(rows[0] if rows else {})
    for number, row in enumerate(rows):
        where = f"{source}, row {number + 1}"
        row = dict(row)
        for ours, theirs in fields.items():
            if theirs in row:
                row[ours] = row.pop(theirs)
        if isinstance(row.get("expected_answer"), list):
            row["expected_answer"] = joined(row["expected_answer"])
        for step in benchmark.get("clean", []):
            CLEANING[step](row, benchmark)
        for field in ("problem", "expected_answer"):
            blank = field == "problem" and isinstance(row.get(field), str) and not row[field].strip()
            # An empty answer is upstream's (omni-math has one): kept, never matched.
            if row.get(field) is None or blank:
                raise InputError(
                    f"A row has no {field}.",
                    where=where,
                    found="a blank text" if blank else f"fields {', '.join(map(str, row))}",
                    hint="is this the right file? Fields of other names: `fields: {problem: ..., expected_answer: ...}` "
                    "beside its source (docs/extending.md).",
                )
        if not isinstance(row["problem"], str) or isinstance(row["expected_answer"], list | dict):
            raise InputError("A problem is not text, or its answer is neither text nor a number.", where=where)
        row["expected_answer"] = as_text(row["expected_answer"])
        if GSM8K_MARK in row["expected_answer"]:
            hint = "its cleaning step takes the answer: `clean: [gsm8k_answer]` beside the source."
            found = f"{row['expected_answer'][-80:]!r}"
            raise InputError("A reference is a whole solution in GSM8K's form.", where=where, found=found, hint=hint)
        # Our own files bring ids; upstream's numbers are unique only within one source, so the benchmark's name goes before.
        own_id = row.pop("id", None)
        own_id = number if own_id is None else own_id
        row_id = own_id if isinstance(own_id, str) and not own_id.isdigit() else f"{name}-{own_id}"
        first = {"id": row_id, "problem": row.pop("problem"), "expected_answer": row.pop("expected_answer")}
        prepared.append({**first, "reference_solution": row.pop("reference_solution", None), **row})
    repeated = [row_id for row_id, times in Counter(row["id"] for row in prepared).items() if times > 1]
    if repeated:
        raise InputError("Ids are not unique.", where=source, found=", ".join(sorted(repeated)[:3]))
    return prepared


def other_names(row: dict) -> dict[str, str]:
    """Fields of a row that stand for ours under a usual name: our name -> theirs."""
    found = {ours: [name for name in names if name in row] for ours, names in OTHER_NAMES.items() if ours not in row}
    return {ours: names[0] for ours, names in found.items() if names}


def joined(answers: list) -> object:
    """Several answers as one text, "1, 2": all of them are the answer. A list that holds no answers stays as it is."""
    if answers and not any(isinstance(answer, list | dict | None) for answer in answers):
        return ", ".join(str(as_text(answer)) for answer in answers)
    return answers


def problems_sha256(rows: list[dict]) -> str:
    """Hash of problems and references in order: the same whatever copy of a benchmark they came from."""
    return sha256_text("".join(json.dumps([row["problem"], row["expected_answer"]]) + "\n" for row in rows))
