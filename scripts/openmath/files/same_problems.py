"""Files about the same problems, such as the sample runs of a benchmark: made elsewhere, they may contradict each other.

A row belongs to the problem at its place. What it says of the problem (id, text, reference) must be what the first file says.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

from openmath.answers import as_text
from openmath.errors import InputError
from openmath.files.sample_rows import id_of

QUOTED = 80  # characters of a problem in a message


class Problem(NamedTuple):
    """What a row says of its problem; None where it is silent. id: the row's number in its file where it has none."""

    id: str
    text: str | None
    reference: str | None

    @staticmethod
    def of(row: Mapping, number: int) -> "Problem":
        text = row.get("problem")
        return Problem(id_of(row, number), None if text is None else str(text), as_text(row.get("expected_answer")))


class SameProblems:
    """Holds rows against the problems of the first file (or benchmark). Errors are InputErrors that name both places.

    references: whether another reference is an error; not where one is given that counts for all.
    """

    def __init__(self, first: str | Path, problems: Iterable[Problem], *, references: bool = True):
        self._first, self._problems, self._references = first, list(problems), references
        self._places = unique_ids(first, (problem.id for problem in self._problems))

    def __len__(self) -> int:
        return len(self._problems)

    @property
    def ids(self) -> list[str]:
        """Of the problems, in order."""
        return list(self._places)

    def check(self, path: str | Path, number: int, row: Mapping) -> None:
        """The row `number` (from 0) of a file; check_count finds a row too many."""
        if number >= len(self._problems):
            return
        expected = self._problems[number]
        text, reference, stated = row.get("problem"), row.get("expected_answer"), row.get("id")
        if text == expected.text and reference == expected.reference and (stated is None or stated == expected.id):
            return  # as nearly all are; this is run for each of millions of rows
        found = Problem.of(row, number)
        if row.get("id") is not None and found.id != expected.id:
            self._refuse_id(path, number, found.id)
        if None not in (expected.text, found.text) and not _same_text(expected.text, found.text):
            self._refuse(
                "Two files have different problems at the same place.", path, number, expected.text, found.text
            )
        if self._references and None not in (expected.reference, found.reference):
            if expected.reference != found.reference:
                what = "Two files have different references for the same problem."
                self._refuse(what, path, number, expected.reference, found.reference)

    def check_count(self, path: str | Path, count: int) -> None:
        """That a file has had as many rows as there are problems."""
        if count != len(self._problems):
            raise InputError(
                "Two files differ in their number of problems.",
                where=f"{path} and {self._first}",
                expected=f"{len(self._problems)} rows, as in {self._first}",
                found=f"{count} rows",
            )

    def _refuse_id(self, path: str | Path, number: int, found: str) -> NoReturn:
        place = self._places.get(found)
        if place is None:
            self._refuse(
                "A row has an id that the other file does not know.", path, number, self._problems[number].id, found
            )
        if place < number:
            raise _twice(path, found, place, number)
        self._refuse(
            "Two files have their problems in another order, or a row is missing.",
            path,
            number,
            self._problems[number].id,
            found,
        )

    def _refuse(self, what: str, path: str | Path, number: int, expected: str | None, found: str | None) -> NoReturn:
        raise InputError(
            what,
            where=f"{path}:{number + 1} and {self._first}:{number + 1}",
            expected=f"{expected!r:.{QUOTED}}, as in {self._first}",
            found=f"{found!r:.{QUOTED}}",
            hint="are these files of one benchmark, in one version? Each needs the same problems in the same order.",
        )


def unique_ids(path: str | Path, ids: Iterable[str]) -> dict[str, int]:
    """Number of the row (from 0) of each id of a file. InputError where an id stands twice."""
    places: dict[str, int] = {}
    for number, identifier in enumerate(ids):
        if places.setdefault(identifier, number) != number:
            raise _twice(path, identifier, places[identifier], number)
    return places


def check_references(files: Iterable[tuple[str | Path, list[dict]]]) -> None:
    """InputError where an id stands twice in a file of (path, rows), or a problem of the same id has two references in them all."""
    known: dict[tuple[str, str | None], tuple[str | None, str]] = {}
    for path, rows in files:
        problems = [Problem.of(row, number) for number, row in enumerate(rows)]
        unique_ids(path, (problem.id for problem in problems))
        for number, problem in enumerate(problems, start=1):
            reference, place = known.setdefault(problem[:2], (problem.reference, f"{path}:{number}"))
            if reference != problem.reference:
                raise InputError(
                    "Two files have different references for the same problem.",
                    where=f"{path}:{number} and {place}",
                    expected=f"{reference!r:.{QUOTED}}, as in {place}",
                    found=f"{problem.reference!r:.{QUOTED}}",
                )


def _twice(path: str | Path, identifier: str, first: int, second: int) -> InputError:
    return InputError(
        "An id stands twice in a file.",
        where=f"{path}:{second + 1} and {path}:{first + 1}",
        found=f"{identifier!r:.{QUOTED}}",
        hint="one row for each problem; several samples of each are several files, output-rs0.jsonl, output-rs1.jsonl, ...",
    )


def _same_text(one: str | None, other: str | None) -> bool:
    """But for white space, which tools cut."""
    return one == other or str(one).split() == str(other).split()
