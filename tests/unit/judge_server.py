"""An OpenAI-compatible server for tests: counts what it is asked, fails as told, and imitates files and batches.

    with judge_server(answer, faults=[429, "hang"]) as server: ...      in a thread of the test
    python tests/unit/judge_server.py --latency 0.05                    a process of its own; prints its port

A fault is what the next request meets: an HTTP status, (status, headers), or one of
    hang        no reply, ever
    slow        the reply comes after `slow_seconds`
    drop        the connection is closed without a reply
    truncated   half of the reply, then the connection is closed
    wrong_json  a 200 that is no JSON
    no_choices  a 200 without an answer in it
A fault that is a dict is put into the choice of an otherwise good reply; {"error": ...} takes the place of the reply.
None is no fault. A reply's text comes from `answer(user turn)`.
"""

import argparse
import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where this file is the program
from unit.batch_api import BatchApi

LONGEST_HANG = 3600.0
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class JudgeServer:
    """bodies: chat requests in order of arrival. batches: by id, as the API shows them. Counts are for the tests to read."""

    def __init__(
        self,
        answer: Callable[[str], str],
        faults: Iterable = (),
        words: str = "try later",
        latency: float = 0.0,
        headers: Callable[[int], dict] = lambda number: {},
        slow_seconds: float = 1.0,
    ):
        self.answer, self.faults, self.words, self.latency = answer, list(faults), words, latency
        self.headers, self.slow_seconds = headers, slow_seconds
        self.bodies: list[dict] = []
        self.times: list[float] = []  # arrival of each chat request, loop clock
        self.model = None  # the model that replies claim to be; None: as requested
        self.fingerprint = "fp_test"
        self.finish_reason = "stop"
        self.choice: Callable[[dict], dict] = lambda request: {}  # put into the choice of a good reply
        # HTTP status for a request, or (status, JSON of the reply); also inside a batch.
        self.refuse: Callable[[dict], int | tuple[int, object] | None] = lambda request: None
        self.usage: dict = {"prompt_tokens": 11, "completion_tokens": 7}
        self.batches = BatchApi(self)
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, limit=1 << 28, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, path, _ = head.split("\r\n", 1)[0].split(" ")
                headers = {
                    k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head.split("\r\n")[1:] if line)
                }
                if "chunked" in headers.get("transfer-encoding", ""):
                    body = await _chunked(reader)
                else:
                    body = await reader.readexactly(int(headers.get("content-length", 0)))
                if not await self._reply(writer, method, path, headers, body):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away: it was killed, or gave up
        finally:
            writer.close()

    async def _reply(self, writer, method: str, path: str, headers: dict, body: bytes) -> bool:
        """Answer one request; False ends the connection."""
        if self.batches.moved and not path.endswith(("/chat/completions", "/models")):
            await _send(writer, 307, b"", {"Location": self.batches.moved + path})
            return True
        if not path.endswith("/chat/completions"):
            status, data = self.batches.handle(method, path, headers, body)
            if status is None:  # told to drop this one
                return False
            torn = method == "GET" and path.endswith("/content") and self.batches.breaks > 0
            self.batches.breaks -= torn
            data = data if isinstance(data, bytes) else json.dumps(data).encode()
            await _send(writer, status, data, {}, torn=torn)
            return not torn
        request = json.loads(body)
        self.bodies.append(request)
        self.times.append(asyncio.get_running_loop().time())
        number = len(self.bodies)
        fault = self.faults.pop(0) if self.faults else None
        if self.latency:
            await asyncio.sleep(self.latency)
        if fault == "slow":
            await asyncio.sleep(self.slow_seconds)
        if fault == "hang":
            await asyncio.sleep(LONGEST_HANG)
        if fault == "drop":
            return False
        if fault == "wrong_json":
            await _send(writer, 200, b"<html>a proxy's page</html>", {})
            return True
        status, more = fault if isinstance(fault, tuple) else (fault if isinstance(fault, int) else 200, {})
        refused, reply = self.refusal(request, {"type": "test", "code": more.get("code")})
        status = refused or status
        if status != 200:
            pass
        else:
            reply = self.completion(request)
            if fault == "no_choices":
                reply["choices"] = []
            elif isinstance(fault, dict) and fault.keys() == {"error"}:
                reply = fault
            elif isinstance(fault, dict):
                reply["choices"][0] |= fault
        await _send(
            writer, status, json.dumps(reply).encode(), {**self.headers(number), **more}, torn=fault == "truncated"
        )
        return fault != "truncated"

    def refusal(self, request: dict, more: dict | None = None) -> tuple[int | None, object]:
        """Status of a refusal, if it is one, and what a reply that is no success says."""
        refused = self.refuse(request)
        if isinstance(refused, tuple):
            return refused
        return refused, {"error": {"message": self.words} | (more or {})}

    def completion(self, request: dict) -> dict:
        text = self.answer(request["messages"][-1]["content"])
        choice = {"index": 0, "finish_reason": self.finish_reason, "message": {"role": "assistant", "content": text}}
        choice |= self.choice(request)
        common = {"id": "c", "object": "chat.completion", "created": 0, "model": self.model or request["model"]}
        return {**common, "system_fingerprint": self.fingerprint, "choices": [choice], "usage": self.usage}


async def _chunked(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _send(writer, status: int, data: bytes, headers: dict, torn: bool = False) -> None:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Error')}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(data)}", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (data[: len(data) // 2] if torn else data))
    await writer.drain()


@contextmanager
def judge_server(answer=lambda question: "Same value.\nJudgement: Yes", faults=(), **options):
    """A running JudgeServer, on a thread of its own."""
    server = JudgeServer(answer, faults, **options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(server.start(), loop).result()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(listening.close)
        asyncio.run_coroutine_threadsafe(_cancel_rest(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_rest() -> None:
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def _serve(latency: float) -> None:
    server = JudgeServer(lambda question: "Same value.\nJudgement: Yes", latency=latency)
    listening = await server.start()
    print(server.port, flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    asyncio.run(_serve(parser.parse_args().latency))
