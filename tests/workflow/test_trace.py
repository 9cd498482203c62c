"""From the numbers of a finished evaluation back to its files; and what its manifests say, and must never say."""

import json
import os
import shutil
import socket
from pathlib import Path

import pandas
import pytest
import yaml
from conftest import configure, copy_workflow, planned_jobs, snakemake
from in_process import run_script

from openmath.files.fingerprint import identity
from openmath.files.rows import write_rows
from openmath.provenance.cells import read_cells

SUMMARY = "results/tiny/summary/itself"
PRIVATE = {
    "OPENAI_API_KEY": "sk-zz-very-secret-0123456789",
    "HF_TOKEN": "zz-another-secret-0123456789",
    "USER": "zz-user",
    "LOGNAME": "zz-user",
    "HOSTNAME": "zz-host",
}


def trace(folder: Path, cell: str, *options: object):
    return run_script("trace.py", folder / SUMMARY, "--cell", cell, *options)


def manifest(folder: Path) -> dict:
    return json.loads((folder / SUMMARY / "manifest.json").read_text())


def test_every_cell_of_every_table_traces_and_comes_out_the_same(finished):
    cells = read_cells(finished / SUMMARY)
    assert {"tables.txt", "metrics.json", "curves.csv"} == {name for stands in cells.values() for name in stands}
    assert {column for _, _, column in cells} >= {"num_entries", "judge_correct", "no_answer", "kappa", "symbolic"}
    for key in cells:
        reply = trace(finished, ":".join(key), "--json")
        assert reply.returncode == 0, (key, reply.stderr)
        report = json.loads(reply.stdout)
        assert report["problems"] == [] and report["stands"] == cells[key]


def test_the_chain_names_every_stage_and_every_file(finished):
    reply = trace(finished, "own:majority@8:judge_correct", "--question", "own-1")
    assert reply.returncode == 0, reply.stderr
    places = [
        reply.stdout.index(text)
        for text in ("tables.txt", "judged/", "majority/", "grades/", "output-greedy", "data/own")
    ]
    assert places == sorted(places)
    record = manifest(finished)
    for known in (record["checkpoint"]["revision"], record["generation"]["settings"][0]["prompt_sha256"]):
        assert str(known) in reply.stdout
    # 9 sample runs, benchmark, grades, majority, judged answers, tables
    assert "14 files are as recorded" in reply.stdout
    assert "problem own-1" in reply.stdout and "reference '3/2'" in reply.stdout
    for path, recorded in record["files"].items():
        assert identity(finished / path) == recorded


@pytest.mark.parametrize(
    "path",
    [
        "results/tiny/eval-results/own/output-rs3.jsonl",
        "results/tiny/grades/own.parquet",
        "results/tiny/judged/itself/own/greedy.jsonl",
        "data/own.jsonl",
    ],
)
def test_a_changed_file_is_named(evaluation, path):
    changed, before = evaluation / path, (evaluation / path).stat()
    content = bytearray(changed.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    reply = trace(evaluation, "own:greedy:judge_correct")
    assert reply.returncode == 1
    assert path in reply.stderr and "Hint:" in reply.stderr and "Traceback" not in reply.stderr
    recorded = manifest(evaluation)["files"][path]["sha256"]
    assert recorded in reply.stderr and identity(changed)["sha256"] in reply.stderr
    assert f"CHANGED {path}" in reply.stdout


def test_what_the_rest_of_the_table_is_made_from_is_checked_too(evaluation):
    path = "results/tiny/judged/itself/own/majority.jsonl"
    with open(evaluation / path, "a") as file:
        file.write("{")
    reply = trace(evaluation, "own:greedy:judge_correct")
    assert reply.returncode == 1 and path in reply.stderr and "sha256" in reply.stderr


def test_grades_that_the_samples_do_not_give_are_found_by_regrading(evaluation):
    cell = "own:majority@8:symbolic_correct"
    reply = trace(evaluation, cell, "--regrade")
    assert reply.returncode == 0 and "all samples are graded as before" in reply.stdout
    path, record = evaluation / "results/tiny/grades/own.parquet", manifest(evaluation)
    table = pandas.read_parquet(path)
    table.loc[table["sample_run"] == "rs3", "finish_reason"] = "unheard of"  # no number depends on it
    table.to_parquet(path)
    record["files"]["results/tiny/grades/own.parquet"] = identity(path)
    (evaluation / SUMMARY / "manifest.json").write_text(json.dumps(record))
    assert trace(evaluation, cell).returncode == 0
    reply = trace(evaluation, cell, "--regrade")
    assert reply.returncode == 1 and "own-0 in rs3" in reply.stderr and "unheard of" in reply.stderr
    assert "graded as before" not in reply.stdout


def test_a_number_that_does_not_come_out_is_an_error_even_if_its_file_is_as_recorded(evaluation):
    tables, record = evaluation / SUMMARY / "tables.txt", manifest(evaluation)
    lines = tables.read_text().splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines) if line.startswith("greedy"))
    cells = lines[number].split("|")
    lines[number] = "|".join([*cells[:2], " 77.77 ", *cells[3:]])
    tables.write_text("".join(lines))
    record["files"][f"{SUMMARY}/tables.txt"] = identity(tables)
    (evaluation / SUMMARY / "manifest.json").write_text(json.dumps(record))
    reply = trace(evaluation, "arithmetic-mini:greedy:symbolic_correct")
    assert reply.returncode == 1 and "comes out differently" in reply.stderr and "77.77" in reply.stderr


def test_what_cannot_be_traced_says_what_can(finished):
    unknown = trace(finished, "own:greedy:judge_corect")
    assert unknown.returncode == 2 and "did you mean own:greedy:judge_correct" in unknown.stderr
    assert "own:majority@8:{" in unknown.stderr and "Traceback" not in unknown.stderr
    nobody = trace(finished, "own:greedy:judge_correct", "--question", "own-99")
    assert nobody.returncode == 2 and "own-0" in nobody.stderr
    elsewhere = run_script("trace.py", finished / "results", "--cell", "own:greedy:judge_correct")
    assert elsewhere.returncode == 2 and "no manifest" in elsewhere.stderr


@pytest.mark.slow
def test_nothing_written_names_a_secret_a_user_or_a_host_and_runs_differ_only_in_times(evaluation):
    made = ("data", "models", "results", "judgements", "logs")
    for name in made:
        shutil.rmtree(evaluation / name)
    configure(evaluation, generation={"limit": 1, "seeds": 2})
    home = evaluation.parent / "zz-home"
    home.mkdir()
    environment = PRIVATE | {"HOME": str(home)}
    reply = snakemake(evaluation, environment=environment)
    assert reply.returncode == 0, reply.stdout + reply.stderr

    private = [*PRIVATE.values(), "zz-home"] + [socket.gethostname()] * (len(socket.gethostname()) > 5)
    files = [path for name in made for path in (evaluation / name).rglob("*") if path.is_file()]
    written = {path: path.read_bytes() for path in files if "checkpoint" not in path.parts}
    assert len(written) > 40
    found = [(path, word) for path, content in written.items() for word in private if word.encode() in content]
    assert found == []
    folder = str(evaluation).encode()
    assert [path for path, content in written.items() if path.name == "manifest.json" and folder in content] == []

    first, tables = manifest(evaluation), (evaluation / SUMMARY / "tables.txt").read_bytes()
    assert "requested" not in first["checkpoint"], "a path of this machine stands behind it"
    assert first["generation"]["machines"] and first["generation"]["versions"]
    assert sum(job["samples"] for job in first["times"]["generation"]) == 2 * 3
    for name in ("grades", "eval-results-majority", "judged", "summary"):
        shutil.rmtree(evaluation / "results/tiny" / name)
    again = snakemake(evaluation, environment=environment)
    assert again.returncode == 0, again.stdout + again.stderr
    assert planned_jobs(evaluation) == {}
    second = manifest(evaluation)
    del first["times"], second["times"]
    assert first == second
    assert (evaluation / SUMMARY / "tables.txt").read_bytes() == tables


@pytest.mark.slow
def test_imported_samples_are_traced_though_the_manifest_names_no_folder_of_this_machine(tmp_path):
    folder, samples = tmp_path / "evaluation", tmp_path / "zz-user/theirs"
    folder.mkdir()
    copy_workflow(folder)
    for run in ("greedy", "rs0", "rs1"):
        rows = [{"problem": f"p{i}", "expected_answer": "2", "generation": f"\\boxed{{{i}}}"} for i in range(4)]
        write_rows(samples / f"own/output-{run}.jsonl", rows)
    model = {"samples": str(samples), "seeds": 2}
    config = {"policy": "paper", "benchmarks": ["own"], "models": {"imported": model}, "generation": {}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    # Without a judge nothing waits for the majority answers: neither may the manifest.
    reply = snakemake(folder, "results/imported/summary/none/methods.md")
    assert reply.returncode == 0, reply.stdout + reply.stderr
    summary = folder / "results/imported/summary/none"
    for name in ("manifest.json", "methods.md"):
        assert "zz-user" not in (summary / name).read_text()
    cell = ("--cell", "own:majority@2:symbolic_correct")
    assert run_script("trace.py", summary, *cell).returncode == 0  # config.yaml says where they are
    (folder / "config.yaml").unlink()
    assert run_script("trace.py", summary, *cell).returncode == 0  # so does Snakemake's own record
    shutil.rmtree(folder / ".snakemake/metadata")
    lost = run_script("trace.py", summary, *cell)
    assert lost.returncode == 1 and "is missing" in lost.stderr and "--samples FOLDER" in lost.stderr
    found = run_script("trace.py", summary / "metrics.json", *cell, "--samples", samples, "--question", "2")
    assert found.returncode == 0, found.stderr
    assert "= 25.00 in tables.txt" in found.stdout and "5 files are as recorded" in found.stdout
