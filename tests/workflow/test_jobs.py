"""How many engines the paper's evaluation starts, by dry runs of the shipped configuration."""

from pathlib import Path

import pytest
import yaml
from conftest import ROOT, copy_workflow, planned_jobs


@pytest.fixture(scope="module")
def paper(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    copy_workflow(folder)
    return folder


@pytest.mark.parametrize(
    ("changes", "jobs"),
    [
        ({}, 17),  # greedy and 16 blocks of 16 seeds, each with all five benchmarks
        pytest.param({"num_jobs": 1}, 1, marks=pytest.mark.slow),
        pytest.param({"num_jobs": 4, "benchmarks_per_job": 3}, 8, marks=pytest.mark.slow),
    ],
)
def test_engine_starts(paper, changes, jobs):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["generation"] |= changes
    (paper / "config.yaml").write_text(yaml.safe_dump(config))
    planned = planned_jobs(paper, {"OPENAI_API_KEY": "any"})
    generate = {rule: count for rule, count in planned.items() if rule.startswith("generate_")}
    assert sum(generate.values()) == jobs, generate
    if changes == {"num_jobs": 1}:
        assert list(generate) == ["generate_openmath2-llama3.1-8b_greedy_to_rs255"]
