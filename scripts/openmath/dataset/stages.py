"""What became of everything that a teacher wrote for a set, step by step: the numbers behind the figure of its stages.

Each step takes up what the one before it left: InputError where counts.json says otherwise.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypedDict

from openmath.dataset.card import SetCounts, by_source
from openmath.dataset.new_problems import DROPPED
from openmath.errors import InputError

PROBLEMS = "new problems"


class Step(TypedDict):
    """A row of stages.csv. panel: PROBLEMS, or the problem_source of solutions. before = dropped + after, in problems or solutions.

    The first step of a panel is what was written, and drops none.
    """

    panel: str
    step: str
    before: int
    dropped: int
    after: int


def stages(counts: SetCounts) -> list[Step]:
    """All steps: of new problems, if there are any, then of the solutions of each source."""
    steps = list(_steps(PROBLEMS, *_new_problems(counts)))
    for source, part in by_source(counts["parts"]).items():
        panel, left = f"solutions, {source}", part["correct"]
        drops = {"wrong answer": part["samples"] - left}
        for one in part["filters"]:
            _check(f"{panel}: {one['filter']}", one["before"], left)
            drops[one["filter"]], left = one["before"] - one["after"], one["after"]
        steps += _steps(panel, part["samples"], drops, part["kept"])
    return steps


def _new_problems(counts: SetCounts) -> tuple[int, dict[str, int], int]:
    """(written, dropped by reason, labelled)."""
    parts = [part for part in counts["parts"] if part["labels"] is not None]
    outcomes = _sum(part["labels"] for part in parts if part["labels"])
    labelled = outcomes.pop("labelled", 0)
    solved = sum(part["problems"] for part in parts)
    if not counts["new_problems"]:  # nobody has counted what was written
        return solved, outcomes, labelled
    drops = _sum(counts["new_problems"].values())
    written = drops.pop("written")
    left = drops.pop("left")
    contaminated = sum(part["contaminated"] for part in counts["clean_problems"].values())
    _check("new problems that are left", left, written - sum(drops.values()))
    _check("new problems that are solved", solved, left - contaminated)
    drops = {reason: drops[reason] for reason in sorted(drops, key=DROPPED.index)}  # as they are looked for
    return written, drops | {"contaminated": contaminated} | outcomes, labelled


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for key, number in one.items():
            total[key] = total.get(key, 0) + number
    return total


def _steps(panel: str, written: int, drops: dict[str, int], left: int) -> Iterator[Step]:
    if not written:
        return
    yield {"panel": panel, "step": "written", "before": written, "dropped": 0, "after": written}
    before = written
    for reason, dropped in drops.items():
        after = before - dropped
        name = reason.replace("_", " ")
        yield {"panel": panel, "step": name, "before": before, "dropped": dropped, "after": after}
        before = after
    _check(f"{panel} that are left", left, before)


def _check(what: str, counted: int, expected: int) -> None:
    if counted != expected:
        raise InputError("The counts of the stages do not add up.", where=what, expected=expected, found=counted)
