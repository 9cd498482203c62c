"""trace.py finds the files of a manifest through links, and imported samples outside the checkout."""

import contextlib
import json
import shutil
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
import yaml
from finished_evaluation import unpack
from in_process import run_script

from openmath.files.rows import write_rows, write_text
from openmath.provenance.places import root_of, samples_folder
from openmath.provenance.public import public

SUMMARY = "results/tiny/summary/itself"
CELL = ("--cell", "own:greedy:judge_correct")


@pytest.fixture(scope="module")
def linked(tmp_path_factory) -> tuple[Path, Path]:
    """(a finished evaluation whose results lie on another disk, that disk)"""
    folder = tmp_path_factory.mktemp("linked")
    evaluation, disk = folder / "evaluation", folder / "disk"
    evaluation.mkdir()
    disk.mkdir()
    unpack(evaluation)
    shutil.move(evaluation / "results", disk / "results")
    (evaluation / "results").symlink_to(disk / "results")
    return evaluation, disk


@pytest.mark.parametrize(
    ("where", "summary"),
    [
        ("evaluation", SUMMARY),
        ("evaluation", f"{SUMMARY}/tables.txt"),
        ("evaluation", "{evaluation}/results/tiny/summary/itself"),
        ("disk", "{evaluation}/results/tiny/summary/itself"),
        ("evaluation", "{disk}/results/tiny/summary/itself"),
        (f"evaluation/{SUMMARY}", "."),
    ],
)
def test_results_behind_a_link(linked, monkeypatch, where, summary):
    evaluation, disk = linked
    place = evaluation.parent / where
    monkeypatch.setenv("PWD", str(place))  # as a shell does
    with contextlib.chdir(place):
        reply = run_script("trace", summary.format(evaluation=evaluation, disk=disk), *CELL)
    assert reply.returncode == 0, reply.stderr
    assert "9 files are as recorded" in reply.stdout


def test_a_copy_elsewhere_is_not_mended_by_the_working_directory(linked, tmp_path):
    evaluation, disk = linked
    shutil.copytree(disk / "results", tmp_path / "results")
    with contextlib.chdir(evaluation):
        reply = run_script("trace", str(tmp_path / SUMMARY), *CELL)
    assert reply.returncode == 1 and "data/own.jsonl" in reply.stderr and "run this in the checkout" in reply.stderr


def test_a_folder_that_is_nowhere_near_a_checkout(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    manifest = {"model": "m", "judge": "none", "files": {"data/b.jsonl": {}}}
    assert root_of(Path("/"), manifest) == Path("/")
    assert root_of(tmp_path / "link", manifest) in tmp_path.parents or root_of(tmp_path / "link", manifest) == tmp_path


def test_imported_samples_are_where_snakemake_has_graded_them(tmp_path):
    """Their configuration may lie outside the checkout, or be gone."""
    root, samples = tmp_path / "checkout", tmp_path / "theirs/samples"
    write_rows(samples / "b/output-greedy.jsonl", [{"id": "1"}])
    grades = "results/m/grades/b.parquet"
    write_text(root / grades, "")
    recorded = public(str(samples))
    assert samples_folder(root, "m", recorded) == root / recorded
    record = root / ".snakemake/metadata" / urlsafe_b64encode(grades.encode()).decode()
    for broken in ("", "[]", '{"input": 3}', '{"input": ["x"]}', '{"input": null}'):
        write_text(record, broken)
        assert samples_folder(root, "m", recorded) == root / recorded
    write_text(record, json.dumps({"input": [str(samples / "b/output-greedy.jsonl")]}))
    assert samples_folder(root, "m", recorded) == samples
    assert samples_folder(root, "other", recorded) == root / recorded


@pytest.mark.parametrize("relative", [True, False])
def test_imported_samples_are_where_a_configuration_says(tmp_path, relative):
    root, samples = tmp_path / "checkout", tmp_path / "theirs/samples"
    write_rows(samples / "b/output-greedy.jsonl", [{"id": "1"}])
    (root / "config").mkdir(parents=True)
    folder = "../theirs/samples" if relative else str(samples)
    recorded = public(folder)
    (root / "a.yaml").write_text("{: broken")
    (root / "b.yaml").write_text("[1, 2]")
    (root / "c.yaml").write_text(yaml.safe_dump({"models": {"m": {"samples": "/elsewhere/samples"}}}))
    (root / "config/mine.yml").write_text(yaml.safe_dump({"models": {"m": {"samples": folder}}}))
    assert samples_folder(root, "m", recorded).samefile(samples)
    assert samples_folder(root, "other", "x/samples") == root / "x/samples"
    assert json.dumps(recorded) == json.dumps("../theirs/samples" if relative else ".../samples")
