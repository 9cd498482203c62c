r"""How fast train_model.py trains a Llama of random weights, as part of what the cards could do; killed on the way if wanted.

    FAST='{"micro_batch_size": 4, "compile": true, "activation_checkpointing": false}'
    python perf/training_speed.py --tokenizer DIR --model 135m --row-tokens 385 --settings '{"micro_batch_size": 64}'
    python perf/training_speed.py --tokenizer DIR --model 8b --gpus 2 --steps 20 --save-at 10 --kill-after 12 --settings "$FAST"

Makes weights and rows, all of nearly one length: sums, of which a loss that falls shows that something is learnt. --kill-after STEP
kills all processes by SIGKILL, starts the same command again, and prints the losses of the steps done twice. Prints tokens/s, the
median of the steps; the share of the cards is 6 x parameters x tokens/s, without attention, of what a large product reaches
(card_bound.py). Needs the Python of `make env-train`; without --tokenizer it only says so. --gpus 0 trains on the CPU.
"""

import argparse
import contextlib
import json
import random
import shutil
import statistics
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from card_bound import OPERATIONS

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
if TYPE_CHECKING:
    from openmath.training.curve import Point

PROMPT = ROOT / "config/prompts/math.yaml"
NAMES = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
SIZES = {"135m": (576, 1536, 30, 9, 3), "1b": (2048, 8192, 16, 32, 8), "8b": (4096, 14336, 32, 32, 8)}
VOCABULARY = {"135m": 49152}  # the others have Llama 3's
LLAMA_3 = 128256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--tokenizer", type=Path, help="checkpoint folder of an instruct model; its weights are not used")
    add("--model", choices=SIZES, default="135m")
    add("--gpus", type=int, default=1)
    add("--steps", type=int, default=10)
    add("--batch-size", type=int, default=512)
    add("--row-tokens", type=int, default=1024, help="prompt and solution")
    add("--rows", type=int, help="of the set; default: enough that none comes twice")
    add("--settings", type=json.loads, default={}, help="JSON: more of train_model.py's")
    add("--save-at", type=int, help="a step with a checkpoint, beside the last")
    add("--kill-after", type=int, metavar="STEP", help="by SIGKILL, once it is done; after --save-at")
    add("--terminate-after", type=int, metavar="STEP", help="by SIGTERM to the process that was started")
    add("--work", type=Path, default=Path("training-bench"), help="folder for everything this makes")
    options = parser.parse_args()
    if not options.tokenizer:
        print("needs --tokenizer and the Python of `make env-train`; see --help")
        return
    base, dataset = options.work / f"base-{options.model}", options.work / "train.parquet"
    parameters = make_base(base, options)
    make_set(dataset, base, options)
    output = options.work / f"run-{options.model}-{options.gpus}"
    shutil.rmtree(output, ignore_errors=True)
    command = command_line(base, dataset, output, options)
    earlier = kill_after(options.kill_after, command, output) if options.kill_after else []
    if options.terminate_after:
        terminate_after(options.terminate_after, command, output)
    subprocess.run(command, check=True)
    curve = points(output)
    report(curve, parameters, options)
    again = {point.step: point.loss for point in curve}
    for point in earlier:
        print(f"step {point.step}: loss {point.loss}, and after SIGKILL and resume {again[point.step]}")


def make_base(folder: Path, options: argparse.Namespace) -> int:
    """A checkpoint of random weights, as transformers initialises them, once. Returns its parameters."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    sizes = dict(zip(NAMES, SIZES[options.model], strict=True))
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    config = LlamaConfig(
        **sizes,
        vocab_size=VOCABULARY.get(options.model, LLAMA_3),
        max_position_embeddings=max(2048, options.row_tokens),
        rope_theta=500_000.0,
        tie_word_embeddings=options.model != "8b",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        dtype="bfloat16",
    )
    if not (folder / "config.json").exists():
        torch.manual_seed(0)
        with torch.device("cuda" if options.gpus else "cpu"):
            LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
        torch.cuda.empty_cache()  # this process lives as long as the training
        tokenizer.save_pretrained(folder)
    with torch.device("meta"):
        return sum(weight.numel() for weight in LlamaForCausalLM(config).parameters())


def make_set(path: Path, base: Path, options: argparse.Namespace) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from openmath.generation.prompts import CheckpointTokenizer, read_prompt
    from openmath.training.rows import Tokens

    tokenizer, problem = CheckpointTokenizer(base), "Compute the sums."
    around = len(Tokens(tokenizer, "chat", read_prompt(PROMPT), options.row_tokens)(problem, "")["input_ids"])
    tokens_of, chance = lru_cache(maxsize=None)(lambda text: len(tokenizer.encode(text))), random.Random(0)

    def solution() -> str:
        text, left = "", options.row_tokens - around
        while True:
            a, b = chance.randrange(100), chance.randrange(100)
            line = f" {a} + {b} = {a + b}."
            left -= tokens_of(line)
            if left < 0:
                return text
            text += line

    solutions = [solution() for _ in range(options.rows or options.steps * options.batch_size)]
    parquet.write_table(pa.table({"problem": [problem] * len(solutions), "generated_solution": solutions}), path)


def command_line(base: Path, dataset: Path, output: Path, options: argparse.Namespace) -> list[str]:
    settings = {"steps": options.steps, "batch_size": options.batch_size, "max_length": options.row_tokens}
    settings |= {"save_steps": options.save_at or options.steps} | options.settings
    command = [
        sys.executable,
        ROOT / "scripts/train_model.py",
        "--base",
        base,
        "--dataset",
        dataset,
        "--prompt",
        PROMPT,
    ]
    command += ["--prompt-template", "chat", "--output-dir", output, "--gpus", options.gpus]
    return [*map(str, command), "--settings", json.dumps(settings)]


def kill_after(step: int, command: list[str], output: Path) -> "list[Point]":
    """Train until a step is done, kill all processes, and return the points of the curve that no checkpoint holds."""
    import psutil

    from openmath.training.checkpoints import steps_saved

    process = at_step(step, command, output)
    curve = points(output)
    started = psutil.Process(process.pid)
    for one in [*started.children(recursive=True), started]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()
    return [point for point in curve if point.step > max(steps_saved(output))]


def terminate_after(step: int, command: list[str], output: Path) -> None:
    from openmath.training.checkpoints import steps_saved

    process = at_step(step, command, output)
    start = time.monotonic()
    process.terminate()
    status = process.wait()
    seconds, saved, done = time.monotonic() - start, max(steps_saved(output)), points(output)[-1].step
    print(f"SIGTERM after step {step}: status {status} after {seconds:.0f} s, {done} steps done, {saved} saved")


def at_step(step: int, command: list[str], output: Path) -> subprocess.Popen:
    process = subprocess.Popen(command)
    while not (curve := points(output)) or curve[-1].step < step:
        if process.poll() is not None:
            sys.exit("train_model.py ended before it was to be killed")
        time.sleep(0.05)
    return process


def points(output: Path) -> "list[Point]":
    from openmath.training.curve import read_curve

    path = output / "curve.csv"
    return read_curve(path) if path.exists() else []


def report(curve: "list[Point]", parameters: int, options: argparse.Namespace) -> None:
    speed = statistics.median(point.tokens_per_second for point in curve)
    row = curve[-1].tokens / len(curve) / options.batch_size
    print(f"{parameters:,} parameters, {len(curve)} steps of {options.batch_size} rows of {row:,.0f} tokens")
    print(f"loss: {curve[0].loss} -> {curve[-1].loss}")
    print(f"{speed:,.0f} tokens/s, {max(point.memory_gib for point in curve):.1f} GiB in the first process")
    if options.gpus:
        share = 6 * parameters * speed / (OPERATIONS * options.gpus)
        print(f"SHARE of {options.gpus} x {OPERATIONS / 1e12:.0f} TFLOP/s: {share:.2f}")


if __name__ == "__main__":
    main()
