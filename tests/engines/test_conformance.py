"""What any engine must do for generation to be right: see engine_under_test.py for how to run it against another one."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest
from engines.engine_under_test import checkpoint_fixture, engine_fixture  # noqa: F401

from openmath.client.completion import CompletionClient, HostedEndpoint, RequestRefused
from openmath.engines.listener import listening_socket
from openmath.generation.thinking import asking_for_marks
from openmath.settings.engine_kinds import engine_kind
from openmath.thoughts import Marks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # loading a large model on a GPU takes minutes

PARIS = "What is the capital of France? Answer in one short sentence."
SPECIAL = (
    "<issue_start>",
    "<|reserved_special_token_5|>",
    "<|object_ref_start|>",
)  # of SmolLM2, Llama 3, Qwen; none ends a text
STORY = "Tell me a very long story about a dragon, a princess and a mathematician."


def test_token_ids_are_taken_as_they_are(engine):
    if not engine.takes_ids:
        pytest.skip("an endpoint takes chat messages")
    prompt = engine.prompt(PARIS)
    answer = engine.run(engine.complete(prompt, max_tokens=4))
    assert answer.num_prompt_tokens == len(prompt), "the engine added or dropped tokens"


def test_finish_reason_says_why(engine):
    cut = engine.run(engine.complete(engine.prompt(PARIS), max_tokens=3))
    assert (cut.finish_reason, cut.num_generated_tokens) == ("length", 3)
    whole = engine.run(engine.complete(engine.prompt(PARIS), max_tokens=512))
    assert whole.finish_reason == "stop" and 3 < whole.num_generated_tokens < 512
    assert "<|" not in whole.text, "the end token is not part of the text"


def test_a_stop_phrase_ends_the_text_and_is_not_in_it(engine):
    whole = engine.run(engine.complete(engine.prompt(PARIS), max_tokens=64)).text
    words = whole.split()
    stopped = engine.run(engine.complete(engine.prompt(PARIS), max_tokens=64, stop=[words[2]]))
    assert stopped.finish_reason == "stop"
    assert words[2] not in stopped.text and whole.startswith(stopped.text.rstrip())


def test_greedy_and_seeded_samples_repeat(engine):
    prompt = engine.prompt(PARIS)
    for sampling in ({}, {"temperature": 0.7, "top_p": 0.95, "seed": 5}):
        first, again = (engine.run(engine.complete(prompt, **sampling)).text for _ in range(2))
        assert first == again


def test_a_repetition_penalty_is_taken(engine):
    kind, prompt = engine_kind(engine.server.description["engine"]), engine.prompt("Say: one one one one one one")
    words = kind.names.get("repetition_penalty", "repetition_penalty")
    if kind.hosted:
        pytest.skip("what a server behind an address calls it is not known")
    penalty = {words: 1.8, **kind.with_penalties}
    assert engine.run(engine.complete(prompt)).text != engine.run(engine.complete(prompt, **penalty)).text


def test_other_seeds_give_other_samples(engine):
    prompt = engine.prompt(STORY)

    async def samples():
        seeds = range(6)
        tasks = (engine.complete(prompt, max_tokens=32, temperature=1.0, seed=seed) for seed in seeds)
        return [answer.text for answer in await asyncio.gather(*tasks)]

    assert len(set(engine.run(samples()))) >= 4


def test_sampling_is_ours_not_the_checkpoints(engine):
    # Top-k 1 in disguise: with top_p near 0 every seed gives the most likely token; a server that ignores top_p does not.
    prompt = engine.prompt(STORY)
    greedy = engine.run(engine.complete(prompt, max_tokens=8)).text
    for seed in range(3):
        answer = engine.run(engine.complete(prompt, max_tokens=8, temperature=1.0, top_p=1e-6, seed=seed))
        assert answer.text == greedy


def test_more_requests_than_it_has_room_for_are_all_answered(engine):
    prompt = engine.prompt(PARIS)

    async def flood():
        return await asyncio.gather(*(engine.complete(prompt, max_tokens=2) for _ in range(200)))

    answers = engine.run(flood())
    assert all(answer.num_generated_tokens == 2 for answer in answers)


def test_cancelled_requests_make_room(engine):
    prompt = engine.prompt(STORY)
    slow = {"max_tokens": 1500, "temperature": 1.0}

    async def cancel_and_ask():
        tasks = [asyncio.ensure_future(engine.complete(prompt, seed=i, **slow)) for i in range(64)]
        await asyncio.sleep(1.0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not any(task.done() and not task.cancelled() and task.exception() for task in tasks)
        started = time.monotonic()
        answer = await engine.complete(prompt, max_tokens=2)
        return answer, time.monotonic() - started

    answer, seconds = engine.run(cancel_and_ask())
    assert answer.num_generated_tokens == 2
    # 64 x 1500 tokens take a small engine on two cores ten minutes; a cancelled request must not be decoded to its end.
    assert seconds < 120


def test_a_special_token_is_in_the_text_where_it_is_asked_for(engine):
    tokenizer = engine.tokenizer()
    if tokenizer is None:
        pytest.skip("what an endpoint leaves out of its texts is not asked for")
    token = next(text for text in SPECIAL if len(tokenizer.encode(text)) == 1)
    marks, described = [Marks(token, token)], engine.server.description
    forced = {"logit_bias": {str(tokenizer.encode(token)[0]): 100}, "max_tokens": 3}
    assert token not in engine.run(engine.complete(engine.prompt(PARIS), **forced)).text
    asked = asking_for_marks(marks, tokenizer, described)
    assert engine.run(engine.complete(engine.prompt(PARIS), **forced, **asked)).text == 3 * token


def test_a_wrong_key_is_refused(engine):
    if engine.server.description["engine"] == "trtllm":
        pytest.skip("trtllm-serve has no keys: on a shared node others can reach it")

    async def ask():
        wrong = HostedEndpoint(engine.server.base_url, "wrong-key", engine.server.model)
        async with CompletionClient(wrong, request_seconds=60, tries=1) as client:
            await client.complete(engine.prompt(PARIS), {"max_tokens": 2})

    with pytest.raises(RequestRefused, match=r"HTTP 40[13]"):
        engine.run(ask())


def test_the_port_is_held_by_what_we_started(engine):
    if not hasattr(engine.server, "restarts_left"):
        pytest.skip("somebody else runs an endpoint")
    holder = Path(listening_socket(engine.server._port, engine.server._process.pid).link).parts[2]
    assert int(holder) in server_processes(engine.server)
    assert engine.run(engine.server.outlives_reply(engine.server.starts))


def test_an_engine_that_dies_in_mid_run_is_started_again_and_nothing_is_lost(engine):
    if not hasattr(engine.server, "restarts_left"):
        pytest.skip("somebody else runs an endpoint")
    prompt = engine.prompt(STORY)
    restarts = engine.server.restarts_left

    async def die_while_decoding():
        sampling = {"max_tokens": 64, "temperature": 1.0}
        started = time.monotonic()
        await engine.complete(prompt, seed=99, **sampling)
        one = time.monotonic() - started
        tasks = [asyncio.ensure_future(engine.complete(prompt, seed=i, **sampling)) for i in range(8)]
        await asyncio.sleep(one / 3)  # in mid-run, however fast the engine is
        for pid in server_processes(engine.server):
            os.kill(pid, signal.SIGKILL)
        return await asyncio.gather(*tasks)

    answers = engine.run(die_while_decoding())
    assert len(answers) == 8 and all(answer.text for answer in answers)
    assert engine.server.restarts_left == restarts - 1
    assert engine.server.starts == 2 and not engine.run(engine.server.outlives_reply(1)), "it is another one"


def test_a_stopped_engine_leaves_no_process_and_no_port(engine):  # the last test: it stops the engine
    if not hasattr(engine.server, "restarts_left"):
        pytest.skip("somebody else runs an endpoint")
    for server in engine.servers:
        processes = server_processes(server)
        port = server.base_url.split(":")[2].split("/")[0]
        engine.run(server._stop())
        assert not [pid for pid in processes if alive(pid)]
        listening = Path("/proc/net/tcp").read_text()
        assert f":{int(port):04X} 00000000:0000 0A" not in listening, "the port is still held"


def server_processes(server) -> list[int]:
    """The server and all its descendants, without our two supervisors."""
    [inner_supervisor] = children(server._process.pid)
    return descendants(inner_supervisor)


def children(pid: int) -> list[int]:
    return [int(c) for file in Path(f"/proc/{pid}/task").glob("*/children") for c in file.read_text().split()]


def descendants(pid: int) -> list[int]:
    return [pid for child in children(pid) for pid in (child, *descendants(child))]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
