"""Tokenizers of checkpoints: real files of the `tokenizers` library, a stand-in for llama.cpp's server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from openmath.errors import InputError
from openmath.generation.prompts import CheckpointTokenizer, LlamaCppTokenizer, token_ids

TEMPLATE = "{{ bos_token }}{% for m in messages %}{{ m['role'] }} {{ m['content'] }}{% endfor %}"
MESSAGES = [{"role": "system", "content": ""}, {"role": "user", "content": "two"}]


def checkpoint(folder: Path, template: str | None = TEMPLATE, **config: str) -> Path:
    words = {word: number for number, word in enumerate(["<s>", "user", "system", "two", "?"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<s>"])
    # As Llama's: asked plainly it puts a BOS before every text, also before one that begins with it.
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "unk_token": "?", **config}
    config |= {"chat_template": template} if template else {}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def test_the_checkpoints_own_template_makes_the_ids(tmp_path):
    assert token_ids(CheckpointTokenizer(checkpoint(tmp_path)), "chat", MESSAGES) == [0, 1, 3]


def test_the_prompt_opens_the_turn_of_the_assistant(tmp_path):
    template = TEMPLATE + "{% if add_generation_prompt %} assistant:{% endif %}"
    tokenizer = CheckpointTokenizer(checkpoint(tmp_path, template))
    assert tokenizer.render(MESSAGES) == "<s>system user two assistant:"


def test_the_template_gets_its_variables(tmp_path):
    template = TEMPLATE + "{% if enable_thinking is defined and not enable_thinking %} two{% endif %}"
    folder = checkpoint(tmp_path, template)
    assert token_ids(CheckpointTokenizer(folder, variables={"enable_thinking": False}), "chat", MESSAGES) == [
        0,
        1,
        3,
        3,
    ]
    assert token_ids(CheckpointTokenizer(folder), "chat", MESSAGES) == [0, 1, 3]
    with pytest.raises(InputError, match=r"refuses the prompt[^@]*tokenize"):
        token_ids(CheckpointTokenizer(folder, variables={"tokenize": True}), "chat", MESSAGES)


def test_llama_cpp_renders_with_the_variables(monkeypatch):
    asked = {}
    monkeypatch.setattr(
        LlamaCppTokenizer, "_ask", lambda self, wanted, path, body: asked.update({path: body}) or "text"
    )
    assert LlamaCppTokenizer("", "", variables={"enable_thinking": True}).render(MESSAGES) == "text"
    assert asked["/apply-template"] == {"messages": MESSAGES, "chat_template_kwargs": {"enable_thinking": True}}
    LlamaCppTokenizer("", "").render(MESSAGES)
    assert asked["/apply-template"] == {"messages": MESSAGES}


def test_a_doubled_bos_is_noticed(tmp_path):
    doubled = checkpoint(tmp_path, "{{ bos_token }}" + TEMPLATE)
    with pytest.raises(InputError, match="doubled or missing BOS"):
        token_ids(CheckpointTokenizer(doubled), "chat", MESSAGES)


@pytest.mark.parametrize(
    ("template", "what"),
    [
        (None, "has no chat template"),
        ("{{ raise_exception('System role not supported') }}", "refuses the prompt[^@]*System role not supported"),
        ("{% for %}", "refuses the prompt[^@]*TemplateSyntaxError"),
        ("{{ ''.__class__.__mro__ }}", "refuses the prompt[^@]*SecurityError"),
    ],
)
def test_a_template_that_cannot_be_used_is_one_message(tmp_path, template, what):
    with pytest.raises(InputError, match=what) as error:
        token_ids(CheckpointTokenizer(checkpoint(tmp_path, template)), "chat", MESSAGES)
    assert "Hint:" in str(error.value) and str(tmp_path) in str(error.value)


@pytest.mark.parametrize("content", [None, "", "{", '{"model": 7}', "\x00\x01"])
def test_a_tokenizer_that_cannot_be_loaded_is_one_message(tmp_path, content):
    folder = checkpoint(tmp_path)
    (folder / "tokenizer.json").unlink()
    if content is not None:
        (folder / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match="Cannot load the checkpoint's tokenizer") as error:
        CheckpointTokenizer(folder)
    assert str(folder) in str(error.value)


def test_code_in_a_checkpoint_does_not_run(tmp_path):
    folder = checkpoint(tmp_path, auto_map={"AutoTokenizer": ["evil.Evil", None]}, tokenizer_class="Evil")
    ran = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass Evil: pass\n")
    try:
        CheckpointTokenizer(folder)
    except InputError:
        pass  # refused or read without its code: both are right
    assert not ran.exists()


@pytest.mark.parametrize("reply", [None, b"[]", b"{}", b"not json", b"[" * 100_000])
def test_a_server_that_is_not_llama_cpp_is_one_message(reply):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if reply else 404)
            self.send_header("Content-Length", str(len(reply or b"")))
            self.end_headers()
            self.wfile.write(reply or b"")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(InputError, match=r"does not tokenise as llama\.cpp does"):
                LlamaCppTokenizer(f"http://127.0.0.1:{server.server_port}/v1", "key")
        finally:
            server.shutdown()
