"""A small evaluation of hostile problems and replies, by the scripts as commands."""

import contextlib
import json
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml
from in_process import run_script
from unit.judge_server import judge_server

ROOT = Path(__file__).parents[2]
MODEL, JUDGE, OTHER, BENCHMARK = "hosted", "j", "k", "own"
KEY, SECRET = "FUZZ_KEY", "zz-secret-of-the-judge-0123"
RUNS = ["greedy", "rs0", "rs1"]
SCRIPT = "<script>alert(1)</script>"
TERMINAL = "\x1b]0;owned\x07\x1b[2J"  # sets the window's title and clears the screen
FORMULA = "=cmd|' /C calc'!A0"
HOSTILE = [
    SCRIPT,
    TERMINAL,
    FORMULA,
    "x" * 5000,
    "a\nb",
    "\u202egnp.exe",  # shown as exe.png
    "@SUM(1+1)",
    "\t-2+3",
    "\ud800 half",  # of a character
    "a\r=1+1",
]
PROBLEMS = [
    {"id": f"{text} p{n}", "problem": f"What is {n}? {text}", "expected_answer": str(n), "level": text}
    for n, text in enumerate(HOSTILE)
]


def answer(question: str) -> str:
    """Replies of model and judge: hostile, and now and then right."""
    hostile = next((text for text in HOSTILE if text in question), "")
    right = [n for n, text in enumerate(HOSTILE) if text == hostile]
    number = right[0] if right and right[0] % 2 else hostile
    return f"{hostile} \\boxed{{{number}}}\nJudgement: Yes"


def steps(base_url: str) -> dict[str, list[str]]:
    """Script -> its arguments, for a whole evaluation in the working directory, in order."""
    results, data = f"results/{MODEL}", f"data/{BENCHMARK}.jsonl"
    engine, summary, grades = (
        f"models/{MODEL}/engine",
        f"{results}/summary/{JUDGE}",
        f"{results}/grades/{BENCHMARK}.parquet",
    )
    samples = " ".join(f"{results}/eval-results/{BENCHMARK}/output-{run}.jsonl" for run in RUNS)
    greedy, majority = samples.split()[0], f"{results}/eval-results-majority/{BENCHMARK}/output-majority.jsonl"
    judged = " ".join(f"{results}/judged/{JUDGE}/{BENCHMARK}/{mode}.jsonl" for mode in ("greedy", "majority"))
    both = " ".join(f"{results}/judged/{judge}/{BENCHMARK}/greedy.jsonl" for judge in (JUDGE, OTHER))
    written = " ".join(
        f"{summary}/{name}" for name in ("tables.txt", "metrics.json", "curves.csv", "disagreements.csv")
    )
    lines = {
        "prepare_benchmark": f"{BENCHMARK} --source own.jsonl --output {data}",
        "build_engine": f"--engine endpoint --output {engine} --base-url {base_url} --served-model m",
        "generate": f"--engine {engine} --benchmarks {data} --sample-runs {' '.join(RUNS)} --log logs/engine.log "
        f"--output-dir {results}/eval-results --staging {results}/.staging --prompt math.yaml --prompt-template chat",
        "grade_answers": f"--benchmark {data} --samples {samples} --output {grades} --processes 1",
        "fill_majority": f"--grades {grades} --benchmark {data} --output {majority}",
        "judge_answers": f"--input {greedy} {majority} --output {judged} --judge {JUDGE} --store judgements/{JUDGE} "
        f"--prompt judge-math.yaml --model judge-1 --base-url {base_url} --api-key-env {KEY} --prices 1 2",
        "summarize_results": f"--model {MODEL} --grades {grades} --judged {judged} --published published.yaml "
        f"--output-dir {summary}",
        "draw_figures": f"{summary} --grades {grades} --problems {data}",
        "write_methods": f"--configfile config.yaml --model {MODEL} --judge {JUDGE} --output-dir {summary} "
        f"--summary {written}",
        "compare_models": f"{summary} {summary} --output-dir results/compare",
        "compare_judges": f"--judges {JUDGE} {OTHER} --judged {both} --output {results}/judged/agreement.md",
        "export_results": f"--model {MODEL} --samples {results}/eval-results --grades {grades} --judged {judged} "
        f"--output {results}/export",
        "show_samples": f"{results} --judges {JUDGE} --output results/report/{MODEL} --page results/samples.html",
        "build_report": f"--summaries {summary} --samples results/report/{MODEL} --output results/report.html",
        "draw_models": f"--summaries {summary} --output-dir results/figures",
        "exchange_verdicts": f"export judgements/{JUDGE} --output verdicts.jsonl",
        "find_contamination": f"--benchmarks {data} --training-set {data} --output-dir results/contamination",
        "trace": f"{summary} --cell {BENCHMARK}:greedy:judge_correct",
        "plan_compute": "--configfile config.yaml",
        "check_setup": "--configfile config.yaml",
    }
    made = {script: line.split() for script, line in lines.items()}
    made["trace"] += ["--question", PROBLEMS[1]["id"]]
    return made


def evaluate(folder: Path) -> dict[str, CompletedProcess]:
    """A whole evaluation in `folder` by all scripts; what each has said."""
    (folder / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PROBLEMS))
    for name in ("prompts/math.yaml", "prompts/judge-math.yaml", "published.yaml"):
        shutil.copyfile(ROOT / "config" / name, folder / Path(name).name)
    replies = {}
    with judge_server(answer) as server, contextlib.chdir(folder), pytest.MonkeyPatch.context() as environment:
        environment.setenv(KEY, SECRET)
        config = {
            "benchmarks": [BENCHMARK],
            "benchmark_sources": {BENCHMARK: "own.jsonl"},
            "models": {MODEL: {"base_url": server.base_url, "engine": "endpoint", "served_model": "m"}},
            "generation": {"seeds": 2, "seeds_per_job": 2},
            "judges": {JUDGE: {"base_url": server.base_url, "model": "judge-1", "api_key_env": KEY}},
        }
        Path("config.yaml").write_text(yaml.safe_dump(config))
        for script, arguments in steps(server.base_url).items():
            if script == "compare_judges":  # of the same judge under another name
                shutil.copytree(f"results/{MODEL}/judged/{JUDGE}", f"results/{MODEL}/judged/{OTHER}")
            replies[script] = run_script(script, *arguments)
    return replies
