"""Keys of the configuration below `dataset`: see config_model.py."""

from typing import Annotated, Literal, get_args

from pydantic import MISSING, Field

from openmath.settings import defaults
from openmath.settings.config_contamination import Decontamination
from openmath.settings.config_types import Count, Name, Section, Unique, key

# In the order that suits: what a step leaves is what the next one sees. What they do: openmath/dataset/filters.py.
Filter = Literal[
    "several_boxes",
    "trim_prefix",
    "trim_solution",
    "wrong_arithmetic",
    "split_arithmetic",
    "lengths",
    "duplicates",
]
NEW_SAMPLES = "that stage and all after it"
PACKED_AGAIN = "filtered and packed again"


class Drawn(Section):
    seeds: Count = key(..., "Runs rs0, rs1, ...; the seed is the number.", costs="only new runs are computed")
    prompt: str = key(..., "A file of config/prompts/, or a path with a `/` in it.", costs=NEW_SAMPLES)
    prompt_template: Literal["completion", "chat", "llama3-instruct"] = key(
        "completion", "`completion`: plain text that the teacher goes on with, no turns.", costs=NEW_SAMPLES
    )
    temperature: float = key(defaults.DATASET_TEMPERATURE, "The paper's.", costs=NEW_SAMPLES, ge=0)
    top_p: float = key(defaults.TOP_P, "The paper's.", costs=NEW_SAMPLES, gt=0, le=1)
    max_new_tokens: Count = key(defaults.DATASET_MAX_NEW_TOKENS, "Tokens of the longest text.", costs=NEW_SAMPLES)


class SolvedProblems(Drawn):
    temperature: float = key(
        defaults.TEMPERATURE, "The paper's text; its commands would draw at 1.0.", costs=NEW_SAMPLES, ge=0
    )


class Origin(Section):
    problem_source: str | MISSING = key(
        MISSING,
        "What the set's column of this name says; of new problems `augmented_` and this.",
        costs=PACKED_AGAIN,
        unset="the benchmark's name",
        min_length=1,
    )
    solutions: Drawn = key(..., "How the teacher solves the problems.", costs="as its keys say")
    problems: Drawn | MISSING = key(
        MISSING, "How the teacher makes new problems of them.", costs="as its keys say", unset="no new problems"
    )
    new_solutions: SolvedProblems | MISSING = key(
        MISSING, "How the teacher solves the new problems.", costs="as its keys say", unset="no new problems"
    )


class Dataset(Section):
    name: Name = key(..., "Folder of the set: `datasets/NAME`.", costs="another set")
    teacher: str = key(
        ...,
        "Who writes it: a name under `models`. Its `prompt`, `prompt_template`, `system`, `sampling` and `extraction` are "
        "those of an evaluation; here each stage has its own.",
        costs="all of it",
    )
    origins: dict[Name, Origin] = key(
        ..., "Benchmark with the problems to begin from: what is made of them.", costs="as its keys say", min_length=1
    )
    decontamination: Decontamination | MISSING = key(
        MISSING,
        "Drop new problems that repeat a test problem, before they are solved.",
        costs="as its keys say",
        unset="none",
    )
    filters: Annotated[list[Filter], Unique] = key(
        list(get_args(Filter)), "What correct solutions go through, in this order; docs/dataset.md.", costs=PACKED_AGAIN
    )
    tokenizer: str | MISSING = key(
        MISSING,
        "Folder with the tokenizer.json that counts the tokens of `lengths`.",
        costs=PACKED_AGAIN,
        unset="the engine's own count of each sample",
    )
    min_solution_characters: int = key(
        defaults.MIN_SOLUTION_CHARACTERS, "`lengths`: of the shortest solution.", costs=PACKED_AGAIN, ge=0
    )
    max_solution_tokens: Count = key(
        defaults.MAX_SOLUTION_TOKENS, "`lengths`: of the longest solution.", costs=PACKED_AGAIN
    )
    max_problem_tokens: Count = key(
        defaults.MAX_PROBLEM_TOKENS, "`lengths`: of the longest problem.", costs=PACKED_AGAIN
    )
    min_votes: int = key(0, "Runs that have to agree on the answer of a new problem.", costs=PACKED_AGAIN, ge=0)
    subsets: Annotated[list[Count], Unique] = key(
        [], "Rows of smaller sets beside the full one, dealt evenly over the problems.", costs=PACKED_AGAIN
    )
    seed: Annotated[int, Field(ge=0)] = key(42, "Of the shuffle.", costs="packed again")
