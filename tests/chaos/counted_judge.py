"""The judge of the chaos test: an endpoint whose verdict follows from the question alone, and which logs what it is asked.

    python counted_judge.py --requests requests.jsonl --port 8080 --latency 0.3

Each request becomes a line {"question": "...", "attempt": 1} of the file. Every seventh question gets no verdict at first.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from unit.judge_server import JudgeServer

REPLIES = ("Same value.\nJudgement: Yes", "Different.\nJudgement: No")


class CountedJudge(JudgeServer):
    """requests: descriptor of the log."""

    requests: int

    def completion(self, request: dict) -> dict:
        question = next(m["content"] for m in request["messages"] if m["role"] == "user")
        attempt = 1 + sum(m["role"] == "assistant" for m in request["messages"])
        os.write(self.requests, json.dumps({"question": question, "attempt": attempt}).encode() + b"\n")
        number = int(hashlib.sha256(question.encode()).hexdigest(), 16)
        self.answer = lambda _: "I cannot say." if number % 7 == 0 and attempt == 1 else REPLIES[number % 2]
        return super().completion(request)


async def serve(options: argparse.Namespace) -> None:
    server = CountedJudge(lambda question: "", latency=options.latency)
    server.requests = os.open(options.requests, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    server.port = options.port
    await (await server.start()).serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.3, help="seconds before each reply")
    asyncio.run(serve(parser.parse_args()))
