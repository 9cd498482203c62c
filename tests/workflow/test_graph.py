"""What runs, and what does not, after a change: job counts of dry runs over a finished evaluation."""

import json
import shutil

import pyarrow.parquet as parquet
import pytest
from conftest import CONFIG, configure, job_logs, planned_jobs, snakemake

from openmath.files.rows import read_rows

ALL_GENERATION = {"generate_tiny_greedy": 1, "generate_tiny_rs0_to_rs3": 1, "generate_tiny_rs4_to_rs7": 1}
SUMMARY = {
    "summarize_results": 1,
    "write_methods": 1,
    "draw_figures": 1,
    "draw_models": 1,
    "show_samples": 1,
    "build_report": 1,
}
AFTER_GRADING = {"judge_tiny_by_itself": 1} | SUMMARY
AFTER_GENERATION = {"grade_answers": 2, "fill_majority": 2} | AFTER_GRADING


def test_a_finished_evaluation_has_every_file_and_nothing_to_do(finished):
    assert planned_jobs(finished) == {}
    for benchmark in ("arithmetic-mini", "own"):
        for run in ("greedy", *(f"rs{seed}" for seed in range(8))):
            rows = list(read_rows(finished / f"results/tiny/eval-results/{benchmark}/output-{run}.jsonl"))
            assert [row["id"] for row in rows] == [f"{benchmark}-0", f"{benchmark}-1"]
            assert all(row["seed"] == (None if run == "greedy" else int(run[2:])) for row in rows)
        assert parquet.read_table(finished / f"results/tiny/grades/{benchmark}.parquet").num_rows == 2 * 9
        for mode in ("greedy", "majority"):
            judged = list(read_rows(finished / f"results/tiny/judged/itself/{benchmark}/{mode}.jsonl"))
            assert all(row["judge_verdict"] in ("yes", "no", "unparsed") for row in judged)
    tables = (finished / "results/tiny/summary/itself/tables.txt").read_text()
    assert all(mode in tables for mode in ("greedy", "majority@8", "pass@8", "judge_correct"))
    assert json.loads((finished / "results/tiny/summary/itself/metrics.json").read_text())


def test_nothing_done_yet_runs_every_rule(evaluation):
    for made in ("data", "models", "results", "judgements"):
        shutil.rmtree(evaluation / made)
    first = {"prepare_benchmark": 2, "download_checkpoint": 1, "describe_engine": 1}
    assert planned_jobs(evaluation) == first | ALL_GENERATION | AFTER_GENERATION


def test_more_seeds_run_only_the_new_block(evaluation):
    configure(evaluation, generation={"seeds": 12})
    assert planned_jobs(evaluation) == {"generate_tiny_rs8_to_rs11": 1} | AFTER_GENERATION


def test_lost_grades_of_one_benchmark_are_made_again_for_it_alone(evaluation):
    (evaluation / "results/tiny/grades/own.parquet").unlink()
    jobs = planned_jobs(evaluation)
    assert jobs["grade_answers"] == 1 and jobs["fill_majority"] == 1
    assert not [rule for rule in jobs if rule.startswith("generate")]


def test_a_changed_judge_judges_and_summarises_again(evaluation):
    judge = CONFIG["judges"]["itself"]
    configure(evaluation, judges={"itself": {**judge, "max_new_tokens": 9}})
    assert planned_jobs(evaluation) == AFTER_GRADING
    configure(evaluation, judges={"itself": judge, "second": {**judge, "max_new_tokens": 9}})
    assert planned_jobs(evaluation) == {"judge_tiny_by_second": 1, "compare_judges": 1} | SUMMARY


def test_edited_comments_and_settings_of_speed_run_nothing(evaluation):
    for name in (
        "Snakefile",
        "rules/generation.smk",
        "rules/grading.smk",
        "scripts/generate.py",
        "scripts/grade_answers.py",
    ):
        with open(evaluation / name, "a") as file:
            file.write("\n# a comment\n")
    speed = {"concurrency": 2, "runtime": 5, "seeds_per_job": 8}
    configure(evaluation, engines={"llamacpp": {"args": "--slots 2"}}, generation=speed)
    assert planned_jobs(evaluation) == {}


def test_a_changed_temperature_generates_again(evaluation):
    configure(evaluation, generation={"temperature": 0.5})
    assert planned_jobs(evaluation) == ALL_GENERATION | AFTER_GENERATION


@pytest.mark.slow
def test_samples_of_these_settings_come_back_from_staging(evaluation):
    published = "results/tiny/eval-results/own/output-rs5.jsonl"
    before = (evaluation / published).read_bytes()
    (evaluation / published).unlink()
    reply = snakemake(evaluation)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert "16 samples, 16 kept from before, 0 to compute" in job_logs(evaluation)
    assert (evaluation / published).read_bytes() == before


def test_an_edited_prompt_generates_again(evaluation):
    prompt = evaluation / "config/prompts/math-few-shot.yaml"
    prompt.write_text(prompt.read_text().replace("Solve", "Please solve"))
    assert planned_jobs(evaluation) == ALL_GENERATION | AFTER_GENERATION


def test_a_missing_key_stops_before_anything_runs(evaluation):
    shutil.rmtree(evaluation / "results")
    configure(evaluation, judges={"hosted": {"model": "some-judge", "api_key_env": "NO_SUCH_KEY"}})
    reply = snakemake(evaluation)
    assert reply.returncode != 0
    assert "NO_SUCH_KEY" in reply.stderr and "Hint:" in reply.stderr and "Traceback" not in reply.stderr
    assert not (evaluation / "results").exists()


def test_a_typo_in_the_configuration_names_the_nearest_key(evaluation):
    configure(evaluation, generation={"seeds_per_jobs": 4})
    reply = snakemake(evaluation, "--dry-run")
    assert reply.returncode != 0
    said = reply.stdout + reply.stderr
    assert "did you mean 'seeds_per_job'" in said and "Traceback" not in said


@pytest.mark.slow
def test_samples_of_other_tools_are_graded_voted_and_summarised_where_they_stand(evaluation):
    folder = evaluation / "theirs/own"
    folder.mkdir(parents=True)
    for run, answers in {"greedy": ("2", "1.5"), "rs0": ("2", "1"), "rs1": ("3", "3/2"), "rs2": ("2", "1.50")}.items():
        rows = [
            {"problem": f"p{i}", "expected_answer": gold, "generation": f"So \\boxed{{{answer}}}"}
            for i, (gold, answer) in enumerate(zip(("2", "3/2"), answers, strict=True))
        ]
        (folder / f"output-{run}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    configure(evaluation, benchmarks=["own"], judges={})
    config = (evaluation / "config.yaml").read_text()
    start, end = config.index("models:"), config.index("\n", config.index("prompt: math-few-shot"))
    imported = "models:\n  imported:\n    samples: theirs\n    seeds: 3"
    (evaluation / "config.yaml").write_text(config[:start] + imported + config[end:])
    reply = snakemake(evaluation)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    tables = (evaluation / "results/imported/summary/none/tables.txt").read_text().splitlines()
    correct = {line.split("|")[0].strip(): line.split("|")[2].strip() for line in tables if "|" in line}
    assert correct == {
        "evaluation_mode": "symbolic_correct",
        "greedy": "100.00",
        "pass@1[avg-of-3]": "66.67",
        "majority@3": "100.00",
        "pass@3": "100.00",
    }
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def test_compared_models_are_compared_once_per_judge(evaluation):
    for benchmark in CONFIG["benchmarks"]:
        for seed in range(2):
            path = evaluation / f"theirs/{benchmark}/output-rs{seed}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('{"problem": "p", "expected_answer": "2", "generation": "So \\\\boxed{2}"}\n')
    imported = {"samples": "theirs", "seeds": 2, "greedy": False}
    configure(evaluation, models={"theirs": imported}, compare=[["tiny", "theirs"]])
    jobs = {
        "grade_answers": 2,
        "fill_majority": 2,
        "judge_theirs_by_itself": 1,
        "compare_models": 1,
    }
    assert planned_jobs(evaluation) == jobs | SUMMARY


def test_loop_variables_of_the_generated_rules_are_not_seen_by_shell_strings(evaluation):
    """Else {model} in a shell, without `wildcards.`, would silently be the last model of the loop."""
    names = ["model", "job", "benchmarks", "runs", "judge", "served", "GENERATION"]  # the last one is meant to be seen
    with open(evaluation / "rules/export.smk", "a") as file:
        file.write(f"\n\nraise WorkflowError([name for name in {names} if name in globals()])\n")
    reply = snakemake(evaluation, "--dry-run")
    assert reply.returncode != 0 and "['GENERATION']" in reply.stdout + reply.stderr, reply.stdout + reply.stderr


@pytest.mark.slow
def test_compressed_samples_take_the_place_of_plain_ones_without_an_engine(evaluation):
    folder, tables = evaluation / "results/tiny/eval-results", evaluation / "results/tiny/summary/itself/tables.txt"
    plain = {path.relative_to(folder): list(read_rows(path)) for path in folder.rglob("*.jsonl")}
    before = tables.read_text()
    shutil.rmtree(evaluation / "logs")
    configure(evaluation, generation={"compress": True})
    reply = snakemake(evaluation)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert not list((evaluation / "logs").rglob("*.engine")) and tables.read_text() == before
    small = {path.relative_to(folder).with_suffix(""): list(read_rows(path)) for path in folder.rglob("*.jsonl.zst")}
    assert small == plain and not list(folder.rglob("*.jsonl"))
    assert planned_jobs(evaluation) == {}
    configure(evaluation, generation={"seeds": 12, "compress": True})
    assert planned_jobs(evaluation) == {"generate_tiny_rs8_to_rs11": 1} | AFTER_GENERATION
