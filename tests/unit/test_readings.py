"""The table of readings says what the grader does, and docs/grading.md shows it."""

from pathlib import Path

import pytest

from openmath.grading.compare import grade, same
from openmath.grading.parsed_answer import ParsedAnswer
from openmath.grading.readings import Reading

PAGE = Path(__file__).parents[2] / "docs" / "grading.md"


def without(reading: Reading, text: str) -> ParsedAnswer:
    answer = ParsedAnswer(text)
    answer.__dict__["other_readings"] = {r: keys for r, keys in answer.other_readings.items() if r is not reading}
    return answer


@pytest.mark.parametrize("reading", Reading, ids=lambda reading: reading.name)
def test_example_is_equal_by_this_reading_alone(reading):
    one, other = reading.example
    assert grade(one, other).correct
    assert grade(other, one).correct
    assert not same(without(reading, one), without(reading, other))


def test_readings_meet_each_other():
    for reading in Reading:
        for other in reading.both_at_once:
            assert reading in other.both_at_once, f"{other.name} does not name {reading.name}"


def row(reading: Reading) -> str:
    one, other = reading.example
    meets = ", ".join(f"`{other.name}`" for other in reading.both_at_once)
    return f"| `{reading.name}` | {reading.meaning} | `{one}` and `{other}` | {meets} |\n"


def test_page_shows_the_table():
    assert "".join(map(row, Reading)) in PAGE.read_text(encoding="utf-8")
