"""What must hold on every answer of our own pairs, and of the labelled sets where they are at hand (they are never shipped)."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from unit.grading_cases import RULES
from unit.grading_corners import CORNERS
from unit.grading_measures import MEASURES
from unit.grading_near_misses import NEAR_MISSES
from unit.grading_notation import NOTATION
from unit.grading_siblings import SIBLINGS
from unit.grading_unseen import UNSEEN

from openmath.grading.compare import at_odds, grade, read, vote_class
from openmath.grading.pool import GraderPool

SETS = Path(__file__).parents[3] / "shared" / "grading" / "dev"
SCRIPTS = Path(__file__).parents[2] / "scripts"
LABELLED = pytest.mark.skipif(not SETS.is_dir(), reason="the labelled sets are not here")
OURS = [(one, other) for _, one, other, _ in RULES + CORNERS + NOTATION + NEAR_MISSES + SIBLINGS + MEASURES + UNSEEN]
# Pairs that are equal only by another reading (10% and 0.1, a point and an interval), hence in two classes. Ours are made for it.
MAX_OTHER_READINGS = {"ours": 168 / 1602, "labelled": 0.01}


@pytest.fixture(scope="module", params=["ours", pytest.param("labelled", marks=[LABELLED, pytest.mark.slow])])
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def pairs(name) -> list[tuple[str, str]]:
    if name == "ours":
        return OURS
    found = []
    for path in sorted(SETS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            pair = row.get("predicted_answer", row.get("pred")), row.get("expected_answer", row.get("gold"))
            if None not in pair:
                found.append(pair)
    return found


def test_reflexive(pairs):
    """Also when the same text is read twice, not only recognised as the same."""
    wrong = [text for text in {text for pair in pairs for text in pair} if not grade(text, f" {text} ").correct]
    assert wrong == []


def test_symmetric(pairs):
    shuffled = random.Random(0).choices([text for pair in pairs for text in pair], k=4000)
    crossed = [*pairs, *zip(shuffled[::2], shuffled[1::2], strict=True)]
    assert [(a, b) for a, b in crossed if grade(a, b) != grade(b, a)] == []


def test_classes_follow_grades(name, pairs):
    """Same class: equal, unless units or the like contradict. Equal: same class, but for the documented readings."""
    same = [vote_class(a) == vote_class(b) for a, b in pairs]
    equal = [grade(a, b).correct for a, b in pairs]
    refused = [pair for pair, s, e in zip(pairs, same, equal, strict=True) if s and not e]
    assert [pair for pair in refused if not at_odds(*map(read, pair))] == []
    assert sum(e and not s for s, e in zip(same, equal, strict=True)) <= MAX_OTHER_READINGS[name] * len(pairs)


@pytest.mark.slow
def test_same_in_every_process(pairs):
    """One process or three, whatever the seed of Python's hashes."""
    here = [grade(*pair) for pair in pairs]
    for processes in (1, 3):
        with GraderPool(processes) as pool:
            assert list(pool.grade_pairs(pairs)) == here
    lines = "".join(json.dumps({"predicted_answer": a, "expected_answer": b}) + "\n" for a, b in pairs)
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, SCRIPTS / "grade_answers.py", "--pairs"],
            input=lines, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert [json.loads(line)["correct"] for line in run.stdout.splitlines()] == [v.correct for v in here]
