"""What is said of a training: facts, sentences, what it changed, its card and its section; hostile names are text."""

import copy
import json

import pandas
import pytest
from unit.test_methods import H100, RECORD, methods
from unit.test_overview import mode, summary
from unit.test_training_config import continued, given

from openmath.dataset.behind import SetBehind, set_behind
from openmath.files.fingerprint import sha256_file
from openmath.provenance.chain import Chain, broken
from openmath.provenance.rendering import chain_text
from openmath.provenance.training import took, training_facts
from openmath.report.figure_tables import MODEL_COLUMNS
from openmath.report.gains import asked_otherwise, gains
from openmath.report.model_card import model_card
from openmath.report.overview import sentence
from openmath.report.training_curve import draw_learning
from openmath.report.trainings import SHOWN_STEPS, some, trainings_section
from openmath.settings.config import checked_config
from openmath.settings.training_layout import TrainingLayout
from openmath.training.curve import Point, append, cut_curve

HOSTILE = "<script>alert(1)</script>|x"
TRAINING = {
    "base": {"source": "hf:meta-llama/Llama-3.1-8B", "revision": "f" * 40, "files": {"config.json": "sha256:1"}},
    "dataset": {"path": "datasets/d/train.parquet", "rows": 1000, "sha256": "a" * 64, "bytes": 9, "too_long": 0.25},
    "prompt": {"template": "chat", "sha256": "b" * 64},
    "recipe": {
        "batch_size": 50,
        "learning_rate": 2e-5,
        "beta1": 0.9,
        "beta2": 0.98,
        "weight_decay": 0.01,
        "max_grad_norm": None,
        "precision": "bf16",
    },
    "workflow": {"commit": "c" * 40, "code": "c0de"},
    "devices": 2,
    "gpus": 2,
    "steps": 30,
    "tokens": 123456,
    "seconds": 1800.0,
    "resumed_at": [12],
    "checkpoints": [10, 20, 30],
    "machine": H100,
    "versions": {"torch": "2.11.0", "trl": "1.16.0"},
}
CPU = {key: H100[key] for key in ("cpu", "cores", "memory_gib")}
MANIFEST = {
    "config": {
        "models": {"m": {"trained": "r"}, "base": {"hf": "meta-llama/Llama-3.1-8B@main"}},
        "training": {"r": {"base": "base"}},
    }
}
GAIN = {
    "benchmark": "math",
    "mode": "greedy",
    "grading": "judge",
    "n_items": 5000,
    "first": 0.6,
    "second": 0.2667,
    "difference": 0.3333,
    "ci95_low": 0.214,
    "ci95_high": 0.453,
    "only_first": 20,
    "only_second": 3,
    "verdict": "higher",
}
AVERAGED = {"steps": [10, 20, 30], "dtype": "bfloat16"}
BEHIND = SetBehind("d", {"source": "pypi:llm", "revision": "1", "files": None}, {"gsm8k-train": "MIT"})


def compared(folder, pair: str, **changes):
    path = folder / f"results/compare/{pair}/j/comparison.csv"
    path.parent.mkdir(parents=True)
    pandas.DataFrame([GAIN | changes]).to_csv(path, index=False)
    return path


@pytest.fixture(name="trained")
def trained_fixture():
    return summary([mode("math", "greedy", 0.6)], manifest=copy.deepcopy(MANIFEST))


def test_the_first_page_says_what_the_training_changed(trained, tmp_path):
    path = compared(tmp_path, "m-vs-base")
    says = "(judged by j, 5,000 problems), +33.3 points after training (21.4 to 45.3, paired)."
    assert sentence(trained, [path]).endswith(says)
    assert "after training" not in sentence(trained, []), "they were not compared"
    assert "after training" not in sentence(summary(trained.metrics, manifest=None), [path]), "no model of a training"
    trained.judge = "other"
    assert "after training" not in sentence(trained, [path]), "another judge's numbers"


def test_a_base_that_was_asked_otherwise_is_told(trained, tmp_path):
    path = compared(tmp_path, "m-vs-base")
    trained.manifest["config"]["models"]["base"] |= {"prompt": "math-few-shot", "sampling": {"top_k": 3}}
    says = "after training (21.4 to 45.3, paired; base was asked with another prompt and sampling)."
    assert sentence(trained, [path]).endswith(says)
    card = model_card(TRAINING, AVERAGED, BEHIND, [trained], [path])
    assert (
        "\n\nbase was asked with another prompt and sampling: a difference is not that of the training alone." in card
    )
    assert "asked with another" not in model_card(TRAINING, AVERAGED, BEHIND, [trained], [])
    for key in ("prompt_template", "system", "chat_template_kwargs", "extraction", "thinking"):
        trained.manifest["config"]["models"]["base"] = {key: "other"}
        assert asked_otherwise(trained) == [key]


def test_a_comparison_that_names_the_base_first_is_turned_round(trained, tmp_path):
    turned = {"difference": -0.3333, "ci95_low": -0.453, "ci95_high": -0.214, "verdict": "lower"}
    turned |= {"first": 0.2667, "second": 0.6, "only_first": 3, "only_second": 20}
    [row] = gains(trained, [compared(tmp_path, "base-vs-m", **turned)])
    assert row == GAIN
    assert gains(trained, [compared(tmp_path, "m-vs-else")]) == []


def test_a_loss_is_said_as_well(trained, tmp_path):
    path = compared(tmp_path, "m-vs-base", difference=-0.02, ci95_low=-0.05, ci95_high=0.01)
    assert ", -2.0 points after training (-5.0 to 1.0, paired)." in sentence(trained, [path])


def test_facts_are_those_of_the_record():
    facts = training_facts(TRAINING)
    assert facts["started from"] == "meta-llama/Llama-3.1-8B (revision ffffffffffff)"
    assert (
        facts["training set"] == "datasets/d/train.parquet, 1,000 rows, 25.0% of the first ones too long and left out"
    )
    assert facts["steps"] == "30 of 50 rows: 1.5 passes, 123,456 tokens"
    assert (facts["checkpoints"], facts["interrupted"]) == ("10, 20 and 30", "resumed after the steps 12")
    assert facts["software"] == "code cccccccccccc, torch 2.11.0, trl 1.16.0"
    assert took(TRAINING) == "1.00 GPU-hours on 2 x NVIDIA H100"
    assert took(TRAINING | {"gpus": 0}).startswith("0.50 hours on CPU (16 CPU cores"), "it has GPUs and used none"
    older = {key: value for key, value in TRAINING.items() if key != "gpus"}
    assert "GPU-hours" in took(older) and "hours on CPU" in took(older | {"machine": CPU})


@pytest.mark.parametrize(
    ("steps", "weights"),
    [(None, "the mean of the checkpoints after steps 10, 20 and 30."), ([20], "those after step 20.")],
)
def test_the_paragraph_names_data_steps_and_base(steps, weights):
    config = copy.deepcopy(RECORD["config"])
    config["models"]["openmath2"] |= {"trained": "r"} | ({"steps": steps} if steps else {})
    text = methods(config=config, training=TRAINING)
    for words in (
        "trained from meta-llama/Llama-3.1-8B (revision ffffffffffff) [@meta-llama-llama-3-1-8b] on the 1,000 rows of",
        "(sha256 aaaaaaaaaaaa), in 30 steps of 50 rows (1.5 passes, 123,456 tokens), by AdamW at a constant learning rate of 2e-05",
        f"Its weights are {weights}",
        "Training took 1.00 GPU-hours on 2 x NVIDIA H100.",
    ):
        assert words in text, words


def test_the_card_holds_results_licences_and_no_guess(trained, tmp_path):
    trained.metrics.append(mode("math", "majority@4", 0.7))
    card = model_card(TRAINING, AVERAGED, BEHIND, [trained], [compared(tmp_path, "m-vs-base")])
    for words in (
        "base_model: meta-llama/Llama-3.1-8B",
        "This is base, meta-llama/Llama-3.1-8B (revision ffffffffffff), fine-tuned on 1,000 worked",
        "Built with Llama.",
        "the mean of the checkpoints after steps 10, 20 and 30, made in float32, stored as bfloat16",
        "| benchmark | mode | graded by | n | solved | base, before | difference, paired | verdict |",
        "| math | greedy | j | 5,000 | 60.0 [58.7, 61.3] | 26.67 | +33.3 [+21.4, +45.3] | higher |",
        "| math | majority@4 | j | 5,000 | 70.0 [68.7, 71.3] |  |  |  |",
        "| the solutions of d, output of the GGUF file of the Python package llm 1 | the terms of that model |",
        "| the problems of gsm8k-train | MIT |",
        "1.00 GPU-hours on 2 x NVIDIA H100; starts of the program and evaluations are not in it. Energy and CO2 were not measured.",
    ):
        assert words in card, words
    alone = model_card(TRAINING | {"base": TRAINING["base"] | {"source": "path"}}, AVERAGED, None, [trained], [])
    assert "before" not in alone and "Built with" not in alone and "the training set | not known here" in alone


def test_a_bar_in_a_name_breaks_no_table_of_the_card(trained):
    record = copy.deepcopy(TRAINING)
    record["dataset"]["path"] = f"{HOSTILE}/train.parquet"
    row = next(
        line for line in model_card(record, AVERAGED, None, [trained], []).splitlines() if "training set" in line
    )
    assert row.count("|") == 3


def test_the_section_shows_each_finished_training_and_takes_hostile_text_as_text(trained, tmp_path):
    run = tmp_path / "training/r"
    run.mkdir(parents=True)
    assert trainings_section(tmp_path, [trained]) is None
    cut_curve(run / "curve.csv", 0)
    append(run / "curve.csv", Point(1, 0.5, 2e-5, 100, 50.0, 1.5, 2.0))
    (run / "curve.svg").write_text("<svg/>")
    assert trainings_section(tmp_path, [trained]) is None, "it still runs"
    record = copy.deepcopy(TRAINING)
    record["versions"]["torch"] = HOSTILE
    (run / "training.json").write_text(json.dumps(record))
    (tmp_path / "models/m").mkdir(parents=True)
    (tmp_path / "models/m/card.md").write_text(f"# card {HOSTILE}")
    html = trainings_section(tmp_path, [trained]).html
    assert "a" * 64 in html and "0.5000" in html and "# card &lt;script&gt;" in html and "<script>" not in html
    assert "#training-sets" not in html
    (tmp_path / "datasets/d").mkdir(parents=True)
    (tmp_path / "datasets/d/stages.svg").write_text("<svg/>")
    html = trainings_section(tmp_path, []).html
    assert '<a href="#training-sets">' in html and "datasets/d/card.md" in html and "# card" not in html


def test_of_a_long_curve_the_ends_are_shown():
    points = [Point(step, 1.0, 1e-5, step, 1.0, 1.0, 1.0) for step in range(1, 1001)]
    shown = some(points)
    assert (len(shown), shown[0].step, shown[-1].step) == (SHOWN_STEPS, 1, 1000)
    assert some(points[:3]) == points[:3] and some(points[:1]) == points[:1] and some([]) == []


def test_a_set_is_behind_its_own_files_only(tmp_path):
    path = tmp_path / "train.parquet"
    path.write_bytes(b"rows")
    digest = sha256_file(path)
    assert set_behind(path, digest) is None
    record = {"dataset": "d", "sets": {"train.parquet": {"sha256": digest}}, "engine": {"model": BEHIND.teacher}}
    (tmp_path / "manifest.json").write_text(json.dumps(record))
    parts = [{"origin": "gsm8k-train"}, {"origin": "own-problems"}, {"origin": "gsm8k-train"}]
    (tmp_path / "counts.json").write_text(json.dumps({"parts": parts}))
    licences = {"gsm8k-train": "MIT", "own-problems": "not known here"}
    assert set_behind(path, digest) == BEHIND._replace(licences=licences)
    assert set_behind(path, "0" * 64) is None, "packed again since"
    assert set_behind(tmp_path / "other.parquet", digest) is None


def test_what_the_graph_makes_of_a_training_for_the_report():
    config = given({"early": {"trained": "r", "steps": [10]}}, steps=20)
    config |= {"compare": [["m", "t"], ["t", "late"]], "judges": {"j": {"model": "x"}}}
    layout = TrainingLayout(checked_config(config))
    assert layout.single_steps("r") == [("m", 0), ("early", 10), ("late", 20)]
    assert list(layout.step_summaries("r").items())[1] == ("results/early/summary/j", 10)
    assert layout.comparisons("t") == ["results/compare/m-vs-t/j/comparison.csv"] and layout.comparisons("late") == []
    cards = [f"models/{model}/card.md" for model in ("t", "late", "early")]
    assert layout.pages == ["training/r/curve.svg", "training/r/learning_curve.svg", *cards]
    assert TrainingLayout(checked_config(given())).learning_curves == [], "one step is no curve"
    _, demo = continued("dataset-demo.yaml", "training-demo.yaml")
    assert demo.pages == ["training/demo/curve.svg", "datasets/demo/stages.svg", "models/smollm2-trained/card.md"]
    untrained = checked_config({"benchmarks": ["gsm8k"], "models": {"m": {"path": "m"}}})
    assert TrainingLayout(untrained).pages == [], "a finished evaluation has nothing new to make"


def test_a_learning_curve_has_a_line_for_each_judge_and_mode_in_order_of_steps():
    rows = [
        (20, "b", "late", "j", "greedy", "judge", 30, 0.7, 0.6, 0.8, None),
        (0, "b", "base", "j", "greedy", "judge", 30, 0.1, 0.1, 0.2, None),
        (0, "b", "base", "k", "greedy", "judge", 30, 0.2, 0.1, 0.3, None),
    ]
    figure = draw_learning(pandas.DataFrame(rows, columns=["step", *MODEL_COLUMNS]))
    [axes] = [axes for axes in figure.axes if axes.lines]
    assert [line[0].get_xydata().tolist() for line in axes.containers] == [[[0, 0.1], [20, 0.7]], [[0, 0.2]]]


def test_the_trace_leads_over_the_rows_to_who_wrote_them_and_over_the_base_to_its_training(tmp_path):
    path = tmp_path / "datasets/d/train.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"rows")
    digest = sha256_file(path)
    known = {"dataset": "d", "sets": {"train.parquet": {"sha256": digest}}, "engine": {"model": BEHIND.teacher}}
    (path.parent / "manifest.json").write_text(json.dumps(known))
    (path.parent / "counts.json").write_text('{"parts": []}')
    record = copy.deepcopy(TRAINING)
    record["dataset"]["sha256"] = digest
    earlier = copy.deepcopy(record) | {"steps": 7}
    (tmp_path / "training/first").mkdir(parents=True)
    (tmp_path / "training/first/training.json").write_text(json.dumps(earlier))
    record["base"]["source"] = "trained:first"
    config = checked_config(given({"m": {"path": "m"}}))
    manifest = {"config": config, "model": "late", "judge": "none", "training": record, "checkpoint": None}
    engine = {"version": "vllm 1", "settings": {}, "model": {"source": "trained:r", "revision": None}}

    def traced(**more):
        link = Chain(manifest, tmp_path, **more)._engine(engine)
        return chain_text(link), broken(link.all_files())

    text, problems = traced()
    names = ("training r", "from trained:first", "weights of the steps 20", "d, written by pypi:llm, revision 1")
    places = [text.index(name) for name in (*names, "training first", "7 steps of 50 rows")]
    assert places == sorted(places) and not problems
    assert "trace.py datasets/d/train.parquet --row N" in text
    path.rename(tmp_path / "elsewhere.parquet")
    _, problems = traced()
    assert problems and "--training-set FILE" in str(problems[0])
    assert not traced(training_sets=[tmp_path / "elsewhere.parquet"])[1]
    path.write_bytes(b"other")
    text, problems = traced()
    assert problems and "written by" not in text, "of other rows nobody knows who wrote them"
