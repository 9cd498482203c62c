"""A finished evaluation as its files say: summaries of one model under two judges, with what the tables and manifests hold."""

import json
from pathlib import Path

import pandas

from openmath.benchmarks.registry import read_registry
from openmath.files.fingerprint import canonical_json, sha256_text
from openmath.files.rows import write_text
from openmath.files.text_tables import csv_text
from openmath.judging.settings import read_judge_prompt
from openmath.settings.layout import prompt_file

REVISION = "a" * 40
PROBLEMS = 1319  # of gsm8k
RIGHT = {"greedy": 1100, "pass@1[avg-of-4]": 1000, "majority@4": 1150, "pass@4": 1250}


def write_results(root: Path, model: str = "m", judges: tuple[str, ...] = ("alice", "bob"), **changes) -> list[Path]:
    """results/{model}/summary/{judge} of all judges. changes: of the manifest."""
    folders = []
    for number, judge in enumerate(judges):
        folder = root / model / "summary" / judge
        metrics, scores = [], []
        for mode, right in RIGHT.items():
            metrics.append(_metrics(mode, right, None if judge == "none" else number))
            judged = 0.0 if number else 1.0
            for problem in range(3):
                scores.append({"benchmark": "gsm8k", "mode": mode, "id": f"gsm8k-{problem}", "answer": "7"})
                scores[-1] |= {"symbolic": float(problem < 2), "judge": None if judge == "none" else judged}
        curve = {"benchmark": "gsm8k", "estimator": "maj@k", "grading": "symbolic", "k": 1, "estimate": 0.75}
        curve |= {"ci95_low": 0.7, "ci95_high": 0.8, "ci_method": "bootstrap", "n_items": PROBLEMS, "n_samples": 4}
        judged_curve = [] if judge == "none" else [curve | {"grading": "judge"}]
        write_text(folder / "metrics.json", json.dumps(metrics))
        write_text(folder / "curves.csv", csv_text(pandas.DataFrame([curve, *judged_curve])))
        pandas.DataFrame(scores).to_parquet(folder / "questions.parquet")
        write_text(folder / "manifest.json", json.dumps(manifest(model, judge) | changes))
        folders.append(folder)
    return folders


def _metrics(mode: str, right: int, judge: int | None) -> dict:
    row = {"benchmark": "gsm8k", "mode": mode, "n_items": PROBLEMS, "n_samples": 1 if mode == "greedy" else 4}
    gradings = {"symbolic": right} | ({} if judge is None else {"judge": right + 10 + judge})
    for grading, count in gradings.items():
        value = count / PROBLEMS
        row |= {f"accuracy_{grading}": value, f"ci95_low_{grading}": value - 0.02, f"ci95_high_{grading}": value + 0.02}
        row[f"ci_method_{grading}"] = "Wilson"
    return (
        row
        | {"no_answer": 0.25, "seed_std": None}
        | ({} if judge is None else {"agreement": 0.9, "kappa": float("nan")})
    )


def manifest(model: str, judge: str) -> dict:
    """manifest.json of a summary of a model of the Hub on all of GSM8K."""
    registered = read_registry()["gsm8k"]
    engine = {"engine": "vllm", "version": "vllm 0.11.0", "settings": {"dtype": "bfloat16"}}
    engine["model"] = {"source": "hf:org/model-7b", "revision": REVISION, "files": "0123456789abcdef"}
    sampling = {"temperature": 0.7, "top_p": 0.95, "top_k": 20, "max_new_tokens": 4096, "limit": None}
    sampling |= {"prompt": {"system": "Be right.", "examples": [], "user": "{problem}"}, "prompt_template": "chat"}
    runs = ["greedy", "rs0", "rs1", "rs2", "rs3"]
    prompt = read_judge_prompt(prompt_file("judge-math"))
    judging = {
        "judge": "gpt-4o-2024-08-06",
        "sampling": {"temperature": 0.0},
        "prompt_sha256": sha256_text(canonical_json(prompt)),
        "settings": "fedcba9876543210",
        "policy": "default",
        "cascade": False,
    }
    return {
        "format": 1,
        "model": model,
        "judge": judge,
        "workflow": {"commit": "c" * 40, "modified": False, "version": "0.1.0", "code": "00112233"},
        "config": {"judges": {judge: {"base_url": "https://api.openai.com/v1"}}},
        "benchmarks": {
            "gsm8k": {
                "source": registered["sources"][0]["url"],
                "problems_sha256": registered["problems_sha256"],
                "registered_rows": PROBLEMS,
                "cleaning": ["gsm8k_answer"],
            }
        },
        "checkpoint": {"source": "hf:org/model-7b", "revision": REVISION, "files": {}},
        "engine": engine,
        "generation": {"settings": [{"settings": sampling, "files": {"gsm8k": runs}, "prompt_sha256": "p"}]},
        "grading": {"grader_version": 3, "policy": "default"},
        "judging": None if judge == "none" else judging,
        "times": {"generation": [{"started": 1795995299.8}, {"started": 1795995351.4}]},
        "files": {f"results/{model}/grades/gsm8k.parquet": {"bytes": 1, "sha256": "d" * 64}},
    }
