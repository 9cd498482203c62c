"""train_model.py itself, in the environment of training (`make env-train`): a run that is killed ends with the same weights."""

import csv
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

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-train/bin/python"
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


class Run:
    def __init__(self, folder: Path, name: str, program: tuple = (PYTHON, ROOT / "scripts/train_model.py")):
        self.output, self._folder, self._program = folder / name, folder, program

    def start(self) -> subprocess.Popen:
        command = [*self._program, "--base", self._folder / "base", "--gpus", "0"]
        command += ["--dataset", self._folder / "train.parquet", "--prompt", ROOT / "config/prompts/math.yaml"]
        command += ["--prompt-template", "chat", "--output-dir", self.output, "--settings", json.dumps(SETTINGS)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, env=environment, start_new_session=True, **output)

    def end(self, process: subprocess.Popen) -> str:
        output, _ = process.communicate(timeout=SECONDS)
        return output

    def curve(self) -> list[list[str]]:
        """Step, loss, learning rate and tokens: what does not depend on the machine."""
        path = self.output / "curve.csv"
        return [row[:4] for row in csv.reader(path.read_text().splitlines())][1:] if path.exists() else []

    def at_step(self, step: int, process: subprocess.Popen) -> None:
        deadline = time.monotonic() + SECONDS
        while len(self.curve()) < step:
            assert process.poll() is None, process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)


def training_files(folder: Path) -> None:
    tiny_llama(folder / "base")
    packed(folder / "train.parquet", [(f"{n} + {n}?", f"It is \\boxed{{{2 * n}}}.") for n in range(20)])


def test_killed_and_terminated_it_ends_with_the_same_curve_and_weights(tmp_path):
    training_files(tmp_path)
    whole = Run(tmp_path, "whole")
    process = whole.start()
    output = whole.end(process)
    assert process.returncode == 0, output
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


def test_dealt_over_two_processes_and_killed_it_has_the_losses_of_one(tmp_path):
    """FSDP2, as on several GPUs: gradients of all rows count, and the parts of the optimizer's state are found again."""
    training_files(tmp_path)
    one = Run(tmp_path, "one")
    process = one.start()
    output = one.end(process)
    assert process.returncode == 0, output
    torchrun = (PYTHON, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    two = Run(tmp_path, "two", (*torchrun, ROOT / "tests/fsdp_on_cpus.py"))
    process = two.start()
    two.at_step(5, process)
    os.killpg(process.pid, signal.SIGKILL)
    two.end(process)
    state = two.output / "checkpoints/step-4/trainer"
    assert len(list(state.glob("optimizer*/*.distcp"))) == 2, "nothing was dealt"
    process = two.start()
    output = two.end(process)
    assert process.returncode == 0, output
    record = json.loads((two.output / "training.json").read_text())
    assert record["devices"] == 2 and record["resumed_at"] == [4]
    tokens = [row[3] for row in one.curve()]
    assert [row[3] for row in two.curve()] == tokens
    assert [float(row[1]) for row in two.curve()] == pytest.approx([float(row[1]) for row in one.curve()], abs=1e-3)
