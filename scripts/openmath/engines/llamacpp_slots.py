"""llama.cpp: what all prompts begin with is computed in one slot and copied into the others, instead of being computed in each."""

import os
from pathlib import Path
from typing import TypeGuard

from openmath.client.completion import Endpoint
from openmath.client.http import BadReply, TransportError, fetch
from openmath.engines.launcher import LocalServer

FOLDER = "OPENMATH_SLOT_FOLDER"  # environment variable of the server: where it may write what is in a slot
WORTH = 32  # tokens; fewer are read sooner than copied
SECONDS = 600.0  # for each step: thousands of tokens on a slow machine


def has_slots(server: Endpoint) -> TypeGuard[LocalServer]:
    """Whether it is a llama.cpp server of ours that works on several requests at a time."""
    return isinstance(server, LocalServer) and FOLDER in server.environment and (server.capacity.slots or 1) > 1


def share_beginning(server: Endpoint, tokens: list[int]) -> None:
    """Let each slot of a server that has_slots hold `tokens`.

    It changes speed alone: where it cannot be done, the log says so, and each slot reads them. Does nothing for few tokens.
    """
    if not has_slots(server) or len(tokens) < WORTH:
        return
    slots, file = server.capacity.slots or 1, Path(server.environment[FOLDER], f"slot-{os.getpid()}")
    try:
        _ask(server, "/completion", {"prompt": tokens, "n_predict": 0, "id_slot": 0})
        _ask(server, "/slots/0?action=save", {"filename": file.name})
        for slot in range(1, slots):
            _ask(server, f"/slots/{slot}?action=restore", {"filename": file.name})
    except (TransportError, BadReply) as error:
        words = " ".join(f"{type(error).__name__} {error}".split())
        print(f"llamacpp: each slot reads the beginning of the prompts itself: {words}", flush=True)
    else:
        print(f"llamacpp: {slots} slots hold the {len(tokens)} tokens that all prompts begin with", flush=True)
    finally:
        file.unlink(missing_ok=True)


def _ask(server: Endpoint, path: str, body: dict) -> None:
    reply = fetch(server.base_url.removesuffix("/v1") + path, seconds=SECONDS, api_key=server.api_key, body=body)
    if reply.status != 200:
        raise BadReply(f"{path} {reply.status} {reply.body[:200].decode(errors='replace')}")
