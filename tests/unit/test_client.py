import asyncio

import pytest
from unit.judge_server import judge_server

from openmath.client import CompletionClient, HostedEndpoint, RequestFailed, RequestRefused

MESSAGES = [{"role": "user", "content": "Are they equal?"}]
SECRET = "sk-very-secret-key"


def complete(server, tries=3):
    async def run():
        endpoint = HostedEndpoint(server.base_url, SECRET, "judge-1")
        async with CompletionClient(endpoint, request_seconds=10, tries=tries, first_pause=0.01) as client:
            return await client.complete(MESSAGES, {"max_tokens": 5})

    return asyncio.run(run())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_retried(status):
    with judge_server(statuses=[status, status]) as server:
        answer = complete(server)
    assert (answer.text, answer.num_prompt_tokens, answer.num_generated_tokens) == (
        "Same value.\nJudgement: Yes",
        11,
        7,
    )
    assert len(server.bodies) == 3


def test_tries_are_bounded():
    with judge_server(statuses=[500] * 9) as server, pytest.raises(RequestFailed, match="HTTP 500: try later"):
        complete(server)
    assert len(server.bodies) == 3


@pytest.mark.parametrize("status", [400, 401, 404])
def test_a_refusal_fails_at_once_with_the_servers_words(status):
    with judge_server(statuses=[status], words="no such account") as server, pytest.raises(RequestRefused) as error:
        complete(server)
    assert "no such account" in str(error.value) and SECRET not in str(error.value)
    assert len(server.bodies) == 1
