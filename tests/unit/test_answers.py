import pytest
from unit.grading_cases import EXTRACTION

from openmath.answers import extract_answer


@pytest.mark.parametrize(("why", "generation", "answer"), EXTRACTION, ids=[row[0] for row in EXTRACTION])
def test_extraction(why, generation, answer):
    assert extract_answer(generation) == answer


def test_extraction_is_linear():
    assert extract_answer("\\boxed{" * 200_000) is None
    assert extract_answer("\\boxed{" + "{" * 200_000 + "}" * 200_001) is not None
