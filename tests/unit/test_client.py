"""The completion client against a server that fails as told, and the pacing by its headers."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from unit.judge_server import judge_server

from openmath.client.completion import CompletionClient, HostedEndpoint, RequestFailed, RequestRefused, map_concurrently
from openmath.client.pacing import Pacer, duration, retry_after, with_told_wait
from openmath.engines.balance import BalancedClient

MESSAGES = [{"role": "user", "content": "Are they equal?"}]
SECRET = "sk-very-secret-key"
SEVEN = {"type": "text", "text": "7"}


def complete(server, tries=3, requests=1, request_seconds=10.0, sampling=None):
    """The answers to so many requests, all in flight at once."""

    async def run():
        endpoint = HostedEndpoint(server.base_url, SECRET, "judge-1")
        async with CompletionClient(endpoint, request_seconds=request_seconds, tries=tries, first_pause=0.01) as client:
            asked = (client.complete(MESSAGES, sampling or {"max_tokens": 5}) for _ in range(requests))
            return [answer async for answer in map_concurrently(lambda one: one, asked, concurrency=requests)]

    return asyncio.run(run())


@pytest.mark.parametrize(
    "fault", [408, 409, 424, 425, 429, 498, 499, 500, 503, "drop", "truncated", "wrong_json", "no_choices"]
)
def test_a_passing_failure_is_retried(fault):
    with judge_server(faults=[fault, fault]) as server:
        (answer,) = complete(server)
    assert (answer.text, answer.finish_reason) == ("Same value.\nJudgement: Yes", "stop")
    assert (answer.num_prompt_tokens, answer.num_generated_tokens) == (11, 7)
    assert (answer.model, answer.system_fingerprint) == ("judge-1", "fp_test")
    assert len(server.bodies) == 3


NO_ANSWERS = [
    *(
        {"finish_reason": reason}
        for reason in ("error", "abort", "cancelled", "timeout", "stopped_early", "", None, 7, ["stop"])
    ),
    {"finish_reason": "stop", "error": {"message": "upstream broke"}},
    {"message": None},
    {"message": {"role": "assistant"}},
    {"message": {"content": [{"type": "image", "image": "x"}]}},
    *(
        {"error": error}
        for error in ("overloaded", {"message": "overloaded"}, {"message": "slow down", "code": 429}, ["?"])
    ),
]


@pytest.mark.parametrize("fault", NO_ANSWERS, ids=repr)
def test_a_success_that_is_no_answer_is_retried(fault):
    with judge_server(faults=[fault]) as server:
        (answer,) = complete(server)
    assert (answer.text, answer.finish_reason) == ("Same value.\nJudgement: Yes", "stop")
    assert len(server.bodies) == 2


def test_what_a_server_calls_itself_is_one_short_line():
    with judge_server() as server:
        server.model, server.usage = "a\n## b\x1b[2J" + "c" * 1000, ["no", "usage"]
        (answer,) = complete(server)
    assert answer.model.startswith("a ## b\\x1b[2Jcc") and len(answer.model) == 200
    assert answer.num_generated_tokens is None


def test_a_reply_that_never_is_an_answer_fails_with_its_reason():
    with judge_server(faults=[{"finish_reason": "abort"}] * 9) as server, pytest.raises(RequestFailed, match="abort"):
        complete(server)
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        *((word, "stop") for word in ("stop", "STOP", "eos", "eos_token", "end_turn", "stop_sequence", "COMPLETE")),
        *((word, "stop") for word in ("completed", "FINISH_REASON_STOP")),
        *((word, "length") for word in ("length", "max_tokens", "MAX_TOKENS", "model_length")),
        *((word, "length") for word in ("token_limit", "max_output_tokens", "model_context_window_exceeded")),
    ],
)
def test_engines_words_for_the_two_ends_of_an_answer(reason, meant):
    with judge_server(faults=[{"finish_reason": reason}]) as server:
        assert complete(server)[0].finish_reason == meant
    assert len(server.bodies) == 1, "the reply to another try ends with stop"


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ({"finish_reason": "content_filter"}, None, "content_filter"),
        ({"finish_reason": "SAFETY", "message": None}, None, "safety"),
        ({"finish_reason": "content_filter", "message": {"role": "assistant"}}, None, "content_filter"),
        ({"finish_reason": "tool_calls"}, None, "tool_calls"),
        ({"message": {"content": None, "refusal": f"I can't, {SECRET}."}}, None, "I can't, ***."),
        ({"error": {"message": "filtered", "code": "content_filter"}}, None, "filtered"),
        ({"error": {"message": "too long", "code": 400}}, 400, "too long"),
        ({"message": {"content": [{"type": "refusal", "refusal": "I won't."}]}}, None, "I won't."),
        *((status, status, "try later") for status in (400, 413, 422)),
    ],
)
def test_a_refusal_of_one_request_says_so(fault, status, words):
    with judge_server(faults=[fault]) as server, pytest.raises(RequestRefused) as error:
        complete(server)
    assert error.value.about_request and error.value.status == status
    assert words in error.value.words and SECRET not in str(error.value) + error.value.words
    assert len(server.bodies) == 1


@pytest.mark.parametrize("fault", [401, 403, 404, {"error": {"message": "pay", "code": "402"}}])
def test_a_refusal_of_all_requests_says_so(fault):
    with judge_server(faults=[fault]) as server, pytest.raises(RequestRefused) as error:
        complete(server)
    assert not error.value.about_request


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": "7"}, "7", None),
        ({"content": "7", "reasoning_content": None, "reasoning": ""}, "7", None),
        ({"content": None}, "", None),
        ({"content": None, "reasoning_content": "It is 7."}, "", "It is 7."),
        ({"content": "7", "reasoning": "It is 7."}, "7", "It is 7."),
        ({"reasoning": "It is 7."}, "", "It is 7."),
        ({"content": [{"type": "text", "text": "It is "}, {"type": "text", "text": "7."}]}, "It is 7.", None),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "3+4"}]},
                    {"type": "text", "text": "7"},
                ]
            },
            "7",
            "3+4",
        ),
        # Databricks, Anthropic with a thought that it hides, the parts of OpenAI's newer API, Mistral's with sources
        ({"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "3+4"}]}, SEVEN]}, "7", "3+4"),
        ({"content": [{"type": "redacted_thinking", "data": "EqQB"}, SEVEN]}, "7", None),
        ({"content": [{"type": "output_text", "text": "7", "annotations": []}]}, "7", None),
        ({"content": [SEVEN, {"type": "reference", "reference_ids": [1]}]}, "7", None),
        # OpenRouter, LiteLLM, Ollama
        ({"content": "7", "reasoning_details": [{"type": "reasoning.text", "text": "3+4", "id": "r"}]}, "7", "3+4"),
        ({"content": "7", "reasoning_details": [{"type": "reasoning.encrypted", "data": "EqQB"}]}, "7", None),
        ({"reasoning_details": [{"type": "reasoning.summary", "summary": "3+4"}]}, "", "3+4"),
        ({"content": "7", "thinking_blocks": [{"type": "thinking", "thinking": "3+4", "signature": "s"}]}, "7", "3+4"),
        ({"content": "", "thinking": "3+4"}, "", "3+4"),
        ({"content": "7", "reasoning": {"content": "3+4"}}, "7", "3+4"),
        ({"content": "7", "reasoning": [SECRET[:9], SECRET[9:]]}, "7", "***"),
    ],
)
def test_text_and_thought_of_a_message(message, text, reasoning):
    with judge_server(faults=[{"message": message}]) as server:
        (answer,) = complete(server)
    assert (answer.text, answer.reasoning) == (text, reasoning)


@pytest.mark.parametrize("error", [{"code": None, "message": ""}, {}, None])
def test_an_error_that_says_nothing_beside_an_answer_is_none(error):
    with judge_server(faults=[{"error": error, "finish_reason": "stop"}]) as server:
        complete(server)
    assert len(server.bodies) == 1


def test_a_refusal_beside_a_text_is_no_answer():
    parts = [{"type": "text", "text": "7"}, {"type": "refusal", "refusal": "I won't."}]
    with judge_server(faults=[{"message": {"content": parts}}]) as server:
        complete(server)
    assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("usage", "generated", "reasoning"),
    [
        ({"prompt_tokens": 10.0, "completion_tokens": 50.0}, 50, None),
        ({"prompt_tokens": 10, "completion_tokens": 50.5}, None, None),
        ({"completion_tokens": 50, "reasoning_tokens": 44}, 50, 44),  # SGLang
        ({"completion_tokens": 44, "reasoning_tokens": 44}, 44, 44),  # cut off in its thought
        ({"completion_tokens": True}, None, None),
        ({"completion_tokens": 6, "completion_tokens_details": {"reasoning_tokens": 44}}, 50, 44),  # counted apart
        ({"prompt_tokens": 1, "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 44}}, 50, 44),
    ],
)
def test_tokens_as_servers_count_them(usage, generated, reasoning):
    with judge_server() as server:
        server.usage = usage
        (answer,) = complete(server)
    assert (answer.num_generated_tokens, answer.num_reasoning_tokens) == (generated, reasoning)


def test_tries_are_bounded():
    with judge_server(faults=[500] * 9) as server, pytest.raises(RequestFailed, match="HTTP 500: try later"):
        complete(server)
    assert len(server.bodies) == 3


def test_the_pause_before_another_try_doubles(monkeypatch):
    pauses = []

    async def pause(self, seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(Pacer, "pause", pause)
    with judge_server(faults=[500] * 9) as server, pytest.raises(RequestFailed):
        complete(server, tries=4)
    first, second, third = pauses  # each between half and all of 0.01, 0.02, 0.04 seconds
    assert 0.005 <= first <= 0.01 <= second <= 0.02 <= third <= 0.04


def test_a_limit_by_the_minute_ends_no_sample(monkeypatch):
    """Of a hosted endpoint, which often does not say how long it wants to be left alone."""
    pauses = []

    async def pause(self, seconds: float) -> None:
        pauses.append(seconds)

    async def ask():
        async with BalancedClient([HostedEndpoint(server.base_url, SECRET, "judge-1")], request_seconds=10) as client:
            await client.complete(MESSAGES, {"max_tokens": 5})

    monkeypatch.setattr(Pacer, "pause", pause)
    with judge_server(faults=[429] * 7) as server:
        asyncio.run(ask())
    assert sum(pauses) > 60


def test_a_hung_request_ends_at_its_deadline():
    with judge_server(faults=["hang"] * 9) as server, pytest.raises(RequestFailed, match="TimeoutError"):
        complete(server, tries=2, request_seconds=1.0)  # a loaded machine takes a while to connect
    assert len(server.bodies) == 2


def test_nobody_listens():
    with judge_server() as server:
        pass
    with pytest.raises(RequestFailed, match="ConnectError"):
        complete(server, tries=2)


@pytest.mark.parametrize(
    "fault", [400, 401, 404, (429, {"code": "insufficient_quota"}), (429, {"retry-after": "9000"})]
)
def test_a_refusal_fails_at_once_with_the_servers_words(fault):
    with judge_server(faults=[fault], words=f"no such key {SECRET}") as server, pytest.raises(RequestRefused) as error:
        complete(server)
    assert "no such key ***" in str(error.value) and SECRET not in str(error.value)
    assert error.value.status == (fault if isinstance(fault, int) else 429)
    assert len(server.bodies) == 1


def test_retry_after_holds_all_requests_back():
    with judge_server(faults=[(429, {"retry-after": "1"})]) as server:
        complete(server)
        assert server.times[1] - server.times[0] >= 1.0

    async def second_waits():
        pacer = Pacer()
        await pacer.turn()
        start = time.monotonic()
        pacer.done({"retry-after-ms": "300"})
        await pacer.turn()
        return time.monotonic() - start

    assert asyncio.run(second_waits()) >= 0.3


def wait_after(*replies: dict, in_flight: int = 0) -> float:
    """Seconds that the next request is told to wait after replies with these headers, others being on their way."""
    waits = []

    class Impatient(Pacer):
        async def pause(self, seconds: float) -> None:
            waits.append(seconds)
            self.stop()

    async def run() -> None:
        pacer = Impatient()
        for _ in range(in_flight + len(replies)):
            await pacer.turn()
        for headers in replies:
            pacer.done(headers)
        await pacer.turn()

    asyncio.run(run())
    return sum(waits)


def test_a_later_reply_does_not_lift_a_hold():
    assert wait_after({"retry-after-ms": "90000"}, {}, {"retry-after-ms": "10"}) > 50


def test_what_is_in_flight_is_taken_off_what_is_left():
    limits = {"limit": "10", "remaining": "3", "reset": "20s"}  # 7 come back in 20 s
    headers = {f"x-ratelimit-{name}-requests": text for name, text in limits.items()}
    assert wait_after(headers, in_flight=1) == 0
    assert 8 < wait_after(headers, in_flight=5) < 9.5  # three are missing: 3 - 5, and one for the next


MANY_FORMS = {
    "seconds since 1970": lambda soon: f"{soon.timestamp():.0f}",
    "with a fraction": lambda soon: f"{soon.timestamp():.3f}",
    "milliseconds since 1970": lambda soon: f"{soon.timestamp() * 1000:.0f}",
    "RFC 3339": lambda soon: soon.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "HTTP date": lambda soon: soon.strftime("%a, %d %b %Y %H:%M:%S GMT"),
    "seconds": lambda soon: "100",
    "a duration": lambda soon: "1m40s",
}


@pytest.mark.parametrize("form", MANY_FORMS)
def test_a_point_in_time_is_as_good_as_a_duration(form):
    """Seconds since 1970 were taken for a duration: the next request waited for years, a minute at a time."""
    text = MANY_FORMS[form](datetime.now(UTC) + timedelta(seconds=100))
    headers = {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "0"}
    assert wait_after(headers | {"x-ratelimit-reset-requests": text}) < 10  # one of a hundred is soon back
    assert 50 < wait_after({"retry-after": text}) < 120


IMPOSSIBLE = [
    "-5",
    "nan",
    "inf",
    "1e400",
    "9" * 400,
    "999999999",
    "soon",
    "",
    "0",
    "2001-01-01T00:00:00Z",
    "1000000000",
]


@pytest.mark.parametrize("reset", IMPOSSIBLE)
def test_a_reset_that_cannot_be_holds_nobody_back(reset):
    headers = {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0"}
    assert wait_after(headers | {"x-ratelimit-reset-requests": reset}) == 0


@pytest.mark.parametrize(
    ("limit", "remaining"), [("10", "10"), ("10", "11"), ("0", "0"), ("-1", "0"), ("9" * 400, "0"), ("10", "-1")]
)
def test_limits_that_are_none(limit, remaining):
    headers = {"limit": limit, "remaining": remaining, "reset": "100s"}
    assert wait_after({f"x-ratelimit-{name}-requests": text for name, text in headers.items()}) == 0


def test_whatever_a_server_says_a_request_goes_out_each_ten_minutes(monkeypatch):
    """Also where a reply claims to have taken two thousand million tokens."""
    clock = [1000.0]
    monkeypatch.setattr("openmath.client.pacing.time.monotonic", lambda: clock[0])

    class Sleepless(Pacer):
        async def pause(self, seconds: float) -> None:
            clock[0] += seconds

    async def run() -> float:
        pacer = Sleepless()
        await pacer.turn()
        headers = {"limit": "1000000", "remaining": "0", "reset": "172800"}
        pacer.done({f"x-ratelimit-{name}-tokens": text for name, text in headers.items()}, tokens=2**31 - 1)
        assert await pacer.turn()
        return clock[0] - 1000.0

    assert 500 < asyncio.run(run()) <= 700


def test_a_full_bucket_ends_an_earlier_wait():
    empty = {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1h",
    }
    assert wait_after(empty) > 50
    assert wait_after(empty, empty | {"x-ratelimit-remaining-requests": "10"}) == 0


def test_waiting_is_told_once_in_a_while(capsys):
    wait_after({"retry-after": "1"})
    assert capsys.readouterr().out == ""

    async def run() -> None:
        pacer = Pacer()
        await pacer.turn()
        pacer.done({"retry-after": "40"})
        waiting = [asyncio.ensure_future(pacer.turn()) for _ in range(5)]
        await asyncio.sleep(0)
        pacer.stop()
        await asyncio.gather(*waiting)

    asyncio.run(run())
    assert capsys.readouterr().out == "client: waiting 40 s, as the endpoint's headers ask (retry-after)\n"


def test_requests_are_paced_by_what_the_server_has_left():
    """A limit of 20 requests a second: 30 requests at once take at least the time that the last ones need to come back."""

    def headers(number: int) -> dict:
        left = max(0, 20 - number)
        return {
            "x-ratelimit-limit-requests": "20",
            "x-ratelimit-remaining-requests": str(left),
            "x-ratelimit-reset-requests": f"{(20 - left) * 50}ms",
        }

    async def run(server):
        endpoint = HostedEndpoint(server.base_url, SECRET, "judge-1")
        async with CompletionClient(endpoint, request_seconds=10) as client:
            asked = (client.complete(MESSAGES, {}) for _ in range(30))
            return [answer async for answer in map_concurrently(lambda one: one, asked, concurrency=4)]

    with judge_server(headers=headers) as server:
        assert len(asyncio.run(run(server))) == 30
        assert len(server.bodies) == 30
        assert server.times[-1] - server.times[18] >= 0.4  # 11 requests at 20 a second, less a little


def test_tokens_are_paced_by_what_a_request_needs():
    async def run():
        pacer = Pacer()
        await pacer.turn()
        full = {
            "x-ratelimit-limit-tokens": "1000",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "2s",
        }
        pacer.done(full, tokens=200)
        start = time.monotonic()
        await pacer.turn()  # 200 of 1000 tokens are back after 0.4 of 2 s
        return time.monotonic() - start

    assert 0.35 <= asyncio.run(run()) < 1.9


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360),
        ("120ms", 0.12),
        ("1h2m3.5s", 3723.5),
        ("1s", 1),
        ("2.5", 2.5),
        ("", None),
        ("soon", None),
        ("1x", None),
    ],
)
def test_durations(text, seconds):
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))


def test_retry_after_forms():
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after-ms": "1500", "retry-after": "2"}) == 1.5
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Rate limit reached. Please try again in 6ms. Visit https://a.org", 0.006),  # OpenAI
        ("Please try again in 7m54.336s. Need more tokens?", 474.336),  # Groq
        ("Please retry after 20 seconds.", 20),  # Azure
        ("limit: 15\nPlease retry in 37.2s.", 37.2),  # Gemini
        ("retry in 1 hour 5 min", 3900),
        ("Try again in 2 Minutes", 120),
        ("try again later, in 3 s at the earliest", None),
        ("retry after 3 months", None),
    ],
)
def test_a_wait_in_words_counts_where_no_header_names_one(words, seconds):
    asked = None if seconds is None else pytest.approx(seconds)
    assert retry_after(with_told_wait(429, {"x": "y"}, words)) == asked
    assert retry_after(with_told_wait(503, {"retry-after": "7"}, words)) == 7
    assert retry_after(with_told_wait(500, {}, words)) is None


def test_a_wait_in_words_holds_requests_back():
    with judge_server(faults=[429], words="Please try again in 0.4s.") as server:
        complete(server)
    assert server.times[1] - server.times[0] > 0.35


def test_a_stopped_client_sends_nothing_more_and_waits_for_nobody():
    async def run(server):
        endpoint = HostedEndpoint(server.base_url, SECRET, "judge-1")
        async with CompletionClient(endpoint, request_seconds=10, first_pause=60) as client:
            asked = [asyncio.ensure_future(client.complete(MESSAGES, {})) for _ in range(2)]
            while len(server.bodies) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # one is back and waits for a minute, the other is in flight
            client.stop()
            return await asyncio.gather(*asked, return_exceptions=True)

    with judge_server(faults=[(429, {"retry-after": "60"}), "slow"]) as server:
        first, second = asyncio.run(run(server))
    assert {type(first).__name__, type(second).__name__} == {"RequestFailed", "Completion"}
    assert len(server.bodies) == 2
