"""An imitation of vLLM for tests of the launcher: it takes vLLM's command line, also of parts on several nodes, and answers a
request with its process id.

Each start appends to the file `starts` of the folder in IMITATION: [pid, when it began, when it was ready, arguments].
"""

import json
import sys
import time
from pathlib import Path

GIB = 2**30

# Dies where FAILS names its place in the order of the starts. LOADS: seconds until it is ready.
VLLM = """
import http.server, json, os, socket, sys, time
folder = os.environ["IMITATION"]
started = time.time()
time.sleep(float(os.environ.get("LOADS", 0.3)))
with open(f"{folder}/starts", "a") as file:
    file.write(json.dumps([os.getpid(), started, time.time(), sys.argv[1:]]) + "\\n")
if os.environ.get("FAILS") == str(len(open(f"{folder}/starts").readlines())):
    sys.exit("no room for the cache")
def option(name, default): return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default
meeting = option("--master-addr", ""), int(option("--master-port", 0))
if "--headless" in sys.argv:  # a part on another node, which does not notice that the others are gone
    while True:
        try:
            socket.create_connection(meeting)
            break
        except OSError:
            time.sleep(0.05)
    while True: time.sleep(1)
if meeting[1]:
    meeting_place = socket.create_server(meeting)
    parts = [meeting_place.accept() for _ in range(int(option("--nnodes", 1)) - 1)]
class Handler(http.server.BaseHTTPRequestHandler):
    def allowed(self):
        allowed = self.path == "/health" or self.headers["Authorization"] == "Bearer " + os.environ["VLLM_API_KEY"]
        if not allowed:
            self.send_response(401); self.send_header("Content-Length", "0"); self.end_headers()
        return allowed
    def do_GET(self):
        if self.allowed():
            self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if not self.allowed():
            return
        time.sleep(0.05)
        data = json.dumps({"choices": [{"text": str(os.getpid()), "finish_reason": "stop"}]}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json"); self.end_headers(); self.wfile.write(data)
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


def describe_imitation(folder: Path) -> Path:
    """Make `folder` the folder of an engine of 1 GiB."""
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    with open(checkpoint / "model.safetensors", "wb") as file:
        file.truncate(GIB)
    settings = {"dtype": "bfloat16", "tensor_parallel": 1, "context_length": 2048, "deterministic": False}
    description = {"engine": "vllm", "version": "", "model": {}, "checkpoint": str(checkpoint), "settings": settings}
    (folder / "engine.json").write_text(json.dumps(description))
    (folder / "imitation.py").write_text(VLLM)
    return folder


def imitation_command(folder: Path) -> str:
    return f"{sys.executable} {folder / 'imitation.py'}"


def started(folder: Path) -> list[list]:
    """Each start, in order."""
    path = folder / "starts"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def assert_gone(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while any(alive(pid) for pid, *_ in started(folder)):
        assert time.monotonic() < deadline, "an engine was left behind"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
