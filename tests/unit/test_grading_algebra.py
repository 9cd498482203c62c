"""SymPy, last and bounded: what it decides, that it is imported only then, and that its limit does not depend on the machine."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from unit.grading_algebra_cases import ALGEBRA, LONG

from openmath.grading import algebra, sympy_steps
from openmath.grading.compare import grade
from openmath.grading.limits import TooLarge
from openmath.grading.sympy_steps import within_steps

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.parametrize(("kind", "one", "other", "equal"), ALGEBRA, ids=[f"{r[0]}: {r[1]}"[:60] for r in ALGEBRA])
def test_kinds(kind, one, other, equal):
    assert grade(one, other) == grade(other, one) == (equal, "ok")


@pytest.mark.parametrize("status", ["ok", "too_large"])
def test_an_answer_is_worked_out_once(monkeypatch, status):
    """However many other answers it meets."""
    asked = []

    def work_out(solve, most):
        asked.append(solve)
        if status == "too_large":
            raise TooLarge

    monkeypatch.setattr(algebra, "within_steps", work_out)
    reference = rf"\int_0^1 x^{{{len(status)}}} e^x\,dx"  # of no other test: what is found is kept
    assert [grade(answer, reference) for answer in ("0.5", "2", "3")] == [(False, status)] * 3
    assert len(asked) == 1


def test_it_is_imported_only_when_needed():
    program = (
        "import sys; from openmath.grading.compare import grade; "
        r"grade('x^2', 'y^2'), grade('\\sum_{k=1}^n k', 'n'), grade('x > 2', '(3, 4)'), grade('1.5', '3/2', 'paper'); "
        "print('sympy' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def steps_of(solve) -> int:
    """The fewest steps in which SymPy does it."""
    low, high = 0, 1_000_000
    while high - low > 1:
        middle = (low + high) // 2
        try:
            within_steps(solve, middle)
            high = middle
        except TooLarge:
            low = middle
    return high


def a_limit(sympy):
    x = sympy.Symbol("x")
    return sympy.limit(sympy.sin(x) / x, x, 0) == 1


def test_the_limit_is_exact_whatever_was_asked_before():
    steps = steps_of(a_limit)
    within_steps(lambda sympy: str(sympy.integrate(sympy.Symbol("x") ** 2)), 1_000_000)
    assert within_steps(a_limit, steps) is True
    with pytest.raises(TooLarge):
        within_steps(a_limit, steps - 1)


def test_a_fork_killed_from_outside_is_asked_again(tmp_path):
    def killed(sympy):
        mark = tmp_path / "mark"
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 1

    assert within_steps(killed, 1_000_000) == 1


def test_nothing_goes_on_behind_the_limit(tmp_path):
    """Not even where an exception would be lost: while a generator is closed."""

    def losing_exceptions(sympy):
        def steps():
            try:
                yield
            finally:
                for _ in range(1000):
                    len(())

        next(steps())  # closed as soon as it is forgotten
        (tmp_path / "behind").touch()

    with pytest.raises(TooLarge):
        within_steps(losing_exceptions, 100)
    assert not (tmp_path / "behind").exists()


def test_what_swallows_the_limit_is_over_it_all_the_same():
    def stubborn(sympy):
        try:
            while True:
                len(())
        except BaseException:
            return "found"

    with pytest.raises(TooLarge):
        within_steps(stubborn, 10_000)


@pytest.mark.slow
@pytest.mark.parametrize(("text", "status"), LONG)
def test_many_steps(text, status):
    assert grade(text, "1").status == status


@pytest.mark.slow
def test_same_in_every_worker():
    """One worker or two, whatever the seed of Python's hashes: also near the limit of steps."""
    pairs = [(one, other) for _, one, other, _ in ALGEBRA] + [(text, "1") for text, _ in LONG]
    lines = "".join(json.dumps({"predicted_answer": a, "expected_answer": b}) + "\n" for a, b in pairs)
    outputs = set()
    for seed, processes in (("1", "1"), ("2", "2")):
        run = subprocess.run(
            [sys.executable, SCRIPTS / "grade_answers.py", "--pairs", "--processes", processes],
            input=lines, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        outputs.add(run.stdout)
    assert len(outputs) == 1
    statuses = [json.loads(line)["status"] for line in outputs.pop().splitlines()]
    assert statuses[: len(ALGEBRA)] == ["ok"] * len(ALGEBRA)


def test_what_sympy_cannot_do_is_no_error():
    assert within_steps(lambda sympy: sympy.Symbol("x").nothing_of_this_name, 1_000) is None
    assert sympy_steps.TRIES > 1
