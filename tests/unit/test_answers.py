"""What an answer row says, and that every stage reads the same."""

import json

import pytest
from unit.grading_cases import EXTRACTION, FALLBACKS, PARTS
from unit.judging_cases import PROMPT

import fill_majority
import grade_answers
import judge_answers
import summarize_results
from openmath.answers import answer_of, as_text, extract_answer, fallback_answer
from openmath.errors import InputError
from openmath.files.rows import write_rows
from openmath.thoughts import answer_start


@pytest.mark.parametrize(("why", "generation", "answer"), EXTRACTION, ids=[row[0] for row in EXTRACTION])
def test_extraction(why, generation, answer):
    assert extract_answer(generation) == answer


@pytest.mark.parametrize(("generation", "reference", "answer"), PARTS)
def test_boxes_are_parts_where_the_reference_has_as_many(generation, reference, answer):
    assert extract_answer(generation, reference) == answer
    assert answer_of({"generation": generation, "expected_answer": reference}) == answer


@pytest.mark.parametrize(("generation", "answer", "behind"), FALLBACKS)
def test_fallbacks(generation, answer, behind):
    assert fallback_answer(generation[answer_start(generation) or 0 :]) == (answer and (answer, behind))


def test_extraction_is_linear():
    assert extract_answer("\\boxed{5} " * 25_000, "1, 2") == "5, 5"
    assert extract_answer("\\boxed{5" + "\n" * 50_000 + "\\boxed{6}") == "6"
    assert fallback_answer("answer" + " " * 25_000 + "answer is " * 12_000 + "<answer>" * 12_000) is not None
    assert extract_answer("\\boxed{" * 50_000) is None
    assert extract_answer("\\boxed{" + "{" * 50_000 + "}" * 50_001) is not None


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ({"predicted_answer": "7", "generation": "\\boxed{8}"}, "7"),
        ({"predicted_answer": None, "generation": "\\boxed{8}"}, None),
        ({"predicted_answer": "", "generation": "\\boxed{8}"}, ""),
        ({"predicted_answer": 27.0}, "27"),
        ({"generation": "\\boxed{8}"}, "8"),
        ({"generation": "8"}, None),
        ({"generation": None}, None),
        ({}, None),
    ],
)
def test_a_rows_own_answer_wins(row, answer):
    assert answer_of(row) == answer


def test_a_generation_that_is_not_text_is_refused():
    with pytest.raises(InputError, match=r"(?s)generation of a row is not text.*id 'p1'.*found: +\['8'\]"):
        answer_of({"id": "p1", "generation": ["8"]})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (27.0, "27"),
        (27, "27"),
        ("27.0", "27.0"),
        (-0.5, "-0.5"),
        (2.0**53, "9007199254740992.0"),
        (10**400, "1" + "0" * 400),
        (True, "true"),
        ([1, 2.5, "é"], '[1, 2.5, "é"]'),
        ({"x": 1}, '{"x": 1}'),
        (None, None),
    ],
)
def test_an_answer_has_one_spelling(value, text):
    assert as_text(value) == text


# Each contradicts itself or is not text: read in another way it would be graded otherwise.
IMPORTED = [
    {"expected_answer": "7", "predicted_answer": "7", "generation": "\\boxed{8}"},
    {"expected_answer": "3", "predicted_answer": None, "generation": "\\boxed{3}"},
    {"expected_answer": 27.0, "predicted_answer": 27, "generation": "\\boxed{1}"},
    {"expected_answer": "27", "predicted_answer": 27.0, "generation": "\\boxed{1}"},
    {"expected_answer": [1, 2], "predicted_answer": [1, 2]},
    {"expected_answer": 4, "generation": "\\boxed{4}"},
]
ANSWERED = "83.33"  # percent of these


def test_imported_answers_are_the_same_by_every_route(tmp_path, call):
    """As they stand (summarize_results.py FOLDER); as `samples:` of a configuration: graded, voted, judged, summarised."""
    samples, results = tmp_path / "theirs" / "toy", tmp_path / "ours"
    rows = [{"problem": f"problem {number}", **row} for number, row in enumerate(IMPORTED)]
    files = [samples / f"output-{run}.jsonl" for run in ("greedy", "rs0")]
    for file in files:
        write_rows(file, rows)
    as_they_stand = cells(call(summarize_results, samples.parent))
    assert {row["symbolic_correct"] for row in as_they_stand} == {ANSWERED}
    assert {row["no_answer"] for row in as_they_stand} == {"16.67"}

    grades, majority = results / "toy.parquet", results / "output-majority.jsonl"
    call(grade_answers, "--samples", *files, "--output", grades, "--processes", 1)
    assert cells(call(summarize_results, "--grades", grades)) == as_they_stand
    call(fill_majority, "--grades", grades, "--samples", files[0], "--output", majority)
    judged = [results / "toy" / f"{mode}.jsonl" for mode in ("greedy", "majority")]
    judge = ["--judge", "j", "--store", tmp_path / "store", "--prompt", PROMPT, "--model", "j", "--replay"]
    # Nothing here needs a call: each answer is the reference's own text, or there is none.
    call(judge_answers, "--input", files[0], majority, "--output", *judged, *judge)
    for row in cells(call(summarize_results, "--grades", grades, "--judged", *judged)):
        if row["evaluation_mode"].startswith(("greedy", "majority")):
            assert row["judge_correct"] == row["both_correct"] == row["any_correct"] == ANSWERED


def cells(table: str) -> list[dict]:
    """The rows of one printed table."""
    names, *rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if "|" in line]
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_a_pair_of_answers_may_hold_a_number():
    line = json.dumps({"predicted_answer": 27.0, "expected_answer": "27"}).encode()
    assert grade_answers.parse_pair(line, 1) == ("27", "27")


@pytest.mark.parametrize(
    "inside", [r"\{1\}", r"a\}b", r"a\{b", "\\\\", r"\frac{1}{\}}", r"{a\\}", r"\{", "{{}{}}", r"\\\}", r"{\}}"]
)
def test_braces_that_are_escaped_do_not_nest(inside):
    assert extract_answer(f"so $\\boxed{{{inside}}}$. {{}}") == inside
