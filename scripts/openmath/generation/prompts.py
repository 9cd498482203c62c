"""From a problem to token ids: prompt file -> chat messages -> template -> ids, with exactly the BOS the template asks for.

A prompt file (config/prompts/*.yaml) holds `system`, `user` (with `{problem}`) and optional `examples`, which become earlier
turns of the chat. A prompt template turns messages into text: `llama3-instruct` is the recipe's, spelled out here and checked
by its sha256 in the tests; `chat` is the checkpoint's own chat template; `completion` is plain text that the model goes on with,
ended by six newlines or one of the file's own `stop` phrases.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from openmath.errors import InputError
from openmath.files.yaml_files import read_yaml
from openmath.generation.chat_date import with_date

TEMPLATES = ("llama3-instruct", "chat", "completion")
LONGEST_SPECIAL = 64  # characters of a special token
OF_JUDGES = ("{predicted_answer}", "{expected_answer}")  # what else a judge's prompt has places for
ASK_SECONDS = 60.0  # of a whole reply of a tokenizer behind a server
EXAMPLE_END = "\n" * 6  # between the examples of a completion; blank lines within one are fewer
# `chat`: the engine stops at the checkpoint's end token.
STOP_PHRASES = {"llama3-instruct": ["<|eot_id|>"], "chat": [], "completion": [EXAMPLE_END]}


def read_prompt(path: str | Path, system: str | None = None) -> dict:
    """A prompt file: system (str), user (str with {problem}), examples (list of {problem, solution}; may be absent).

    stop: phrases that end a completion, only where the file has some. system: in place of the file's.
    """
    prompt = read_yaml(path, "the prompt file")
    if not isinstance(prompt, dict) or "{problem}" not in str(prompt.get("user")):
        raise InputError("The prompt file has no place for the problem.", where=path, expected="user: ... {problem}")
    if found := [name for name in OF_JUDGES if name in str(prompt["user"])]:
        expected = "{problem} alone: nothing else is put in"
        raise InputError("This is the prompt of a judge.", where=f"{path}: user", expected=expected, found=found[0])
    if (places := str(prompt["user"]).count("{problem}")) > 1:
        hint = "the others would be sent as they stand."
        raise InputError(
            "The prompt file has several places for the problem.",
            where=f"{path}: user",
            expected="{problem} once",
            found=places,
            hint=hint,
        )
    system = prompt.get("system") or "" if system is None else system
    user, examples = prompt["user"], prompt.get("examples") or []
    if not isinstance(examples, list):
        examples = [examples]
    turns = [e.get(part) if isinstance(e, dict) else None for e in examples for part in ("problem", "solution")]
    stop = prompt.get("stop") or []
    stop = stop if isinstance(stop, list) else [stop]
    if not all(isinstance(text, str) for text in (system, user, *turns, *stop)):
        expected = "system, user and stop: text; examples: a list of problem and solution, both text"
        raise InputError("A part of the prompt file is not text.", where=path, expected=expected)
    return {"system": system, "user": user, "examples": examples} | ({"stop": stop} if stop else {})


def messages_of(prompt: dict, problem: str) -> list[dict]:
    """Chat messages; the system turn is always there, empty or not, as in the recipe."""
    before, after = prompt["user"].split("{problem}", 1)  # a value is inserted, never a format: problems hold braces
    messages = [{"role": "system", "content": prompt["system"]}]
    for example in prompt["examples"]:
        messages.append({"role": "user", "content": before + example["problem"] + after})
        messages.append({"role": "assistant", "content": example["solution"]})
    return [*messages, {"role": "user", "content": before + problem + after}]


def llama3_instruct(messages: list[dict]) -> str:
    """The recipe's template; its empty system turn included."""
    turns = [f"<|start_header_id|>{m['role']}<|end_header_id|>\n\n{m['content']}<|eot_id|>" for m in messages]
    return "<|begin_of_text|>" + "".join(turns) + "<|start_header_id|>assistant<|end_header_id|>\n\n"


def completion(messages: list[dict]) -> str:
    """Plain text: the system text, the examples with their solutions, and the problem, EXAMPLE_END between them."""
    parts = [""]
    for message in messages:
        parts[-1] += message["content"]
        if message["role"] != "user" and message["content"]:
            parts.append("")
    return EXAMPLE_END.join(parts)


def without_empty_system(messages: list[dict]) -> list[dict]:
    """For a checkpoint's own chat template, which may add a default system turn or refuse an empty one."""
    return [m for m in messages if m["role"] != "system" or m["content"]]


class Tokenizer(Protocol):
    bos: str | None  # the text of the begin-of-sequence token

    def start(self) -> str:
        """What the tokenizer puts before plain text by itself: its BOS, or nothing."""

    def render(self, messages: list[dict]) -> str:
        """Text of the messages by the checkpoint's own chat template."""

    def encode(self, text: str) -> list[int]:
        """Token ids of exactly this text: special tokens are recognised, none is added."""

    def count(self, text: str) -> int:
        """Number of tokens of a text, whatever it says."""

    def is_special(self, text: str) -> bool:
        """Whether a text is one token, and of those that servers leave out of what they return."""


class CheckpointTokenizer:
    """The tokenizer of a HF checkpoint directory, by transformers.

    day: that its chat template prints, if it prints one. variables: values that the template asks for.
    """

    def __init__(self, checkpoint: str | Path, day: date | None = None, variables: dict | None = None):
        from transformers import AutoTokenizer  # 2 s to import: only where it is used

        self._checkpoint, self._day, self._variables = checkpoint, day, variables or {}
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(
                str(checkpoint), local_files_only=True, trust_remote_code=False
            )
        except Exception as error:  # which ones a missing or broken file raises is not documented
            raise InputError(
                "Cannot load the checkpoint's tokenizer.",
                where=checkpoint,
                found=f"{type(error).__name__}: {error}"[:500],
                hint="it needs tokenizer.json or tokenizer.model, and tokenizer_config.json; one with code of its own is not run.",
            ) from None
        self.bos: str | None = self._tokenizer.bos_token
        self.eos: str | None = self._tokenizer.eos_token

    @property
    def special_ids(self) -> set[int]:
        """Ids of the tokens that stand for no text of their own: ends of turns and the like."""
        return {*self._tokenizer.all_special_ids, *self._tokenizer.added_tokens_decoder}

    def is_special(self, text: str) -> bool:
        added = self._tokenizer.added_tokens_decoder.values()
        return text in self._tokenizer.all_special_tokens or any(
            token.special and token.content == text for token in added
        )

    def render(self, messages: list[dict]) -> str:
        if not self._tokenizer.chat_template:
            raise no_chat_template("prompt_template: chat", self._checkpoint)
        with _template_at_work(self._checkpoint, messages):
            template = with_date(self._tokenizer.get_chat_template(), self._day) if self._day else None
            return self._tokenizer.apply_chat_template(
                messages, chat_template=template, tokenize=False, add_generation_prompt=True, **self._variables
            )

    def start(self) -> str:
        begins = self._tokenizer("", add_special_tokens=True)["input_ids"][:1]
        return self.bos or "" if begins == [self._tokenizer.bos_token_id] else ""

    def encode(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]

    def count(self, text: str) -> int:
        return len(self.encode(text))


@contextmanager
def _template_at_work(where: object, messages: list[dict]) -> Iterator[None]:
    """A template is a program, which may raise what it likes: here it becomes one message."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            "The checkpoint's chat template refuses the prompt.",
            where=where,
            expected=f"a template for turns of {', '.join(dict.fromkeys(m['role'] for m in messages))}",
            found=f"{type(error).__name__}: {error}"[:500],
            hint="some templates take no system turn: leave `system` empty in the prompt file.",
        ) from None


def no_chat_template(where: str, checkpoint: str | Path) -> InputError:
    return InputError(
        "The checkpoint has no chat template: it is a base model, or the file was left out.",
        where=where,
        expected=f"chat_template.jinja in {checkpoint}, or chat_template in its tokenizer_config.json",
        hint="put one there; `prompt_template: llama3-instruct` brings its own, for Llama 3 models.",
    )


class LlamaCppTokenizer:
    """The tokenizer inside a GGUF file, asked through its running llama.cpp server.

    day: that its chat template prints, if it prints one. The server would print today: then the template is rendered here.
    variables: values that the template asks for.
    """

    def __init__(self, base_url: str, api_key: str, day: date | None = None, variables: dict | None = None):
        self._root, self._key = base_url.removesuffix("/v1"), api_key
        self._special: dict[str, list[int]] = {}  # ids of special tokens, which each prompt needs
        self.bos: str | None = self._ask("bos_token", "/props", None) or None
        self._day, self._template, self._variables = day, "", variables or {}
        if day:
            self._template = with_date(self._ask("chat_template", "/props", None), day)
            self._variables = {
                "bos_token": self.bos or "",
                "eos_token": self._ask("eos_token", "/props", None),
                "date_string": day.strftime("%d %b %Y"),  # as llama.cpp writes it
            } | self._variables

    def render(self, messages: list[dict]) -> str:
        if not self._day:
            body = {"messages": messages} | ({"chat_template_kwargs": self._variables} if self._variables else {})
            return self._ask("prompt", "/apply-template", body)
        from transformers.utils.chat_template_utils import render_jinja_template

        with _template_at_work(f"{self._root}/props", messages):
            rendered: Any = render_jinja_template(  # (texts, places in them), whatever its annotation says
                conversations=[messages], chat_template=self._template, add_generation_prompt=True, **self._variables
            )
            return rendered[0][0]

    def start(self) -> str:
        begins = self._ask("tokens", "/tokenize", {"content": "", "add_special": True})
        return self.bos or "" if self.bos and begins[:1] == self.encode(self.bos) else ""

    def encode(self, text: str) -> list[int]:
        if len(text) > LONGEST_SPECIAL:
            return self._tokenize(text)
        if text not in self._special:
            self._special[text] = self._tokenize(text)
        return self._special[text]

    def count(self, text: str) -> int:
        return len(self._tokenize(text))

    def is_special(self, text: str) -> bool:
        return len(self._tokenize(text)) == 1  # or a token like others, as which the server returns it in any case

    def _tokenize(self, text: str) -> list[int]:
        return self._ask("tokens", "/tokenize", {"content": text, "add_special": False, "parse_special": True})

    def _ask(self, wanted: str, path: str, body: dict | None) -> Any:
        """What the server's reply holds under `wanted`."""
        from openmath.client.http import BadReply, TransportError, fetch

        try:
            reply = fetch(self._root + path, seconds=ASK_SECONDS, api_key=self._key, body=body)
            return json.loads(reply.body)[wanted]
        except (TransportError, BadReply, ValueError, RecursionError, LookupError, TypeError) as error:
            raise InputError(
                "The engine does not tokenise as llama.cpp does.",
                where=self._root + path,
                expected=f"JSON with {wanted!r}",
                found=f"{type(error).__name__}: {error}",
                hint="`tokenizer: server` is for llama.cpp; `checkpoint` or `none` fit other engines (docs/extending.md).",
            ) from None


def token_ids(tokenizer: Tokenizer, template: str, messages: list[dict]) -> list[int]:
    """Token ids of one prompt. Raises InputError where the template does not fit the tokenizer or BOS would be doubled."""
    if template == "llama3-instruct":
        if len(tokenizer.encode("<|begin_of_text|>")) != 1:
            raise InputError(
                "The prompt template does not fit the model.",
                where="prompt_template: llama3-instruct",
                expected="<|begin_of_text|> to be one token",
                hint="use `prompt_template: chat`, the checkpoint's own.",
            )
        text = llama3_instruct(messages)
    elif template == "completion":
        text = tokenizer.start() + completion(messages)
    else:
        text = tokenizer.render(without_empty_system(messages))
    ids = tokenizer.encode(text)
    if tokenizer.bos:
        bos = tokenizer.encode(tokenizer.bos)
        found = ids.count(bos[0]) if len(bos) == 1 else 0
        # The text says how many BOS there are (ChatML opens each turn with it); a tokenizer must not add another.
        if found != text.count(tokenizer.bos) or ids[:2] == bos * 2:
            raise InputError(
                "The prompt would start with a doubled or missing BOS token.",
                where=f"prompt_template: {template}",
                expected=f"{text.count(tokenizer.bos)} x {tokenizer.bos}",
                found=f"{found}; first ids {ids[:8]}",
            )
    return ids
