r"""What generate.py costs over the bare engine: tokens/s of both on the same llama.cpp, prompts, seeds and lengths, CPU only.

    python perf/generation_overhead.py [--passes 3] [--problems 24]

The bare engine is the same server under the plainest client there is (a thread for each request in flight, http.client, nothing
kept). Ours is scripts/generate.py from the engine's readiness to the last staged sample. Both sides alternate; the ratio is of
the best passes, since other work on the machine only ever slows one down. Also prints the CPU time of our processes beside the
engine's, which other work does not disturb.
"""

import argparse
import asyncio
import http.client
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from generation_kills import family, prepare

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
SLOTS, TOKENS, RUNS = 8, 64, ("rs0", "rs1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--problems", type=int, default=24, help="of arithmetic-mini, twice each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        best = {"bare": 0.0, "ours": 0.0}
        for number in range(options.passes):
            for side, run in (("bare", bare), ("ours", ours)):
                speed = run(folder, options.problems, number)
                best[side] = max(best[side], speed)
                print(f"pass {number}, {side}: {speed:.1f} tokens/s", flush=True)
    print(f"RATIO ours / bare engine: {best['ours'] / best['bare']:.3f}")


def ours(folder: Path, problems: int, number: int) -> float:
    command = [sys.executable, ROOT / "scripts/generate.py", "--engine", folder / "engine", "--limit", problems]
    command += ["--benchmarks", ROOT / "config/benchmarks/arithmetic-mini.jsonl", "--sample-runs", *RUNS]
    command += ["--prompt", ROOT / "config/prompts/math-few-shot.yaml", "--prompt-template", "chat"]
    command += ["--max-new-tokens", TOKENS, "--concurrency", SLOTS, f"--engine-args=--slots {SLOTS}"]
    command += ["--output-dir", folder / f"out{number}", "--staging", folder / f"staging{number}"]
    command += ["--log", folder / "engine.log"]
    with open(folder / "job.log", "w+") as log:
        job = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
        first: dict[int, float] = {}
        last: dict[int, float] = {}
        while job.poll() is None:
            if "engine ready" in (folder / "job.log").read_text():
                last |= {pid: seconds for pid in family(job.pid) if (seconds := cpu_seconds(pid)) is not None}
                first = first or dict(last)
            time.sleep(0.05)
    used = {pid: seconds - first.get(pid, 0.0) for pid, seconds in last.items()}
    engine = max(used.values())
    print(f"    CPU: engine {engine:.1f} s, all of ours {sum(used.values()) - engine:.2f} s", flush=True)
    record = json.loads((folder / f"staging{number}/jobs.jsonl").read_text())
    return record["tokens"] / record["seconds"]


def cpu_seconds(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare(folder: Path, problems: int, number: int) -> float:
    return asyncio.run(_bare(folder, problems))


async def _bare(folder: Path, problems: int) -> float:
    from openmath.engines import running_engine
    from openmath.files.rows import read_rows
    from openmath.generation.prompts import LlamaCppTokenizer, messages_of, read_prompt, token_ids

    rows = list(read_rows(ROOT / "config/benchmarks/arithmetic-mini.jsonl"))[:problems]
    prompt = read_prompt(ROOT / "config/prompts/math-few-shot.yaml")
    log = folder / "bare.log"
    async with running_engine(folder / "engine", args=f"--slots {SLOTS}", log=log) as engine:
        started = time.monotonic()  # ours asks the server for the token ids too
        tokenizer = LlamaCppTokenizer(engine.base_url, engine.api_key)
        bodies: queue.Queue[bytes] = queue.Queue()
        for row in rows:
            ids = token_ids(tokenizer, "chat", messages_of(prompt, row["problem"]))
            for seed in range(len(RUNS)):
                sampling = {"max_tokens": TOKENS, "temperature": 0.7, "top_p": 0.95, "seed": seed}
                bodies.put(json.dumps({"model": engine.model, "prompt": ids, **sampling, **engine.extra_body}).encode())
        tokens = await asyncio.to_thread(send_all, engine, bodies)
        return tokens / (time.monotonic() - started)


def send_all(engine, bodies: queue.Queue) -> int:
    """Tokens of all answers; SLOTS threads take bodies until none is left."""
    counts: list[int] = []

    def work() -> None:
        connection = http.client.HTTPConnection(engine.base_url.split("/")[2], timeout=600)
        headers = {"Authorization": f"Bearer {engine.api_key}", "Content-Type": "application/json"}
        while True:
            try:
                body = bodies.get_nowait()
            except queue.Empty:
                return
            connection.request("POST", "/v1/completions", body, headers)
            counts.append(json.loads(connection.getresponse().read())["usage"]["completion_tokens"])

    threads = [threading.Thread(target=work) for _ in range(SLOTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


if __name__ == "__main__":
    main()
