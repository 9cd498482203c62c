"""Before the first question: an endpoint that refuses the key, leads elsewhere, or has no such model is told, and costs nothing."""

import asyncio
import json

import pytest
from unit.test_http import KEY, http, raw_server

from openmath.client import first_look
from openmath.client.completion import HostedEndpoint
from openmath.client.first_look import Unreachable, look_at_endpoint
from openmath.errors import InputError


def models(*names: object) -> bytes:
    return http("200 OK", json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode())


def look(reply: bytes, model: str | None = "qwen-7b", path: str = "/v1", **options) -> InputError | None:
    with raw_server(reply, **options) as (address, seen):
        try:
            look_at_endpoint(address + path, KEY, model, where="models: m", key_variable="SOME_KEY")
        except InputError as error:
            assert KEY not in str(error) and error.hint
            return error
        finally:
            assert all(b"Bearer " + KEY.encode() in request for request in seen)
    return None


@pytest.mark.parametrize(
    "reply",
    [
        models("llama", "qwen-7b"),
        models(),
        models(None, 7),
        models("models/qwen-7b"),  # Gemini
        http("404 Not Found", b'{"detail": "Not Found"}'),
        http("405 Method Not Allowed"),
        http("404 Not Found", b'{"detail": "no models here, and no API key"}'),
        http("500 Oh"),
        http("200 OK", b"<html>hello</html>"),
        http("200 OK", b'{"data": "none"}'),
        http("200 OK", b"[" * 100_000),
        http("200 OK", b"7"),
    ],
)
def test_an_endpoint_that_has_it_or_does_not_say_passes(reply):
    assert look(reply) is None


def test_a_misspelt_model():
    error = look(models("llama", "qwen2-7b", "mistral"), model="qwen-7b")
    assert "no model of this name" in error.what and error.found == "qwen-7b" and error.where == "models: m"
    assert error.expected == "qwen2-7b, llama, mistral" and "qwen2-7b" in error.hint
    error = look(models(*(f"m{i}" for i in range(30))), model="another")
    assert error.expected.endswith("m9 and 20 more") and "served_model" in error.hint
    assert look(models("llama"), model=None) is None


def test_a_list_alone_and_an_alias_that_it_leaves_out(monkeypatch):
    assert look(http("200 OK", b'[{"id": "other-name"}]')) is not None
    alias = first_look.Reply(200, {}, b'{"id": "qwen-latest", "object": "model"}')
    real = first_look._get
    monkeypatch.setattr(first_look, "_get", lambda url, *more: alias if "/models/" in url else real(url, *more))
    assert look(models("llama"), model="qwen-latest") is None
    assert look(models("llama"), model="qwen latest") is not None
    assert look(models("llama"), model="qwen") is None  # Anthropic: claude-x is claude-x-20260101
    assert look(models("llama"), model="qwe") is not None
    assert look(models("llama"), model="models/llama") is None


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_key_that_is_refused(status):
    error = look(http(status, json.dumps({"error": {"message": f"bad key {KEY}"}}).encode()))
    assert "refuses the key" in error.what and "bad key ***" in error.found and "SOME_KEY" in error.hint


def test_a_key_that_gemini_refuses():
    said = [
        {
            "error": {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
            }
        }
    ]
    error = look(http("400 Bad Request", json.dumps(said).encode()))
    assert "refuses the key" in error.what and "API key not valid" in error.found and "SOME_KEY" in error.hint
    assert look(http("400 Bad Request", b'{"error": "no such path"}')) is None


def test_a_redirect():
    error = look(http("308 Moved", b"", "Location: https://new.example/v1/models"))
    assert "new.example" in error.found and error.hint.endswith("base_url: https://new.example/v1")


def test_an_endpoint_that_drips(monkeypatch):
    monkeypatch.setattr(first_look, "SECONDS", 0.4)
    assert isinstance(look(models("llama"), drip=0.05), Unreachable)


def test_a_hosted_endpoint_is_looked_at_when_it_is_opened():
    async def open_it(address: str) -> None:
        async with HostedEndpoint(f"{address}/v1", KEY, "qwen"):
            pass

    with raw_server(models("llama")) as (address, _), pytest.raises(InputError, match="no model of this name"):
        asyncio.run(open_it(address))
    asyncio.run(open_it(address))  # nobody is there: requests have their tries
