"""`dataset:` in the configuration: mistakes, files and jobs, what the plan says of them, and what is checked before."""

import copy
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from openmath.dataset.similar import questions
from openmath.errors import InputError
from openmath.files.rows import write_rows
from openmath.plan import make_plan
from openmath.plan.dataset import dataset_steps
from openmath.plan.files import Inventory
from openmath.plan.judging import calls_left
from openmath.preflight import datasets
from openmath.preflight.datasets import check_embedders, check_library
from openmath.preflight.needs import Needs, missing_files
from openmath.settings.config import checked_config, summary_config
from openmath.settings.config_files import read_config_files
from openmath.settings.dataset_layout import DatasetLayout
from openmath.settings.layout import prompt_file

CONFIG = Path(__file__).parents[2] / "config"
DRAWN = {"seeds": 4, "prompt": "gsm8k-solutions"}
NEW = DRAWN | {"seeds": 2, "prompt": "gsm8k-problems"}
GIVEN = {
    "benchmarks": ["gsm8k"],
    "models": {"m": {"path": "m"}, "api": {"base_url": "https://h/v1", "engine": "endpoint", "served_model": "s"}},
    "generation": {"seeds": 0, "seeds_per_job": 4, "tokens_per_second": 100, "tokens_per_sample": 50},
    "dataset": {
        "name": "d",
        "teacher": "m",
        "origins": {"gsm8k-train": {"solutions": DRAWN, "problems": NEW, "new_solutions": DRAWN}},
    },
}


def given(**changes):
    config = copy.deepcopy(GIVEN)
    config["dataset"] |= changes
    return config


def origin(**changes):
    return {"gsm8k-train": GIVEN["dataset"]["origins"]["gsm8k-train"] | changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teacher": "n"}, "dataset: teacher: no model 'n'; did you mean 'm'?"),
        ({"teacher": "api"}, "solutions: prompt_template: engine 'endpoint' takes chat messages only: `chat`"),
        (
            {"teacher": "api", "origins": {"o": {"solutions": DRAWN | {"prompt_template": "llama3-instruct"}}}},
            "solutions: prompt_template: engine 'endpoint' takes chat messages only: `chat`",
        ),
        ({"origins": {"o": {"solutions": DRAWN, "problems": DRAWN}}}, "o: problems and new_solutions go together"),
        ({"origins": {}}, "dataset: origins: {} is too short"),
        ({"filters": ["trim_prefix", "trim_prefix"]}, "'trim_prefix' is listed twice"),
        ({"filters": ["longest"]}, "'longest' is not one of"),
        (
            {"filters": [], "max_solution_tokens": 9},
            "max_solution_tokens: has an effect with the filter `lengths` only",
        ),
        ({"filters": ["duplicates"], "tokenizer": "m"}, "tokenizer: has an effect with the filter `lengths` only"),
        (
            {"decontamination": {"embedder": "ngrams", "judge": "j", "similarity": 0.8}},
            "decontamination: similarity: has an effect without `judge` only",
        ),
        ({"decontamination": {"embedder": "ngrams", "judge": "j"}}, "judge: no judge 'j'; known judges: none"),
        ({"decontamination": {}}, "'embedder' is a required property"),
        (
            {"min_votes": 5},
            "dataset: min_votes: 5 votes, and 'gsm8k-train' has 4 new_solutions to vote: no problem would stay",
        ),
        (
            {"origins": {"gsm8k": {"solutions": DRAWN}}},
            "dataset: origins: gsm8k: is one of `benchmarks`: what is trained on its problems cannot be evaluated on them",
        ),
        (
            {"origins": origin(solutions=DRAWN | {"temperature": 0})},
            "solutions: temperature: all 4 runs would be the same; above 0 they differ, or `seeds: 1`",
        ),
        ({"origins": origin(problems=NEW | {"temperature": 0.0})}, "problems: temperature: all 2 runs"),
        (
            {"origins": origin(new_solutions=NEW)},
            "new_solutions: prompt: 'gsm8k-problems' is the prompt of new problems",
        ),
        (
            {
                "origins": origin()
                | {"o": {"solutions": DRAWN | {"prompt": str(CONFIG / "prompts/gsm8k-problems.yaml")}}}
            },
            "gsm8k-problems.yaml' is the prompt of new problems (origins: gsm8k-train: problems)",
        ),
        ({"origins": origin(solutions=DRAWN | {"seedz": 1})}, "unknown key 'seedz'; did you mean 'seeds'?"),
    ],
)
def test_mistakes(changes, message):
    with pytest.raises(InputError) as caught:
        checked_config(given(**changes))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["dataset-demo", "openmathinstruct2"])
def test_the_configurations_that_come_with_it_are_whole(name):
    config = checked_config(read_config_files([CONFIG / f"{name}.yaml"]).merged())
    jobs = DatasetLayout(config).jobs
    assert {job.stage for job in jobs} == {"solutions", "problems", "new-solutions"}
    assert all(Path(prompt_file(job.drawn["prompt"])).is_file() for job in jobs)


def test_the_papers_set_has_the_papers_numbers_of_samples():
    config = checked_config(read_config_files([CONFIG / "openmathinstruct2.yaml"]).merged())
    assert config["policy"] == "paper"
    seeds = {(job.stage, job.origin): job.drawn["seeds"] for job in DatasetLayout(config).jobs}
    assert [seeds["solutions", name] for name in ("math-train", "gsm8k-train")] == [512, 64]
    assert [seeds["problems", name] for name in ("math-train", "gsm8k-train")] == [80, 10]
    temperatures = {job.stage: job.drawn["temperature"] for job in DatasetLayout(config).jobs}
    assert temperatures == {"solutions": 1.0, "problems": 1.0, "new-solutions": 0.7}


def test_auto_sizes_each_stage_by_its_own_problems_and_tokens():
    drawn = DRAWN | {"seeds": 9, "max_new_tokens": 400}
    origins = origin(solutions=drawn, problems=NEW | {"max_new_tokens": 100}, new_solutions=drawn)
    # 29 minutes, less a fifth and a start of 60 s, are 1332 s; a run of solutions takes 7473 x 400 / 10,000 = 299 s.
    speed = {"runtime": 29, "tokens_per_second": 10_000, "tokens_per_sample": 1000}
    config = given(origins=origins) | {"generation": {"seeds": 0, "seeds_per_job": "auto", "limit": 1} | speed}
    jobs = DatasetLayout(checked_config(config)).jobs
    blocks = {stage: [len(job.runs) for job in jobs if job.stage == stage] for stage in ("solutions", "new-solutions")}
    assert blocks == {"solutions": [4, 4, 1], "new-solutions": [2, 2, 2, 2, 1]}  # new problems: two files
    assert [len(job.runs) for job in jobs if job.stage == "problems"] == [2]


def test_more_seeds_leave_earlier_jobs_and_parts_as_they_are():
    before = DatasetLayout(checked_config(given()))
    solutions, problems = DRAWN | {"seeds": 7}, NEW | {"seeds": 3}
    after = DatasetLayout(checked_config(given(origins=origin(solutions=solutions, problems=problems))))
    jobs = {job.name: set(job.outputs) for job in after.jobs}
    for job in before.jobs:
        if job.stage != "problems":  # a block of two that is now of three
            assert set(job.outputs) <= jobs[job.name]
    new = set().union(*jobs.values()) - {path for job in before.jobs for path in job.outputs}
    folders = {path.rpartition("/")[0].removeprefix("datasets/d/") for path in new}
    assert folders == {"solutions/gsm8k-train", "problems/gsm8k-train", "new-solutions/gsm8k-train-rs2"}
    assert [part.name for part in after.parts] == [*(part.name for part in before.parts), "gsm8k-train-rs2"]


def test_new_problems_are_solved_without_the_contaminated_ones_and_stay_the_same_benchmark():
    plain = DatasetLayout(checked_config(given()))
    clean = DatasetLayout(checked_config(given(decontamination={"embedder": "ngrams"})))
    (job,), (cleaned,) = ([j for j in one.jobs if j.stage == "new-solutions"] for one in (plain, clean))
    assert job.problems == cleaned.problems == [f"datasets/d/new-problems/gsm8k-train-rs{n}.jsonl" for n in (0, 1)]
    assert (job.only, cleaned.only) == ([], [f"datasets/d/clean-problems/gsm8k-train-rs{n}.jsonl" for n in (0, 1)])
    assert clean.parts[1].problems == cleaned.only[0]


def write(path: str, text: str = "") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def test_the_plan_prices_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = checked_config(given())
    assert [step.samples for step in dataset_steps(Inventory(config))] == [4 * 7473, 2 * 7473, 2 * 4 * 7473]
    write("data/gsm8k-train.jsonl", "{}\n" * 10)
    write("datasets/d/solutions/gsm8k-train/output-rs0.jsonl")
    sample = '{"id": "p-%d", "generation": "x"}\n'
    staged = "datasets/d/.staging/solutions/gsm8k-train/0123/gsm8k-train/output-rs1.jsonl"
    write(staged, "".join(sample % number for number in range(3)))
    write("datasets/d/new-problems/gsm8k-train-rs0.jsonl", "{}\n" * 6)
    steps = list(dataset_steps(Inventory(config)))
    assert [step.samples for step in steps] == [7 + 20, 20, 4 * 6 + 4 * 10]
    assert [(step.files.present, step.files.partial, step.files.missing) for step in steps] == [
        (1, 1, 2),
        (0, 0, 2),
        (0, 0, 8),
    ]
    assert steps[0].tokens == 27 * 50
    assert steps[0].jobs == [pytest.approx(steps[0].speed.start_seconds + 27 * 50 / 100)]
    plan = make_plan(config)
    costs = {cost["model"]: cost for cost in plan["generation"]}
    assert costs["m, new-solutions of gsm8k-train"]["tokens"] == 64 * 50
    assert costs["m, new-solutions of gsm8k-train"]["gpus_per_engine"] == 1
    json.dumps(plan)


def test_the_plan_prices_the_pairs_that_a_judge_is_asked_about(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judge = {"base_url": "https://h/v1", "model": "j", "prices": {"input": 1, "output": 10}, "api_key_env": "K"}
    dataset = given(decontamination={"embedder": "ngrams", "judge": "j", "top": 3})
    config = checked_config(dataset | {"judges": {"j": judge}, "generation": GIVEN["generation"] | {"greedy": False}})
    write("data/gsm8k-train.jsonl", "{}\n" * 10)
    write("datasets/d/new-problems/gsm8k-train-rs0.jsonl", "{}\n" * 6)

    def pairs() -> dict:
        (cost,) = (one for one in make_plan(config)["judging"] if one["judge"] == "j, judge-same-problem")
        return cost

    cost = pairs()  # of one run 6 problems are written, of the other 10 may be
    assert (cost["calls"], cost["estimated_calls"]) == (2 * 3 * (6 + 10), 2 * 3 * (6 + 10))
    assert cost["usd"] > 0
    rows = [
        row | {"id": "n"} for row in questions({"id": "n", "problem": "a"}, {"id": "t", "problem": "b"}, "gsm8k", 0.5)
    ]
    rows += questions({"id": "n", "problem": "c"}, {"id": "t", "problem": "c"}, "gsm8k", 1)  # the same text: no call
    write_rows(Path("datasets/d/similar/gsm8k-train-rs0.jsonl"), rows)
    cost = pairs()
    assert (cost["calls"], cost["estimated_calls"]) == (2 + 60, 60)
    assert calls_left(Inventory(config), "j") == 2 + 60
    write("datasets/d/same/j/gsm8k-train-rs0.jsonl")
    write("datasets/d/same/j/gsm8k-train-rs1.jsonl")
    assert not any("same-problem" in one["judge"] for one in make_plan(config)["judging"])
    assert calls_left(Inventory(config), "j") == 0


def test_the_plan_prices_the_pairs_of_a_set_from_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parquet.write_table(pa.table({"problem": ["p"] * 7}), "a.parquet")
    write("b.jsonl", "{}\n" * 2)
    judge = {"base_url": "https://h/v1", "model": "j", "prices": {"input": 1, "output": 10}, "api_key_env": "K"}
    paraphrases = {"embedder": "models/none", "judge": "j", "top": 3}
    contamination = {"training_set": ["a.parquet", "b.jsonl"], "paraphrases": paraphrases}
    config = checked_config(
        {key: value for key, value in GIVEN.items() if key != "dataset"}
        | {"judges": {"j": judge}, "contamination": contamination}
    )
    (cost,) = (one for one in make_plan(config)["judging"] if one["judge"] == "j, judge-same-problem")
    assert cost["calls"] == calls_left(Inventory(config), "j") - answers_left(config) == 2 * 3 * (7 + 2)
    missing = missing_files(config)
    assert {"results/contamination/same/j.jsonl", "results/contamination/pairs.jsonl"} <= missing
    needs = Needs(config, {"results/contamination/pairs.jsonl", "results/contamination/same/j.jsonl"})
    assert needs.judging == {"j": [("results/contamination/pairs.jsonl", "results/contamination/same/j.jsonl")]}
    assert [str(problem) for problem in check_embedders(needs) if "models/none" in str(problem)]
    assert not list(check_embedders(Needs(config, {"results/contamination/same/j.jsonl"})))  # the pairs are there
    for installed, conda, problems in ((True, False, 0), (False, False, 1), (True, True, 1)):
        monkeypatch.setattr(datasets, "find_spec", lambda name, installed=installed: installed or None)
        assert len(list(check_library(needs, conda=conda))) == problems
    assert "contamination" not in summary_config(config, "m", "j")
    config["contamination"]["training_set"] = "b.jsonl"  # as it may be given
    assert make_plan(config)["judging"][-1]["calls"] == 2 * 3 * 2
    write("b.jsonl", "{}\n")
    config["contamination"]["training_set"] = "a.parquet"
    write("a.parquet", "no parquet")
    with pytest.raises(InputError, match="Cannot read the training set"):
        make_plan(config)


def answers_left(config: dict) -> int:
    """Calls of the evaluation itself."""
    without = {key: value for key, value in config.items() if key != "contamination"}
    return calls_left(Inventory(without), "j")


def test_what_a_dry_run_will_not_make_is_not_priced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = checked_config(given())
    assert not any(step.samples for step in dataset_steps(Inventory(config, due=set())))
    due = {"datasets/d/solutions/gsm8k-train/output-rs2.jsonl"}
    steps = list(dataset_steps(Inventory(config, due)))
    assert [step.samples for step in steps] == [7473, 0, 0]
    needs = Needs(config, due | {"data/gsm8k-train.jsonl"})
    assert (needs.teaching, needs.running, needs.generating) == (["m"], ["m"], [])
    assert needs.benchmarks == ["gsm8k-train"]
    assert "datasets/d/train.parquet" in missing_files(config)


def test_without_a_dataset_nothing_of_it_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = checked_config({key: value for key, value in GIVEN.items() if key != "dataset"})
    assert "dataset" not in config
    assert not any("dataset" in path for path in missing_files(config))
    assert not any("of gsm8k" in cost["model"] for cost in make_plan(config)["generation"])
