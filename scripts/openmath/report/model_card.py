"""What is said of a trained model, for people and the Hugging Face hub: only what was recorded or measured."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from openmath.dataset.behind import SetBehind
from openmath.provenance.bibliography import hub_repository
from openmath.provenance.training import base_of, mean_of, took, training_facts
from openmath.provenance.words import listed, source_text
from openmath.report.gains import asked_otherwise, base_name, gains
from openmath.report.overview import grading_of, leading_modes
from openmath.report.page import percent
from openmath.report.summaries import Summary


def model_card(
    record: dict, averaged: dict, behind: SetBehind | None, summaries: Sequence[Summary], comparisons: Sequence[Path]
) -> str:
    """card.md. record: training.json; averaged: averaged.json of the checkpoint; behind: the set of its rows, where it is known.

    summaries: of the model, one for each judge. comparisons: as of gains.gains.
    """
    name, base = summaries[0].model, base_of(record)
    repository = hub_repository(base)
    return f"""---
library_name: transformers
pipeline_tag: text-generation
language: [en]
tags: [math, openmathinstruct-2]
{f"base_model: {repository}" if repository else "# base_model: not on the hub"}
# license: yours to choose, as far as the licences below let you
---

# {name}

This is {base_name(summaries[0])}, {source_text(base, citing=False)}, fine-tuned on {record["dataset"]["rows"]:,} worked
solutions of math problems by the workflow openmath-evaluation, which follows the training of [OpenMathInstruct-2](https://arxiv.org/abs/2410.01560).{_built_with(repository)}

## Training

| | |
|---|---|
{_rows(training_facts(record).items())}

No warm-up, no packing of rows. The weights are {_weights(averaged)}.

## Evaluation

Percent of problems solved, with 95 % intervals over problems.

{_evaluation(summaries, comparisons)}

## Use and limits

For research on solving math problems, asked in the prompt of its training; the answer stands in the last `\\boxed{{}}`. How often
it is wrong, the table says. Other tasks, other prompts, safety and bias were not measured: what is known of the model that it
started from, and of the one that wrote the solutions, may hold for it.

## Compute

Training took {took(record)}; starts of the program and evaluations are not in it. Energy and CO2 were not measured.

## Licences

| of | licence |
|---|---|
{_rows(_licences(base, behind))}
"""


def _rows(rows: Iterable[Sequence]) -> str:
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in row)} |" for row in rows)


def _built_with(repository: str | None) -> str:
    """What the licence of Llama asks for."""
    return "\nBuilt with Llama." if (repository or "").startswith("meta-llama/") else ""


def _weights(averaged: dict) -> str:
    weights = mean_of(averaged["steps"]) + ", made in float32" * (len(averaged["steps"]) > 1)
    return weights if averaged["dtype"] == "as stored" else f"{weights}, stored as {averaged['dtype']}"


def _evaluation(summaries: Sequence[Summary], comparisons: Sequence[Path]) -> str:
    """Greedy and majority of each judge; where they were compared, beside the model that the training started from."""
    base = base_name(summaries[0])
    compared = any(gains(summary, comparisons) for summary in summaries)
    header = ["benchmark", "mode", "graded by", "n", "solved"]
    header += [f"{base}, before", "difference, paired", "verdict"] * compared
    rows = [row for summary in summaries for row in _evaluation_rows(summary, comparisons, compared)]
    doubt = ""
    if compared and (other := asked_otherwise(summaries[0])):
        doubt = f"\n\n{base} was asked with another {listed(other)}: a difference is not that of the training alone."
    return f"{_rows([header])}\n{'|---' * len(header)}|\n{_rows(rows)}{doubt}"


def _evaluation_rows(summary: Summary, comparisons: Sequence[Path], compared: bool) -> Iterator[list[str]]:
    known = {(row["benchmark"], row["mode"], row["grading"]): row for row in gains(summary, comparisons)}
    for benchmark in dict.fromkeys(row["benchmark"] for row in summary.metrics):
        for row in leading_modes(summary, benchmark).values():
            grading = grading_of(row)
            who = summary.judge if grading == "judge" else "symbolic"
            solved = _with_bounds(row[f"accuracy_{grading}"], row[f"ci95_low_{grading}"], row[f"ci95_high_{grading}"])
            gain = known.get((benchmark, row["mode"], grading))
            beside = [""] * 3
            if gain:
                difference = _with_bounds(gain["difference"], gain["ci95_low"], gain["ci95_high"], "+")
                beside = [percent(gain["second"]), difference, gain["verdict"]]
            yield [benchmark, row["mode"], who, f"{row['n_items']:,}", solved, *beside * compared]


def _with_bounds(value: float, low: float, high: float, sign: str = "") -> str:
    """67.7 [66.4, 69.0]; proportions."""
    return f"{100 * value:{sign}.1f} [{100 * low:{sign}.1f}, {100 * high:{sign}.1f}]"


def _licences(base: dict, behind: SetBehind | None) -> Iterator[tuple[str, str]]:
    yield source_text(base, citing=False), "its own, which goes with it"
    if behind is None:
        yield "the training set", "not known here"
        return
    teacher = source_text(behind.teacher, citing=False) if behind.teacher else "a model that is not recorded"
    yield f"the solutions of {behind.name}, output of {teacher}", "the terms of that model"
    for origin, licence in behind.licences.items():
        yield f"the problems of {origin}", licence
