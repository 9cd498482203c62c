r"""Our generation with vLLM against vLLM's own LLM.generate: the same prompts, seeds and lengths, on the same GPU, in one run.

    python perf/generation_vllm.py --checkpoint DIR --benchmarks data/gsm8k.jsonl:8 data/math.jsonl:1 --work /tmp/bench
    python perf/generation_vllm.py --checkpoint DIR --benchmarks data/gsm8k.jsonl:2 --work /tmp/bench --random-8b

The first form runs scripts/generate.py as a user would (engine start, staging, publishing) on NAME:RUNS sample runs; the second
serves a Llama of 8B random weights, which is as fast as a real one, with an output length drawn for each request. LLM.generate has
vLLM's default settings. Prints tokens/s of both after their loading, the ratio, load times, GPU use, and which part that is of
what the card could do at most (card_bound.py). With --serve --engines-per-gpu N, several engines share the GPU.
Without a GPU and without --checkpoint it only says so.
"""

import argparse
import asyncio
import json
import random
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from card_bound import bound_seconds
from gpu_meter import GpuMeter

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

SAMPLING = {"temperature": 0.7, "top_p": 0.95}
EIGHT_B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": False,
}
WARM_UP = 64  # requests before the clock starts, on both sides of the 8B comparison and for LLM.generate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--checkpoint", type=Path, help="HF checkpoint folder")
    add("--benchmarks", nargs="+", default=[], metavar="FILE:RUNS", help="prepared, sample runs")
    add("--limit", type=int, help="only the first problems of each")
    add("--work", type=Path, default=Path("generation-bench"), help="folder for everything this makes")
    add("--max-new-tokens", type=int, default=512)
    add("--context-length", type=int, default=2048)
    add("--engine-command", default="vllm serve")
    add("--engine-args", default="")
    add("--python", default="python3", help="the Python that has vllm, for LLM.generate")
    add("--peer-args", default="{}", help="JSON: arguments of LLM(); default: vLLM's own settings")
    add("--random-8b", action="store_true")
    add("--serve", action="store_true", help="ours in this process, without publishing; as --random-8b always does")
    add("--engines-per-gpu", type=int, default=1, help="engines that share the GPU; counted from when all run")
    add("--drawn-length", nargs=2, type=float, default=[5.5, 0.6], help="--random-8b: log-normal lengths of answers")
    add("--concurrency", type=int, help="requests in flight for one engine")
    add("--model-size", default=json.dumps(EIGHT_B), help="JSON: changes of config.json by --random-8b")
    add("--only", choices=["ours", "peer"], help="one side only")
    add("--peer-first", action="store_true")
    add("--peer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return run_peer(options.peer)
    if not options.checkpoint:
        print("needs a GPU, vLLM and --checkpoint; see --help")
        return None
    options.work.mkdir(parents=True, exist_ok=True)
    if options.random_8b:
        options.checkpoint = random_checkpoint(options)
    build_engine(options)
    requests = write_requests(options)
    sides = [side for side in ("ours", "peer") if options.only in (None, side)]
    results = {"ours": [], "peer": []}
    for side in reversed(sides) if options.peer_first else sides:
        run = peer if side == "peer" else (serve if options.random_8b or options.serve else generate)
        gpu = GpuMeter()
        for result in run(options, requests):
            bound = bound_seconds(
                options.checkpoint,
                requests[result["what"]],
                result["tokens"],
                gpus=tensor_parallel(options),
                cache_bytes=1 if re.search(r"--kv-cache-dtype[ =]fp8", options.engine_args) else 2,
            )
            result |= gpu.use(*result.pop("window")) | {"of_bound": round(bound / result["seconds"], 3)}
            results[side].append(result)
            print("RESULT", json.dumps({"side": side, **result}), flush=True)
        print(f"GPU memory after the stop of {side}: {gpu.close()} MiB", flush=True)
    if len(sides) == 2:
        for ours, theirs in zip(results["ours"], results["peer"], strict=True):
            ratio = ours["tokens_per_second"] / theirs["tokens_per_second"]
            print(f"RATIO ours / LLM.generate, {ours['what']}: {ratio:.3f}", flush=True)


def random_checkpoint(options: argparse.Namespace) -> Path:
    """Config and tokenizer of the checkpoint, with other sizes and no weights."""
    folder = options.work / "random-checkpoint"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in [*options.checkpoint.glob("*.json"), *options.checkpoint.glob("*.jinja")]:
        shutil.copy(path, folder)
    config = json.loads((folder / "config.json").read_text()) | json.loads(options.model_size)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def build_engine(options: argparse.Namespace) -> None:
    manifest = options.work / "manifest.json"
    manifest.write_text(json.dumps({"source": "path", "revision": None, "files": {}}))
    command = [sys.executable, ROOT / "scripts/build_engine.py", "--engine", "vllm", "--manifest", manifest]
    command += ["--output", options.work / "engine", "--checkpoint", options.checkpoint]
    command += ["--context-length", options.context_length]
    subprocess.run([*map(str, command), "--engine-command", options.engine_command], check=True)


def write_requests(options: argparse.Namespace) -> dict[str, list[dict]]:
    """Requests of each benchmark: token ids, seed and length, in the order in which generate.py sends them; also for the peer."""
    from openmath.files.rows import read_rows
    from openmath.generation.prompts import CheckpointTokenizer, messages_of, read_prompt, token_ids

    tokenizer, prompt = CheckpointTokenizer(options.checkpoint), read_prompt(ROOT / "config/prompts/math.yaml")
    lengths, (middle, spread) = random.Random(8), options.drawn_length
    requests: dict[str, list[dict]] = {}
    for path, runs in benchmarks(options):
        for row in list(read_rows(path))[: options.limit]:
            ids = token_ids(tokenizer, "chat", messages_of(prompt, row["problem"]))
            for seed in range(runs):
                room = min(options.max_new_tokens, options.context_length - len(ids))
                if options.random_8b:  # random weights never stop: by default a median of 245 tokens, a mean near 290
                    room = min(room, max(32, int(lengths.lognormvariate(middle, spread))))
                request = {"id": row["id"], "ids": ids, "seed": seed, "max_tokens": room}
                requests.setdefault(path.stem, []).append(request)
    spec = {"model": str(options.checkpoint), "arguments": peer_arguments(options), "ignore_eos": options.random_8b}
    (options.work / "requests.json").write_text(json.dumps(spec | {"requests": requests}))
    for name, group in requests.items():
        print(f"{name}: {len(group)} requests, {sum(len(r['ids']) for r in group) / len(group):.0f} prompt tokens each")
    return requests


def benchmarks(options: argparse.Namespace) -> list[tuple[Path, int]]:
    return [(Path(text.rpartition(":")[0]), int(text.rpartition(":")[2])) for text in options.benchmarks]


def tensor_parallel(options: argparse.Namespace) -> int:
    """GPUs of one engine, by its arguments."""
    found = re.search(r"--tensor-parallel-size[ =](\d+)", options.engine_args)
    return int(found[1]) if found else 1


def peer_arguments(options: argparse.Namespace) -> dict:
    load = {"load_format": "dummy"} if options.random_8b else {}
    return {"dtype": "bfloat16", "max_model_len": options.context_length, **load, **json.loads(options.peer_args)}


def generate(options: argparse.Namespace, requests: dict[str, list[dict]]) -> Iterator[dict]:
    """scripts/generate.py, one job for each benchmark; seconds: from the engine's readiness to the last staged sample."""
    shutil.rmtree(options.work / "staging", ignore_errors=True)
    for path, runs in benchmarks(options):
        command = [sys.executable, ROOT / "scripts/generate.py", "--engine", options.work / "engine"]
        command += ["--engine-command", options.engine_command, f"--engine-args={options.engine_args}"]
        command += ["--benchmarks", path, "--sample-runs", *(f"rs{seed}" for seed in range(runs))]
        command += ["--output-dir", options.work / "out", "--staging", options.work / "staging"]
        command += ["--prompt-template", "chat", "--prompt", ROOT / "config/prompts/math.yaml"]
        command += ["--max-new-tokens", options.max_new_tokens, *(["--limit", options.limit] if options.limit else [])]
        command += ["--log", options.work / "engine.log"]
        log = options.work / f"generate-{path.stem}.log"
        with open(log, "w") as file:
            status = subprocess.run(list(map(str, command)), stdout=file, stderr=file)
        ended = time.time()
        if status.returncode:
            sys.exit(log.read_text()[-3000:])
        job = json.loads((options.work / "staging/jobs.jsonl").read_text().splitlines()[-1])
        load = float(re.search(r"engine ready after ([\d.]+) s", log.read_text())[1])
        computed = job["started"] + job["seconds"]
        result = measured(path.stem, job["samples"], job["tokens"], (job["started"], computed), load)
        yield result | {"stop_and_publish_seconds": round(ended - computed, 1)}


def serve(options: argparse.Namespace, requests: dict[str, list[dict]]) -> Iterator[dict]:
    """Ours by the same launcher, client and staging as generate.py's, with a length of its own for each request."""
    for name, group in requests.items():
        yield asyncio.run(_serve(options, name, group))


async def _serve(options: argparse.Namespace, name: str, requests: list[dict]) -> dict:
    from openmath.client.completion import map_concurrently
    from openmath.engines import running_engines
    from openmath.engines.balance import BalancedClient
    from openmath.generation.staging import FLUSH_SECONDS, StagedRun
    from openmath.settings.engine_kinds import KINDS

    shutil.rmtree(options.work / "staging", ignore_errors=True)
    ids = [f"{request['id']}#{request['seed']}" for request in requests]
    staged = StagedRun(options.work / "staging/output-rs0.jsonl", ids)
    args = f"--load-format dummy {options.engine_args}" if options.random_8b else options.engine_args
    program = {"command": options.engine_command, "args": args, "log": options.work / "engine.log"}
    running = running_engines(options.work / "engine", 1, per_gpu=options.engines_per_gpu, **program)
    most = options.concurrency or KINDS["vllm"].concurrency
    began = time.time()
    async with running as servers, BalancedClient(servers, request_seconds=3600, most=most) as client:
        while not all(server.base_url for server in servers):
            await asyncio.sleep(0.1)
        load = time.time() - began
        tokens, longest = 0, 64  # the warm-up is short

        async def one(item: tuple[str, dict]):
            key, request = item
            sampling = {**SAMPLING, "seed": request["seed"], "max_tokens": min(longest, request["max_tokens"])}
            extra = {**servers[0].extra_body, "ignore_eos": options.random_8b}
            return key, await client.complete(request["ids"], sampling, extra)

        async def flush() -> None:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await asyncio.to_thread(staged.sync)

        warm_up = list(zip(ids, requests, strict=True))[: WARM_UP * len(servers)]
        async for _ in map_concurrently(one, warm_up, concurrency=len(warm_up)):
            pass
        longest = options.max_new_tokens
        started, cpu, flushing = time.time(), time.process_time(), asyncio.ensure_future(flush())
        work = map_concurrently(one, zip(ids, requests, strict=True), concurrency=most * len(servers))
        async for key, answer in work:
            staged.append({"id": key, "generation": answer.text, "num_generated_tokens": answer.num_generated_tokens})
            tokens += answer.num_generated_tokens
        ended, cpu = time.time(), time.process_time() - cpu
        flushing.cancel()
    staged.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    own = {"client_cpu_seconds": round(cpu, 1), "client_peak_mib": peak, "engines_per_gpu": len(servers)}
    return measured(name, len(requests), tokens, (started, ended), load) | own


def peer(options: argparse.Namespace, requests: dict[str, list[dict]]) -> Iterator[dict]:
    """LLM.generate in a process of its own, with the Python that has vLLM; one call for each benchmark."""
    command = [*shlex.split(options.python), __file__, "--peer", str(options.work / "requests.json")]
    log = options.work / "peer.log"
    with open(log, "w") as file, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True) as process:
        for line in process.stdout:
            if line.startswith("PEER "):
                yield json.loads(line.removeprefix("PEER "))
    if process.returncode:
        sys.exit(log.read_text()[-3000:])


def run_peer(path: Path) -> None:
    began = time.time()
    from vllm import LLM, SamplingParams

    spec = json.loads(path.read_text())
    llm = LLM(model=spec["model"], seed=0, **spec["arguments"])
    load = time.time() - began
    for number, (name, requests) in enumerate(spec["requests"].items()):
        prompts = [{"prompt_token_ids": request["ids"]} for request in requests]
        sampling = [
            SamplingParams(**SAMPLING, max_tokens=r["max_tokens"], seed=r["seed"], ignore_eos=spec["ignore_eos"])
            for r in requests
        ]
        if number == 0:
            llm.generate(prompts[:WARM_UP], sampling[:WARM_UP], use_tqdm=False)
        started = time.time()
        answers = llm.generate(prompts, sampling, use_tqdm=False)
        window = (started, time.time())
        tokens = sum(len(answer.outputs[0].token_ids) for answer in answers)
        print("PEER " + json.dumps(measured(name, len(answers), tokens, window, load)), flush=True)


def measured(what: str, samples: int, tokens: int, window: tuple[float, float], load: float) -> dict:
    seconds = window[1] - window[0]
    return {
        "what": what,
        "samples": samples,
        "tokens": tokens,
        "seconds": round(seconds, 1),
        "tokens_per_second": round(tokens / seconds),
        "load_seconds": round(load, 1),
        "window": window,
    }


if __name__ == "__main__":
    main()
