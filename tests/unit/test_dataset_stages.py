"""The figure of a training set's stages: each step takes up what the last one left, in the table, the drawing and the report."""

import json
from itertools import pairwise

import pandas
import pytest
from in_process import run_script

from openmath.dataset.card import by_source, card
from openmath.dataset.stages import PROBLEMS, stages
from openmath.errors import InputError
from openmath.report.drawing import draw_stages
from openmath.report.training_sets import training_sets_section


def part(source, samples, correct, filters, kept, labels=None, problems=6):
    steps = [{"filter": name, "before": before, "after": after, "changed": 0} for name, before, after in filters]
    counts = {"samples": samples, "correct": correct, "filters": steps, "kept": kept, "solved": 1, "problems": problems}
    return {"source": source, "stage": "s", "origin": "o", "labels": labels} | counts


def counts():
    """Two runs of ten new problems: 5 are unusable, 3 contaminated, 2 tied; two parts of the same source, one of another."""
    return {
        "parts": [
            part("own", 24, 20, [("lengths", 20, 19), ("duplicates", 19, 18)], 18),
            part(
                "augmented_own", 30, 11, [("lengths", 11, 11), ("duplicates", 11, 9)], 9, {"labelled": 6, "tied": 1}, 7
            ),
            part("augmented_own", 20, 8, [("lengths", 8, 7), ("duplicates", 7, 7)], 7, {"labelled": 4, "tied": 1}, 5),
        ],
        "new_problems": {
            "o-rs0": {"copied": 0, "empty": 2, "left": 8, "written": 10},
            "o-rs1": {"copied": 1, "empty": 2, "left": 7, "written": 10},
        },
        "clean_problems": {"o-rs0": {"contaminated": 1}, "o-rs1": {"contaminated": 2}},
        "sets": {"train": 34},
        "problems": 16,
    }


def test_each_step_takes_up_what_the_last_one_left():
    steps = stages(counts())
    assert all(step["before"] == step["dropped"] + step["after"] for step in steps)
    assert all(a["after"] == b["before"] for a, b in pairwise(steps) if a["panel"] == b["panel"])
    found = [(step["step"], step["dropped"], step["after"]) for step in steps if step["panel"] == PROBLEMS]
    assert found == [
        ("written", 0, 20),
        ("empty", 4, 16),
        ("copied", 1, 15),
        ("contaminated", 3, 12),
        ("tied", 2, 10),
    ]
    found = [(step["step"], step["after"]) for step in steps if step["panel"] == "solutions, augmented_own"]
    assert found == [("written", 50), ("wrong answer", 19), ("lengths", 18), ("duplicates", 16)]
    last = {step["panel"]: step["after"] for step in steps}
    assert last["solutions, own"] + last["solutions, augmented_own"] == 34


def wrong(change):
    changed = counts()
    change(changed)
    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["new_problems"]["o-rs0"].update(left=9), "new problems that are left"),
        (lambda c: c["clean_problems"]["o-rs0"].update(contaminated=0), "new problems that are solved"),
        (lambda c: c["parts"][1]["labels"].update(tied=0), "new problems that are left"),
        (lambda c: c["parts"][0].update(kept=17), "solutions, own that are left"),
        (lambda c: c["parts"][2].update(correct=9), "solutions, augmented_own: lengths"),
    ],
)
def test_counts_that_do_not_add_up_are_one_message(change, message):
    with pytest.raises(InputError, match="do not add up") as caught:
        stages(wrong(change))
    assert message in str(caught.value)


def test_without_new_problems_there_is_no_panel_of_them():
    own = counts() | {"new_problems": {}, "clean_problems": {}}
    own["parts"] = own["parts"][:1]
    assert {step["panel"] for step in stages(own)} == {"solutions, own"}


def test_the_bars_are_what_is_left_and_dropped():
    figure = draw_stages(pandas.DataFrame(stages(counts())))
    axes = figure.axes[0]
    left, dropped = ([bar.get_width() for bar in bars] for bars in axes.containers)
    assert (left, dropped) == ([20, 16, 15, 12, 10], [0, 4, 1, 3, 2])
    assert [bar.get_x() for bar in axes.containers[1]] == left
    assert len([axes for axes in figure.axes if axes.get_title()]) == 3


def test_a_packed_set_stands_in_the_report(tmp_path):
    folder = tmp_path / "datasets/<b>"
    folder.mkdir(parents=True)
    assert training_sets_section(tmp_path) is None
    (folder / "counts.json").write_text(json.dumps(counts()))
    reply = run_script("draw_dataset", folder)
    assert reply.returncode == 0, reply.stderr
    names = {path.name for path in folder.iterdir()}
    assert names == {"counts.json", *(f"stages.{kind}" for kind in ("svg", "png", "pdf", "csv"))}
    html = training_sets_section(tmp_path).html
    assert "&lt;b&gt;" in html and "<b>" + "</h3>" not in html
    assert "data:image/svg+xml," in html and "train: 34 rows" in html and ">contaminated</td>" in html


def test_a_source_of_any_name_is_one_cell_of_the_card():
    odd = counts()
    odd["parts"][0]["source"] = "a|b\nc"
    assert "\n| a\\|b c | 6 | 24 | 20 | 18 |" in card("d", "t", odd | {"new_problems": {}, "clean_problems": {}}, {})


def test_new_problems_may_share_their_source_with_others():
    shared = counts()
    shared["parts"][0]["source"] = "augmented_own"
    assert by_source(shared["parts"])["augmented_own"]["labels"] == {"labelled": 10, "tied": 2}
    assert {step["panel"] for step in stages(shared)} == {PROBLEMS, "solutions, augmented_own"}


def test_a_set_without_filters_has_a_table_of_as_many_columns():
    none = counts() | {"new_problems": {}, "clean_problems": {}}
    none["parts"] = [one | {"filters": []} for one in none["parts"]]
    assert "\n| problem_source | correct |\n|---|---|\n| own | 20 |\n" in card("d", "t", none, {})


def test_counts_that_are_none_are_one_message(tmp_path):
    (tmp_path / "counts.json").write_text("{}")
    reply = run_script("draw_dataset", tmp_path)
    assert reply.returncode == 2
    assert "counts.json" in reply.stderr and "Traceback" not in reply.stderr
