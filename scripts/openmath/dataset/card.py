"""What is said of a packed set: counts.json for programs, card.md for people and the Hugging Face hub."""

import json
from typing import TypedDict

from openmath.dataset.kept import Counts
from openmath.dataset.packing import COLUMNS
from openmath.results.export import size_category

MEANINGS = {
    "problem": "the problem",
    "generated_solution": "a solution by the teacher, after the filters",
    "expected_answer": "the reference of the problem; of a new one the answer that most of its solutions give",
    "problem_source": "where the problem comes from; `augmented_`: a new one made from a problem of that source",
}


class SetCounts(TypedDict):
    """counts.json. parts: one for each part, in order of packing. new_problems: file of new-problems/ -> what became of them.

    clean_problems: likewise, what decontamination.Findings counts. sets: name -> rows; problems: different ones in the full set.
    """

    parts: list[Counts]
    new_problems: dict[str, dict[str, int]]
    clean_problems: dict[str, dict]
    sets: dict[str, int]
    problems: int


def by_source(parts: list[Counts]) -> dict[str, Counts]:
    """The parts of each source added up: source -> counts."""
    sums: dict[str, dict] = {}
    for part in parts:
        known = sums.get(part["source"])
        if known is None:
            sums[part["source"]] = json.loads(json.dumps(part))
            continue
        for key in ("problems", "samples", "correct", "kept", "solved"):
            known[key] += part[key]
        for mine, more in zip(known["filters"], part["filters"], strict=True):
            for key in ("before", "after", "changed"):
                mine[key] += more[key]
        if part["labels"] is not None:
            known["labels"] = known["labels"] or {}
            for outcome, number in part["labels"].items():
                known["labels"][outcome] = known["labels"].get(outcome, 0) + number
    return sums  # type: ignore[return-value]


def card(name: str, teacher: str, counts: SetCounts, licences: dict[str, str]) -> str:
    """card.md: what the hub and `datasets` read at its top, and what people read below. licences: origin -> of its problems."""
    sets = counts["sets"]
    splits = "\n".join(f"  - split: {split}\n    path: {split}.parquet" for split in sets)
    sources = by_source(counts["parts"])
    steps = [one["filter"] for one in counts["parts"][0]["filters"]]
    return f"""---
pretty_name: {json.dumps(name)}
language: [en]
task_categories: [text-generation]
tags: [math, synthetic, openmathinstruct-2]
size_categories: [{size_category(sets["train"])}]
# license: yours to choose; mind that of the teacher's output and those of the problems below
configs:
- config_name: default
  data_files:
{splits}
---

# {name}

{sets["train"]:,} solutions of {counts["problems"]:,} problems, written by {teacher} and made into a set by the workflow
openmath-evaluation, which follows the construction of [OpenMathInstruct-2](https://arxiv.org/abs/2410.01560).

| split | rows |
|---|---|
{_rows((split, rows) for split, rows in sets.items())}

A smaller split is fair: it takes the first solution of each problem, then the second of each that has one, and so on.

| column | meaning |
|---|---|
{_rows((f"`{column}`", MEANINGS[column]) for column in COLUMNS)}

## Where the rows come from

| problem_source | problems | samples | correct | kept | yield | problems with a solution |
|---|---|---|---|---|---|---|
{_rows(_source_row(source, part) for source, part in sources.items())}

![What each step left and dropped](stages.png)

Correct: the symbolic grader accepts the answer; for a new problem, the answer is that of most solutions.{_problems_text(counts)}

## Filters

Solutions that are left after each, in order; in brackets how many it has changed.

| {" | ".join(["problem_source", "correct", *steps])} |
|---|---|{"---|" * len(steps)}
{_rows((source, part["correct"], *map(_step, part["filters"])) for source, part in sources.items())}

## Licences

The solutions are output of {teacher}: the terms of that model apply to them. The problems:

| problems | licence |
|---|---|
{_rows(licences.items())}
"""


def _rows(rows) -> str:
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _cell(value: object) -> str:
    """A source may have any name: a bar would end its cell, a line its row."""
    return f"{value:,}" if isinstance(value, int) else " ".join(str(value).split()).replace("|", "\\|")


def _source_row(source: str, part: Counts) -> tuple:
    share = f"{part['kept'] / part['samples']:.1%}" if part["samples"] else ""
    return source, part["problems"], part["samples"], part["correct"], part["kept"], share, part["solved"]


def _step(one: dict) -> str:
    return f"{one['after']:,}" + (f" ({one['changed']:,})" if one["changed"] else "")


def _problems_text(counts: SetCounts) -> str:
    """What became of the new problems; nothing where there are none."""
    if not counts["new_problems"]:
        return ""
    total: dict[str, int] = {}
    for run in counts["new_problems"].values():
        for key, number in run.items():
            total[key] = total.get(key, 0) + number
    written, left = total.pop("written"), total.pop("left")
    dropped = ", ".join(f"{number:,} {reason.replace('_', ' ')}" for reason, number in total.items() if number)
    labels: dict[str, int] = {}
    for part in counts["parts"]:
        for outcome, number in (part["labels"] or {}).items():
            labels[outcome] = labels.get(outcome, 0) + number
    votes = ", ".join(f"{number:,} {outcome.replace('_', ' ')}" for outcome, number in labels.items())
    return (
        f"\n\nThe teacher wrote {written:,} new problems, of which {left:,} are left (dropped: {dropped or 'none'})."
        f"{_contamination_text(counts)} The votes on those that were solved: {votes}."
    )


def _contamination_text(counts: SetCounts) -> str:
    parts = counts["clean_problems"].values()
    if not parts:
        return " They were not compared with test problems."
    by_benchmark: dict[str, int] = {}
    for part in parts:
        for benchmark, number in part["by_benchmark"].items():
            by_benchmark[benchmark] = by_benchmark.get(benchmark, 0) + number
    total, pairs, unparsed, undecided = (
        sum(part[key] for part in parts) for key in ("contaminated", "pairs", "unparsed", "undecided")
    )
    named = ", ".join(f"{number:,} of {benchmark}" for benchmark, number in by_benchmark.items())
    doubt = (
        f" {unparsed:,} verdicts could not be read; {undecided:,} problems stay in spite of one." if unparsed else ""
    )
    return f" Of {pairs:,} pairs with a near test problem, {total:,} problems repeat one and were dropped ({named}).{doubt}"
