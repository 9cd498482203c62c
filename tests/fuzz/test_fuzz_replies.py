"""Replies of engines and judges that are anything but replies: a Completion or an InputError, in bounded time and memory."""

import asyncio
import gzip
import json
import threading

import pytest
from hostile import REPEATABLE, VALUES, damaged, settles
from hypothesis import given
from hypothesis import strategies as st

from openmath.client.completion import CompletionClient, HostedEndpoint, RequestFailed
from openmath.client.http import MAX_REPLY, BadReply, StatusError
from openmath.client.pacing import Pacer, retry_after
from openmath.client.replies import Completion, NoAnswer, completion_of
from openmath.errors import InputError
from openmath.judging.batch_results import parse_result

MESSAGE = {"role": "assistant", "content": [{"type": "text", "text": "7"}], "reasoning": "3 + 4", "refusal": None}
REPLY = {
    "model": "m",
    "choices": [{"finish_reason": "stop", "message": MESSAGE, "error": None}],
    "error": None,
    "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    "system_fingerprint": "f",
}
RESULT = {"custom_id": "k", "response": {"status_code": 200, "body": REPLY}, "error": {"message": "late"}}


@REPEATABLE
@given(damaged(REPLY))
def test_replies(reply):
    try:
        completion = completion_of(reply)
    except (BadReply, StatusError, NoAnswer):
        return
    assert isinstance(completion.text, str) and completion.finish_reason in ("stop", "length")
    for number in (completion.num_prompt_tokens, completion.num_generated_tokens):
        assert number is None or (type(number) is int and number >= 0)
    for text in (completion.reasoning, completion.model, completion.system_fingerprint):
        assert text is None or isinstance(text, str)


def test_thought_inside_thought_ends():
    content: object = "7"
    for _ in range(5000):
        content = [{"type": "thinking", "thinking": content}]
    with pytest.raises(BadReply):
        completion_of({"choices": [{"finish_reason": "stop", "message": {"content": content}}]})


@REPEATABLE
@given(st.one_of(VALUES, damaged(RESULT)))
def test_results_of_batches(result):
    key, answer = parse_result(json.dumps(result).encode())
    assert isinstance(answer, Completion | str)
    assert key is None or isinstance(key, str)


NAMES = ["retry-after", "retry-after-ms", *(f"x-ratelimit-{a}-requests" for a in ("limit", "remaining", "reset"))]
DURATIONS = st.from_regex(r"\A[0-9]{0,400}(\.[0-9]+)?(ms|s|m|h)?\Z")
TIMES = st.one_of(st.text(max_size=8), DURATIONS, st.just("Mon, 01 Jan 0001 00:00:00 +2359"))


@REPEATABLE
@given(st.dictionaries(st.sampled_from(NAMES), TIMES))
def test_headers(headers):
    wait = retry_after(headers)
    assert wait is None or wait >= 0
    pacer = Pacer()
    asyncio.run(pacer.turn())
    pacer.done(headers)


HOSTILE = {
    "not HTTP": b"\x16\x03\x01\x00garbage",
    "nothing": b"",
    "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n",
    "bad UTF-8": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xfe{}",
    "deep": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"[" * 1_000_000,
    "a list": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "bad gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    "long header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n{}",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://localhost:1/v1\r\nContent-Length: 0\r\n\r\n",
    "loop": b"HTTP/1.1 302 Found\r\nLocation: /v1/chat/completions\r\nContent-Length: 0\r\n\r\n",
    "huge": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b'{"choices": "' + b"x" * 100_000_000,
    "error": b"HTTP/1.1 500 No\r\nContent-Length: 24\r\n\r\n" + b'{"error": ["not", "one"]}'[:24],
}


def ask(reply: bytes, seconds: float, drip: float = 0.0) -> tuple[object, list[bytes]]:
    """What the client makes of these bytes; and the requests that came. drip: pause after each byte."""
    seen: list[bytes] = []

    async def serve(reader, writer):
        try:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            if not drip:
                writer.write(reply)
            for byte in reply if drip else b"":
                writer.write(bytes([byte]))
                await asyncio.sleep(drip)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return answer_of(serve, seconds), seen


def answer_of(serve, seconds: float) -> object:
    """What the client makes of a server whose connections `serve` handles."""

    async def run():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        endpoint = HostedEndpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", "sk-very-secret", "m")
        async with server, CompletionClient(endpoint, request_seconds=seconds, tries=2, first_pause=0.01) as client:
            return await client.complete([{"role": "user", "content": "?"}], {})

    return settles(asyncio.run, run())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_servers(name):
    answer, _ = ask(HOSTILE[name], seconds=20.0)
    assert isinstance(answer, InputError)
    assert len(str(answer)) < 3000 and "sk-very-secret" not in str(answer)


def test_an_address_that_is_none():
    async def run():
        endpoint = HostedEndpoint("http://host\x1b[2J/v1", "sk-very-secret", "m")
        async with CompletionClient(endpoint, request_seconds=5, tries=2, first_pause=0.01) as client:
            return await client.complete([{"role": "user", "content": "?"}], {})

    answer = settles(asyncio.run, run())
    assert isinstance(answer, RequestFailed) and "\x1b" not in str(answer)


def test_a_slow_drip_ends_at_the_deadline():
    answer, _ = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 900, seconds=0.4, drip=0.05)
    assert isinstance(answer, RequestFailed) and "TimeoutError" in str(answer)


@pytest.mark.parametrize("status", [b"200 OK", b"500 No"])
def test_an_endless_reply_is_cut_at_its_limit(status):
    """MAX_REPLY is read of each try, and no more than a socket buffers is sent beyond it."""
    sent = []

    async def flood(reader, writer):
        sent.append(0)
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n\r\n{")
            while True:
                writer.write(b" " * 2**16)
                await writer.drain()
                sent[-1] += 2**16
        except ConnectionError:
            pass
        finally:
            writer.close()

    answer = answer_of(flood, seconds=30.0)
    assert isinstance(answer, RequestFailed) and f"more than {MAX_REPLY} bytes" in str(answer)
    assert len(sent) == 2 and MAX_REPLY < max(sent) < 2 * MAX_REPLY


def test_a_reply_that_unpacks_to_more_than_its_limit_is_given_up():
    packed = gzip.compress(b" " * (4 * MAX_REPLY))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + str(len(packed)).encode() + b"\r\n\r\n"
    answer, _ = ask(head + packed, seconds=20.0)
    assert isinstance(answer, RequestFailed) and f"more than {MAX_REPLY} bytes" in str(answer)


def test_a_key_is_sent_to_no_other_host():
    """A redirect is an error: whoever answers for an endpoint could else name any host and get question and key."""
    other: list[bytes] = []

    async def listen(ready, stop):
        async def take(reader, writer):
            other.append(await reader.read(65536))
            writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        ready.append(server.sockets[0].getsockname()[1])
        async with server:
            while not stop.is_set():
                await asyncio.sleep(0.02)

    ready: list[int] = []
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(listen(ready, stop)))
    thread.start()
    try:
        while not ready:
            pass
        location = f"http://localhost:{ready[0]}/v1/chat/completions".encode()
        reply = b"HTTP/1.1 307 Moved\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
        answer, _ = ask(reply, seconds=5.0)
    finally:
        stop.set()
        thread.join()
    assert isinstance(answer, InputError)
    assert not other
