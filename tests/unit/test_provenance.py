"""What may be published, which code and machine it was, what stages record, and what a trace shows."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from in_process import run_script
from unit.test_summary import write_grades

from openmath import machine as machines
from openmath.errors import InputError
from openmath.files.fingerprint import identity, sha256_file
from openmath.files.rows import write_rows
from openmath.provenance import workflow
from openmath.provenance.cells import find_cell
from openmath.provenance.chain import File, Link
from openmath.provenance.manifest import JUDGED_KEYS, _generation, _judging, _times
from openmath.provenance.problem import problem_text
from openmath.provenance.public import check_no_secret, public
from openmath.provenance.rendering import chain_text
from openmath.provenance.stages import sample_tokens, staged_under
from openmath.settings.config import checked_config, summary_config
from openmath.settings.layout import Layout


def test_absolute_paths_and_local_addresses_are_cut():
    cases = {
        "/home/alice/.venv-vllm/bin/vllm serve --seed 1": ".../vllm serve --seed 1",
        "--model=/scratch/alice/m --x": "--model=.../m --x",
        "models/m/checkpoint": "models/m/checkpoint",
        "https://api.openai.com/v1": "https://api.openai.com/v1",
        "http://node17:8000/v1": "http://local:8000/v1",
        "http://10.0.0.7:8000/v1": "http://local:8000/v1",
        "docker://nvcr.io/nvidia/tensorrt-llm/release:1.2.1": "docker://nvcr.io/nvidia/tensorrt-llm/release:1.2.1",
        "nvidia/OpenMath2@main": "nvidia/OpenMath2@main",
    }
    assert {text: public(text) for text in cases} == cases
    assert public({"/home/alice/x": [1, None, "/home/alice/y"]}) == {".../x": [1, None, ".../y"]}


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "HF_TOKEN", "DB_PASSWORD"])
def test_a_secret_is_never_written_and_never_repeated(monkeypatch, name):
    monkeypatch.setenv(name, "zz-0123456789")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    check_no_secret(f"the name {name} is fine, and so is false")
    with pytest.raises(InputError) as error:
        check_no_secret("args: --api-key zz-0123456789")
    assert name in str(error.value) and "zz-0123456789" not in str(error.value)


def test_what_looks_like_a_key_is_refused():
    with pytest.raises(InputError, match="looks like a key"):
        check_no_secret("--api-key sk-" + "abcdefghijklmnop0123")


def test_the_configuration_of_a_summary_holds_its_own_model_and_judge_only():
    models = {name: {"engine": "vllm"} for name in ("a", "b", "judge")}
    judges = {"self": {"self_hosted": "judge"}, "other": {"model": "x"}}
    config = {"models": models, "judges": judges, "engines": {"vllm": {}, "trtllm": {}}, "compare": [["a", "b"]]}
    kept = summary_config(config, "a", "self")
    assert set(kept["models"]) == {"a", "judge"} and set(kept["judges"]) == {"self"}
    assert set(kept["engines"]) == {"vllm"} and kept["compare"] == []
    assert summary_config(config, "b", "none")["judges"] == {}


def test_a_machine_is_a_kind_of_machine(monkeypatch, tmp_path):
    program = tmp_path / "nvidia-smi"
    program.write_text(
        '#!/bin/sh\nif [ $# = 0 ]; then echo "| Driver Version: 570.1   CUDA Version: 12.8 |"; '
        'else echo "NVIDIA H100 80GB HBM3, 81559, 570.1"; fi\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    here = machines.machine()
    assert here["gpus"] == ["NVIDIA H100 80GB HBM3"] and here["gpu_memory_mib"] == ["81559"]
    assert (here["driver"], here["cuda"]) == ("570.1", "12.8")
    assert here["cpu"] and here["cores"] >= 1 and here["memory_gib"] >= 1
    assert not {"host", "hostname", "user", "node"} & here.keys()
    program.write_text("#!/bin/sh\nexit 9\n")
    assert machines.nvidia() == {}
    assert {"python", "numpy", "snakemake"} <= machines.versions().keys()


def test_the_code_is_named_with_and_without_git(tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "ROOT", tmp_path)
    (tmp_path / "scripts/openmath").mkdir(parents=True)
    (tmp_path / "Snakefile").write_text("rule all: pass\n")
    (tmp_path / "CITATION.cff").write_text("version: 1.2.3\n")
    archive = workflow.workflow_code()
    assert (archive["commit"], archive["modified"], archive["version"]) == (None, None, "1.2.3")

    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    assert workflow.workflow_code()["commit"] is None  # a repository, but not of this workflow
    subprocess.run([*git, "add", "Snakefile"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "x"], check=True)
    clean = workflow.workflow_code()
    assert (
        re.fullmatch("[0-9a-f]{40}", clean["commit"])
        and clean["modified"] is False
        and clean["code"] == archive["code"]
    )
    (tmp_path / "Snakefile").write_text("rule all: changed\n")
    changed = workflow.workflow_code()
    assert changed["modified"] is True and changed["commit"] == clean["commit"] and changed["code"] != clean["code"]


def test_grades_and_votes_record_what_they_read(tmp_path):
    files = []
    for name in ("greedy", "rs0", "rs1"):
        files.append(tmp_path / f"output-{name}.jsonl")
        write_rows(files[-1], [{"id": "p0", "problem": "p", "expected_answer": "2", "generation": "\\boxed{2}"}])
    grades, votes = tmp_path / "grades.parquet", tmp_path / "output-majority.jsonl"
    reply = run_script("grade_answers.py", "--samples", *files, "--output", grades)
    assert reply.returncode == 0, reply.stderr
    record = json.loads((tmp_path / "grades.manifest.json").read_text())
    assert record["samples"] == {path.stem.removeprefix("output-"): identity(path) for path in files}
    assert record["grades"]["sha256"] == sha256_file(grades) and record["rows"] == 3 and record["seconds"] >= 0
    reply = run_script("fill_majority.py", "--grades", grades, "--samples", files[1], "--output", votes)
    assert reply.returncode == 0, reply.stderr
    record = json.loads((tmp_path / "output-majority.manifest.json").read_text())
    assert record["grades"]["sha256"] == sha256_file(grades) and record["answers"] == identity(votes)
    assert record["sample_runs"] == ["rs0", "rs1"] and record["problems"] == identity(files[1])


def test_samples_are_matched_with_the_settings_they_were_drawn_under(tmp_path):
    published, files = {}, {}
    for number, fingerprint in enumerate(("earlier", "ours")):
        folder = tmp_path / "staging" / fingerprint / "b"
        folder.mkdir(parents=True)
        (folder / "settings.json").write_text("{}")
        (folder / "output-greedy.jsonl").write_text("the same under both\n")
        for run in ("rs0", "rs1"):
            (folder / f"output-{run}.jsonl").write_text(f"{run} of {number}\n")
    for run in ("greedy", "rs0", "rs1"):
        published[run] = tmp_path / f"output-{run}.jsonl"
        os.link(tmp_path / f"staging/ours/b/output-{run}.jsonl", published[run])
        files[run] = identity(published[run])
    ours = {tmp_path / "staging/ours/b": ["greedy", "rs0", "rs1"]}
    assert staged_under(tmp_path / "staging", "b", published, files) == ours
    for path in published.values():  # as in a copied checkout
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    assert staged_under(tmp_path / "staging", "b", published, files) == ours
    assert staged_under(tmp_path / "nowhere", "b", published, files) == {}


def test_gpu_seconds_are_those_of_all_gpus():
    job = {"runs": ["rs0"], "started": 1, "samples": 2, "tokens": 3, "seconds": 5.0, "gpus": 4, "engine": "vllm"}
    assert _times([job], {}, {})["generation"][0]["gpu_seconds"] == 20.0


def test_who_answered_is_known_of_all_jobs():
    job = {"machine": {}, "versions": {}, "engine_args": ""}
    assert "answered_by" not in _generation([], [job, job | {"answered_by": []}])
    named = [job | {"answered_by": names} for names in (["a fp_1"], ["a fp_1", "a fp_0"])]
    assert _generation([], named)["answered_by"] == ["a fp_0", "a fp_1"]


def test_what_no_endpoint_was_sent_is_known_of_all_jobs():
    job = {"machine": {}, "versions": {}, "engine_args": ""}
    assert "asked_without" not in _generation([], [job, job | {"asked_without": []}])
    named = [job | {"asked_without": names} for names in (["top_p"], ["seed", "top_p"])]
    assert _generation([], named)["asked_without"] == ["seed", "top_p"]


def test_what_a_judge_was_not_sent_is_known_of_each_file():
    older = dict.fromkeys(JUDGED_KEYS)
    files = _judging({"a": older, "b": older | {"asked_without": {"seed": 7}, "seconds": 1}})["files"]
    assert files == {"a": older, "b": older | {"asked_without": {"seed": 7}}}


def test_an_unknown_cell_gets_the_columns_that_people_ask_for():
    cells = {("b", "greedy", column): {} for column in ("accuracy_symbolic", "ci95_low_symbolic", "ci_method_symbolic")}
    with pytest.raises(InputError) as error:
        find_cell("b:greedy:nothing", cells)
    assert "b:greedy:{accuracy_symbolic}" in str(error.value)


def test_a_changed_file_is_shown_among_hundreds():
    files = [File(f"output-rs{seed}.jsonl", "aa", "bb" if seed == 200 else "aa") for seed in range(256)]
    text = chain_text(Link("samples", [], files))
    assert "CHANGED output-rs200.jsonl" in text and "ok      252 more files" in text


def test_an_answer_cannot_reach_the_terminal():
    answers = {"greedy": {"answer": "\x1b[2J\u202e" + "9" * 100, "correct": False}}
    text = problem_text({"id": "p", "answers": answers, "judged": {}})
    assert text.isascii() and text.replace("\n", "").isprintable() and "999..." in text and len(text) < 200


def test_the_tokens_of_a_prompt_count_in_each_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layout = Layout(checked_config({"benchmarks": ["b"], "models": {"m": {"path": "c"}}, "generation": {"seeds": 2}}))
    write_rows(layout.sample_file("m", "b", "rs0"), [{"num_prompt_tokens": 5}, {"num_prompt_tokens": 7}])
    write_grades(Path(layout.grades_file("m", "b")), {"rs0": [("1", True)] * 2, "rs1": [("1", True)] * 2})
    assert sample_tokens(layout, "m", "b", ["rs0", "rs1"]) == {"prompt": 24, "generated": 4 * 9}
