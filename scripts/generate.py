r"""Decode benchmarks with one running engine: one `output-*.jsonl` per benchmark and sample run.

    python scripts/generate.py --engine models/smollm2-135m/engine --benchmarks data/arithmetic-mini.jsonl \
        --sample-runs rs0 rs1 --output-dir results/smollm2-135m/eval-results --staging results/smollm2-135m/.staging \
        --prompt config/prompts/math-few-shot.yaml --prompt-template chat --max-new-tokens 128

All requests of all benchmarks and runs go to the engine together (continuous batching over the union). Every finished sample is
kept in the staging folder at once; run the same command again after any crash and it computes only what is missing.
"""

import argparse
import asyncio
import itertools
import signal
import sys
import time
from pathlib import Path

from openmath.answers import extract_answer
from openmath.client import Completion, CompletionClient, RequestFailed, RequestRefused, map_concurrently
from openmath.engines import read_engine, running_engine
from openmath.errors import InputError, run_command
from openmath.fingerprint import fingerprint, sha256_file, write_manifest
from openmath.prompts import (
    STOP_PHRASES,
    TEMPLATES,
    CheckpointTokenizer,
    LlamaCppTokenizer,
    messages_of,
    read_prompt,
    token_ids,
)
from openmath.samples import encode_row, read_rows
from openmath.staging import GENERATION_VERSION, StagedRun

PROGRESS_SECONDS = 5.0
REQUEST_SECONDS = 3600.0  # deadline of one request: 4096 tokens at 4 tokens/s still fit
SHOWN_FAILURES = 5
# Two sample runs of one benchmark may agree on short answers, never on most of the long ones: then the seed was lost.
COPY_SHARE, COPY_MIN_TOKENS, COPY_MIN_PAIRS = 0.95, 24, 20


def main() -> None:
    options = parse_arguments()
    asyncio.run(until_terminated(generate(options)))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--engine", required=True, help="engine folder (engine.json)")
    add("--engine-command", help="the server program, where it is not on the PATH")
    add("--engine-args", default="", help="speed settings, in the server's own flags, as one string")
    add("--benchmarks", nargs="+", required=True, type=Path, help="prepared benchmarks, data/*.jsonl")
    add("--sample-runs", nargs="+", required=True, help="greedy, rs0, rs1, ...")
    add("--output-dir", required=True, type=Path, help="gets BENCHMARK/output-RUN.jsonl")
    add("--staging", required=True, type=Path, help="folder of finished samples, kept over crashes and reruns")
    add("--prompt", required=True, help="prompt file, config/prompts/*.yaml")
    add("--prompt-template", choices=TEMPLATES, required=True)
    add("--temperature", type=float, default=0.7, help="of sampled runs; greedy is greedy")
    add("--top-p", type=float, default=0.95)
    add("--max-new-tokens", type=int, default=4096)
    add("--limit", type=int, help="only the first problems of each benchmark")
    add("--concurrency", type=int, default=512, help="requests in flight")
    add("--log", type=Path, default=Path("engine.log"), help="file for the server's own output")
    return parser.parse_args()


async def until_terminated(work) -> None:
    """Run `work`; on SIGTERM (wall limit, preemption) cancel it, which flushes what is finished and stops the engine."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        print("generate: terminated; finished samples are kept, run the same command again", flush=True)
        sys.exit(128 + signal.SIGTERM)


async def generate(options: argparse.Namespace) -> None:
    engine = read_engine(options.engine)
    prompt = read_prompt(options.prompt)
    problems = {path.stem: list(itertools.islice(read_rows(path), options.limit)) for path in options.benchmarks}
    staged: dict[tuple[str, str], StagedRun] = {}
    for path in options.benchmarks:
        settings = sample_settings(options, engine, prompt, path)
        folder = options.staging / fingerprint(settings) / path.stem
        write_manifest(folder / "settings.json", settings)
        for run in options.sample_runs:
            staged[path.stem, run] = StagedRun(
                folder / f"output-{run}.jsonl", [row["id"] for row in problems[path.stem]]
            )

    total = sum(len(rows) for rows in problems.values()) * len(options.sample_runs)
    missing = sum(len(run.missing) for run in staged.values())
    print(f"generate: {total} samples, {total - missing} kept from before, {missing} to compute", flush=True)
    try:
        if missing:
            await compute(options, prompt, problems, staged, missing)
    finally:
        for run in staged.values():
            run.close()
    check_runs_differ(options, staged)
    for (benchmark, name), run in staged.items():
        run.publish(options.output_dir / benchmark / f"output-{name}.jsonl")


def sample_settings(options: argparse.Namespace, engine: dict, prompt: dict, benchmark: Path) -> dict:
    """Everything that can change a sample, and nothing that cannot (speed, node, block): the staging fingerprint."""
    return {
        "generation_version": GENERATION_VERSION,
        "engine": {key: engine[key] for key in ("engine", "version", "model", "settings")},
        "prompt": prompt,
        "prompt_template": options.prompt_template,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "max_new_tokens": options.max_new_tokens,
        "benchmark_sha256": sha256_file(benchmark),
        "limit": options.limit,
    }


async def compute(options, prompt: dict, problems: dict[str, list[dict]], staged: dict, missing: int) -> None:
    """Decode the missing samples; each is staged the moment it is finished."""
    async with running_engine(
        options.engine, command=options.engine_command, args=options.engine_args, log=options.log
    ) as engine:
        started = time.monotonic()
        prompts = await asyncio.to_thread(encode_prompts, engine, prompt, options.prompt_template, problems)
        client = CompletionClient(engine, request_seconds=REQUEST_SECONDS)
        context = engine.description["settings"].get("context_length")
        stop = STOP_PHRASES[options.prompt_template] or None

        async def sample(job: tuple[str, str, dict]):
            benchmark, run, row = job
            ids = prompts[benchmark, row["id"]]
            room = options.max_new_tokens if context is None else min(options.max_new_tokens, context - len(ids))
            if room <= 0:  # sending it would only make the engine refuse or cut the problem
                return job, Completion("", "prompt_too_long", len(ids), 0, None, None)
            sampling = {"max_tokens": room, "stop": stop, **sampling_of(run, options)}
            try:
                return job, await client.complete(ids, sampling, engine.extra_body)
            except (RequestFailed, RequestRefused) as error:
                return job, error

        failures, done, tokens, shown = [], 0, 0, started
        async with client:
            async for job, answer in map_concurrently(sample, jobs(problems, staged), concurrency=options.concurrency):
                if isinstance(answer, InputError):
                    failures.append((job, answer))
                    if len(failures) > max(options.concurrency, SHOWN_FAILURES) and not done:
                        break  # nothing works at all: do not ask for the other million
                    continue
                stage(staged, job, answer)
                done, tokens = done + 1, tokens + (answer.num_generated_tokens or 0)
                if time.monotonic() - shown > PROGRESS_SECONDS or done == missing:
                    shown = time.monotonic()
                    seconds = shown - started
                    left = seconds / done * (missing - done)
                    print(
                        f"generate: {done}/{missing} samples, {tokens / seconds:.0f} tokens/s, "
                        f"{left // 60:.0f}:{left % 60:02.0f} left",
                        flush=True,
                    )
        record = {"samples": done, "tokens": tokens, "seconds": round(time.monotonic() - started, 1)}
        with open(options.staging / "jobs.jsonl", "ab", buffering=0) as file:  # measured speed, for plans
            file.write(encode_row({**record, "engine": engine.description["version"], "runs": options.sample_runs}))
        if failures:
            raise failed(failures)


def encode_prompts(engine, prompt: dict, template: str, problems: dict[str, list[dict]]) -> dict:
    """Prompt of each (benchmark, id): token ids, or chat messages where the endpoint is not ours."""
    messages = {(b, row["id"]): messages_of(prompt, row["problem"]) for b, rows in problems.items() for row in rows}
    kind = engine.description["engine"]
    if kind == "endpoint":
        return messages
    if kind == "llamacpp":
        tokenizer = LlamaCppTokenizer(engine.base_url, engine.api_key)
    else:
        tokenizer = CheckpointTokenizer(engine.description["checkpoint"])
    return {key: token_ids(tokenizer, template, value) for key, value in messages.items()}


def jobs(problems: dict[str, list[dict]], staged: dict[tuple[str, str], StagedRun]):
    """(benchmark, sample run, problem) of every missing sample. All runs of a problem follow each other: shared prefixes."""
    for benchmark, rows in problems.items():
        runs = {name: set(run.missing) for (b, name), run in staged.items() if b == benchmark}
        for row in rows:
            for name, missing in runs.items():
                if row["id"] in missing:
                    yield benchmark, name, row


def sampling_of(run: str, options: argparse.Namespace) -> dict:
    if run == "greedy":
        return {"temperature": 0.0, "top_p": 1.0}
    # The recipe's seed is the run number, the same for all problems of the run.
    return {"temperature": options.temperature, "top_p": options.top_p, "seed": int(run.removeprefix("rs"))}


def stage(staged: dict[tuple[str, str], StagedRun], job: tuple[str, str, dict], answer: Completion) -> None:
    benchmark, run, row = job
    sample = {
        "id": row["id"],
        "problem": row["problem"],
        "expected_answer": row["expected_answer"],
        "generation": answer.text,
        "predicted_answer": extract_answer(answer.text),
        "seed": None if run == "greedy" else int(run.removeprefix("rs")),
        "finish_reason": answer.finish_reason,
        "num_prompt_tokens": answer.num_prompt_tokens,
        "num_generated_tokens": answer.num_generated_tokens,
    }
    try:
        staged[benchmark, run].append(sample)
    except OSError as error:
        raise InputError(
            f"Cannot keep a finished sample ({error.strerror}).",
            where=staged[benchmark, run].path,
            hint="free some space and run the same command again; everything staged so far is kept.",
        ) from None


def failed(failures: list[tuple[tuple[str, str, dict], InputError]]) -> InputError:
    rows = [f"{run} {row['id']}" for (_, run, row), _ in failures]
    shown = ", ".join(rows[:SHOWN_FAILURES]) + (" ..." if len(rows) > SHOWN_FAILURES else "")
    return InputError(
        f"{len(failures)} samples could not be computed; all others are kept.",
        where=shown,
        found=failures[0][1],
        hint="run the same command again: it asks only for these.",
    )


def check_runs_differ(options: argparse.Namespace, staged: dict[tuple[str, str], StagedRun]) -> None:
    if options.temperature == 0:
        return
    for (benchmark, first), (other, second) in itertools.pairwise(k for k in staged if k[1] != "greedy"):
        if benchmark != other:
            continue
        a, b = staged[benchmark, first].rows, staged[benchmark, second].rows
        long = [i for i in a if (a[i]["num_generated_tokens"] or 0) >= COPY_MIN_TOKENS]
        copies = sum(a[i]["generation"] == b[i]["generation"] for i in long)
        if len(long) >= COPY_MIN_PAIRS and copies > COPY_SHARE * len(long):
            raise InputError(
                "Two sample runs are copies of each other.",
                where=f"{benchmark}: {first} and {second}",
                expected="different samples for different seeds",
                found=f"{copies} of {len(long)} generations identical",
                hint=f"the engine ignores the seed; remove {staged[benchmark, second].path} once that is mended.",
            )


if __name__ == "__main__":
    run_command(main)
