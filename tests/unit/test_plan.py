"""What `plan` finds missing and what it says it takes, over small folders in every state an evaluation can be in."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from in_process import run_script

from openmath.errors import InputError
from openmath.files.rows import write_rows
from openmath.generation.prompts import read_prompt
from openmath.judging.settings import JudgeSettings, judge_sampling, read_judge_prompt
from openmath.judging.store import VerdictStore
from openmath.plan import make_plan, plan_text
from openmath.plan.cost import makespan
from openmath.plan.files import Inventory, count_lines
from openmath.plan.speed import spread_rows
from openmath.settings.config import checked_config
from openmath.settings.job_size import seeds_per_job
from openmath.settings.layout import prompt_file
from openmath.settings.sample_settings import GENERATION_VERSION

ROOT = Path(__file__).parents[2]
ENGINE = {"engine": "vllm", "version": "vllm 1.0", "model": {"source": "path"}, "settings": {"tensor_parallel": 2}}
PROBLEMS = 10


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configuration(**changes) -> dict:
    """Two benchmarks of ten problems, one model on two GPUs, greedy and 4 seeds in blocks of 2."""
    config = {
        "benchmarks": ["one", "two"],
        "benchmark_sources": {"one": "one.jsonl", "two": "two.jsonl"},
        "models": {"m": {"path": "checkpoint", "engine": "vllm", "tensor_parallel": 2}},
        "generation": {"seeds": 4, "seeds_per_job": 2, "tokens_per_second": 100, "tokens_per_sample": 50},
        "judges": {"j": {"model": "judge-1"}},
    }
    for name in config["benchmarks"]:
        Path(f"{name}.jsonl").write_text("{}\n" * PROBLEMS)
    return checked_config(config | changes)


def sample(number: int, tokens: int = 20, answer: str = "7", expected: str = "8") -> dict:
    row = {
        "id": f"p{number}",
        "problem": f"problem {number}",
        "expected_answer": expected,
        "generation": "x" * 3 * tokens,
    }
    return {**row, "predicted_answer": answer, "num_generated_tokens": tokens}


def publish(config: dict, *runs: str, benchmark: str = "one", model: str = "m", tokens: int = 20) -> list[Path]:
    paths = [Path(Inventory(config).layout.sample_file(model, benchmark, run)) for run in runs]
    for path in paths:
        write_rows(path, [sample(i, tokens) for i in range(PROBLEMS)])
    return paths


def stage(config: dict, fingerprint: str, run: str, rows: int, **settings) -> Path:
    """A staged file under settings that generate.py would write for this configuration, but for those given."""
    generation, model = config["generation"], config["models"]["m"]
    folder = Path(f"results/m/.staging/{fingerprint}/one")
    folder.mkdir(parents=True, exist_ok=True)
    written = {key: generation[key] for key in ("temperature", "top_p", "max_new_tokens", "limit")}
    written |= {"generation_version": GENERATION_VERSION, "prompt": read_prompt(prompt_file(model["prompt"]))}
    written |= {"prompt_template": model["prompt_template"], "engine": ENGINE, "benchmark_sha256": "0"}
    (folder / "settings.json").write_text(json.dumps(written | settings))
    write_rows(folder / f"output-{run}.jsonl", [sample(i) for i in range(rows)])
    return folder / f"output-{run}.jsonl"


def counts(plan: dict, stage: str, benchmark: str | None = "one", model: str = "m") -> tuple[int, int, int]:
    [row] = [r for r in plan["stages"] if (r["model"], r["benchmark"], r["stage"]) == (model, benchmark, stage)]
    return row["present"], row["partial"], row["missing"]


def test_the_papers_evaluation_from_nothing():
    config = checked_config(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    plan = make_plan(config)
    [cost] = plan["generation"]
    assert cost["samples"] == 10817 * 257 and cost["engine_starts"] == 17
    assert cost["tokens"] == 10817 * 257 * 560
    assert cost["engine_hours"] == pytest.approx((10817 * 257 * 560 / 9000 + 17 * 120) / 3600)
    assert plan["wall_hours"]["4"] < plan["wall_hours"]["1"] == pytest.approx(cost["engine_hours"])
    assert counts(plan, "generation", "math", "openmath2-llama3.1-8b") == (0, 0, 257)
    assert counts(plan, "judging", "math", "openmath2-llama3.1-8b") == (0, 0, 2)
    text = plan_text(plan)
    assert "0/0/257" in text and "assumed (generation: tokens_per_second)" in text and "17 engine starts" in text
    assert json.loads(json.dumps(plan)) == plan


def test_a_crash_leaves_partial_runs_and_their_samples_are_not_counted_again():
    config = configuration()
    publish(config, "greedy", "rs0")
    stage(config, "ours", "rs1", 6)
    with open(stage(config, "ours", "rs2", 3), "a") as file:
        file.write('{"id": "p3", "torn')
    plan = make_plan(config)
    assert counts(plan, "generation") == (2, 2, 1)
    assert counts(plan, "generation", "two") == (0, 0, 5)
    [cost] = plan["generation"]
    assert cost["samples"] == 4 + 7 + 10 + 5 * PROBLEMS
    assert cost["engine_starts"] == 3, "the greedy block of the other benchmark, and both blocks of seeds"
    assert "with 1 job at a time" in plan_text(plan) and "with 4" not in plan_text(plan)


def test_damaged_samples_are_told_and_counted_as_missing(capfd):
    config = configuration(benchmarks=["one"])
    path = stage(config, "ours", "rs1", 6)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"\0" * 50 + b"\n", *lines[3:], lines[0]]))
    [cost] = make_plan(config)["generation"]
    assert cost["samples"] == 5 * PROBLEMS - 5  # one is damaged, and one stands there twice
    assert "output-rs1.jsonl: 1 line (3) damaged" in capfd.readouterr().err


def test_a_run_that_is_all_staged_needs_no_engine():
    config = configuration(benchmarks=["one"])
    publish(config, "greedy", "rs0", "rs1", "rs2")
    stage(config, "ours", "rs3", PROBLEMS)
    [cost] = make_plan(config)["generation"]
    assert (cost["samples"], cost["engine_starts"], cost["engine_hours"]) == (0, 0, 0)


@pytest.mark.parametrize("changed", [{"temperature": 0.1}, {"limit": 3}, {"prompt": {"user": "{problem}!"}}])
def test_samples_of_other_settings_do_not_count(changed):
    config = configuration()
    stage(config, "theirs", "rs1", 6, **changed)
    assert counts(make_plan(config), "generation") == (0, 0, 5)


def test_an_engine_that_was_built_anew_makes_staged_samples_another_models():
    config = configuration()
    stage(config, "ours", "rs1", 6)
    assert counts(make_plan(config), "generation") == (0, 1, 4)
    Path("models/m/engine").mkdir(parents=True)
    Path("models/m/engine/engine.json").write_text(json.dumps(ENGINE | {"version": "vllm 2.0"}))
    assert counts(make_plan(config), "generation") == (0, 0, 5)


def test_a_published_file_of_other_settings_is_missing():
    config = configuration()
    [path] = publish(config, "rs1")
    assert counts(make_plan(config), "generation") == (1, 0, 4)
    staged = stage(config, "theirs", "rs1", PROBLEMS, temperature=0.1)
    path.unlink()
    os.link(staged, path)  # as generate.py publishes
    assert counts(make_plan(config), "generation") == (0, 0, 5)


def test_later_stages_are_missing_where_a_sample_file_is():
    config = configuration(benchmarks=["one"])
    runs = Inventory(config).layout.sample_runs("m")
    publish(config, *runs)
    made = ["grades/one.parquet", "eval-results-majority/one/output-majority.jsonl", "judged/j/one/greedy.jsonl"]
    made += ["judged/j/one/majority.jsonl", "summary/j/tables.txt"]
    for name in made:
        write_rows(Path("results/m") / name, [])
    assert "nothing to do" in plan_text(make_plan(config)) and make_plan(config)["generation"] == []
    Path(Inventory(config).layout.sample_file("m", "one", "rs3")).unlink()
    plan = make_plan(config)
    assert counts(plan, "grading") == counts(plan, "majority") == (0, 0, 1)
    assert counts(plan, "judging") == (1, 0, 1), "the judged greedy answers stay"
    assert counts(plan, "summary", None) == (0, 0, 1)


def test_files_that_snakemake_will_make_are_missing_and_others_are_not_asked_for():
    config = configuration()
    greedy, sampled = publish(config, "greedy", "rs0")
    plan = make_plan(config, due={str(greedy)})
    assert counts(plan, "generation") == (1, 0, 1)
    assert counts(plan, "grading") == counts(plan, "generation", "two") == (0, 0, 0)
    [cost] = plan["generation"]
    assert (cost["samples"], cost["engine_starts"]) == (PROBLEMS, 1)
    assert str(sampled) not in plan_text(plan)


def record_jobs(*jobs: dict) -> None:
    common = {
        "engine": "vllm 1.0",
        "copies": 1,
        "concurrency": 8,
        "full_samples": 0,
        "full_tokens": 0,
        "full_seconds": 0.0,
    }
    write_rows(Path("results/m/.staging/jobs.jsonl"), [common | job for job in jobs])


def test_speed_and_length_are_measured_on_earlier_jobs():
    config = configuration()
    publish(config, "rs0", tokens=30)
    full = {"full_samples": 16, "full_tokens": 800, "full_seconds": 4.0}
    half_empty = {"samples": 5, "tokens": 100, "seconds": 10.0, "start_seconds": 30.0}
    record_jobs(half_empty, {"samples": 20, "tokens": 1000, "seconds": 8.0, "start_seconds": 20.0} | full)
    [cost] = make_plan(config)["generation"]
    assert (cost["tokens_per_second"], cost["ramp_seconds"], cost["margin"]) == (200, 3, 0.25)
    assert cost["tokens"] == round(4 * PROBLEMS * 30 + 5 * PROBLEMS * 1100 / 25)
    hours = (3 * (25 + 3) + cost["tokens"] / 200) / 3600  # three engine starts
    assert (cost["engine_hours"], cost["gpu_hours"]) == pytest.approx((hours, 2 * hours), rel=1e-4)
    text = plan_text(make_plan(config))
    assert "measured on 16 samples at full load, 8 at a time" in text and "200 tokens/s a job, measured, ± 25%" in text


def test_jobs_of_another_engine_say_nothing_of_the_speed():
    config = configuration()
    Path("models/m/engine").mkdir(parents=True)
    Path("models/m/engine/engine.json").write_text(json.dumps(ENGINE))
    job = {"samples": 9, "tokens": 1000, "seconds": 20, "full_samples": 9, "full_tokens": 900, "full_seconds": 9}
    record_jobs(job, job | {"engine": "vllm 0.9", "full_tokens": 9000})
    [cost] = make_plan(config)["generation"]
    assert (cost["tokens_per_second"], cost["ramp_seconds"]) == (100, 10)


def test_the_length_of_samples_is_that_of_jobs_under_these_settings():
    """Four thousand tokens at most say nothing of thirty-two thousand; how fast the engine is they do say."""
    config = configuration(benchmarks=["one"])
    stage(config, "ours", "rs1", 0)
    stage(config, "theirs", "rs1", 0, max_new_tokens=512)
    gpu = {"machine": {"gpus": ["H200", "H200"]}}
    long = {"samples": 10, "tokens": 9000, "seconds": 10, "settings": {"one": "ours"}} | gpu
    short = {"samples": 10, "tokens": 700, "seconds": 10, "settings": {"one": "theirs"}} | gpu
    for jobs, tokens in (([long, short], 900), ([short], 50), ([{**short, "settings": {}}], 70)):
        record_jobs(*jobs)
        [cost] = make_plan(config)["generation"]
        assert cost["tokens"] == 5 * PROBLEMS * tokens
        assert cost["tokens_per_second"] == (900 if long in jobs else 70)
    assert "thought included; 2 H200 an engine, 70 tokens/s a job, measured\n" in plan_text(make_plan(config))


THINKING = {"max_new_tokens": 32_768, "seeds": 256}


def test_what_cannot_end_so_is_told_with_the_key_to_change(monkeypatch):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert make_plan(checked_config(config))["warnings"] == []
    config["generation"] |= THINKING
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**10))
    plan = make_plan(checked_config(config))
    [cost] = plan["generation"]
    assert cost["tokens"] == 10817 * 257 * 560 * 8, "eight times the limit"
    job, disk = plan["warnings"]
    assert job.startswith("openmath2-llama3.1-8b: a job of 24.0 hours does not end in 4 tries of 4.0 hours")
    assert "generation: seeds_per_job: 2, or auto" in job
    assert "GB of disk needed, 10.0 GB free" in disk and "generation: seeds" in disk
    assert f"warning: {job}.\nwarning: {disk}." in plan_text(plan)
    config["generation"] |= {"seeds_per_job": "auto"}
    [disk] = make_plan(checked_config(config))["warnings"]
    config["generation"] |= {"runtime": 1}
    assert "seeds_per_job: 1, benchmarks_per_job: 1)" in make_plan(checked_config(config))["warnings"][0]


@pytest.mark.parametrize(
    ("changes", "seeds"),
    [
        ({}, 16),  # the paper's evaluation: 3.0 of 4 hours
        ({"max_new_tokens": 16_384}, 4),
        ({"max_new_tokens": 32_768}, 2),
        ({"max_new_tokens": 32_768, "tokens_per_sample": 12_000}, 1),
        ({"max_new_tokens": 32_768, "runtime": 960}, 8),
        ({"max_new_tokens": 32_768, "engines_per_job": 4}, 8),
        ({"max_new_tokens": 32_768, "benchmarks_per_job": 1}, 4),
        ({"max_new_tokens": 32_768, "limit": 100}, 16),
        ({"max_new_tokens": 32_768, "tokens_per_second": 90_000}, 16),
    ],
)
def test_jobs_of_a_size_that_fits(changes, seeds):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["generation"] |= {"seeds_per_job": "auto"} | changes
    size = seeds_per_job(checked_config(config), "openmath2-llama3.1-8b")
    assert size == seeds
    [cost] = make_plan(checked_config(config))["generation"]
    assert size == 1 or cost["longest_job_hours"] <= checked_config(config)["generation"]["runtime"] / 60


def test_a_job_that_never_filled_its_engine_bounds_the_speed():
    config = configuration()
    record_jobs({"samples": 5, "tokens": 100, "seconds": 10.0}, {"samples": 2, "tokens": 10, "seconds": 5.0})
    [cost] = make_plan(config)["generation"]
    assert (cost["tokens_per_second"], cost["margin"]) == (10, None)
    assert "too small to fill the engine" in plan_text(make_plan(config))


def test_the_speed_of_a_gpu_is_that_of_jobs_with_as_many_engines_on_it():
    config = configuration()
    job = {"samples": 9, "tokens": 900, "seconds": 9, "full_samples": 9, "full_tokens": 900, "full_seconds": 9}
    record_jobs(job | {"full_tokens": 2700, "engines_per_gpu": 3}, job)
    assert make_plan(config)["generation"][0]["tokens_per_second"] == 100
    for wanted, speed in ((3, 300), ("auto", 200)):  # no job with `auto`: what is known of the others
        config["models"]["m"]["engines_per_gpu"] = wanted
        assert make_plan(config)["generation"][0]["tokens_per_second"] == speed


def test_two_copies_of_an_engine_are_twice_as_fast_as_the_one_measured():
    config = configuration()
    config["generation"]["engines_per_job"] = 2
    record_jobs({"samples": 9, "tokens": 900, "seconds": 9, "full_samples": 9, "full_tokens": 900, "full_seconds": 9})
    [cost] = make_plan(config)["generation"]
    assert cost["tokens_per_second"] == 200


def test_jobs_are_split_and_doubled_as_configured():
    config = configuration()
    config["generation"] |= {"num_jobs": 1, "benchmarks_per_job": 1, "engines_per_job": 2}
    [cost] = make_plan(config)["generation"]
    assert cost["engine_starts"] == 2 * 2, "one job a benchmark, two engines in each"
    hours = (2 * 60 + cost["tokens"] / (2 * 100)) / 3600  # by the clock
    assert (cost["engine_hours"], cost["gpu_hours"]) == pytest.approx((2 * hours, 4 * hours))


def test_imported_samples_cost_nothing_and_are_graded():
    config = configuration(models={"theirs": {"samples": "elsewhere", "seeds": 2}})
    publish(config, "greedy", "rs0", "rs1", model="theirs")
    plan = make_plan(config)
    assert counts(plan, "generation", model="theirs") == (3, 0, 0)
    assert counts(plan, "grading", model="theirs") == (0, 0, 1)
    assert plan["generation"] == []


def test_imported_samples_are_as_many_as_they_are_and_what_they_are_not_is_said():
    models = {"theirs": {"samples": "elsewhere", "seeds": 0}}
    config = configuration(models=models, benchmarks=["one", "math"])
    for benchmark in config["benchmarks"]:
        publish(config, "greedy", model="theirs", benchmark=benchmark)
    rows = [{"id": "x", "problem": "problem 0", "expected_answer": "8"}] * 7
    write_rows("data/one.jsonl", rows)
    write_rows("elsewhere/one/output.jsonl", rows)
    inventory = Inventory(config)
    assert inventory.rows("one") == 7 and inventory.rows_of("theirs", "one") == PROBLEMS
    assert make_plan(config)["warnings"] == [
        "theirs: elsewhere/one/output.jsonl: not read where it stands; scripts/import_samples.py reads it",
        "theirs: one: 9 of the first 10 problems of elsewhere/one/output-greedy.jsonl are not in data/one.jsonl",
        "theirs: math: 10 problems, where MATH has 5,000: no number of that benchmark",
    ]
    assert "warning: theirs: math: 10 problems" in plan_text(make_plan(config))


def judged_configuration(**judge) -> tuple[dict, JudgeSettings]:
    """Two models with the same five different greedy questions, and who judges them."""
    models = {"m": {"path": "a", "seeds": 0}, "n": {"path": "b", "seeds": 0}}
    config = configuration(benchmarks=["one"], models=models)
    config["judges"]["j"] |= judge
    for model in models:
        rows = [sample(0, answer="8"), sample(1, answer=None), *(sample(i) for i in range(2, 7)), sample(2)]
        write_rows(Path(Inventory(config).layout.sample_file(model, "one", "greedy")), rows)
    settings = config["judges"]["j"]
    prompt = read_judge_prompt(prompt_file(settings["prompt"]))
    return config, JudgeSettings("judge-1", prompt, judge_sampling(settings["max_new_tokens"], config["policy"]))


def test_each_different_question_is_one_call_and_stored_verdicts_are_none():
    config, settings = judged_configuration()
    [cost] = make_plan(config)["judging"]
    assert (cost["calls"], cost["estimated_calls"], cost["usd"]) == (5, 0, None)
    store = VerdictStore(Path("judgements/j"))
    for number in (2, 3):
        question = {"problem": f"problem {number}", "predicted_answer": "7", "expected_answer": "8"}
        tokens = {"num_prompt_tokens": 1000, "num_generated_tokens": 100, "usd": 0.01}
        store.add({"key": settings.key(question), "judgement": "Judgement: No", **question, **tokens}, settings)
    store.close()
    config["judges"]["j"] |= {"prices": {"input": 2.0, "output": 10.0}, "budget_usd": 0.025}
    plan = make_plan(config)
    [cost] = plan["judging"]
    assert cost["calls"] == 3 and cost["usd"] == pytest.approx(3 * (1000 * 2 + 100 * 10) / 1e6)
    assert "3 calls left, 0.01 USD" in plan_text(plan) and "budget_usd allows: 0.02 USD spent of 0.03" in plan_text(
        plan
    )
    config["judges"]["j"]["max_new_tokens"] += 1
    assert make_plan(config)["judging"][0]["calls"] == 5, "verdicts under another limit are other verdicts"


def test_verdicts_that_were_asked_without_a_refused_parameter_are_none_left():
    config, settings = judged_configuration()
    question, form = {"problem": "problem 2", "predicted_answer": "7", "expected_answer": "8"}, {"left_out": ["seed"]}
    record = {
        "key": settings.key(question, 1, form),
        "judgement": "Judgement: No",
        "form": form,
        "asked_at": 1,
        **question,
    }
    store = VerdictStore(Path("judgements/j"))
    store.add({"settings": settings.fingerprint, **record}, settings)
    store.close()
    assert make_plan(config)["judging"][0]["calls"] == 4


def test_calls_on_answers_to_come_are_estimated():
    plan = make_plan(configuration())
    [cost] = plan["judging"]
    assert cost["calls"] == cost["estimated_calls"] == 2 * 2 * round(0.57 * PROBLEMS)
    rows = (
        2 * PROBLEMS
    )  # of two benchmarks; of each five sample runs, for the report too, and two judged files without the texts
    assert plan["disk_bytes"] == rows * (5 * 1.3 * (600 + 3.5 * 50) + 2 * 1500)


def test_the_report_keeps_all_samples_again_where_it_has_none_of_them():
    config = configuration(benchmarks=["one"])
    runs = Inventory(config).layout.sample_runs("m")
    paths = publish(config, *runs[1:])
    size = paths[0].stat().st_size / PROBLEMS
    samples, judged = size * PROBLEMS, 2 * 1500 * PROBLEMS
    assert make_plan(config)["disk_bytes"] == pytest.approx(samples + 0.3 * 5 * samples + judged, rel=0.01)
    Path("results/report/m").mkdir(parents=True)
    assert make_plan(config)["disk_bytes"] == pytest.approx(1.3 * samples + judged, rel=0.01)
    greedy = Inventory(config).layout.sample_file("m", "one", "greedy")
    assert make_plan(config, due={greedy})["disk_bytes"] == pytest.approx(samples, rel=0.01)
    assert make_plan(config, due={greedy, "results/report/m"})["disk_bytes"] == pytest.approx(1.3 * samples, rel=0.01)


def test_the_table_comes_first_with_a_row_for_each_model_and_their_sum():
    models = {"m": {"path": "a", "engine": "vllm"}, "hosted": {"base_url": "http://localhost/v1", "served_model": "x"}}
    judges = {
        "j": {"model": "judge-1", "prices": {"input": 100.0, "output": 0.0}},
        "own": {"self_hosted": "m", "max_new_tokens": 90},
    }
    plan = make_plan(configuration(models=models, judges=judges))
    lines = plan_text(plan).splitlines()
    rows = {line.split("  ")[0]: line for line in lines[: lines.index("")] if not line.startswith(" ")}
    calls, [j, own] = 2 * 2 * 6, plan["judging"]
    for model in models:
        assert f"{2 * calls} calls, {j['usd'] / 2:.2f} USD" in rows[model]
    assert j["calls_by_model"] == own["calls_by_model"] == {"m": calls, "hosted": calls}
    assert "GPU-minutes" in rows["m"] and "GPU" not in rows["hosted"] and " 100 " in rows["m"]
    assert f"{60 * own['gpu_hours']:.1f} GPU-minutes" in rows["judge own"] and "calls" not in rows["judge own"]
    assert f"{4 * calls} calls, {j['usd']:.2f} USD" in rows["all"] and " 200 " in rows["all"]
    assert rows["all"].split()[1] == str(sum(cost["jobs"] for cost in plan["generation"]) + own["engine_starts"])
    notes = [line for line in lines if line.startswith("    up to 4,096 tokens a sample, thought included; ")]
    assert [note.partition("; ")[2] for note in notes] == [
        f"{on}, 100 tokens/s a job, assumed" for on in ("1 GPU an engine", "no GPU")
    ]
    assert max(map(len, lines)) <= 100


def test_a_question_that_two_models_ask_is_the_first_ones():
    config, _ = judged_configuration()
    [cost] = make_plan(config)["judging"]
    assert cost["calls_by_model"] == {"m": 5} and cost["calls"] == 5


def test_a_self_hosted_judge_takes_engine_hours():
    config = configuration(judges={"j": {"self_hosted": "m", "max_new_tokens": 90}})
    plan = make_plan(config)
    [cost] = plan["judging"]
    assert cost["engine_starts"] == 1
    assert cost["gpu_hours"] == pytest.approx(2 * (60 + cost["calls"] * 90 / 100) / 3600)


def test_jobs_take_turns():
    assert makespan([5, 1, 1, 1], 1) == 8
    assert makespan([5, 1, 1, 1], 2) == 5
    assert makespan([1, 1, 5], 2) == 6
    assert makespan([], 3) == 0


def test_rows_are_looked_at_evenly_and_whole(tmp_path):
    path = tmp_path / "output-rs0.jsonl"
    write_rows(path, [{"n": i, "text": "y" * (i % 7)} for i in range(1000)])
    numbers = [row["n"] for _, row in spread_rows(str(path), 10)]
    assert len(numbers) == 10 and numbers == sorted(set(numbers)) and numbers[0] == 0 and numbers[-1] > 850
    assert all(size == len(json.dumps(row)) + 1 for size, row in spread_rows(str(path), 10))
    path.write_text("not json\n")
    with pytest.raises(InputError, match="not a JSON object"):
        list(spread_rows(str(path), 1))


def test_lines_are_counted_whole(tmp_path):
    path = tmp_path / "lines"
    path.write_bytes(b"a\n" * 700_000 + b"torn")  # more than one chunk
    assert count_lines(path) == 700_000


def run_plan(*options: str, stdin: str = "") -> subprocess.CompletedProcess:
    return run_script("plan_compute.py", *options, stdin=stdin)


def test_later_configuration_files_override_single_keys(folder):
    (folder / "more.yaml").write_text("generation: {seeds: 3}")
    reply = run_plan("--configfile", str(ROOT / "config/demo.yaml"), "more.yaml", "--parallel-jobs", "2", "--json")
    assert reply.returncode == 0, reply.stderr
    plan = json.loads(reply.stdout)
    assert plan["generation"][0]["samples"] == 4 * 20 and list(plan["wall_hours"]) == ["2"]
    assert list(folder.iterdir()) == [folder / "more.yaml"], "a plan writes nothing"


def test_bad_input_is_one_message(folder):
    (folder / "bad.yaml").write_text("[1, 2]")
    for reply in (
        run_plan("--configfile", "bad.yaml"),
        run_plan("--configfile", "absent.yaml"),
        run_plan("--config-json", stdin="{}"),
        run_plan("--config-json", stdin="x"),
    ):
        assert reply.returncode == 2 and "Traceback" not in reply.stderr and reply.stderr.startswith("error: ")


@pytest.mark.parametrize("wanted", [1, 2, 3, 5, 9, -1])
def test_each_block_has_one_job(wanted):
    config = configuration(generation={"seeds": 8, "seeds_per_job": 2, "num_jobs": wanted})
    jobs = Inventory(config).layout.generation_jobs("m").values()
    assert [run for _, runs in jobs for run in runs] == ["greedy", *(f"rs{seed}" for seed in range(8))]
    assert len(jobs) == (min(wanted, 5) if wanted > 0 else 5)


def test_a_replay_asks_nobody():
    assert make_plan(configuration(judges={"j": {"model": "judge-1", "replay": True}}))["judging"] == []
