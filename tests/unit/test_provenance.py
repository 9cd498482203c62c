"""What may be published, which code and machine it was, and the paragraph for a paper in all its variants."""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from openmath import machine as machines
from openmath.config import summary_config
from openmath.errors import InputError
from openmath.fingerprint import identity, sha256_file
from openmath.provenance import bibliography, workflow
from openmath.provenance.methods import methods_text
from openmath.provenance.public import check_no_secret, public
from openmath.provenance.stages import staged_under
from openmath.samples import write_rows

SCRIPTS = Path(__file__).parents[2] / "scripts"
LLAMA = {
    "source": "hf:nvidia/OpenMath2-Llama3.1-8B",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "files": "77",
}
SETTINGS = {"dtype": "bfloat16", "tensor_parallel": 1, "context_length": 8192, "deterministic": False}
VLLM = {"engine": "vllm", "version": "vllm 0.33.0", "model": LLAMA, "settings": SETTINGS}
PROMPT = {"system": "", "user": "{problem}", "examples": []}
H100 = {"cpu": "CPU", "cores": 16, "memory_gib": 128, "gpus": ["NVIDIA H100"] * 2, "driver": "570.1", "cuda": "12.8"}
RECORD = {
    "model": "openmath2",
    "judge": "gpt-4o",
    "workflow": {"commit": "abcdef0123456789", "modified": False, "version": "0.1.0", "code": "c0de"},
    "config": {
        "policy": "default",
        "models": {"openmath2": {"hf": "nvidia/OpenMath2-Llama3.1-8B", "prompt_template": "llama3-instruct"}},
        "generation": {"greedy": True, "seeds": 256, "temperature": 0.7, "top_p": 0.95, "max_new_tokens": 4096},
    },
    "benchmarks": {
        name: {
            "source": f"https://a.org/{name}",
            "source_sha256": "5" * 64,
            "problems_sha256": "6" * 64,
            "registered_rows": n,
        }
        for name, n in {"math": 5000, "aime24": 30, "mine": 7}.items()
    },
    "engine": VLLM,
    "generation": {
        "machines": [H100],
        "settings": [
            {
                "prompt_sha256": "9" * 64,
                "settings": {
                    "prompt": PROMPT,
                    "prompt_template": "llama3-instruct",
                    "temperature": 0.7,
                    "top_p": 0.95,
                    "max_new_tokens": 4096,
                },
            }
        ],
    },
    "tokens": {"math": {"generated": 1000}, "aime24": {"generated": 200}, "mine": {"generated": 34}},
    "grading": {"grader_version": 2, "policy": "default"},
    "judging": {
        "judge": "gpt-4o-2024-11-20",
        "prompt_sha256": "8" * 64,
        "cascade": False,
        "files": {
            f"judged/gpt-4o/math/{mode}.jsonl": {
                "rows": 5000,
                "prefilled": {"identical": 2000, "no_answer": 100},
                "verdicts": {"yes": 3000, "no": 1990, "unparsed": 10},
                "answered_by": {"gpt-4o-2024-11-20 fp_abc": 2900},
            }
            for mode in ("greedy", "majority")
        },
    },
    "results": {
        "math": {
            "problems": 5000,
            "modes": ["greedy", "majority@256", "pass@256"],
            "intervals": ["Wilson", "question-level t"],
        },
        "aime24": {"problems": 30, "modes": ["greedy"], "intervals": ["Clopper-Pearson"]},
        "mine": {"problems": 5, "modes": ["greedy"], "intervals": ["Bayesian bootstrap over problems, 10000 draws"]},
    },
    "times": {"generation": [{"gpus": 1, "seconds": 7200, "gpu_seconds": 7200}]},
}


def run(script: str, *options: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(SCRIPTS / script), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True)


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
    reply = run("grade_answers.py", "--samples", *files, "--output", grades)
    assert reply.returncode == 0, reply.stderr
    record = json.loads((tmp_path / "grades.manifest.json").read_text())
    assert record["samples"] == {path.stem.removeprefix("output-"): identity(path) for path in files}
    assert record["grades"]["sha256"] == sha256_file(grades) and record["rows"] == 3 and record["seconds"] >= 0
    reply = run("fill_majority.py", "--grades", grades, "--samples", files[1], "--output", votes)
    assert reply.returncode == 0, reply.stderr
    record = json.loads((tmp_path / "output-majority.manifest.json").read_text())
    assert record["grades"]["sha256"] == sha256_file(grades) and record["answers"] == identity(votes)
    assert record["sample_runs"] == ["rs0", "rs1"] and record["problems"] == identity(files[1])


def test_samples_are_matched_with_the_settings_they_were_drawn_under(tmp_path):
    published, files = {}, {}
    for number, fingerprint in enumerate(("old", "new")):
        folder = tmp_path / "staging" / fingerprint / "b"
        folder.mkdir(parents=True)
        (folder / "settings.json").write_text("{}")
        (folder / "output-greedy.jsonl").write_text("the same under both\n")
        for run in ("rs0", "rs1"):
            (folder / f"output-{run}.jsonl").write_text(f"{run} of {number}\n")
    for run in ("greedy", "rs0", "rs1"):
        published[run] = tmp_path / f"output-{run}.jsonl"
        os.link(tmp_path / f"staging/new/b/output-{run}.jsonl", published[run])
        files[run] = identity(published[run])
    new = {tmp_path / "staging/new/b": ["greedy", "rs0", "rs1"]}
    assert staged_under(tmp_path / "staging", "b", published, files) == new
    for path in published.values():  # as in a copied checkout
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    assert staged_under(tmp_path / "staging", "b", published, files) == new
    assert staged_under(tmp_path / "nowhere", "b", published, files) == {}


# ---------------------------------------------------------------------------------------------------- methods.md


def methods(**changes) -> str:
    """The text about RECORD with some keys replaced; what every variant has to fulfil is checked here."""
    text = methods_text(copy.deepcopy(RECORD) | changes)
    paragraph = text.split("\n\n")[1]
    for mark in ("None", "  ", " ,", " .", "..", "[]", "{'", "nan"):
        assert mark not in paragraph, (mark, paragraph)
    assert paragraph.endswith(".")
    cited = {key for group in re.findall(r"\[(@[^\]]*)\]", paragraph) for key in re.findall(r"@([\w.-]*\w)", group)}
    entries = re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)
    assert set(entries) == cited and len(entries) == len(cited)
    return text


def test_the_paragraph_of_a_full_evaluation():
    text = methods()
    for words in (
        "We evaluated nvidia/OpenMath2-Llama3.1-8B (revision 0123456789ab)",
        "version 0.1.0, commit abcdef012345",
        "vLLM 0.33.0 [@kwon2023efficient] in bfloat16, with tensor parallelism 1 and a context of 8,192 tokens",
        "zero-shot under the Llama 3 instruct template",
        "one greedy decoding and 256 sampled runs (temperature 0.7, top-p 0.95, seeds 0 to 255), with at most 4,096 new tokens",
        "MATH (5,000 problems) [@hendrycksmath2021], AIME 2024 (30 problems) [@aime2024] and mine (5 of 7 problems)",
        "exact arithmetic [@flint] (version 2)",
        "tied answers share the credit",
        "gpt-4o-2024-11-20 [@openai2024gpt4o], also compared the greedy and majority answers",
        "Of 10,000 answers 5,800 went to the judge",
        "20 replies held no verdict",
        "system fingerprint fp_abc",
        "Wilson [@wilson1927]",
        "1,234 tokens were generated on 2 x NVIDIA H100 (driver 570.1, CUDA 12.8), in 2.0 GPU-hours",
        "@misc{nvidia-openmath2-llama3-1-8b,",
        "note = {Revision 0123456789abcdef0123456789abcdef01234567}",
    ):
        assert words in text, words
    assert "Math-Verify" not in text and "sympy" not in text.lower()


def test_greedy_alone_votes_and_samples_nothing():
    record = copy.deepcopy(RECORD)
    record["config"]["generation"]["seeds"] = 0
    results = {"math": {"problems": 5000, "modes": ["greedy"], "intervals": ["Wilson"]}}
    text = methods(config=record["config"], results=results)
    assert "by one greedy decoding, with" in text and "The benchmark is MATH" in text
    assert "majority answer is voted" not in text and "pass@k" not in text


def test_without_a_judge_all_accuracies_are_symbolic():
    text = methods(judge="none", judging=None)
    assert "No LLM judge was used" in text and "gpt-4o" not in text


def test_the_papers_policy_says_so():
    text = methods(grading={"grader_version": 2, "policy": "paper"})
    assert "relative tolerance 1e-4" in text and "the one seen first wins" in text and "flint" not in text


def test_imported_samples_claim_nothing_about_their_making():
    text = methods(engine=None, benchmarks={}, generation={"machines": [], "settings": []})
    assert "existing samples of openmath2; how they were drawn is not recorded" in text
    assert "temperature 0.7" not in text and "tokens were generated" not in text and "## Data" not in text


def test_an_endpoint_has_a_name_and_an_address_and_no_hardware():
    model = {"source": "https://api.example.org/v1", "revision": "their-model"}
    engine = {"engine": "endpoint", "version": "endpoint", "model": model, "settings": {}}
    text = methods(engine=engine)
    assert "their-model (served at https://api.example.org/v1)" in text
    assert "as chat messages" in text and "H100" not in text


def test_a_judge_of_ones_own_names_its_engine():
    judging = copy.deepcopy(RECORD["judging"]) | {
        "judge": VLLM | {"model": LLAMA | {"files": "88", "revision": "f" * 40}}
    }
    assert "run with vLLM 0.33.0" in methods(judging=judging)
    assert "the evaluated model itself" in methods(judging=judging | {"judge": VLLM})


def test_lost_staging_and_mixed_settings_are_said():
    nothing = methods(generation={"machines": [], "settings": []}, times={"generation": []})
    assert "1,234 tokens were generated." in nothing and "256 sampled runs (temperature 0.7" in nothing
    one = RECORD["generation"]["settings"][0]
    assert "under 2 different settings" in methods(generation={"machines": [H100], "settings": [one, one]})


def test_every_key_has_an_entry_with_balanced_braces():
    text = bibliography.REFERENCES.read_text()
    known = re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)
    groups = (bibliography.BENCHMARKS, bibliography.ENGINES, bibliography.INTERVALS, bibliography.HOSTED_JUDGES)
    used = {key for group in groups for key in group.values()}
    used |= {bibliography.RECIPE, bibliography.WORKFLOW, bibliography.GRADER, bibliography.PASS_AT_K}
    assert used == set(known) and len(known) == len(set(known))
    for entry in bibliography._entries():
        assert entry.count("{") == entry.count("}")
        assert re.search(r"^  title = \{", entry, re.MULTILINE) and re.search(r"^  author = \{", entry, re.MULTILINE)
