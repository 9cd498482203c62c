r"""Let an LLM judge compare predicted with expected answers. Verdicts already in the store cost nothing.

    python scripts/judge_answers.py --input output-greedy.jsonl --output judged/greedy.jsonl --judge gpt-4o \
        --store judgements/gpt-4o --prompt config/prompts/judge-math.yaml \
        --model gpt-4o-2024-11-20 --api-key-env OPENAI_API_KEY

Several files at once: --input A B --output A2 B2. A self-hosted judge is started by --engine models/MODEL/engine.
"""

import argparse
import asyncio
import time
from pathlib import Path

from openmath.client import Completion, CompletionClient, HostedEndpoint, map_concurrently
from openmath.engines import read_engine, running_engine
from openmath.errors import InputError, run_command
from openmath.fingerprint import fingerprint, write_manifest
from openmath.judging import (
    VerdictStore,
    check_judge_key,
    judge_messages,
    parse_verdict,
    prefilled,
    question_key,
    question_of,
    read_judge_prompt,
)
from openmath.samples import read_rows, write_rows

REQUEST_SECONDS = 600.0  # a judgement has a few sentences
PROGRESS_SECONDS = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--input", nargs="+", required=True, type=Path, help="sample files: problem, expected_answer, predicted_answer")
    add("--output", nargs="+", required=True, type=Path, help="judged files, in the order of --input")
    add("--judge", required=True, help="name of the judge, for the rows")
    add("--store", required=True, type=Path, help="folder of verdicts")
    add("--prompt", required=True, type=Path)
    add("--base-url", default="https://api.openai.com/v1")
    add("--model", help="hosted judge: model snapshot")
    add("--api-key-env", help="hosted judge: the environment variable with its key")
    add("--engine", help="self-hosted judge: engine folder")
    add("--engine-args", default="", help="speed settings of the engine, in its own flags")
    add("--max-new-tokens", type=int, default=2048)
    add("--concurrency", type=int, default=100)
    add("--policy", choices=("default", "paper"), default="default")
    options = parser.parse_args()
    if len(options.input) != len(options.output):
        raise InputError(
            "--input and --output differ in number.", expected=len(options.input), found=len(options.output)
        )
    if bool(options.model) == bool(options.engine):
        raise InputError("Give either --model (hosted) or --engine (self-hosted).")
    judge(options)


def judge(options: argparse.Namespace) -> None:
    prompt = read_judge_prompt(options.prompt)
    sampling = {"temperature": 0.0, "top_p": 0.95, "seed": 0, "max_tokens": options.max_new_tokens}
    if options.policy == "paper":
        sampling["presence_penalty"] = 1.0  # the reference sent its repetition penalty under this name
    identity = options.model
    if options.engine:
        engine = read_engine(options.engine)
        identity = {key: engine[key] for key in ("engine", "version", "model", "settings")}

    files = [list(read_rows(path)) for path in options.input]
    questions, keys = {}, []
    for path, rows in zip(options.input, files, strict=True):
        keys.append([])
        for number, row in enumerate(rows, start=1):
            try:
                question = question_of(row)
            except KeyError as error:
                raise InputError(f"A row has no {error}.", where=f"{path}:{number}") from None
            key = question_key(identity, prompt, sampling, question)
            keys[-1].append(key)
            questions[key] = question
    store = VerdictStore(options.store)
    open_questions = {key: question for key, question in questions.items() if prefilled(question) is None}
    todo = store.unanswered(open_questions)
    print(
        f"judge: {len(questions)} different questions; {len(questions) - len(open_questions)} need no call, "
        f"{len(open_questions) - len(todo)} in the store, {len(todo)} to ask",
        flush=True,
    )
    if todo:
        asyncio.run(ask(options, prompt, sampling, todo, store))
    for path, output, rows, row_keys in zip(options.input, options.output, files, keys, strict=True):
        judged = []
        for row, key in zip(rows, row_keys, strict=True):
            text = prefilled(questions[key])
            judgement = store.records[key]["judgement"] if text is None else text
            verdict = parse_verdict(judgement, options.policy)
            judged.append({**row, "judgement": judgement, "judge_verdict": verdict, "judge_model": options.judge})
        write_rows(output, judged)
        write_manifest(
            output.with_suffix(".manifest.json"),
            {
                "input": path.name,
                "judge": identity,
                "prompt": fingerprint(prompt),
                "policy": options.policy,
                "rows": len(rows),
                "prefilled": sum(prefilled(questions[key]) is not None for key in row_keys),
                "unparsed": sum(row["judge_verdict"] == "unparsed" for row in judged),
            },
        )


async def ask(options, prompt: dict, sampling: dict, todo: list[tuple[str, dict]], store: VerdictStore) -> None:
    """Ask each question once; each verdict is in the store before the next step uses it."""
    if options.engine:
        running = running_engine(
            options.engine, args=options.engine_args, log=options.output[0].with_suffix(".engine.log")
        )
    else:
        running = HostedEndpoint(options.base_url, check_judge_key(options.api_key_env), options.model)
    async with running as endpoint, CompletionClient(endpoint, request_seconds=REQUEST_SECONDS) as client:
        extra = getattr(endpoint, "extra_body", None)

        async def one(item: tuple[str, dict]) -> tuple[str, dict, Completion]:
            key, question = item
            return key, question, await client.complete(judge_messages(prompt, question), sampling, extra)

        started = shown = time.monotonic()
        done = 0
        async for key, question, answer in map_concurrently(one, todo, concurrency=options.concurrency):
            record = {"key": key, "judge": options.judge, "prompt": fingerprint(prompt), **question}
            record |= {"judgement": answer.text, "model": answer.model, "system_fingerprint": answer.system_fingerprint}
            tokens = {
                "num_prompt_tokens": answer.num_prompt_tokens,
                "num_generated_tokens": answer.num_generated_tokens,
            }
            store.add(record | tokens)
            done += 1
            if time.monotonic() - shown > PROGRESS_SECONDS or done == len(todo):
                shown = time.monotonic()
                left = (shown - started) / done * (len(todo) - done)
                print(f"judge: {done}/{len(todo)} verdicts, {left // 60:.0f}:{left % 60:02.0f} left", flush=True)


if __name__ == "__main__":
    run_command(main)
