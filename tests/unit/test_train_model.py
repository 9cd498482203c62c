"""train_model.py itself, in the environment of training (`make env-train`): a run that is killed ends with the same weights."""

import csv
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from unit.test_averaging import F32, checkpoint
from unit.test_training import CHAT, packed, tiny_tokenizer
from unit.test_training_config import papers_recipes

from openmath.training.launch import TORCHRUN

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-train/bin/python"
TWO = (PYTHON, *TORCHRUN[1:], "--standalone", "--nproc-per-node", "2", ROOT / "tests/fsdp_on_cpus.py")
LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "dtype": "float32",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "vocab_size": 128,
    "tie_word_embeddings": False,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
SETTINGS = {
    "steps": 8,
    "batch_size": 8,
    "micro_batch_size": 2,
    "save_steps": 2,
    "save_at": [4, 8],
    "precision": "float32",
    "learning_rate": 0.01,
}
SECONDS = 240  # a start takes ten on an idle machine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="needs `make env-train`"),
    pytest.mark.timeout(1800),
]


def tiny_llama(folder: Path) -> Path:
    bits = np.random.default_rng(0)
    layer = {"q": (16, 16), "k": (8, 16), "v": (8, 16), "o": (16, 16)}
    shapes = {"model.embed_tokens": (128, 16), "lm_head": (128, 16), "model.norm": (16,)}
    for number in range(2):
        before = f"model.layers.{number}."
        shapes |= {f"{before}self_attn.{name}_proj": shape for name, shape in layer.items()}
        shapes |= {f"{before}mlp.{name}_proj": (32, 16) for name in ("gate", "up")} | {
            f"{before}mlp.down_proj": (16, 32)
        }
        shapes |= {f"{before}{name}_layernorm": (16,) for name in ("input", "post_attention")}
    tensors = {
        f"{name}.weight": (F32, (bits.normal(0, 0.1, shape) if len(shape) > 1 else np.ones(shape)).tolist())
        for name, shape in shapes.items()
    }
    checkpoint(folder, tensors, config=LLAMA)
    tiny_tokenizer(folder, CHAT)
    return folder


def curve_of(run: Path) -> list[list[str]]:
    """Step, loss, learning rate and tokens of each step: what does not depend on the machine."""
    path = run / "curve.csv"
    return [row[:4] for row in csv.reader(path.read_text().splitlines())][1:] if path.exists() else []


class Run:
    def __init__(self, folder: Path, name: str, program: tuple = (PYTHON, ROOT / "scripts/train_model.py"), **settings):
        self.output, self._folder, self._program = folder / name, folder, program
        self._settings = SETTINGS | settings

    def start(self) -> subprocess.Popen:
        command = [*self._program, "--base", self._folder / "base", "--gpus", "0"]
        command += ["--dataset", self._folder / "train.parquet", "--prompt", ROOT / "config/prompts/math.yaml"]
        command += ["--prompt-template", "chat", "--output-dir", self.output, "--settings", json.dumps(self._settings)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, env=environment, start_new_session=True, **output)

    def end(self, process: subprocess.Popen) -> str:
        output, _ = process.communicate(timeout=SECONDS)
        return output

    def curve(self) -> list[list[str]]:
        return curve_of(self.output)

    def at_step(self, step: int, process: subprocess.Popen) -> None:
        deadline = time.monotonic() + SECONDS
        while len(self.curve()) < step:
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)


def training_files(folder: Path) -> None:
    tiny_llama(folder / "base")
    packed(folder / "train.parquet", [(f"{n} + {n}?", f"It is \\boxed{{{2 * n}}}.") for n in range(20)])


def finished(folder: Path, name: str) -> Run:
    """A run to its end, on files made in the folder."""
    training_files(folder)
    run = Run(folder, name)
    process = run.start()
    output = run.end(process)
    assert process.returncode == 0, output
    return run


def test_killed_and_terminated_it_ends_with_the_same_curve_and_weights(tmp_path):
    whole = finished(tmp_path, "whole")
    losses = [float(row[1]) for row in whole.curve()]
    assert len(losses) == 8 and losses[-1] < losses[0]
    record = json.loads((whole.output / "training.json").read_text())
    assert (record["steps"], record["checkpoints"], record["resumed_at"]) == (8, [4, 8], [])
    assert record["dataset"]["rows"] == 20 and record["tokens"] == int(whole.curve()[-1][3])

    broken = Run(tmp_path, "broken")
    process = broken.start()
    broken.at_step(3, process)
    process.send_signal(signal.SIGKILL)
    broken.end(process)
    half = broken.output / "checkpoints/checkpoint-4"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    process = broken.start()
    broken.at_step(5, process)
    process.send_signal(signal.SIGTERM)
    output = broken.end(process)
    assert "half-written" in output
    assert process.returncode in (0, 143), output  # 0: it was through the last step
    process = broken.start()
    output = broken.end(process)
    assert process.returncode == 0, output
    assert broken.curve() == whole.curve()
    assert not (broken.output / "checkpoints/checkpoint-4").exists()
    for step in (4, 8):
        weights = Path("checkpoints", f"step-{step}", "model.safetensors")
        assert (broken.output / weights).read_bytes() == (whole.output / weights).read_bytes()


ARGUMENTS = """
import json, sys
from pathlib import Path
from openmath.training.recipe import read_recipe
from openmath.training.trainer import config_of
recipe = read_recipe(json.loads(sys.argv[1]))
print(json.dumps(config_of(recipe, Path(sys.argv[2]), devices=64, cpu=True).to_dict()))
"""


def test_the_trainer_is_told_the_papers_recipe(tmp_path):
    """AdamW at a constant rate, no warm-up, no clipping, no packing, weights in float32 and arithmetic in bf16."""
    settings = json.dumps(dataclasses.asdict(papers_recipes()["sft-8b"]))
    command = [PYTHON, "-c", ARGUMENTS, settings, tmp_path]
    reply = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")}
    )
    assert reply.returncode == 0, reply.stderr
    told = json.loads(reply.stdout)
    paper = {
        "max_steps": 60_000,
        "learning_rate": 2e-5,
        "lr_scheduler_type": "constant",
        "warmup_steps": 0,
        "optim": "adamw_torch",
        "adam_beta1": 0.9,
        "adam_beta2": 0.98,
        "adam_epsilon": 1e-8,
        "weight_decay": 0.01,
        "max_grad_norm": 0.0,
        "bf16": True,
        "packing": False,
        "seed": 1234,
    }
    assert {key: told[key] for key in paper} == paper
    assert told["per_device_train_batch_size"] * told["gradient_accumulation_steps"] * 64 == 512


def test_without_a_row_that_counts_nothing_is_trained(tmp_path):
    training_files(tmp_path)
    run = Run(tmp_path, "r", max_length=20)
    process = run.start()
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 2 and "No row of the set is short enough to count" in said
    assert not (tmp_path / "r/checkpoints").exists()


def test_where_nobody_reads_it_any_more_it_saves_and_ends(tmp_path):
    """Slurm's SIGTERM ends `| tee` and the shell as well, and a line that cannot be printed must not cost a checkpoint."""
    training_files(tmp_path)
    run = Run(tmp_path, "r", steps=2000, save_steps=2000, save_at=[])
    process = run.start()
    run.at_step(3, process)
    process.stdout.close()
    assert process.wait(timeout=SECONDS) == 141
    [saved] = (run.output / "checkpoints").glob("step-*")
    assert saved.name == f"step-{len(run.curve())}"


def children(pid: int) -> list[int]:
    return [int(line) for line in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True).stdout.split()]


PLAIN = """
import json, sys
from pathlib import Path
import torch
from transformers import AutoModelForCausalLM
from openmath.generation.prompts import CheckpointTokenizer, read_prompt
from openmath.training.recipe import read_recipe
from openmath.training.rows import Texts, Tokens, TrainingRows, lay_rows

base, dataset, prompt, folder, settings = sys.argv[1:]
recipe = read_recipe(json.loads(settings))
tokens = Tokens(CheckpointTokenizer(base), "chat", read_prompt(prompt, None), recipe.max_length)
texts = Texts(lay_rows(Path(dataset), Path(folder)))
rows = TrainingRows(texts, tokens, steps=recipe.steps, batch_size=recipe.batch_size, seed=recipe.seed)
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
matrices = [weight for weight in model.parameters() if weight.dim() > 1]
vectors = [weight for weight in model.parameters() if weight.dim() == 1]
groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
betas = (recipe.beta1, recipe.beta2)
optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=betas, eps=recipe.epsilon)
for step in range(recipe.steps):
    losses, count = 0.0, 0
    for place in range(recipe.batch_size):
        row = {name: torch.tensor([ids]) for name, ids in rows[step * recipe.batch_size + place].items()}
        logits = model(input_ids=row["input_ids"]).logits[0, :-1].float()
        losses += torch.nn.functional.cross_entropy(logits, row["labels"][0, 1:], reduction="sum")
        count += int((row["labels"] != -100).sum())
    (losses / count).backward()
    optimizer.step()
    optimizer.zero_grad()
    print(float(losses) / count)
"""


def test_its_losses_are_those_of_a_plain_loop(tmp_path):
    """A mean over all tokens of a step, AdamW at a constant rate, decay of matrices alone: written out, without a trainer."""
    one = finished(tmp_path, "one")
    files = [tmp_path / "base", tmp_path / "train.parquet", ROOT / "config/prompts/math.yaml", tmp_path]
    command = [PYTHON, "-c", PLAIN, *files, json.dumps(SETTINGS)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts"), "OMP_NUM_THREADS": "1"}
    reply = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert reply.returncode == 0, reply.stderr
    losses = [float(row[1]) for row in one.curve()]
    assert losses == pytest.approx([float(line) for line in reply.stdout.split()], abs=1e-3)


def test_dealt_over_two_processes_and_killed_it_has_the_losses_of_one(tmp_path):
    """FSDP2, as on several GPUs: gradients of all rows count, and the parts of the optimizer's state are found again."""
    one = finished(tmp_path, "one")
    two = Run(tmp_path, "two", TWO)
    process = two.start()
    two.at_step(3, process)
    for pid in (process.pid, *children(process.pid)):
        os.kill(pid, signal.SIGKILL)
    two.end(process)
    state = two.output / "checkpoints/step-2/trainer"
    assert len(list(state.glob("optimizer*/*.distcp"))) == 2, "nothing was dealt"
    process = two.start()
    two.at_step(5, process)
    process.kill()  # torchrun alone: what it has started notices, and does not train on beside the next try
    assert "terminated after step" in two.end(process)
    process = two.start()
    output = two.end(process)
    assert process.returncode == 0, output
    record = json.loads((two.output / "training.json").read_text())
    assert record["devices"] == 2
    assert record["resumed_at"][0] == 2 and record["resumed_at"][1] >= 5
    tokens = [row[3] for row in one.curve()]
    assert [row[3] for row in two.curve()] == tokens
    assert [float(row[1]) for row in two.curve()] == pytest.approx([float(row[1]) for row in one.curve()], abs=1e-3)


def test_it_goes_on_with_more_processes_and_with_fewer(tmp_path):
    """As on other numbers of GPUs: the optimizer's state, whole or in parts, is taken along."""
    whole = finished(tmp_path, "whole")
    for program, step in ((None, 3), (TWO, 5)):
        run = Run(tmp_path, "switched", *([program] if program else []))
        process = run.start()
        run.at_step(step, process)
        process.send_signal(signal.SIGTERM)
        assert "terminated after step" in run.end(process)
    run = Run(tmp_path, "switched")
    process = run.start()
    output = run.end(process)
    assert process.returncode == 0, output
    losses = [float(row[1]) for row in run.curve()]
    assert losses == pytest.approx([float(row[1]) for row in whole.curve()], abs=1e-3)
    assert len(json.loads((run.output / "training.json").read_text())["resumed_at"]) == 2


def test_a_loss_that_is_no_number_ends_the_training(tmp_path):
    """Not shown as 0, and before a checkpoint holds such weights."""
    training_files(tmp_path)
    weights = tmp_path / "base/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-4:] = np.float32(np.nan).tobytes()
    weights.write_bytes(content)
    for program in (), TWO:
        run = Run(tmp_path, f"{len(program)}", *([program] if program else []))
        process = run.start()
        output = run.end(process)
        assert process.returncode == 2 and "Traceback" not in output, output
        assert output.count("error: The loss is no finite number any more.") == 1 and "step 1" in output, output
        assert not run.curve() and not list((run.output / "checkpoints").glob("*"))


NO_MEMORY = """
import runpy, sys, torch
del sys.argv[0]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
from openmath.training.trainer import Training
def step(self, *arguments):
    if self.state.global_step == 2:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. If reserved memory is large, try.")
    return super(Training, self).training_step(*arguments)
Training.training_step = step
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_too_little_memory_is_one_message_and_what_was_saved_stays(tmp_path):
    training_files(tmp_path)
    run = Run(tmp_path, "full", (PYTHON, "-c", NO_MEMORY, ROOT / "scripts/train_model.py"))
    process = run.start()
    output = run.end(process)
    assert process.returncode == 2 and "Traceback" not in output, output
    assert "step 3" in output and "found:    CUDA out of memory. Tried to allocate 2.00 GiB.\n" in output, output
    assert "micro_batch_size" in output
    assert (run.output / "checkpoints/step-2/complete.json").exists()


def test_of_two_processes_one_says_what_is_wrong(tmp_path):
    training_files(tmp_path)
    two = Run(tmp_path, "two", TWO, max_length=4)
    process = two.start()
    output = two.end(process)
    assert process.returncode == 2, output
    assert output.startswith("error: No row of the set is short enough") and output.count("error:") == 1
    assert output.rstrip().endswith("up to what the model supports."), output


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (signal.SIGTERM, 128 + signal.SIGTERM, "terminated after step"),
        (signal.SIGKILL, 128 + signal.SIGKILL, "was killed by SIGKILL"),
    ],
)
def test_how_two_processes_ended_is_said_without_a_traceback(number, status, words, tmp_path):
    """SIGTERM to torchrun, as Slurm sends it; SIGKILL to one of its processes, as a node without memory does."""
    training_files(tmp_path)
    two = Run(tmp_path, "two", TWO, steps=200, save_steps=200, save_at=[200])
    process = two.start()
    two.at_step(2, process)
    os.kill(process.pid if number == signal.SIGTERM else children(process.pid)[-1], number)
    output = two.end(process)
    assert process.returncode == status and words in output, output
    assert "Traceback" not in output or number == signal.SIGKILL, (
        output
    )  # the other process may lose its connection first
