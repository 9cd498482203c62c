"""A training goes on from checkpoints of the same making only; others are set aside, whole."""

from dataclasses import replace
from pathlib import Path

import pytest

from openmath.training.checkpoints import steps_saved
from openmath.training.earlier import EARLIER, making_of, set_others_aside
from openmath.training.lock import LOCKS
from openmath.training.recipe import Recipe

RECIPE = Recipe(steps=20, save_steps=10)
INPUTS = {"base": {"model.safetensors": "1"}, "dataset": "2", "prompt": {"user": "{problem}"}}


def begun(run: Path, *steps: int) -> list[str]:
    said: list[str] = []
    set_others_aside(run, making_of(INPUTS, RECIPE), RECIPE, said.append)
    for step in steps:
        (run / f"checkpoints/step-{step}").mkdir(parents=True)
    (run / "curve.csv").write_text("step\n")
    return said


@pytest.mark.parametrize(
    ("inputs", "recipe", "why"),
    [
        (INPUTS, RECIPE, None),
        (INPUTS, replace(RECIPE, steps=40, micro_batch_size=1, report_to="wandb", compile=True), None),
        (INPUTS, replace(RECIPE, learning_rate=1e-4), "another recipe"),
        (INPUTS, replace(RECIPE, seed=1), "another recipe"),
        (INPUTS | {"dataset": "3"}, RECIPE, "another dataset"),
        (INPUTS | {"base": {}, "prompt": {}}, RECIPE, "another base, prompt"),
        (INPUTS, replace(RECIPE, save_at=(5, 20)), "without the checkpoint of step 5"),
    ],
)
def test_what_is_gone_on_from(tmp_path, inputs, recipe, why):
    assert begun(tmp_path, 10) == []
    said: list[str] = []
    set_others_aside(tmp_path, making_of(inputs, recipe), recipe, said.append)
    assert (tmp_path / "checkpoints/step-10").exists() == (why is None) == (said == [])
    if why:
        [aside] = (tmp_path / EARLIER).iterdir()
        assert why in said[0] and str(aside) in said[0]
        assert (aside / "checkpoints/step-10").exists() and (aside / "curve.csv").exists()


def test_the_lock_of_the_one_that_sets_aside_stays(tmp_path):
    begun(tmp_path, 10)
    (tmp_path / LOCKS).mkdir()
    set_others_aside(tmp_path, making_of(INPUTS, replace(RECIPE, seed=1)), RECIPE, lambda text: None)
    assert (tmp_path / LOCKS).exists() and not (tmp_path / "checkpoints").exists()


def test_nothing_set_aside_is_lost_to_the_next(tmp_path):
    other = replace(RECIPE, seed=1)
    begun(tmp_path, 10)
    for _ in range(2):
        for recipe in (other, replace(RECIPE, seed=2)):
            set_others_aside(tmp_path, making_of(INPUTS, recipe), recipe, lambda text: None)
    assert len(list((tmp_path / EARLIER).iterdir())) == 4


def test_what_was_set_aside_comes_back_with_its_making(tmp_path):
    other = replace(RECIPE, seed=1)
    begun(tmp_path, 10)
    set_others_aside(tmp_path, making_of(INPUTS, other), other, lambda text: None)
    assert begun(tmp_path)[-1].startswith("what was trained so before is back")
    assert list(steps_saved(tmp_path)) == [10] and (tmp_path / "curve.csv").exists()
    assert len(list((tmp_path / EARLIER).iterdir())) == 1  # the other, which had no checkpoint


def test_what_lacks_a_checkpoint_to_be_kept_does_not_come_back(tmp_path):
    begun(tmp_path, 10)
    for recipe in (replace(RECIPE, save_at=(5, 20)), replace(RECIPE, seed=1), replace(RECIPE, save_at=(5, 20))):
        set_others_aside(tmp_path, making_of(INPUTS, recipe), recipe, lambda text: None)
    assert not (tmp_path / "checkpoints").exists()


def test_of_several_the_furthest_comes_back_and_the_others_stay(tmp_path):
    early, other = replace(RECIPE, save_at=(5, 20)), replace(RECIPE, seed=1)
    for recipe, step in ((RECIPE, 10), (early, 5), (other, 10), (RECIPE, None), (other, None), (RECIPE, None)):
        set_others_aside(tmp_path, making_of(INPUTS, recipe), recipe, lambda text: None)
        if step:
            (tmp_path / f"checkpoints/step-{step}").mkdir(parents=True)
        elif recipe is RECIPE:
            assert list(steps_saved(tmp_path)) == [10]
    assert sorted(step for folder in (tmp_path / EARLIER).iterdir() for step in steps_saved(folder)) == [5, 10]


def test_checkpoints_without_a_note_are_of_another_making(tmp_path):
    (tmp_path / "checkpoints/step-10").mkdir(parents=True)
    begun(tmp_path)
    assert not (tmp_path / "checkpoints").exists()
