"""Every script as a command: hostile arguments, hostile files, and a whole evaluation of hostile problems and replies."""

import contextlib
import copy
import csv
import json
import math
import os
import random
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from commands import BENCHMARK, MODEL, SCRIPT, SECRET, answer, evaluate, steps
from hostile import places
from in_process import run_script
from unit.judge_server import judge_server

SCRIPTS = list(steps(""))
OUTPUTS = ("--output", "--output-dir", "--page", "--staging", "--store")
LINE = b'{"id": 7, "problem": 7, "expected_answer": [], "generation": {}, "judge_verdict": 5, "key": 1}\n'
CONTENTS = {
    "empty": b"",
    "binary": bytes(range(256)),
    "deep": b'{"a":' * 100_000,
    "list": b"[]\n",
    "object": b"{}\n",
    "types": LINE,
    "csv": b"a,b\n1,2\n",
}
REFUSED = ("missing", "folder", "binary", "deep", "loop")  # whatever is asked for
ANY_FILE = ("tables.txt", "curves.csv", "disagreements.csv")  # write_methods only hashes these
SLOW = ("draw_figures", "--problems")  # an empty file is accepted, and everything is drawn


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    """(folder, what each script said) of a finished evaluation, made under a umask of its own."""
    folder = tmp_path_factory.mktemp("commands") / "evaluation"
    before = os.umask(0o027)
    try:
        folder.mkdir()
        replies = evaluate(folder)
    finally:
        os.umask(before)
    assert {script: reply.stderr for script, reply in replies.items() if reply.returncode} == {}
    return folder, replies


@pytest.fixture(scope="module")
def hostile_files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
    parquet.write_table(pa.table({"x": [1, 2]}), folder / "parquet")
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to(folder / "loop")
    return {name: folder / name for name in (*CONTENTS, "parquet", "folder", "loop", "missing")}


def written(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_every_file_has_the_mode_of_the_umask(evaluation):
    folder, _ = evaluation
    modes = {path.relative_to(folder): path.stat().st_mode & 0o777 for path in folder.rglob("*")}
    names = {path.name for path in modes}
    assert {
        "manifest.json",
        "report.html",
        "own.parquet",
        "own.jsonl",
        "engine.json",
        "jobs.jsonl",
        "tables.txt",
    } <= names
    assert any(path.match("judgements/*/verdicts-*.jsonl") for path in modes)
    wrong = {path: oct(mode) for path, mode in modes.items() if mode != (0o750 if (folder / path).is_dir() else 0o640)}
    assert wrong == {}


@pytest.mark.slow
def test_no_key_in_a_file_and_no_control_character_on_a_terminal(evaluation):
    folder, replies = evaluation
    assert [path for path, content in written(folder).items() if SECRET.encode() in content] == []
    said = "".join(reply.stdout + reply.stderr for reply in replies.values())
    shown = [path for path in written(folder) if path.suffix in (".txt", ".md", ".log")]
    assert len(shown) > 5
    for text in [said, *(path.read_text() for path in shown)]:
        assert SECRET not in text and not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text)


@pytest.mark.slow
def test_the_report_holds_no_markup_of_others_and_figures_are_xml(evaluation):
    folder, _ = evaluation
    page = (folder / "results/report.html").read_text()
    assert SCRIPT not in page
    # As text of the page, and of the figures in the addresses of its images.
    assert "alert(1)" not in re.sub(r"(?:&|%26)lt;script(?:&|%26)gt;alert\(1\)", "", page)
    figures = list(folder.rglob("*.svg"))
    assert len(figures) == 5
    for figure in figures:
        ElementTree.parse(figure)


@pytest.mark.slow
def test_a_spreadsheet_finds_no_formula_and_programs_find_the_answers_as_they_are(evaluation):
    folder, _ = evaluation
    tables = list(folder.rglob("*.csv"))
    cells = [cell for path in tables for row in csv.reader(path.open(newline="")) for cell in row]
    assert len(tables) >= 10 and sum("cmd|" in cell for cell in cells) > 3
    assert [
        cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and not re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)
    ] == []
    path = folder / f"results/{MODEL}/export/nemo-skills/eval-results-greedy/{BENCHMARK}/output.jsonl"
    rows = [json.loads(line) for line in path.open()]
    assert any(row["predicted_answer"].startswith("=cmd|") for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_hostile_paths(evaluation, hostile_files, tmp_path, script):
    """Each file that a script reads or writes, replaced by hostile ones."""
    place = Path(shutil.copytree(evaluation[0], tmp_path / "place"))
    with judge_server(answer) as server, contextlib.chdir(place):
        arguments, option, tried = steps(server.base_url)[script], "", 0
        for number, argument in enumerate(arguments):
            option = argument if argument.startswith("--") else option
            if option in OUTPUTS and argument != option and script != "trace":
                cases = {"below a file": "own.jsonl/x", "no such place": "/proc/nope/x", "long": "y" * 300}
            elif os.path.exists(argument) and (script, option) != SLOW:
                cases = hostile_files
            else:
                continue
            for name, value in cases.items():
                reply = run_script(script, *arguments[:number], value, *arguments[number + 1 :])
                where = f"{option} {name}: {reply}"
                assert reply.returncode in (0, 2), where
                if name in REFUSED and not argument.endswith(ANY_FILE):
                    assert reply.returncode == 2, where
                if reply.returncode == 2:
                    message = reply.stdout if script == "check_setup" and not reply.stderr else reply.stderr
                    assert message.strip() and "Traceback" not in message and len(message) < 5000, where
                    assert script == "check_setup" or message.count("error: ") == 1, where
                tried += 1
        assert tried


READERS = (
    "trace",
    "export_results",
    "build_report",
    "compare_models",
    "write_methods",
    "plan_compute",
    "fill_majority",
)
FOREIGN = (
    None,
    -1,
    1.5,
    True,
    10**400,
    math.nan,
    "x",
    "\x1b[2J",
    "../../../etc/passwd",
    "\ud800",
    [],
    {},
    {"a": {}},
    [[]],
)


def damaged_copies(path: Path, dice: random.Random):
    """Contents like that of a file of the evaluation, each with one fault."""
    content = path.read_bytes()
    yield dice.choice(list(CONTENTS.values()))
    yield content[: dice.randrange(len(content) + 1)]
    if path.suffix in (".json", ".jsonl"):
        rows = [json.loads(line) for line in (content.splitlines() if path.suffix == ".jsonl" else [content])]
        for _ in range(4 if any(map(places, rows)) else 0):
            rows_now = copy.deepcopy(rows)
            parent, key = dice.choice(places(rows_now[dice.randrange(len(rows))]) or places(rows_now))
            parent[key] = dice.choice(FOREIGN)
            yield b"".join(json.dumps(row).encode() + b"\n" for row in rows_now)


@pytest.mark.slow
def test_results_of_a_stranger(evaluation, tmp_path):
    """Files of a finished evaluation, damaged one at a time, under every script that reads such a folder."""
    place = Path(shutil.copytree(evaluation[0], tmp_path / "place"))
    dice, tried = random.Random(9), 0
    with contextlib.chdir(place):
        shutil.rmtree(f"results/{MODEL}/export")
        every = [path for top in ("results", "models", "data", "judgements") for path in Path(top).rglob("*.*")]
        for path in sorted(
            path for path in every if path.is_file() and path.suffix not in (".svg", ".png", ".pdf", ".html")
        ):
            content = path.read_bytes()
            for damage in damaged_copies(path, dice):
                path.write_bytes(damage)
                for script in dice.sample(READERS, 1):
                    arguments = steps("http://127.0.0.1:1/v1")[script]
                    for option in {"--output", "--output-dir"} & set(arguments):
                        arguments[arguments.index(option) + 1] = str(tmp_path / f"out/{tried}.jsonl")
                    reply = run_script(script, *arguments)
                    assert reply.returncode in ((0, 1, 2) if script == "trace" else (0, 2)), (path, damage, reply)
                    assert (reply.returncode == 0) or reply.stderr.startswith("error: "), (path, damage, reply)
                    assert "\x1b" not in reply.stdout + reply.stderr and len(reply.stderr) < 25_000, (
                        path,
                        damage,
                        reply,
                    )
                    tried += 1
            path.write_bytes(content)
    assert tried > 100


NUMBERS = {
    "generate": [
        "--copies",
        "--engines-per-gpu",
        "--temperature",
        "--top-p",
        "--max-new-tokens",
        "--limit",
        "--concurrency",
    ],
    "judge_answers": [
        "--tries-unparsed",
        "--budget-usd",
        "--max-refused",
        "--batch-size",
        "--max-new-tokens",
        "--concurrency",
        "--request-seconds",
        "--poll-seconds",
    ],
    "build_engine": [
        "--tensor-parallel",
        "--context-length",
        "--max-input-len",
        "--max-num-tokens",
        "--max-batch-size",
    ],
    "grade_answers": ["--processes"],
    "summarize_results": ["--k"],
    "find_contamination": ["--ngram", "--similarity"],
    "plan_compute": ["--parallel-jobs"],
}


@pytest.mark.parametrize(
    ("script", "option"), [(script, option) for script, names in NUMBERS.items() for option in names]
)
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "1e999", "", "eight", "\u0667x"])
def test_hostile_numbers(script, option, value):
    reply = run_script(script, *steps("http://127.0.0.1:1/v1")[script], f"{option}={value}")
    assert reply.returncode == 2 and f"argument {option}: must be a" in reply.stderr


@pytest.mark.parametrize("option", NUMBERS["build_engine"][1:])
def test_zero_tokens(option):
    assert (
        f"argument {option}: must be" in run_script("build_engine", "--engine=vllm", "--output=x", f"{option}=0").stderr
    )


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_arguments_and_unknown_ones(script):
    for reply in (run_script(script), run_script(script, "--no-such-option", "\x1b[2J")):
        assert reply.returncode == 2 and "error: " in reply.stderr


def test_an_engine_without_a_checkpoint(tmp_path):
    reply = run_script("build_engine", "--engine", "vllm", "--output", tmp_path / "engine")
    assert reply.returncode == 2 and "--checkpoint and --manifest" in reply.stderr
