"""The problems that answers are graded against, and the distinct answers given to each."""

from pathlib import Path

from openmath.answers import as_text
from openmath.errors import InputError
from openmath.files.fast_rows import read_rows
from openmath.files.sample_rows import id_of

Texts = tuple[str, str | None, str]  # of a problem: id, problem where known, expected answer


class Problem:
    """One problem: its id and text where known, its reference answer, and the distinct answers given to it."""

    __slots__ = ("answers", "texts")

    def __init__(self, texts: Texts):
        self.texts = texts
        self.answers: dict[str | None, int] = {}  # answer -> index into the list of all distinct pairs

    @property
    def expected(self) -> str:
        return self.texts[2]


def read_benchmark(path: str | Path) -> list[Problem]:
    """The problems of a prepared benchmark, in order."""
    message = "A benchmark row has no expected_answer."
    problems = [Problem(texts_of(row, number, path, message)) for number, row in enumerate(read_rows(path))]
    if not problems:
        raise InputError("The file is empty.", where=path)
    return problems


def texts_of(row: dict, number: int, path: str | Path, message_if_missing: str, hint: str | None = None) -> Texts:
    """What a row, the `number`th of its file from 0, says of its problem."""
    expected = as_text(row.get("expected_answer"))
    if expected is None:
        raise InputError(message_if_missing, where=f"{path}:{number + 1}", hint=hint)
    return id_of(row, number), row.get("problem"), expected
