r"""Let an LLM judge compare predicted with expected answers. Verdicts already in the store cost nothing.

    python scripts/judge_answers.py --input output-greedy.jsonl --output judged/greedy.jsonl --judge gpt-4o \
        --store judgements/gpt-4o --prompt config/prompts/judge-math.yaml \
        --model gpt-4o-2024-11-20 --api-key-env OPENAI_API_KEY

Several files at once: --input A B --output A2 B2. A self-hosted judge is started by --engine models/MODEL/engine.
--replay asks nobody and needs neither key nor engine: every verdict has to be in the store. See docs/judging.md.
"""

import argparse
import asyncio
import hashlib
import signal
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from openmath.arguments import address, json_object, real, whole
from openmath.errors import InputError, run_command
from openmath.files.fingerprint import FileIdentity
from openmath.files.records import CostOfRun
from openmath.files.rows import read_rows
from openmath.files.same_problems import check_references
from openmath.files.sample_rows import without_text
from openmath.judging.attempts import Attempts
from openmath.judging.endpoints import check_judge_key, replayed_identity
from openmath.judging.judged_files import Answers, say_what_stands_out, write_judged
from openmath.judging.questions import prefilled, question_of, symbolically_equal
from openmath.judging.records import ServedModel
from openmath.judging.refusals import Unanswered
from openmath.judging.settings import JudgeSettings, judge_parameters, judge_sampling, read_judge_prompt
from openmath.judging.store import VerdictRecord, VerdictStore
from openmath.settings import defaults
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.sample_settings import engine_identity

if TYPE_CHECKING:
    from openmath.judging.budget import Prices

TRIES = 8  # of one request: about two minutes of back-off, what a rate limit by the minute needs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--input", nargs="+", required=True, type=Path, help="sample files: problem, expected_answer, predicted_answer")
    add("--output", nargs="+", required=True, type=Path, help="judged files, in the order of --input")
    add("--judge", required=True, help="name of the judge, for the rows")
    add("--store", required=True, type=Path, help="folder of verdicts")
    add("--prompt", required=True, type=Path)
    add("--base-url", type=address, default=defaults.BASE_URL)
    add("--model", help="hosted judge: model snapshot")
    add("--api-key-env", help="hosted judge: the environment variable with its key")
    add("--engine", help="self-hosted judge: engine folder")
    add("--engine-command", help="the server program, where it is not on the PATH")
    add("--engine-args", default="", help="speed settings of the engine, in its own flags")
    add("--engine-nodes", type=whole(1), default=1, help="nodes of this Slurm job that the engine runs on")
    add("--self-hosted", action="store_true", help="with --replay: the judge was an engine, which is not here now")
    add("--replay", action="store_true", help="ask nobody: every verdict has to be in the store")
    add("--mode", choices=("online", "batch"), default=defaults.JUDGE_MODE, help="batch: the OpenAI Batch API")
    add("--cascade", action="store_true", help="ask only where the symbolic grader says no")
    add(
        "--tries-unparsed",
        type=whole(1),
        default=defaults.TRIES_UNPARSED,
        help="how often a question is asked while the reply holds no verdict",
    )
    add("--prices", nargs=2, type=real(0), metavar=("INPUT", "OUTPUT"), help="USD per million tokens in this mode")
    add(
        "--budget-usd", type=real(0, above=True), help="stop before the store's own verdicts cost more than this in all"
    )
    add("--max-new-tokens", type=whole(1), default=defaults.JUDGE_MAX_NEW_TOKENS)
    add(
        "--sampling",
        type=json_object,
        default={},
        help='parameters of each request, for example \'{"reasoning_effort": "low", "temperature": null}\'; null: not sent',
    )
    add("--concurrency", type=whole(1), default=defaults.JUDGE_CONCURRENCY, help="requests in flight")
    add(
        "--request-seconds",
        type=real(0, above=True),
        default=defaults.REQUEST_SECONDS,
        help="deadline of one try of one request",
    )
    add(
        "--max-refused",
        type=real(0, 1),
        default=defaults.MAX_REFUSED,
        help="largest share of questions that may be refused for good, or stay without a word, before the job stops",
    )
    add("--ask-refused", action="store_true", help="ask again what an earlier run was refused for good")
    add("--batch-size", type=whole(1), help="questions of one batch; the next follows when it has ended")
    add("--poll-seconds", type=real(0, above=True), default=defaults.POLL_SECONDS, help="between two looks at a batch")
    add("--policy", choices=("default", "paper"), default=defaults.POLICY)
    options = parser.parse_args()
    if len(options.input) != len(options.output):
        raise InputError(
            "--input and --output differ in number.", expected=len(options.input), found=len(options.output)
        )
    if sum(map(bool, (options.model, options.engine, options.self_hosted and options.replay))) != 1:
        raise InputError("Give either --model (hosted) or --engine (self-hosted; --self-hosted with --replay).")
    if options.budget_usd is not None and options.prices is None:
        raise InputError("--budget-usd needs --prices.")
    judge(options)


def judge(options: argparse.Namespace) -> None:
    from openmath.judging.budget import Prices, cost

    store = VerdictStore(options.store, mends=not options.replay, ask_refused=options.ask_refused)
    attempts = read_attempts(options, store)
    files = [read_questions(path, options) for path in options.input]
    check_references((file.path, [row for row, _, _ in file.rows]) for file in files)
    # One entry per different question, in order: dicts keep it.
    questions = {attempts.first_key(q): q for file in files for _, q, reason in file.rows if reason is None}
    unanswered = [q for q in questions.values() if attempts.next_request(q, store.records)]
    without_reply = Unanswered(len(questions), options.max_refused)
    without_reply.note_all(questions.values(), attempts, store.records)
    prices = Prices(*options.prices) if options.prices else None
    price = f", about {prices.estimate(len(unanswered), list(store.records.values())):.2f} USD" if prices else ""
    print(
        f"judge: {sum(len(file.rows) for file in files)} rows, {len(questions)} different questions to a judge: "
        f"{len(questions) - len(unanswered)} answered in the store, {len(unanswered)} to ask{price}",
        flush=True,
    )
    paid, started = [], time.monotonic()
    if unanswered and options.replay:
        raise InputError(
            f"{len(unanswered)} verdicts are not in the store.",
            where=options.store,
            expected="every verdict, for --replay (judges: NAME: replay: true)",
            found=f"{len(questions) - len(unanswered)} of {len(questions)}; first missing: {unanswered[0]['problem'][:60]!r}",
            hint="import them with scripts/exchange_verdicts.py, or judge without replay.",
        )
    if error := without_reply.error():
        raise error
    if unanswered:
        try:
            paid = ask(options, attempts, store, list(questions.values()), without_reply, prices)
        except KeyboardInterrupt:
            print(f"judge: interrupted; {len(store.records)} verdicts kept; run the same command again", flush=True)
            raise
        finally:
            store.close()
    say_what_stands_out(list(questions.values()), attempts, store.records)
    this_run: CostOfRun = {"paid_in_this_run": cost(paid), "seconds": round(time.monotonic() - started, 1)}
    for file, output in zip(files, options.output, strict=True):
        judge, cascade = options.judge, options.cascade
        write_judged(file, output, attempts, store.records, this_run, judge=judge, cascade=cascade)


def read_attempts(options: argparse.Namespace, store: VerdictStore) -> Attempts:
    """Who judges, how, and how often it is asked while its replies hold no verdict."""
    from openmath.engines import read_engine

    prompt = read_judge_prompt(options.prompt)
    sampling = judge_sampling(options.max_new_tokens, options.policy, options.sampling)
    if options.engine:
        who: object = engine_identity(read_engine(options.engine))
    else:
        who = options.model or replayed_identity(store, options.store, prompt, sampling)
    settings = JudgeSettings(who, prompt, sampling)
    parameters = judge_parameters(options.sampling)
    attempts = Attempts(
        settings, options.policy, options.tries_unparsed, plain_too=options.replay, parameters=parameters
    )
    attempts.recall(store.records)
    return attempts


def read_questions(path: Path, options: argparse.Namespace) -> Answers:
    """The questions of a sample file, which is read once, a row at a time."""
    rows, questions, digest = [], [], hashlib.sha256()
    for number, row in enumerate(read_rows(path, digest=digest), start=1):
        try:
            questions.append(question_of(row, options.policy))
        except KeyError as error:
            raise InputError(f"A row has no {error}.", where=f"{path}:{number}") from None
        rows.append(without_text(row))
    reasons = [prefilled(question, options.policy) for question in questions]
    if options.cascade:
        equal = symbolically_equal(rows, questions, options.policy)
        reasons = [reason or ("symbolic" if same else None) for reason, same in zip(reasons, equal, strict=True)]
    file: FileIdentity = {"sha256": digest.hexdigest(), "bytes": path.stat().st_size}
    return Answers(path, file, list(zip(rows, questions, reasons, strict=True)))


def ask(
    options: argparse.Namespace,
    attempts: Attempts,
    store: VerdictStore,
    questions: list[dict],
    without_reply: Unanswered,
    prices: "Prices | None",
) -> list[VerdictRecord]:
    """Ask what the store does not hold; the records paid for in this run."""
    key = "none" if options.engine else check_judge_key(options.api_key_env)
    if options.mode == "batch":
        from openmath.judging.batch import BatchJudge

        batch = BatchJudge(
            options.judge,
            attempts,
            store,
            without_reply,
            ServedModel(options.model, attempts.settings, store.records.values()),
            base_url=options.base_url,
            api_key=key,
            model=options.model,
            prices=prices,
            budget_usd=options.budget_usd,
            poll_seconds=options.poll_seconds,
            batch_size=options.batch_size,
        )
        batch.ask(questions)
        return batch.paid
    if batches := store.pending_batches():
        raise InputError(
            "Batches of this judge are still running: asking now would pay for their questions twice.",
            where=", ".join(map(str, batches)),
            hint="collect them first, with mode: batch.",
        )
    # An engine of our own costs no money, and its GPU should not wait for another job's.
    with nullcontext() if options.engine else store.lock():
        return asyncio.run(ask_online(options, attempts, store, questions, without_reply, prices, key))


async def ask_online(
    options: argparse.Namespace,
    attempts: Attempts,
    store: VerdictStore,
    questions: list[dict],
    without_reply: Unanswered,
    prices: "Prices | None",
    key: str,
) -> list[VerdictRecord]:
    from openmath.client.completion import CompletionClient, HostedEndpoint
    from openmath.engines import read_engine, running_engine
    from openmath.judging.beginning import share_instructions
    from openmath.judging.budget import Budget
    from openmath.judging.online import OnlineJudge

    if options.engine:
        running: AbstractAsyncContextManager = running_engine(
            options.engine,
            nodes=options.engine_nodes,
            command=options.engine_command,
            args=options.engine_args,
            log=options.output[0].with_suffix(".engine.log"),
        )
    else:
        running = HostedEndpoint(options.base_url, key, options.model)
    async with (
        running as endpoint,
        CompletionClient(
            endpoint, request_seconds=options.request_seconds, tries=TRIES, parameters=attempts.parameters
        ) as client,
    ):
        budget = Budget(prices, options.budget_usd, store.spent)
        ours = options.engine and not engine_kind(read_engine(options.engine)["engine"]).hosted
        served = ServedModel(None if ours else endpoint.model, attempts.settings, store.records.values())
        online = OnlineJudge(options.judge, attempts, store, budget, without_reply, served, endpoint.extra_body)
        unanswered = [question for question in questions if attempts.next_request(question, store.records)]
        requests = (attempts.next_request(question, store.records) for question in unanswered)
        await asyncio.to_thread(share_instructions, endpoint, (request.messages for request in requests if request))
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        loop.add_signal_handler(signal.SIGTERM, online.terminate)  # preemption, wall limit
        loop.add_signal_handler(signal.SIGINT, online.interrupt, task)  # Ctrl-C
        try:
            await online.ask(client, unanswered, options.concurrency)
        except (InputError, asyncio.CancelledError):
            if online.interrupted:
                raise KeyboardInterrupt from None
            raise
        return online.paid


if __name__ == "__main__":
    run_command(main)
