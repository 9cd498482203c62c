"""Imported samples of two models -> results/report.html, by Snakemake: what the page holds, and what is made again."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import copy_workflow, planned_jobs, snakemake

from openmath.report.figures import FIGURES

pytestmark = pytest.mark.slow

PROBLEMS = {"aime24": 30, "amc23": 40}  # as many as in the published benchmarks
SEEDS = 4
CONFIG = {
    "benchmarks": ["amc23", "aime24"],  # not by name
    "models": {
        "ours": {"samples": "samples/ours", "seeds": SEEDS, "published_as": "openmath2-llama3.1-8b"},
        "theirs": {"samples": "samples/theirs", "seeds": SEEDS},
    },
    "compare": [["ours", "theirs"]],
    "generation": {},
}


def write_samples(folder: Path, skill: int) -> None:
    """skill: so many of 10 problems are solved, in every run others; every ninth has no answer."""
    for benchmark, problems in PROBLEMS.items():
        for number, run in enumerate(["greedy", *(f"rs{seed}" for seed in range(SEEDS))]):
            path = folder / benchmark / f"output-{run}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w") as file:
                for n in range(problems):
                    answer = n if (7 * n + number) % 10 < skill else n + 1
                    row = {
                        "id": f"{benchmark}-{n}",
                        "problem": f"What is ${n} + 0$?",
                        "expected_answer": str(n),
                        "level": f"Level {n % 3 + 1}",
                        "generation": f"It is \\boxed{{{answer}}}." if n % 9 else "I do not know.",
                        "finish_reason": "stop",
                        "num_generated_tokens": 10 + n,
                    }
                    file.write(json.dumps(row) + "\n")


def times(folder: Path) -> dict[str, int]:
    """Result file -> when it was written."""
    files = [path for path in (folder / "results").rglob("*") if path.is_file()]
    return {str(path.relative_to(folder / "results")): path.stat().st_mtime_ns for path in files}


def evaluate(folder: Path, config: dict) -> Path:
    """Run the workflow on imported samples, up to the report."""
    copy_workflow(folder)
    for skill, model in enumerate(config["models"].values(), start=5):
        write_samples(folder / model["samples"], skill)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    reply = snakemake(folder)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    return folder


@pytest.fixture(scope="module")
def reported(tmp_path_factory) -> Path:
    """An evaluation with its report. A test may run it again."""
    return evaluate(tmp_path_factory.mktemp("reported"), CONFIG)


def section(page: str, title: str) -> str:
    """HTML of the section with this heading."""
    [html] = [part for part in page.split("<section")[1:] if f"<h2>{title}" in part]
    return html


def test_the_page_holds_both_models_their_comparison_and_samples(reported):
    page = (reported / "results/report.html").read_text()
    for model in ("ours", "theirs"):
        html = section(page, model)
        assert html.count("data:image/svg+xml") >= 3  # curves, groups, lengths
        assert ("Beside published numbers" in html) == (model == "ours")
        assert f">{model}</td>" in section(page, "Overview")
    assert "13/40" in section(page, "ours")  # published for greedy on amc23
    comparison = section(page, "Model against model")
    assert "ours" in comparison and "theirs" in comparison and "amc23" in comparison
    blocks = re.findall(r'<script type="text/plain" data-block="[^"]+">.', page)
    assert len(blocks) > 4, "an index, and the samples of two models on two benchmarks"
    assert "#sample=ours/amc23/&amp;answer=greedy&amp;against=theirs&amp;show=first" in comparison
    for model in CONFIG["models"]:
        listed = json.loads((reported / f"results/report/{model}/sets.json").read_text())
        assert [one["benchmark"] for one in listed] == CONFIG["benchmarks"], "in the order of the configuration"
        assert (reported / f"results/report/{model}/amc23/seeds-0-0.js").exists()
    assert planned_jobs(reported) == {}


def test_a_registered_figure_is_an_output_of_its_rule(reported, tmp_path):
    folder = shutil.copytree(reported, tmp_path / "copy", symlinks=True)
    registry = folder / "scripts/openmath/report/figures.py"
    registry.write_text(
        registry.read_text() + "\nimport dataclasses\nFIGURES.append(dataclasses.replace(FIGURES[1], name='new'))\n"
    )
    reply = snakemake(folder, "--dry-run", "--forcerun", "draw_figures")
    assert reply.returncode == 0, reply.stderr
    made = {
        f"results/{model}/summary/none/figures/new.{kind}"
        for model in CONFIG["models"]
        for kind in ("svg", "png", "pdf", "csv")
    }
    assert made <= set(re.split(r"[\s,]+", reply.stdout))


def test_snakemakes_report_holds_the_figures_with_their_captions(reported):
    reply = snakemake(reported, "--report", "report.html")
    assert reply.returncode == 0, reply.stderr
    page = (reported / "report.html").read_text()
    assert all(json.dumps(figure.title) in page and figure.caption in page for figure in FIGURES)


def test_lost_grades_are_made_again_with_what_follows_from_them_only(reported):
    before = times(reported)
    (reported / "results/ours/grades/amc23.parquet").unlink()
    reply = snakemake(reported)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert reply.stdout.count("--- aime24 ---") == 2 and "Report: results/report.html" in reply.stdout
    after = times(reported)
    assert after.keys() == before.keys()
    written = {name for name in after if after[name] != before[name]}
    assert {
        "ours/grades/amc23.parquet",
        "ours/eval-results-majority/amc23/output-majority.jsonl",
        "ours/summary/none/tables.txt",
        "ours/summary/none/figures/curves.svg",
        "compare/ours-vs-theirs/none/comparison.csv",
        "report.html",
    } <= written
    written -= {name for name in written if name.startswith("report/ours/")}  # all samples of a model
    assert not [name for name in written if "theirs/" in name.replace("ours-vs-theirs/", "") or "aime24" in name]
    assert planned_jobs(reported) == {}


def test_the_policy_of_the_paper_has_its_page_too(tmp_path):
    models = {"ours": {"samples": "samples", "seeds": SEEDS}}
    evaluate(tmp_path, {"policy": "paper", "benchmarks": ["aime24"], "models": models, "generation": {}})
    assert section((tmp_path / "results/report.html").read_text(), "ours")
    assert planned_jobs(tmp_path) == {}
