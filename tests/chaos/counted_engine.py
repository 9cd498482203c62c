"""llama.cpp's server behind a counter, as `engines: llamacpp: command`: what is computed twice shows in its log.

    OPENMATH_ENGINE_KEY=secret python counted_engine.py --requests requests.jsonl --port 8080 --model model.gguf ...

Each request for a sample becomes a line {"run": "rs3", "prompt": "..."} of the file before the engine sees it. All options but
--requests and --port go to scripts/openmath/engines/llamacpp_server.py, whose death ends this program.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SERVER = Path(__file__).parents[2] / "scripts/openmath/engines/llamacpp_server.py"


class Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine_port: int
    requests: int  # descriptor of the log

    def do_GET(self) -> None:
        self.forward(None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/completions"):
            request = json.loads(body)
            run = f"rs{request['seed']}" if "seed" in request else "greedy"
            _, text = self.ask("POST", "/detokenize", json.dumps({"tokens": request["prompt"]}).encode())
            line = json.dumps({"run": run, "prompt": json.loads(text)["content"]}) + "\n"
            os.write(self.requests, line.encode())  # one write a line: a kill tears none
        self.forward(body)

    def forward(self, body: bytes | None) -> None:
        try:
            status, reply = self.ask(self.command, self.path, body)
        except OSError:
            status, reply = 503, b"{}"  # it still loads the model
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.engine_port)
        headers = {"Content-Type": "application/json", "Authorization": self.headers.get("Authorization", "")}
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, reply.read()

    def log_message(self, *words: object) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", required=True)
    parser.add_argument("--port", type=int, required=True)
    options, rest = parser.parse_known_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        Forward.engine_port = probe.getsockname()[1]
    Forward.requests = os.open(options.requests, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    engine = subprocess.Popen([sys.executable, str(SERVER), *rest, "--port", str(Forward.engine_port)])
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Forward)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os._exit(engine.wait() & 0xFF)


if __name__ == "__main__":
    main()
