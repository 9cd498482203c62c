r"""Decode benchmarks with one running engine: one `output-*.jsonl` per benchmark and sample run.

    python scripts/generate.py --engine models/smollm2-135m/engine --benchmarks data/arithmetic-mini.jsonl \
        --sample-runs rs0 rs1 --output-dir results/smollm2-135m/eval-results --staging results/smollm2-135m/.staging \
        --prompt config/prompts/math-few-shot.yaml --prompt-template chat --max-new-tokens 128

All requests of all benchmarks and runs go to the engine together (continuous batching over the union). Every finished sample is
kept in the staging folder at once; run the same command again after any crash and it computes only what is missing.
"""

import argparse
import asyncio
import contextlib
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from openmath.arguments import day, json_object, real, whole, whole_or_auto
from openmath.errors import InputError, run_command
from openmath.generation.locks import RunLocks
from openmath.generation.prompts import TEMPLATES
from openmath.generation.staging import FLUSH_SECONDS
from openmath.settings import defaults
from openmath.settings.sampling import OPTIONAL, TYPES
from openmath.settings.thinking import AUTO, thinking_setting

if TYPE_CHECKING:
    from openmath.generation.job import Generation


def main() -> None:
    options = parse_arguments()
    # Each request in flight is a connection, each sample run a file; the usual soft limit is 1024.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(until_terminated(generate(options)))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--engine", required=True, help="engine folder (engine.json)")
    add("--engine-command", help="the server program, where it is not on the PATH")
    add("--engine-args", default="", help="speed settings, in the server's own flags, as one string")
    add("--copies", type=whole(1), default=1, help="copies of the engine, each on GPUs of its own")
    add(
        "--engines-per-gpu",
        type=whole_or_auto,
        default=1,
        metavar="N|auto",
        help="engines that share the GPUs of each copy; auto: by the size of the model, the GPU and the cores",
    )
    add("--nodes", type=whole(1), default=1, help="nodes of this Slurm job that the one copy of the engine runs on")
    add("--benchmarks", nargs="+", required=True, type=Path, help="prepared benchmarks, data/*.jsonl")
    add("--sample-runs", nargs="+", required=True, help="greedy, rs0, rs1, ...")
    add("--output-dir", required=True, type=Path, help="gets BENCHMARK/output-RUN.jsonl")
    add("--staging", required=True, type=Path, help="folder of finished samples, kept over crashes and reruns")
    add("--prompt", required=True, help="prompt file, config/prompts/*.yaml")
    add("--prompt-template", choices=TEMPLATES, required=True)
    add("--system", help="in place of the prompt file's system turn")
    add("--chat-template-kwargs", type=json_object, help="JSON: values that the chat template asks for")
    add("--temperature", type=TYPES["temperature"], default=defaults.TEMPERATURE, help="of sampled runs")
    add("--top-p", type=TYPES["top_p"], default=defaults.TOP_P, help="of sampled runs")
    add("--max-new-tokens", type=TYPES["max_new_tokens"], default=defaults.MAX_NEW_TOKENS)
    for key in OPTIONAL:
        add(f"--{key.replace('_', '-')}", type=TYPES[key], help="default: off, or not sent")
    add(
        "--sampling-from-checkpoint",
        action="store_true",
        help="what its generation_config.json says counts; the options above where it says nothing",
    )
    add(
        "--extraction",
        choices=defaults.EXTRACTIONS,
        default=defaults.EXTRACTIONS[0],
        help="where answers stand; see docs/grading.md",
    )
    add(
        "--thinking",
        type=thinking_setting,
        default=AUTO,
        metavar="auto|none|JSON",
        help='where a thought ends: auto, none, or {"start": "<think>", "end": "</think>"}; see docs/grading.md',
    )
    add("--max-refused", type=real(0, 1), default=defaults.MAX_REFUSED, help="refused share that stops the job")
    add("--ask-refused", action="store_true", help="ask again what was refused before")
    add("--compress", action="store_true", help="write .jsonl.zst files; plain ones of these runs give way to them")
    add("--chat-date", type=day, help="that prompts say, where the chat template prints one; default: of the first run")
    add("--limit", type=whole(1), help="only the first problems of each benchmark")
    add(
        "--only",
        nargs="*",
        default=[],
        type=Path,
        help="of a benchmark with a file of its name here only the problems in it",
    )
    add(
        "--concurrency",
        type=whole(0),
        default=0,
        help="requests in flight for one engine; 0: what suits it and fits its cache",
    )
    add(
        "--request-seconds",
        type=real(0, above=True),
        help="deadline of a request to an endpoint; default: 3600 or more",
    )
    add("--log", type=Path, default=Path("engine.log"), help="file for the server's own output")
    return parser.parse_args()


async def until_terminated(work) -> None:
    """Run `work`; SIGTERM (wall limit, preemption) and Ctrl-C cancel it, which flushes what is finished and stops the engine."""
    task, received = asyncio.ensure_future(work), []

    def end(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        await task
    except asyncio.CancelledError:
        sys.exit(128 + received[0])


async def generate(options: argparse.Namespace) -> None:
    from openmath.generation.decoding import failed
    from openmath.generation.job import Generation

    locks, job = RunLocks(options.staging / "locks"), None
    try:
        locks.acquire(options.sample_runs)  # before we look at what is there
        job = Generation(options)
        kept = job.total - job.missing
        print(f"generate: {job.total} samples, {kept} kept from before, {job.missing} to compute", flush=True)
        failures = []
        with contextlib.ExitStack() as files:
            for run in job.staged.values():
                files.callback(run.close)
            if job.missing:
                failures = await run_guarded(job.compute(), keep_alive(job, locks))
        await run_guarded(asyncio.to_thread(job.publish), keep_alive(job, locks))
    except asyncio.CancelledError:
        kept = job.total - job.missing if job else 0
        print(f"generate: terminated; {kept} finished samples kept; run the same command again", flush=True)
        raise
    except OSError as error:
        raise InputError(
            f"Cannot write ({error.strerror or error}).",
            where=error.filename or options.staging,
            hint="free some space and run the same command again; every sample finished so far is kept.",
        ) from None
    finally:
        locks.release()
    if failures:
        raise failed(failures)


async def keep_alive(job: "Generation", locks: RunLocks) -> None:
    """Every two seconds, for ever: flush staged samples to disk, and show other jobs that this one lives."""

    def flush() -> None:
        for run in job.staged.values():
            run.sync()
        locks.beat()

    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await asyncio.to_thread(flush)


async def run_guarded(work, guard):
    """The result of `work`, while `guard` runs at the same time; if the guard fails, its error, and the work is cancelled."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(guard)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[1].done():
            tasks[1].result()
        return tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    run_command(main)
