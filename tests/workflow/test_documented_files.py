"""docs/files.md names every file that an evaluation leaves, and nothing else; each rule that it names exists."""

import re
from pathlib import Path

import pytest
import yaml
from conftest import CONFIG, ROOT, snakemake
from tiny_checkpoints import tiny_gguf

ROWS = [line.split("|")[1:-1] for line in (ROOT / "docs/files.md").read_text().splitlines() if line.startswith("| `")]
FEATURES = {  # what the finished evaluation has not: a built engine, many models, several judges, a comparison, a training set
    "models": {
        "a": {"path": "a", "engine": "trtllm"},
        "trained": {"trained": "r"},
        **{f"step-{step}": {"trained": "r", "steps": [step]} for step in (10, 20)},
        **{name: {"path": name} for name in "bcde"},
    },
    "judges": {"hosted": {"model": "m"}, "other": {"model": "n"}},
    "compare": [["a", "b"]],
    "contamination": {"training_set": "own.jsonl", "paraphrases": {"embedder": "ngrams", "judge": "other"}},
    "dataset": {
        "name": "d",
        "teacher": "b",
        "origins": {
            "arithmetic-train": {
                stage: {"seeds": 1, "prompt": prompt, "prompt_template": "chat", "max_new_tokens": 64}
                for stage, prompt in (("solutions", "math"), ("problems", "math-problems"), ("new_solutions", "math"))
            }
        },
        "decontamination": {"embedder": "ngrams", "judge": "other"},
        "subsets": [10],
    },
    "training": {"r": {"base": "b", "steps": 20, "save_steps": 10}},
}
WHILE_AT_WORK = {".staging/locks/", "judgements/{judge}/batches/", "judgements/{judge}/.lock"}
NOT_LISTED = {  # a dry run names outputs only, and none of generation, whose jobs have a message; no set is made here
    "datasets/{dataset}/.staging/",
    "datasets/{dataset}/{stage}/{part}/output-",
    "/same/{judge}/{part}.",
    "/same/{judge}.",
    "models/{model}/adapter",
    "training/{run}/checkpoints/",
    "training/{run}/starts.json",
    "training/{run}/made_from.json",
    "training/{run}/curve.csv",
    "training/{run}/earlier/",
    "training/{run}/base/",
    "training/{run}/locks/",
}
AFTER_DAMAGE = {".jsonl.damaged"}


def patterns() -> dict[str, re.Pattern]:
    """One for each path of the first column; a bare second name lies in the folder of the first."""
    found = {}
    for paths, _, _ in ROWS:
        names = re.findall(r"`([^`]+)`", paths)
        folder = names[0].rpartition("/")[0]
        for name in names:
            path = name if "/" in name else f"{folder}/{name}"
            literal = re.escape(path).replace(r"\{any\}", ".+")
            found[path] = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", literal))
    return found


@pytest.fixture(scope="module")
def left(finished) -> list[str]:
    """Files of a finished evaluation."""
    folders = ("data", "models", "results", "judgements", "logs")
    files = [path for folder in folders for path in (finished / folder).rglob("*") if path.is_file()]
    return [str(path.relative_to(finished)) for path in files if path.name != ".snakemake_timestamp"]


@pytest.fixture(scope="module")
def planned(finished, tmp_path_factory) -> list[str]:
    """Outputs and logs that a dry run of all features lists; a directory with a file in it."""
    folder = tmp_path_factory.mktemp("features") / "evaluation"
    folder.mkdir()
    for path in finished.iterdir():
        if path.name not in ("data", "models", "results", "judgements", "logs", "config.yaml", ".snakemake"):
            (folder / path.name).symlink_to(path)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG | FEATURES))
    for name in FEATURES["models"]:
        (folder / name).mkdir()
        tiny_gguf(folder / name / "model.gguf", "{{ messages }}")
    targets = ("all", "export", "contamination", "dataset", "train", "plan")
    reply = snakemake(folder, "--dry-run", *targets, environment={"OPENAI_API_KEY": "any"})
    assert reply.returncode == 0, reply.stdout + reply.stderr
    lists = re.findall(r"^ +(?:output|log|benchmark): (.*)$", reply.stdout, re.MULTILINE)
    files = [re.sub(r" \(.*\)$", "", file) for line in lists for file in line.split(", ")]
    folders = re.compile(r".*/(export|records|checkpoint)|results/report/[^/]+")
    return [f"{file}/a/file.js" if folders.fullmatch(file) else file for file in files]


def test_every_file_of_an_evaluation_is_documented(left, planned):
    known = patterns().values()
    assert len(left) > 50 and len(planned) > 50
    assert [file for file in left + planned if not any(pattern.fullmatch(file) for pattern in known)] == []


def test_every_documented_file_is_made(left, planned):
    unknown = [path for path, pattern in patterns().items() if not any(map(pattern.fullmatch, left + planned))]
    assert [
        path for path in unknown if not any(name in path for name in WHILE_AT_WORK | AFTER_DAMAGE | NOT_LISTED)
    ] == []


def test_every_documented_rule_exists():
    rules = set(re.findall(r"^ *rule (\w+):", "".join(p.read_text() for p in ROOT.glob("rules/*.smk")), re.MULTILINE))
    named = {name.strip() for *_, writers in ROWS for name in writers.split(",")}
    generated = {
        "generate",
        "judge_{model}_by_{judge}",
        "train_model",
        "write_model_card",
        "draw_learning_curve",
        "each rule",
    }  # one for each block, judge, training
    assert named - generated <= rules, Path("docs/files.md")
