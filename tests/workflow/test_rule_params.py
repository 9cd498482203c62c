"""What makes a job run again, and what its command is told: the rules themselves, without running any."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, copy_workflow

from openmath.files.fingerprint import sha256_text
from openmath.grading.grades import GRADER_VERSION
from openmath.settings.sample_settings import GENERATION_VERSION

CONFIG = {
    "policy": "paper",
    "benchmarks": ["b"],
    "benchmark_sources": {"b": "b.jsonl"},
    "models": {"m": {"path": "/checkpoint", "engine": "vllm", "prompt": "./prompt.yaml", "published_as": "known"}},
    "judges": {"j": {"model": "judge-1", "prompt": "./judge.yaml", "cascade": True}, "k": {"model": "judge-2"}},
    "generation": {"seeds": 1, "temperature": 0.3, "top_p": 0.6, "max_new_tokens": 99, "limit": 7},
}
STANDARD = {"_cores", "_nodes", "mem_mb", "runtime", "tmpdir", "gpu", "gpu_model"}  # for Snakemake, not for a script
# Told to no script: they are there to be compared with those of the last run.
COMPARED = {"prompt_sha256", "published_sha256", "generation_version", "grader_version"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rules")
    copy_workflow(folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "prompt.yaml").write_text("user: '{problem}'\n")
    (folder / "judge.yaml").write_text("user: '{problem} {predicted_answer} {expected_answer}'\n")
    return folder


@pytest.fixture(scope="module")
def rules(folder) -> dict[str, dict]:
    """name -> params, resources, shell."""
    command = [sys.executable, ROOT / "tests/workflow/rules_as_json.py", "config.yaml"]
    reply = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert reply.returncode == 0, reply.stderr
    return json.loads(reply.stdout)


def params(rules: dict, name: str, *wanted: str) -> dict:
    return {key: rules[name]["params"].get(key) for key in wanted}


def test_whatever_changes_a_result_is_a_param_of_the_rule_that_makes_it(folder, rules):
    hashes = {
        name: sha256_text((folder / name).read_text())
        for name in ("prompt.yaml", "judge.yaml", "config/published.yaml")
    }
    sampling = ["--temperature", 0.3, "--top-p", 0.6, "--max-new-tokens", 99, "--limit", 7]
    for job in ("generate_m_greedy", "generate_m_rs0_to_rs0"):
        made = {"generation_version": GENERATION_VERSION, "prompt_sha256": hashes["prompt.yaml"], "sampling": sampling}
        made |= {"model": "m", "prompt_template": "chat"}
        assert params(rules, job, *made) == made
    graded = {"grader_version": GRADER_VERSION, "policy": "paper", "benchmark": []}
    assert params(rules, "grade_answers", *graded) == graded
    assert params(rules, "fill_majority", "policy") == {"policy": "paper"}
    judged = {"judge": "j", "prompt_sha256": hashes["judge.yaml"], "policy": "paper", "grader_version": GRADER_VERSION}
    assert params(rules, "judge_m_by_j", *judged) == judged
    assert {"judge-1", "--cascade", "--max-new-tokens"} <= set(rules["judge_m_by_j"]["params"]["options"])
    other = params(rules, "judge_m_by_k", "judge", "grader_version", "policy")
    assert other == {"judge": "k", "grader_version": None, "policy": "paper"}, "no grader without a cascade"
    summarised = {"policy": "paper", "published_as": ["--published-as", "known"]}
    summarised["published_sha256"] = hashes["config/published.yaml"]
    assert params(rules, "summarize_results", *summarised) == summarised
    assert params(rules, "show_samples", "policy") == {"policy": "paper"}


def test_each_param_and_resource_reaches_the_command(rules):
    for name, rule in rules.items():
        told = set(re.findall(r"\{(?:params|resources)\.(\w+)(?::q)?\}", rule["shell"]))
        assert rule["params"].keys() - COMPARED | set(rule["resources"]) - STANDARD == told or not rule["shell"], name


def test_every_command_that_knows_policies_is_told_which(rules):
    told = {name for name, rule in rules.items() if "--policy {params.policy}" in rule["shell"]}
    judging = {"judge_m_by_j", "judge_m_by_k"}
    assert told == {"grade_answers", "fill_majority", "summarize_results", "show_samples", *judging}
