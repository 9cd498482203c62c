"""A small engine for tests of the launcher: a server of a few lines, which a test may replace by one that misbehaves."""

import asyncio
import sys
from pathlib import Path

from openmath.engines.balance import BalancedClient
from openmath.engines.launcher import LocalServer

# Answers /health and completions; starts a child in a session of its own, as vLLM does.
SERVER = """
import http.server, json, os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
open(os.environ["PIDS"], "a").write(f"{os.getpid()} {child.pid}\\n")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.2)
        data = json.dumps({"choices": [{"text": str(os.getpid()), "finish_reason": "stop"}]}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json"); self.end_headers(); self.wfile.write(data)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def server(folder: Path, code: str = SERVER, **settings) -> LocalServer:
    return LocalServer(
        name="test",
        command=lambda port: [sys.executable, "-c", code, str(port)],
        model="m",
        log=folder / "engine.log",
        environment={"PIDS": str(folder / "pids")},
        **settings,
    )


def started(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def ask(client: BalancedClient, count: int) -> list[str]:
    answers = await asyncio.gather(*(client.complete([1], {"max_tokens": 1}) for _ in range(count)))
    return [answer.text for answer in answers]
