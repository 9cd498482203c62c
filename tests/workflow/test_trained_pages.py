"""A trained model in the graph without torch: a script in place of the trainer, a server of a few lines in place of an engine.

What people see of it: card, section of the report, sentence of the front page, paragraph, learning curve, trace.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import yaml
from conftest import copy_workflow, planned_jobs, run_script, snakemake
from unit.test_averaging import F32, checkpoint
from unit.test_training import CHAT, tiny_tokenizer

pytestmark = pytest.mark.slow

PROBLEMS = 30
# In place of `python` under `training`: the real record, of weights that say how long they were trained.
TRAINER = """#!{python}
import sys
from pathlib import Path
sys.argv.pop(0)
if sys.argv[0] == "-c":  # the look before the start: nothing is missing, no GPUs
    print("[[], []]")
    sys.exit()
sys.path[:0] = [str(Path(sys.argv[0]).parent), {tests!r}]
import train_model
from openmath.training import checkpoints, curve, earlier, manifest, recipe
from unit.test_averaging import F32, checkpoint
options = train_model.parse_arguments()
run, wanted = options.output_dir, recipe.read_recipe(options.settings)
earlier.set_others_aside(run, earlier.making_of(train_model.inputs_of(options), wanted), wanted, print)
curve.cut_curve(run / "curve.csv", 0)
manifest.note_start(run, 0)
for step in range(1, wanted.steps + 1):
    point = curve.Point(step, 2 / step, wanted.learning_rate, step * 100, 50.0, 1.5, step * 36.0)
    curve.append(run / "curve.csv", point)
    if step in wanted.kept():
        made = checkpoint(run / f"checkpoints/checkpoint-{{step}}", {{"w": (F32, [float(step)])}})
        checkpoints.finish(made, step, step * 100, step * 36.0)
train_model.write_record(options, wanted, rows=3, too_long=0.0, devices=1, gpus=0)
"""
# It solves one problem more in ten for each step that its weights were trained.
SERVER = """
import http.server, json, os, re, struct, sys
content = open(os.path.join(sys.argv[1], "model.safetensors"), "rb").read()
(steps,) = struct.unpack("<f", content[-4:])
class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self, record):
        data = json.dumps(record).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json"); self.end_headers(); self.wfile.write(data)
    def do_GET(self):
        self.reply({"data": [{"id": sys.argv[1]}]})
    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        number = int(re.search(r"What is (\\d+) \\+ 0", text)[1])
        answer = number if number % 10 < 1 + steps else number + 1
        message = {"role": "assistant", "content": f"It is \\\\boxed{{{answer}}}."}
        usage = {"prompt_tokens": 9, "completion_tokens": 7}
        self.reply({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""
CONFIG = {
    "benchmarks": ["own"],
    "benchmark_sources": {"own": "own.jsonl"},
    "engines": {
        "mine": {
            "serve": "python server.py {checkpoint} {port}",
            "version": "echo server 1",
            "tokenizer": "none",
            "gpu": False,
        }
    },
    "models": {
        "base": {"path": "base", "engine": "mine"},
        "trained": {"trained": "r", "engine": "mine", "dtype": "float32"},
        "early": {"trained": "r", "steps": [2], "engine": "mine", "dtype": "float32"},
        "late": {"trained": "r", "steps": [6], "engine": "mine", "dtype": "float32"},
    },
    "compare": [["base", "trained"]],
    "generation": {"seeds": 0, "concurrency": 4, "threads": 1, "mem_mb": 500},
    "training": {
        "r": {
            "base": "base",
            "dataset": "set/train.parquet",
            "steps": 6,
            "batch_size": 2,
            "micro_batch_size": 2,
            "save_steps": 2,
            "gpus": 0,
            "threads": 1,
            "precision": "float32",
            "python": "./trainer",
        }
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A finished evaluation of a base, of what came out of its training, and of two of its checkpoints."""
    folder = tmp_path_factory.mktemp("trained")
    copy_workflow(folder)
    checkpoint(folder / "base", {"w": (F32, [0.0])})
    tiny_tokenizer(folder / "base", CHAT)
    texts = {name: ["What is 1 + 0?"] * 3 for name in ("problem", "generated_solution")}
    (folder / "set").mkdir()
    parquet.write_table(pa.table(texts), folder / "set/train.parquet")
    rows = [{"problem": f"What is {n} + 0?", "expected_answer": n} for n in range(PROBLEMS)]
    (folder / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "server.py").write_text(SERVER)
    tests = str(Path(__file__).parents[1])
    (folder / "trainer").write_text(TRAINER.format(python=sys.executable, tests=tests))
    (folder / "trainer").chmod(0o755)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    reply = snakemake(folder)
    assert reply.returncode == 0, reply.stdout + reply.stderr
    return folder


def test_all_is_done_and_a_lost_card_is_made_again_alone(trained, tmp_path):
    assert planned_jobs(trained) == {}
    folder = shutil.copytree(trained, tmp_path / "copy", symlinks=True)
    (folder / "models/trained/card.md").unlink()
    assert planned_jobs(folder) == {"write_model_card_trained": 1, "build_report": 1}


def test_the_card_says_what_was_recorded_and_measured(trained):
    card = (trained / "models/trained/card.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front["pipeline_tag"] == "text-generation" and "base_model" not in front and "license" not in front
    record = json.loads((trained / "training/r/training.json").read_text())
    for words in (
        "This is base, a local checkpoint (content hash ",
        record["dataset"]["sha256"],
        "| steps | 6 of 2 rows: 4 passes, 600 tokens |",
        "the mean of the checkpoints after steps 2, 4 and 6, made in float32, stored as float32",
        "Training took 0.06 hours on",
        "Energy and CO2 were not measured",
        "| the training set | not known here |",
        # the mean of 2, 4 and 6 steps solves 5 of 10, the base 1 of 10
        "| own | greedy | symbolic | 30 | 50.0 [",
        "| 10.00 | +40.0 [",
    ):
        assert words in card, words
    assert "GPU-hours" not in card and "None" not in card
    early = (trained / "models/early/card.md").read_text()
    assert "those after step 2" in early and "difference" not in early, "it was not compared with its base"


def test_the_report_shows_the_training_and_what_it_changed(trained):
    page = (trained / "results/report.html").read_text()
    assert "<b>trained</b> solves 50.0 % of own greedily" in page
    assert ", +40.0 points after training (" in page and page.count("points after training") == 1
    [section] = [part for part in page.split("<section")[1:] if "<h2>Training</h2>" in part]
    record = json.loads((trained / "training/r/training.json").read_text())
    assert record["dataset"]["sha256"] in section and "set/train.parquet, 3 rows" in section
    assert section.count("data:image/svg+xml") == 2, "curve and learning curve"
    assert section.count("Model card:") == 3 and "Energy and CO2" in section
    assert "#training-sets" not in section, "a set from elsewhere has no section"


def test_the_learning_curve_begins_with_the_base(trained):
    rows = list(csv.DictReader((trained / "training/r/learning_curve.csv").read_text().splitlines()))
    found = [(row["step"], row["model"], float(row["accuracy"])) for row in rows]
    assert found == [("0", "base", 0.1), ("2", "early", 0.3), ("6", "late", 0.7)]
    assert all(float(row["ci95_low"]) <= float(row["accuracy"]) <= float(row["ci95_high"]) for row in rows)


def test_the_paragraph_and_the_trace_lead_to_the_rows(trained):
    paragraph = (trained / "results/trained/summary/none/methods.md").read_text()
    assert "on the 3 rows of set/train.parquet (sha256 " in paragraph
    assert "Its weights are the mean of the checkpoints after steps 2, 4 and 6." in paragraph
    assert "those after step 2." in (trained / "results/early/summary/none/methods.md").read_text()
    cell = ("--cell", "own:greedy:symbolic_correct")
    reply = run_script("trace.py", trained / "results/trained/summary/none", *cell)
    assert reply.returncode == 0, reply.stderr
    names = ("└─ summary", "└─ samples", "└─ model", "└─ training r", "set/train.parquet")
    places = [reply.stdout.index(name) for name in names]
    assert places == sorted(places) and "weights of the steps 2, 4 and 6" in reply.stdout
    assert "5 files are as recorded" in reply.stdout, "tables, grades, samples, benchmark, training set"
    rows = trained / "set/train.parquet"
    elsewhere = rows.rename(trained / "train.parquet")
    gone = run_script("trace.py", trained / "results/trained/summary/none", *cell)
    assert gone.returncode == 1 and "--training-set FILE" in gone.stderr and "Traceback" not in gone.stderr
    found = run_script("trace.py", trained / "results/trained/summary/none", *cell, "--training-set", elsewhere)
    elsewhere.rename(rows)
    assert found.returncode == 0, found.stderr
