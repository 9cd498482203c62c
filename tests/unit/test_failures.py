"""Each failure of a request says what happened and what to do, whatever the server sends."""

import asyncio
import json
import time

import pytest
from unit.test_http import KEY, http, raw_server

from openmath.client.completion import CompletionClient, HostedEndpoint, RequestFailed, RequestRefused
from openmath.client.failures import without_markup, words_of
from openmath.errors import InputError

PAGE = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title><style>p {color: red}</style></head><body><p>nginx</p></html>"
FASTAPI = {"detail": [{"type": "missing", "loc": ["body", "messages"], "msg": "Field required", "input": {"a": 1}}]}


def failure(status: str, body: object = b"", *headers: str, path: str = "/v1", tries: int = 1) -> InputError:
    """What the client says of such a reply."""

    async def ask(address: str) -> None:
        endpoint = HostedEndpoint(address + path, KEY, "m")
        async with CompletionClient(endpoint, request_seconds=10, tries=tries, first_pause=0.01) as client:
            await client.complete([{"role": "user", "content": "?"}], {})

    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    with raw_server(http(status, content, *headers)) as (address, _), pytest.raises(InputError) as error:
        asyncio.run(ask(address))
    assert KEY not in str(error.value) and error.value.hint
    return error.value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "no such model", "code": 1}}, "no such model"),
        ({"error": "no such model"}, "no such model"),
        ({"error": "Unauthorized", "message": "Invalid token"}, "Unauthorized: Invalid token"),
        ({"object": "error", "message": "no such model", "code": 404}, "no such model"),
        ({"error": ["one", {"message": "two"}]}, "one; two"),
        ({"errors": [{"detail": "one"}]}, "one"),
        ({"error": {"message": {"text": "odd"}}}, "{'text': 'odd'}"),
        (
            {"error": {"message": "Provider error", "metadata": {"raw": "too long", "id": 1}}},
            "Provider error: too long",
        ),
        ({"error": {"message": "no", "metadata": {"id": 1}}}, "no"),
        ({"error": 17}, "17"),
        ({"error": None, "message": "no"}, "no"),
        ({"detail": "Not Found"}, "Not Found"),
        (FASTAPI, "body.messages: Field required"),
        (["a", "b"], "a; b"),
        ([[[[[[[[["deep"]]]]]]]]], ""),
        (5, "5"),
        (None, ""),
        ({}, ""),
    ],
)
def test_words_of_servers(body, words):
    assert words_of(body) == words


def test_an_address_without_v1():
    error = failure("404 Not Found", path="")
    assert isinstance(error, RequestRefused) and error.found == "HTTP 404: Not Found, without a word"
    assert error.hint.endswith("/v1") and "base_url" in error.hint
    assert "served_model" in failure("404 Not Found", {"detail": "Not Found"}).hint


def test_a_body_that_fastapi_refuses():
    error = failure("422 Unprocessable Entity", FASTAPI)
    assert error.found == "HTTP 422: body.messages: Field required" and error.about_request


@pytest.mark.parametrize("status", ["301 Moved", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_is_named_and_not_followed(status):
    error = failure(status, b"", f"Location: https://user:{KEY}@new.example/v1/chat/completions?key={KEY}")
    assert "new.example/v1/chat/completions" in error.found and error.hint.endswith("base_url: https://new.example/v1")
    assert "redirect" in failure(status).hint


@pytest.mark.parametrize("location", ["/v2/chat/completions", "../v2/chat/completions/"])
def test_a_redirect_to_a_path_is_shown_with_its_host(location):
    error = failure("307 Temporary Redirect", b"", f"Location: {location}")
    address = error.where.removesuffix("/v1")
    assert error.hint.endswith(f"base_url: {address}/v2")


@pytest.mark.parametrize(
    ("words", "about_request"),
    [
        ("x requires moderation on y. Your input was flagged for violence.", True),  # OpenRouter
        ("Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO", True),  # xAI
        ("Your key may not use this model.", False),
    ],
)
def test_a_403_may_be_about_one_question(words, about_request):
    error = failure("403 Forbidden", {"error": {"message": words, "code": 403}})
    assert isinstance(error, RequestRefused) and error.about_request == about_request
    assert not failure("401 Unauthorized", {"error": {"message": words}}).about_request, "this is about the key"


def test_a_limit_that_is_met_at_each_try_is_no_matter_of_billing():
    error = failure("429 Too Many Requests", {"error": {"message": "slow down"}}, tries=2)
    assert isinstance(error, RequestFailed) and "concurrent" in error.hint and "billing" not in error.hint


def test_a_wait_that_ends_the_job_is_told():
    error = failure("429 Too Many Requests", {"error": {"message": "slow down"}}, "Retry-After: 86400")
    assert isinstance(error, RequestRefused) and error.found == "HTTP 429: slow down (retry-after: 86400 s)"


@pytest.mark.parametrize("code", [{"code": "billing_not_active"}, {"type": "insufficient_quota", "code": None}])
def test_a_spent_account_is_not_asked_again(code):
    assert isinstance(failure("429 Too Many", {"error": {"message": "no"} | code}, tries=2), RequestRefused)


@pytest.mark.parametrize(
    ("body", "found", "hint"),
    [
        (PAGE, "HTTP 200 with a body that is no JSON object", "base_url"),
        ({"choices": None, "base_resp": {"status_msg": "no login"}}, "no login", "base_url"),  # MiniMax
        ({"detail": "no worker"}, "a reply without an answer in it: no worker", "base_url"),
        ({"choices": [{"message": {"content": "7"}, "finish_reason": None}]}, "finish_reason None", "limit ends an"),
        ({"error": {"message": "queue full"}}, "a success that holds an error: queue full", "log"),
    ],
)
def test_a_success_that_is_none_says_what_came(body, found, hint):
    error = failure("200 OK", body)
    assert isinstance(error, RequestFailed) and found in error.found and "BadReply" not in error.found
    assert hint in error.hint


def test_an_error_that_comes_as_a_success_is_one():
    error = failure("200 OK", {"object": "error", "message": "at most 40 tokens", "code": 400, "param": None})
    assert isinstance(error, RequestRefused) and error.about_request and error.found == "HTTP 400: at most 40 tokens"


@pytest.mark.parametrize("code", [["a", "list"], {"a": 1}, 7, None, True])
def test_a_429_with_an_odd_code_is_tried_again(code):
    error = failure("429 Too Many Requests", {"error": {"message": "slow down", "code": code}}, tries=2)
    assert isinstance(error, RequestFailed) and error.found == "HTTP 429: slow down"


def test_a_gateways_page_is_shown_as_text():
    error = failure("502 Bad Gateway", PAGE)
    assert error.found == "HTTP 502: 502 Bad Gateway nginx" and "gateway" in error.hint


def test_a_page_without_end_takes_no_time():
    started = time.process_time()
    for tag in ("<script ", "<!-- ", "<"):
        assert without_markup("<html>" + tag * 20_000)
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("401 x", "api_key_env"),
        ("403 x", "gateway"),
        ("402 x", "paid"),
        ("407 x", "proxy"),
        ("400 x", "accept"),
        ("418 x", "check"),
    ],
)
def test_each_refusal_has_its_hint(status, hint):
    assert hint in failure(status, {"error": {"message": "no"}}).hint


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": f"wrong key {KEY}"}},
        {"error": {"message": " " * 300 + "x" * 190 + KEY}},
        {"detail": [{"loc": ["header", KEY], "msg": "bad", "input": f"Bearer {KEY}"}]},
        {"error": [KEY[:9], KEY[9:]]},
        {KEY: KEY},
        "".join(f"\\u{ord(c):04x}" for c in KEY),
        f"<html><body>{KEY[:9]}<b>{KEY[9:]}</b></body></html>",
        "<html>" + "x" * 70_000 + KEY,
    ],
)
@pytest.mark.parametrize("status", ["401 Unauthorized", "500 Internal Server Error", "200 OK"])
def test_no_words_show_the_key(status, body):
    error = failure(status, body)
    plain = "".join(str(error).split())
    assert not [KEY[i : i + 9] for i in range(len(KEY) - 8) if KEY[i : i + 9] in plain]


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9/v1", "https://no-such-host.invalid/v1", "ftp://host/v1"])
def test_no_server_at_all(base_url):
    async def ask() -> None:
        endpoint = HostedEndpoint(base_url, KEY, "m")
        async with CompletionClient(endpoint, request_seconds=10, tries=1) as client:
            await client.complete([{"role": "user", "content": "?"}], {})

    with pytest.raises(RequestFailed) as error:
        asyncio.run(ask())
    assert error.value.hint and KEY not in str(error.value)
