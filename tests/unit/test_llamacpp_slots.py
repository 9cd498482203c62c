"""One slot of llama.cpp reads what all prompts begin with, the others copy it: what the server is asked, what a refusal costs."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from openmath.client.completion import HostedEndpoint
from openmath.engines.launcher import LocalServer
from openmath.engines.llamacpp_slots import FOLDER, share_beginning
from openmath.engines.vitals import Capacity
from openmath.judging.beginning import share_instructions

TOKENS = list(range(40))


@pytest.fixture
def llamacpp(tmp_path):
    """A stand-in for llama.cpp's server, and the launcher's object for it. `refused`: path -> status in place of 200."""

    class Server(BaseHTTPRequestHandler):
        asked: ClassVar[list] = []
        refused: ClassVar[dict] = {}

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.asked.append((self.path, body, self.headers["Authorization"]))
            if self.path.endswith("action=save"):
                (tmp_path / body["filename"]).write_text("state")
            elif self.path.endswith("action=restore"):
                assert (tmp_path / body["filename"]).read_text() == "state"
            told = {
                "/apply-template": lambda: {"prompt": "".join(turn["content"] for turn in body["messages"])},
                "/tokenize": lambda: {"tokens": [ord(letter) for letter in body["content"]]},
            }
            self.reply(self.refused.get(self.path, 200), told.get(self.path, dict)())

        def do_GET(self) -> None:
            self.reply(200, {"bos_token": ""})

        def reply(self, status: int, content: dict) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    server = LocalServer(name="llamacpp", command=lambda port: [], model="m", log=tmp_path / "log")
    server.environment[FOLDER] = str(tmp_path)
    server.base_url = f"http://127.0.0.1:{listening.server_port}/v1"
    server.capacity = Capacity(slots=3)
    yield server, Server
    listening.shutdown()
    listening.server_close()


def paths(asked: list) -> list[str]:
    return [path for path, _, _ in asked]


def test_one_slot_reads_and_all_others_copy(llamacpp, tmp_path, capsys):
    server, seen = llamacpp
    share_beginning(server, TOKENS)
    steps = ["/completion", "/slots/0?action=save", "/slots/1?action=restore", "/slots/2?action=restore"]
    assert paths(seen.asked) == steps
    assert seen.asked[0][1] == {"prompt": TOKENS, "n_predict": 0, "id_slot": 0}
    assert {key for _, _, key in seen.asked} == {f"Bearer {server.api_key}"}
    assert list(tmp_path.iterdir()) == [], "what was copied is not left behind"
    assert "3 slots hold the 40 tokens" in capsys.readouterr().out


def test_a_server_that_cannot_is_told_and_goes_on(llamacpp, tmp_path, capsys):
    server, seen = llamacpp
    seen.refused["/slots/1?action=restore"] = 501
    share_beginning(server, TOKENS)
    assert "each slot reads the beginning of the prompts itself: BadReply /slots/1?action=restore 501" in (
        capsys.readouterr().out
    )
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_asked_where_nothing_is_gained(llamacpp):
    server, seen = llamacpp
    share_beginning(server, TOKENS[:10])
    server.capacity = Capacity(slots=1)
    share_beginning(server, TOKENS)
    server.capacity = Capacity(slots=3)
    del server.environment[FOLDER]  # an engine of one's own
    share_beginning(server, TOKENS)
    share_beginning(HostedEndpoint(server.base_url, "key", "m"), TOKENS)
    assert seen.asked == []


def test_a_judges_instructions(llamacpp):
    server, seen = llamacpp
    beginning = "Compare the two answers below, and say Yes or No. "
    share_instructions(server, ([{"role": "user", "content": beginning + end}] for end in ("q", "a1", "a2")))
    [shared] = [body["prompt"] for path, body, _ in seen.asked if path == "/completion"]
    assert shared == [ord(letter) for letter in beginning]


def test_one_question_needs_no_copies(llamacpp):
    server, seen = llamacpp
    share_instructions(server, [[{"role": "user", "content": "x" * 100}]])
    assert seen.asked == []
