"""A finished evaluation of an earlier commit: the present code generates no sample and asks no judge again.

`finished_3df6639.tar.gz` was made by commit 3df6639 from the configuration inside, with its times and Snakemake's records. It is
without the checkpoint (in its wheel) and the report (large); its figures are empty files. Its grades are those of GRADER_VERSION 2:
they are made again, and what follows from them. Where samples change on purpose (GENERATION_VERSION), a new one takes its place,
made by the commit that changed them.
"""

import shutil
from pathlib import Path

import pytest
from conftest import copy_workflow, job_logs, planned_jobs, snakemake
from finished_evaluation import unpack
from in_process import run_script

from openmath.files.rows import read_rows
from openmath.files.sample_rows import without_text

FOLLOWS_FROM_GRADES = {
    "grade_answers": 2,
    "fill_majority": 2,
    "judge_tiny_by_itself": 1,  # if the majority is another: by the verdicts in the store
    "summarize_results": 1,
    "draw_figures": 1,
    "draw_models": 1,
    "write_methods": 1,
    "show_samples": 1,
    "build_report": 1,
}


@pytest.fixture
def old(tmp_path, checkpoint) -> Path:
    """The old evaluation, with the present workflow."""
    folder = tmp_path / "evaluation"
    folder.mkdir()
    copy_workflow(folder)
    unpack(folder)
    (folder / "checkpoint").symlink_to(checkpoint)
    return folder


def test_only_grades_and_what_follows_from_them_are_made_again(old):
    assert planned_jobs(old) == FOLLOWS_FROM_GRADES
    before = verdicts(old)
    assert len(before) == 2 * 2 + 1
    reply = snakemake(old, *(str(path.relative_to(old)) for path in before if "judged" in path.parts))
    assert reply.returncode == 0, reply.stdout + reply.stderr
    assert not list((old / "logs").rglob("*.engine"))
    assert verdicts(old) == before


def verdicts(folder: Path) -> dict[Path, list[dict]]:
    """The rows of judged answers, without the generations that they held until 2026, and of the verdict store."""
    return {
        path: list(map(without_text, read_rows(path)))
        for part in ("results/tiny/judged/itself", "judgements/itself")
        for path in (folder / part).rglob("*.jsonl")
    }


def test_lost_samples_are_restored_without_an_engine(old):
    folder = old / "results/tiny/eval-results"
    before = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    assert len(before) == 2 * 5
    shutil.rmtree(folder)
    plan = snakemake(old, "--dry-run").stdout
    assert "tiny: 0 samples, 0 tokens, 0 engine starts" in plan, plan
    reply = snakemake(old, *(str(path.relative_to(old)) for path in before))
    assert reply.returncode == 0, reply.stderr
    assert job_logs(old).count("0 to compute") == 3
    assert not list((old / "logs").rglob("*.engine"))
    assert {path: path.read_bytes() for path in folder.rglob("*.jsonl")} == before


def test_lost_judged_answers_come_from_the_stored_verdicts(old):
    judged = old / "results/tiny/judged/itself/own"
    before = {path: rows for path, rows in verdicts(old).items() if path.parent == judged}
    assert all("judge_verdict" in row for rows in before.values() for row in rows) and len(before) == 2
    shutil.rmtree(judged)
    results = (
        "results/tiny/eval-results/own/output-greedy.jsonl",
        "results/tiny/eval-results-majority/own/output-majority.jsonl",
    )
    options = ["--judge", "itself", "--store", "judgements/itself", "--prompt", "judge.yaml", "--max-new-tokens", 8]
    options += ["--input", *results, "--output", judged / "greedy.jsonl", judged / "majority.jsonl"]
    reply = run_script("judge_answers.py", *options, "--self-hosted", "--replay", cwd=old)
    assert reply.returncode == 0, reply.stderr
    assert {path: rows for path, rows in verdicts(old).items() if path.parent == judged} == before
