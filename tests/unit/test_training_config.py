"""`training:` in the configuration: mistakes, files and options, what a summary keeps of it, what the plan says."""

import copy
import dataclasses
import json
from pathlib import Path

import pytest
import yaml

from openmath.errors import InputError
from openmath.files.fingerprint import write_manifest
from openmath.plan import make_plan, plan_text
from openmath.settings.config import checked_config, summary_config
from openmath.settings.dataset_layout import DatasetLayout
from openmath.settings.training_layout import RECIPE, SPEED, TrainingLayout
from openmath.training.checkpoints import finish
from openmath.training.earlier import MADE_FROM, making_of
from openmath.training.recipe import Recipe, read_recipe

CONFIG = Path(__file__).parents[2] / "config"
GIVEN = {
    "benchmarks": ["gsm8k"],
    "models": {
        "m": {"path": "m"},
        "api": {"base_url": "https://h/v1", "served_model": "s"},
        "t": {"trained": "r"},
        "late": {"trained": "r", "steps": [20]},
    },
    "training": {"r": {"base": "m", "dataset": "set.parquet", "steps": 20, "save_steps": 10}},
}


def given(models=None, **changes):
    config = copy.deepcopy(GIVEN)
    config["training"]["r"] |= changes
    for name, settings in (models or {}).items():
        config["models"].setdefault(name, {}).update(settings)
    return config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (given(base="n"), "training: r: base: no model 'n'"),
        (
            given(learning_rate="2e-5"),
            "learning_rate: '2e-5' is not of type 'number'; YAML takes a number without a point",
        ),
        (given(learning_rate="fast"), "learning_rate: 'fast' is not of type 'number'\n"),
        (given(beta1=1), "beta1: 1 is not below 1"),
        (given(seed=2**32), "seed: 4294967296 is greater than the maximum of"),
        (given(base="api"), "training: r: base: 'api' has no checkpoint to start from"),
        (given(base="t"), "training: r: base: 't' comes out of this training itself"),
        (given({"m": {"adapter": "./a"}}), "weights are trained, not adapters"),
        (given({"t": {"trained": "s"}}), "models: t: trained: no training 's'; "),
        (given({"t": {"path": "x"}}), "models: t: needs one source of"),
        (
            given({"t": {"prompt": "math-few-shot"}}),
            "models: t: prompt: the training has 'math'; a model is asked as it was",
        ),
        (given(system="Be brief."), "models: t: system: the training has 'Be brief.'"),
        (given({"late": {"steps": [15]}}), "models: late: steps: step 15 is not kept; kept are 10, 20"),
        (given(save_at=[7, 21]), "training: r: save_at: step 21 is after the last one, 20"),
        (given({"m": {"steps": [1]}}), "models: m: steps: goes with `trained`"),
        (given({"t": {"engine": "llamacpp"}}), "models: t: engine: llama.cpp takes GGUF files"),
        (
            given(batch_size=12, gpus=8),
            "training: r: batch_size: 12 rows cannot be dealt evenly; expected a multiple of 32",
        ),
        (given(gpus=0, nodes=2), "training: r: nodes: several nodes need GPUs"),
        (given(learning_rate=2), "training: r: learning_rate"),
        (given(schedule="cosine"), "unknown key 'schedule'"),
        (
            {**given(), "training": {"r": {"base": "m", "steps": 20}}},
            "training: r: needs `dataset`: a parquet file here",
        ),
    ],
)
def test_mistakes(config, message):
    with pytest.raises(InputError) as caught:
        checked_config(config)
    assert message in str(caught.value)


def test_defaults_are_those_of_the_script():
    config = checked_config(
        {**given(), "training": {"r": {"base": "m", "dataset": "s", "steps": 9}}, "models": {"m": {"path": "m"}}}
    )
    layout = TrainingLayout(config)
    assert read_recipe(json.loads(layout.settings("r"))) == Recipe(steps=9)
    assert {*RECIPE, *SPEED} == {field.name for field in dataclasses.fields(Recipe)}


@pytest.mark.parametrize("changes", [{}, {"save_steps": 7}, {"save_at": [3, 20]}])
def test_the_steps_averaged_are_those_kept(changes):
    config = given(**changes)
    del config["models"]["late"]
    layout = TrainingLayout(checked_config(config))
    kept = read_recipe(json.loads(layout.settings("r"))).kept()
    assert layout.averaged("t") == [f"training/r/checkpoints/step-{step}" for step in kept]
    assert json.loads(layout.recipe("r"))["save_at"] == kept, "another number of checkpoints is another average"


def test_speed_is_no_part_of_the_recipe():
    config = given(micro_batch_size=2, gpus=4, tries=3, activation_checkpointing=False, tokens_per_second=9.5)
    assert TrainingLayout(checked_config(config)).recipe("r") == TrainingLayout(checked_config(given())).recipe("r")


def test_a_summary_keeps_what_its_model_came_from():
    config = checked_config(given() | {"compare": [["m", "t"]]})
    kept = summary_config(config, "t", "none")
    assert checked_config(kept) == kept and set(kept["models"]) == {"t", "m"}
    assert kept["training"]["r"]["dataset"] == "set.parquet"
    assert "training" not in summary_config(config, "m", "none")


def continued(first, then):
    """Two files after one another under --configfile, as Snakemake merges their models; and where their trainings lie."""
    config, other = (yaml.safe_load((CONFIG / name).read_text()) for name in (first, then))
    for name, model in other.pop("models").items():
        config["models"].setdefault(name, {}).update(model)
    config = checked_config(config | other)
    return config, TrainingLayout(config)


def test_the_demo_goes_on_from_the_demo_of_the_training_set():
    _, layout = continued("dataset-demo.yaml", "training-demo.yaml")
    assert layout.data_file("demo") == "datasets/demo/train.parquet"
    assert layout.gguf_option("smollm2-trained") == ["--gguf-like", "models/smollm2-135m/checkpoint"]
    assert layout.averaged_dtype("smollm2-trained") == "float32", "q8_0 is what the engine makes of it"


def test_the_papers_training_is_of_its_set():
    config, layout = continued("openmathinstruct2.yaml", "openmathinstruct2-training.yaml")
    assert {layout.averaged_dtype(model) for model in layout.models} == {"bfloat16"}
    last = {model: (len(paths := layout.averaged(model)), paths[-1]) for model in layout.models}
    assert last == {
        "llama-openmath2-8b": (6, "training/sft-8b/checkpoints/step-60000"),
        "llama-openmath2-70b": (6, "training/sft-70b/checkpoints/step-20000"),
    }
    assert layout.data_file("sft-70b") in DatasetLayout(config).packed_files


def papers_recipes() -> dict[str, Recipe]:
    _, layout = continued("openmathinstruct2.yaml", "openmathinstruct2-training.yaml")
    return {run: read_recipe(json.loads(layout.settings(run))) for run in layout.runs}


def test_the_recipes_are_the_papers():
    """Facts of docs/training.md, written once more: a default that changes would change the paper's training silently."""
    both = {
        "batch_size": 512,
        "beta1": 0.9,
        "beta2": 0.98,
        "epsilon": 1e-8,
        "weight_decay": 0.01,
        "max_grad_norm": None,
        "precision": "bf16",
        "max_length": 4096,
        "seed": 1234,
    }
    own = {
        "sft-8b": {"steps": 60_000, "learning_rate": 2e-5, "save_at": tuple(range(10_000, 60_001, 10_000))},
        "sft-70b": {
            "steps": 20_000,
            "learning_rate": 1e-5,
            "save_at": (3_330, 6_660, 9_990, 13_320, 16_650, 20_000),
        },
    }
    found = {run: dataclasses.asdict(recipe) for run, recipe in papers_recipes().items()}
    assert found.keys() == own.keys()
    for run, settings in own.items():
        assert found[run] == found[run] | both | settings
        assert papers_recipes()[run].kept() == list(settings["save_at"])


def test_the_papers_models_are_means_of_the_papers_checkpoints():
    config, layout = continued("openmathinstruct2.yaml", "openmathinstruct2-training.yaml")
    devices = {run: (one["nodes"], one["gpus"], one["micro_batch_size"]) for run, one in layout.runs.items()}
    assert devices == {"sft-8b": (8, 8, 4), "sft-70b": (32, 8, 1)}
    assert layout.data_file("sft-8b") == "datasets/openmathinstruct2/train.parquet"
    assert layout.data_file("sft-70b") == "datasets/openmathinstruct2/train_5M.parquet"
    for model in layout.models:
        run = config["models"][model]["trained"]
        steps = [int(path.rpartition("-")[2]) for path in layout.averaged(model)]
        assert steps == layout.runs[run]["save_at"] and config["models"][model]["dtype"] == "bfloat16"


def test_the_plan_counts_steps_hours_and_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = given(batch_size=8, micro_batch_size=1, max_length=100, gpus=2, tokens_per_second=4.0)
    Path("m").mkdir()
    sizes = {
        "hidden_size": 8,
        "num_attention_heads": 2,
        "num_hidden_layers": 1,
        "intermediate_size": 8,
        "vocab_size": 16,
    }
    Path("m/config.json").write_text(json.dumps(sizes))
    [cost] = make_plan(checked_config(config))["training"]
    assert (cost["steps"], cost["tokens"], cost["hours"]) == (20, 16_000, pytest.approx(16_000 / 4 / 3600))
    assert cost["gpu_hours"] == pytest.approx(2 * cost["hours"]) and cost["disk_bytes"] > 0
    run = Path("training/r")
    run.mkdir(parents=True)
    line = "{step},1.0,2e-5,{tokens},{speed},1.0,9\n"
    points = [line.format(step=step, tokens=step * 400, speed=50.0) for step in range(1, 6)]
    head = "step,loss,learning_rate,tokens,tokens_per_second,memory_gib,seconds\n"
    (run / "curve.csv").write_text(head + "".join(points))
    [other] = make_plan(checked_config(config))["training"]
    assert other["steps"] == 20, "of another recipe: this training does not go on from it"
    recipe = read_recipe(json.loads(TrainingLayout(checked_config(config)).settings("r")))
    write_manifest(run / MADE_FROM, making_of({}, recipe))
    unfinished = run / "checkpoints/checkpoint-4"
    unfinished.mkdir(parents=True)
    finish(unfinished, 4, 1_600, 32.0)
    plan = make_plan(checked_config(config))
    [cost] = plan["training"]
    assert (cost["steps"], cost["tokens"], cost["hours"]) == (16, 6_400, pytest.approx(6_400 / 50 / 3600))
    assert "training r: 16 steps, 6,400 tokens" in plan_text(plan) and "measured on 5 steps" in plan_text(plan)
    (run / "training.json").write_text("{}")
    assert make_plan(checked_config(config))["training"] == []


def test_a_set_is_named_as_the_rule_that_makes_it_has_it():
    assert TrainingLayout(checked_config(given(dataset="./datasets//d/train.parquet"))).data_file("r") == (
        "datasets/d/train.parquet"
    )
