"""Folders that are links to another disk: each disk is compared with what goes there. The other disk is /dev/shm, a real one."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from tiny_checkpoints import tiny_safetensors

from openmath.errors import InputError
from openmath.plan import make_plan, plan_text
from openmath.plan.cost import JUDGED_ROW_BYTES, REPORT_SHARE
from openmath.preflight.needs import Needs, missing_files
from openmath.preflight.storage import check_disk, check_folders
from openmath.settings.config import checked_config
from openmath.training.fits import disk_problem
from openmath.training.memory import disk_bytes, shape_of_checkpoint
from openmath.training.recipe import Recipe

MEMORY = Path("/dev/shm")
SIZES = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8, "vocab_size": 128}
PROBLEMS = 1000
GB = 10**9


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("own.jsonl").write_text('{"problem": "p", "expected_answer": "1"}\n' * PROBLEMS)
    Path("base").mkdir()
    Path("base/config.json").write_text(json.dumps(SIZES | {"max_position_embeddings": 4096}))
    tiny_safetensors(Path("base/model.safetensors"))
    return tmp_path


@pytest.fixture
def scratch(home) -> Iterator[Path]:
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == home.stat().st_dev:
        pytest.skip(f"{MEMORY} is no other disk")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture
def free(monkeypatch) -> Callable[[Path, int], None]:
    """Pretends how much is free on the disk of a folder; which disk that is, is real."""
    sizes = {}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=sizes[os.stat(path).st_dev]))
    return lambda folder, size: sizes.update({folder.stat().st_dev: size})


def link(name: str, target: Path) -> Path:
    target.mkdir(parents=True)
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).symlink_to(target)
    return target


def configuration(**changes) -> dict:
    """Samples of 3.5 GB, where a report is asked for a third more, and rows of a judge."""
    generation = {"seeds": 0, "tokens_per_sample": 10**6, "max_new_tokens": 10**6, "tokens_per_second": 10**6}
    models = {"m": {"path": "base", "engine": "llamacpp"}}
    own = {"benchmarks": ["own"], "benchmark_sources": {"own": "own.jsonl"}, "judges": {"j": {"model": "judge-1"}}}
    return checked_config(own | {"generation": generation, "models": models} | changes)


TRAINING = {"r": {"base": "m", "dataset": "set.parquet", "steps": 20, "save_steps": 10, "gpus": 0}}
DATASET = {
    "name": "d",
    "teacher": "m",
    "origins": {"math-train": {"solutions": {"prompt": "few-shot-solution", "seeds": 2}}},
    "min_votes": 2,
}


def full(config: dict) -> list[InputError]:
    return check_disk(Needs(config, missing_files(config)))


def test_a_link_to_a_larger_disk_is_not_refused(home, scratch, free):
    target = link("results", scratch / "me/results")
    free(home, GB)
    free(scratch, 100 * GB)
    assert full(configuration()) == []
    plan = make_plan(configuration())
    assert plan["warnings"] == [] and plan["disk_free_bytes"] == 100 * GB
    assert f"\n    results on the disk of {target}: 4.6 GB; 100.0 GB are free\n" in plan_text(plan)


def test_a_link_to_a_full_disk_is_refused_whatever_is_free_here(home, scratch, free):
    target = link("results", scratch / "me/results")
    free(home, 100 * GB)
    free(scratch, GB)
    [problem] = full(configuration())
    assert problem.where == f"results on the disk of {target}"
    assert (problem.expected, problem.found) == ("3.5 GB for samples and judgements", "1.0 GB free")
    assert "a link to one (results)" in problem.hint
    [warning] = make_plan(configuration())["warnings"]
    assert warning.startswith(f"results on the disk of {target}: 4.6 GB of disk needed, 1.0 GB free. Free some, ")


def test_a_run_on_one_disk_is_told_as_ever(home, free):
    free(home, 2 * GB)
    [problem] = full(configuration(training=TRAINING))
    assert problem.where == str(home)
    assert problem.expected == "3.5 GB for samples and judgements, 0.0 GB for checkpoints of trainings"
    plan = make_plan(configuration(training=TRAINING))
    assert plan["warnings"][-1].startswith("4.6 GB of disk needed, 2.0 GB free. ")
    assert "generation: seeds) or keep fewer checkpoints (training: save_at)" in plan["warnings"][-1]
    [disk] = plan["disks"]
    assert disk["name"] == "" and disk["disk_bytes"] == plan["disk_bytes"] == sum(disk["folders"].values())
    assert "checkpoints and engines not counted; 2.0 GB are free\n" in plan_text(plan)


def test_only_what_goes_to_a_disk_is_held_against_it(home, scratch, free):
    """The checkpoints lie on scratch: they need nothing of the home, and the samples nothing of scratch."""
    target = link("training", scratch / "training")
    config = configuration(training=TRAINING)
    free(home, 5 * GB)
    free(scratch, GB)
    trained = make_plan(config)["training"][0]["disk_bytes"]
    free(scratch, trained)
    assert full(config) == []
    free(scratch, trained - 1)
    [problem] = full(config)
    assert problem.where == f"training on the disk of {target}" and "samples" not in problem.expected
    free(home, GB)
    here, there = full(config)
    assert here.where == f"results on the disk of {home}" and "checkpoints" not in here.expected
    assert there.where == problem.where
    samples, checkpoints = make_plan(config)["warnings"]
    assert samples.endswith("or draw fewer samples (generation: seeds)")
    assert checkpoints.endswith("or keep fewer checkpoints (training: save_at)")


def test_folders_on_the_same_disk_are_added_up(home, scratch, free):
    """Samples and training set would each find room there, both do not."""
    link("results", scratch / "results")
    link("datasets", scratch / "datasets")
    free(home, 0)
    config = configuration(dataset=DATASET)
    free(scratch, 1000 * GB)
    [disk] = make_plan(config, due=missing_files(config))["disks"]
    assert set(disk["folders"]) == {"results", "datasets"} and disk["place"] == str(scratch / "results")
    free(scratch, max(disk["folders"].values()) + 1)
    [problem] = full(config)
    assert problem.where == f"results, datasets on the disk of {scratch / 'results'}"


def test_a_folder_in_results_may_be_a_link(home, scratch, free):
    """What the report keeps lies elsewhere than the samples and what is judged of them."""
    target = link("results/m", scratch / "m")
    free(home, 100 * GB)
    free(scratch, 0)
    [problem] = full(configuration())
    assert problem.where == f"results/m on the disk of {target}"
    there, here = make_plan(configuration())["disks"]
    [samples], [kept] = there["folders"].values(), here["folders"].values()
    assert list(here["folders"]) == ["results"] and make_plan(configuration())["disk_free_bytes"] == 100 * GB
    assert kept == pytest.approx(REPORT_SHARE * (samples - PROBLEMS * JUDGED_ROW_BYTES))


def test_a_link_to_a_folder_that_is_still_to_be_made(home, scratch, free):
    Path("results").symlink_to(scratch / "not/yet")
    free(home, 100 * GB)
    free(scratch, GB)
    [problem] = full(configuration())
    assert problem.where == f"results on the disk of {scratch}"


def test_what_is_free_is_told_of_the_disk_that_is_filled(home, scratch, free):
    """Nothing goes to `results`, which lies elsewhere."""
    link("results", scratch / "results")
    free(home, 7 * GB)
    free(scratch, GB)
    plan = make_plan(configuration(training=TRAINING), due={"training/r/training.json"})
    assert plan["disk_free_bytes"] == GB and "; 7.0 GB are free\n" in plan_text(plan)


@pytest.mark.parametrize("made", [True, False])
def test_the_job_of_a_training_looks_at_the_disk_its_folder_will_be_on(made, home, scratch, free):
    shape, recipe = shape_of_checkpoint(Path("base")), Recipe(steps=1)
    assert shape
    needed = disk_bytes(shape, recipe)
    target = scratch / "training"
    if made:
        target.mkdir()
    Path("training").symlink_to(target)
    free(home, 0)
    free(scratch, needed)
    assert disk_problem(shape, recipe, Path("training/run")) is None
    free(home, needed)
    free(scratch, needed - 1)
    assert "not enough disk space" in str(disk_problem(shape, recipe, Path("training/run")))


def test_a_link_to_a_folder_that_is_not_there_is_named(tmp_path):
    Path("results").symlink_to(tmp_path / "scratch of me/results")
    [problem] = check_folders()
    assert "link to one that is not there" in str(problem) and f"mkdir -p '{tmp_path}/scratch of me/results'" in str(
        problem
    )
    (tmp_path / "scratch of me/results").mkdir(parents=True)
    assert not check_folders()
