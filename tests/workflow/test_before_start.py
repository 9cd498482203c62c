"""The plan and the preflight as parts of the graph: what a dry run ends with, what stops a run, and what needs no key."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from conftest import configure, run_script, snakemake

pytestmark = pytest.mark.slow

PROGRAMS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
HOSTED = {"hosted": {"model": "some-judge", "api_key_env": "NO_SUCH_KEY"}}


def from_nothing_with_a_hosted_judge(folder: Path) -> None:
    """Nothing made yet, and a judge whose key is not set."""
    for made in ("data", "models", "results", "judgements"):
        shutil.rmtree(folder / made)
    configure(folder, judges=HOSTED)


def test_a_dry_run_ends_with_the_plan_of_its_target(evaluation):
    from_nothing_with_a_hosted_judge(evaluation)
    reply = snakemake(evaluation, "--dry-run", environment={"NO_SUCH_KEY": "any"})
    assert reply.returncode == 0, reply.stderr
    plan = reply.stdout[reply.stdout.index("This was a dry-run") :]
    assert plan.count("0/0/9") == 2 and "tiny: 36 samples" in plan and "3 engine starts" in plan
    assert "judge hosted:" in plan

    plan = snakemake(evaluation, "--dry-run", "greedy").stdout
    assert "tiny: 4 samples" in plan and "1 engine start," in plan and "judge hosted" not in plan
    assert "Files present" not in snakemake(evaluation, "--dry-run", "--quiet", "all").stdout
    assert not (evaluation / "results").exists()


def test_dry_run_plan_and_run_say_the_same_of_what_is_impossible(evaluation):
    """And what only reads or tidies is not kept from it."""
    from_nothing_with_a_hosted_judge(evaluation)
    config = yaml.safe_load((evaluation / "config.yaml").read_text())
    config["models"]["tiny"]["path"] = "nowhere"
    config["benchmarks"] += ["gsm8"]
    (evaluation / "config.yaml").write_text(yaml.safe_dump(config))
    listed = {}
    for name, options in {
        "run": (),
        "dry run": ("--dry-run",),
        "plan": ("plan",),
        "dry plan": ("--dry-run", "plan"),
    }.items():
        reply = snakemake(evaluation, *options)
        assert reply.returncode == 1 and "Traceback" not in reply.stderr, name
        said = reply.stdout + reply.stderr  # Snakemake writes errors of a dry run to standard output
        listed[name] = said[said.index("3 problems found before the start") :].partition("\nUsing workflow")[0].strip()
        assert ("Files present/partial/missing:" in reply.stdout) == (name != "run"), name
    by_hand = run_script("plan_compute.py", "--configfile", "config.yaml", cwd=evaluation)
    assert by_hand.returncode == 2 and "Files present" in by_hand.stdout
    check = run_script("check_setup.py", "--configfile", "config.yaml", cwd=evaluation)
    assert check.returncode == 2
    listed |= {"plan by hand": by_hand.stderr.strip(), "check_setup.py": check.stdout.strip()}
    assert set(listed.values()) == {listed["run"]}
    for named in ("nowhere", "gsm8k", "NO_SUCH_KEY"):
        assert named in listed["run"]
    assert not (evaluation / "data").exists() and not (evaluation / "models").exists()

    assert snakemake(evaluation, "--dry-run", "--quiet", "all").returncode == 1
    for options in ("--unlock", "--summary", "--list-rules"):
        reply = snakemake(evaluation, options)
        assert reply.returncode == 0 and "problems found" not in reply.stdout + reply.stderr, options


def test_imported_samples_that_are_not_there_come_in_the_same_list(evaluation):
    imported = {"samples": "theirs", "seeds": 1}
    config = yaml.safe_load((evaluation / "config.yaml").read_text())
    config |= {"models": config["models"] | {"imported": imported}, "judges": HOSTED}
    (evaluation / "config.yaml").write_text(yaml.safe_dump(config))
    for options in ((), ("--dry-run",), ("plan",)):
        reply = snakemake(evaluation, *options)
        assert reply.returncode == 1, reply.stdout
        said = reply.stdout + reply.stderr
        assert "2 problems found" in said and "MissingInputException" not in said, said
        assert "theirs/arithmetic-mini/output-greedy.jsonl and 3 more" in said and "NO_SUCH_KEY" in said


def test_a_finished_evaluation_has_no_plan_and_a_restored_block_no_engine_start(evaluation):
    assert "Files present" not in snakemake(evaluation, "--dry-run").stdout
    (evaluation / "results/tiny/eval-results/own/output-rs5.jsonl").unlink()
    plan = snakemake(evaluation, "--dry-run").stdout
    assert "tiny: 0 samples, 0 tokens, 0 engine starts" in plan


def test_the_plan_sees_overrides(evaluation):
    from_nothing_with_a_hosted_judge(evaluation)
    reply = snakemake(
        evaluation, "plan", "--config", "policy=paper", "benchmarks=[own]", environment={"NO_SUCH_KEY": "any"}
    )
    assert reply.returncode == 0, reply.stderr
    assert "0/0/9" in reply.stdout and "arithmetic-mini" not in reply.stdout


def test_only_a_run_that_asks_the_judge_needs_its_key(evaluation):
    configure(evaluation, judges=HOSTED)
    shutil.rmtree(evaluation / "results/tiny/grades")
    reply = snakemake(evaluation, "majority")
    assert reply.returncode == 0, reply.stderr
    reply = snakemake(evaluation)
    assert reply.returncode != 0 and "NO_SUCH_KEY" in reply.stderr
    assert not (evaluation / "results/tiny/judged/hosted").exists()


def test_live_slurm_jobs_stop_a_second_run(evaluation):
    (evaluation / "results/tiny/grades/own.parquet").unlink()
    program = evaluation / "bin/squeue"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '71|RUNNING|{evaluation}|rule_grade_answers_wildcards_tiny_own'\n")
    program.chmod(0o755)
    reply = snakemake(evaluation, environment={"PATH": f"{program.parent}{os.pathsep}{PROGRAMS}"})
    assert reply.returncode != 0 and "71 RUNNING grade_answers" in reply.stderr and "scancel 71" in reply.stderr
    assert not (evaluation / "results/tiny/grades/own.parquet").exists()
    program.write_text("#!/bin/sh\n")
    reply = snakemake(evaluation, environment={"PATH": f"{program.parent}{os.pathsep}{PROGRAMS}"})
    assert reply.returncode == 0, reply.stderr


def test_by_hand_the_speed_of_the_jobs_that_ran_is_used(evaluation):
    configure(evaluation, generation={"seeds": 12})
    reply = run_script("plan_compute.py", "--configfile", "config.yaml", "--json", cwd=evaluation)
    [cost] = json.loads(reply.stdout)["generation"]
    assert (cost["samples"], cost["engine_starts"]) == (16, 1)
    assert any("measured on" in source for source in cost["assumptions"])
    assert "length of samples measured on published files" in cost["assumptions"]
