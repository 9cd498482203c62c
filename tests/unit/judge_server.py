"""A small OpenAI-compatible chat server for tests: counts its requests and fails as told."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class JudgeServer(ThreadingHTTPServer):
    """statuses: HTTP statuses of the first requests (200 when used up). answer: from the user turn to the text."""

    daemon_threads = True

    def __init__(self, answer, statuses=(), words="try later"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.statuses, self.words = answer, list(statuses), words
        self.bodies: list[dict] = []
        self.lock = threading.Lock()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.bodies.append(body)
            status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            text = self.server.answer(body["messages"][-1]["content"])
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
            common = {"id": "c", "object": "chat.completion", "created": 0, "model": body["model"]}
            reply = {**common, "choices": [choice], "usage": usage}
        else:
            reply = {"error": {"message": self.server.words, "type": "test", "code": None}}
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args) -> None:
        pass


@contextmanager
def judge_server(answer=lambda question: "Same value.\nJudgement: Yes", statuses=(), words="try later"):
    server = JudgeServer(answer, statuses, words)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
