r"""How fast verdicts come: from the store, and from a server that takes 50 ms a request.

    python perf/judging_speed.py

1. 10,000 stored verdicts joined with 10,000 rows by scripts/judge_answers.py, start-up included (target: 5 s).
2. 2,000 calls, 64 in flight, to a server in a process of its own: ratio to the ideal time, calls / 64 x 50 ms (target: 1.3), of
   our client with the verdict store, of our client alone, and of the openai library. Wall time means nothing while another
   program wants the CPU, so the best of --repeat is shown, and the client's own CPU time a call.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import openai  # noqa: E402

from openmath.client.completion import CompletionClient, HostedEndpoint, map_concurrently  # noqa: E402
from openmath.files.rows import write_rows  # noqa: E402
from openmath.judging.attempts import Attempts  # noqa: E402
from openmath.judging.budget import Budget, Prices  # noqa: E402
from openmath.judging.online import OnlineJudge  # noqa: E402
from openmath.judging.records import ServedModel  # noqa: E402
from openmath.judging.refusals import Unanswered  # noqa: E402
from openmath.judging.settings import JudgeSettings, judge_sampling, read_judge_prompt  # noqa: E402
from openmath.judging.store import VerdictStore  # noqa: E402

PROMPT = ROOT / "config/prompts/judge-math.yaml"
ROWS, CALLS, CONCURRENCY, LATENCY = 10_000, 2_000, 64, 0.05
SETTINGS = JudgeSettings("judge-1", read_judge_prompt(PROMPT), judge_sampling(2048, "default"))
DOCKET = Attempts(SETTINGS, "default", 2)
IDEAL = CALLS / CONCURRENCY * LATENCY


def questions(number: int) -> list[dict]:
    return [
        {"problem": f"Problem number {i}. " * 10, "predicted_answer": "1/2", "expected_answer": "0.5"}
        for i in range(number)
    ]


def join_stored(folder: Path) -> float:
    """Seconds to judge rows whose verdicts are all stored."""
    rows = questions(ROWS)
    store = VerdictStore(folder / "store")
    for row in rows:
        record = {"key": SETTINGS.key(row), "settings": SETTINGS.fingerprint, **row, "attempt": 1, "usd": 0.002}
        store.add(record | {"judgement": "The same value. " * 10 + "\nJudgement: Yes"}, SETTINGS)
    store.close()
    write_rows(folder / "in.jsonl", rows)
    command = [sys.executable, ROOT / "scripts/judge_answers.py"]
    command += ["--input", folder / "in.jsonl", "--output", folder / "out.jsonl"]
    command += ["--judge", "j", "--store", folder / "store", "--prompt", PROMPT, "--model", "judge-1", "--replay"]
    start = time.perf_counter()
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


@contextmanager
def server():
    command = [sys.executable, ROOT / "tests/unit/judge_server.py", "--latency", LATENCY]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    try:
        yield HostedEndpoint(f"http://127.0.0.1:{int(process.stdout.readline())}/v1", "none", "judge-1")
    finally:
        process.terminate()
        process.wait()


async def with_store(endpoint: HostedEndpoint) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = VerdictStore(Path(folder))
        served = ServedModel("judge-1", SETTINGS, [])
        judge = OnlineJudge("j", DOCKET, store, Budget(Prices(2.5, 10.0), 100.0, 0.0), Unanswered(CALLS, 0.0), served)
        async with CompletionClient(endpoint, request_seconds=60) as client:
            await judge.ask(client, questions(CALLS), CONCURRENCY)
        store.close()
        assert len(store.records) == CALLS


async def client_alone(endpoint: HostedEndpoint) -> None:
    async with CompletionClient(endpoint, request_seconds=60) as client:
        await all_of(lambda q: client.complete(SETTINGS.messages(q, []), SETTINGS.sampling))


async def openai_library(endpoint: HostedEndpoint) -> None:
    async with openai.AsyncOpenAI(base_url=endpoint.base_url, api_key="none", max_retries=0, timeout=60) as client:
        create = client.chat.completions.create
        await all_of(lambda q: create(model="judge-1", messages=SETTINGS.messages(q, []), **SETTINGS.sampling))


async def all_of(call) -> None:
    async for _ in map_concurrently(call, questions(CALLS), concurrency=CONCURRENCY):
        pass


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    joins = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            joins.append(join_stored(Path(folder)))
    print(f"{ROWS} verdicts joined from the store: best {min(joins):.2f} s, worst {max(joins):.2f} s (target 5 s)")
    figures = {}
    for name, run in (
        ("ours, with store", with_store),
        ("ours, client alone", client_alone),
        ("openai library", openai_library),
    ):
        walls, cpus = [], []
        for _ in range(repeat):
            with server() as endpoint:
                wall, cpu = time.perf_counter(), cpu_seconds()
                asyncio.run(run(endpoint))
                walls.append(time.perf_counter() - wall)
                cpus.append(cpu_seconds() - cpu)
        figures[name] = min(walls)
        print(
            f"{name:18} {CALLS} calls of {LATENCY * 1000:.0f} ms, {CONCURRENCY} in flight: "
            f"best {min(walls):.2f} s, worst {max(walls):.2f} s; {min(walls) / IDEAL:.2f}x of the ideal {IDEAL:.2f} s; "
            f"{min(cpus) / CALLS * 1000:.2f} ms of CPU a call"
        )
    print(f"ratio openai library / ours with store: {figures['openai library'] / figures['ours, with store']:.2f}x")


if __name__ == "__main__":
    main()
