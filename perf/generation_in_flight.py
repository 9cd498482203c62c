r"""generate.py with 2,048 requests in flight and answers of 1, 30 and 200 KB: its memory at most, its CPU time a request.

    python perf/generation_in_flight.py [--sizes 1 30 200] [--requests 4096]

The engine is a server of this file that only waits and sends a text of mathematics that was made before. `at once`: all that are in
flight are answered in the same moment, which no real engine does, and which is the most that the memory of the client ever has to
hold. `spread`: over some seconds, as those of a real engine are.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generation_overhead import cpu_seconds

ROOT = Path(__file__).parents[1]
IN_FLIGHT, PROBLEMS = 2048, 256
FIRST_SECONDS, SPREAD_SECONDS = 5.0, 10.0  # a reply comes after the first, or somewhere in the second after it
LATEX = r"We get $\frac{a}{b} \cdot \sqrt{x^2} = \left( 1 + n \right)$ & so $x \neq 7$; therefore 12 + 5 = 17." + "\n\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 30, 200], help="KB of an answer")
    parser.add_argument("--requests", type=int, default=2 * IN_FLIGHT)
    parser.add_argument("--serve", nargs=3, metavar=("PORT", "KB", "HOW"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        port, size, how = options.serve
        asyncio.run(serve(int(port), 1000 * int(size), how))
        return
    print("| answer | replies | requests | CPU ms a request | memory at most |\n|---|---|---|---|---|", flush=True)
    for size in options.sizes:
        for how in ("at once", "spread"):
            with tempfile.TemporaryDirectory() as folder:
                most, cpu = measure(Path(folder), size, how, options.requests)
            cost = f"{1000 * cpu / options.requests:.1f} | {most} MB"
            print(f"| {size} KB | {how} | {options.requests:,} | {cost} |", flush=True)


def measure(folder: Path, size: int, how: str, requests: int) -> tuple[int, float]:
    """(MB at most, CPU seconds) of generate.py alone."""
    serve = f"{sys.executable} {__file__} --serve {{port}} {size} '{how}'"
    settings = {
        "serve": serve,
        "health": "/health",
        "tokenizer": "none",
        "dtype": "",
        "tensor_parallel": 1,
        "context_length": 2**17,
    }
    engine = {"engine": "fake", "version": "1", "model": {}, "checkpoint": "none", "settings": settings}
    (folder / "engine.json").write_text(json.dumps(engine))
    rows = [{"id": f"p-{i}", "problem": f"What is {i} + 1?", "expected_answer": str(i + 1)} for i in range(PROBLEMS)]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, ROOT / "scripts/generate.py", "--engine", folder, "--benchmarks", folder / "sums.jsonl"]
    command += ["--sample-runs", *(f"rs{seed}" for seed in range(requests // PROBLEMS)), "--log", folder / "engine.log"]
    command += ["--output-dir", folder / "out", "--staging", folder / "staging", "--concurrency", IN_FLIGHT]
    command += ["--prompt", ROOT / "config/prompts/math.yaml", "--prompt-template", "chat", "--max-new-tokens", 2**16]
    most, cpu = 0, 0.0
    with open(folder / "job.log", "w") as log:
        job = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
        while job.poll() is None:
            most, cpu = peak_mb(job.pid) or most, cpu_seconds(job.pid) or cpu
            time.sleep(0.05)
    if job.returncode:
        sys.exit((folder / "job.log").read_text())
    return most, cpu


def peak_mb(pid: int) -> int | None:
    """The most memory that a process has had; None where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next((int(line.split()[1]) // 1000 for line in lines if line.startswith("VmHWM")), None)
    except OSError:
        return None


async def serve(port: int, size: int, how: str) -> None:
    """An engine that answers each request with `size` characters."""
    text = json.dumps((LATEX * (size // len(LATEX) + 1))[:size] + r" \boxed{17}")[1:]
    numbers, drawn = itertools.count(), random.Random(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
            fields = dict(line.lower().split(b": ", 1) for line in head.splitlines()[1:] if b": " in line)
            await reader.readexactly(int(fields.get(b"content-length", 0)))
            status, body = "200 OK", b""
            if head.startswith(b"POST"):
                await asyncio.sleep(FIRST_SECONDS + (SPREAD_SECONDS * drawn.random() if how == "spread" else 0))
                usage = {"prompt_tokens": 30, "completion_tokens": size // 4}
                choice = f'{{"finish_reason": "stop", "message": {{"content": "{next(numbers)} {text}}}}}'
                body = f'{{"choices": [{choice}], "usage": {json.dumps(usage)}}}'.encode()
            elif b" /health " not in head:
                status = "401 Unauthorized"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=IN_FLIGHT)
    print(os.getpid(), "listens", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    main()
