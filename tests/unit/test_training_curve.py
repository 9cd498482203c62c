"""The figure of a training: a panel for each number, also while nothing is there yet."""

from in_process import run_script

from openmath.report.training_curve import SHOWN, draw_training
from openmath.training.curve import Point, append, cut_curve
from openmath.training.manifest import note_start, run_record
from openmath.training.recipe import Recipe

POINTS = [Point(step, 2.0 / step, 2e-5, step * 100, 50.0, 1.5, step * 2.0) for step in (1, 2, 3)]


def test_a_panel_for_each_number():
    figure = draw_training(POINTS)
    drawn = {axes.get_ylabel(): axes.lines[0].get_xydata().tolist() for axes in figure.axes if axes.lines}
    assert list(drawn) == list(SHOWN.values())
    assert drawn[SHOWN["loss"]] == [[1, 2.0], [2, 1.0], [3, 2.0 / 3]]
    assert draw_training([]).axes == []


def test_the_script_draws_beside_the_curve(tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text(",".join(Point._fields) + "\n")
    for point in POINTS:
        append(path, point)
    assert run_script("draw_curve.py", path).returncode == 0
    assert {file.name for file in tmp_path.iterdir()} == {"curve.csv", "curve.svg", "curve.png", "curve.pdf"}
    assert run_script("draw_curve.py", tmp_path / "none.csv").returncode == 2


def test_a_record_ends_with_the_recipes_last_step(tmp_path):
    """The run was longer before its steps were lowered; what is averaged is of the steps until then."""
    cut_curve(tmp_path / "curve.csv", 0)
    for point in POINTS:
        append(tmp_path / "curve.csv", point)
    note_start(tmp_path, 0)
    for steps in (2, 3):
        record = run_record(tmp_path, Recipe(steps=steps), devices=1, gpus=0)
        assert (record["steps"], record["tokens"], record["seconds"]) == (steps, steps * 100, steps * 2.0)
