"""What the reply of an OpenAI-compatible endpoint says: an answer, a refusal of this one request, or nothing to be believed.

Only a reply that says by a known word that the model came to its end, or to the token limit, is a Completion. Standard library and
`openai`'s own dependencies only: this module also runs inside engine containers.
"""

from dataclasses import dataclass

from openmath.api_keys import NO_KEY, without_key, without_key_inside
from openmath.client.failures import words_of
from openmath.client.http import SHOWN, BadReply, StatusError
from openmath.errors import printable

SHOWN_NAME = 200  # characters of a model's name

# A message has one of these, or says nothing. Its own `refusal` stands in place of a text.
CONTENT_KEYS = {"content", "text", "refusal"}
# A thought that is returned apart: DeepSeek and others; vLLM and OpenRouter, which also has the details alone; LiteLLM; Ollama.
THOUGHT_KEYS = ("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "thinking")
THOUGHT_PARTS = ("thinking", "reasoning", "redacted_thinking")  # of a content in parts: Mistral, Anthropic, Databricks
TEXT_PARTS = ("text", "output_text")
WITHOUT_TEXT = ("reference",)  # Mistral's, to a source
# Where the words of a thought stand in a part of it; others are ids, signatures and what is encrypted.
WORDS_OF_THOUGHT = ("thinking", "reasoning", "reasoning_text", "summary", "content", "text")
MOST_LEVELS = 6  # of parts in parts

# What servers call the two ends of an answer, in lower case: OpenAI, vLLM, TensorRT-LLM and llama.cpp say stop and length; TGI
# eos_token and stop_sequence, Together eos, Anthropic end_turn, Cohere complete, Mistral model_length, Gemini STOP and MAX_TOKENS,
# which Google also writes with FINISH_REASON_ before them, watsonx token_limit, OpenAI's newer API completed and max_output_tokens.
FINISH_REASONS = dict.fromkeys(
    ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), "stop"
)
FINISH_REASONS |= dict.fromkeys(("length", "max_tokens", "model_length", "max_length", "token_limit"), "length")
FINISH_REASONS |= dict.fromkeys(("max_output_tokens", "max_new_tokens", "model_context_window_exceeded"), "length")

# The server, or its filter, declines this question, and would decline it again. So is a call of a tool no answer, ever:
# no tool is offered to the model.
REFUSALS = {
    "content_filter",
    "content_filtered",
    "refusal",
    "safety",
    "recitation",
    "blocklist",
    "prohibited_content",
    "spii",
}
REFUSALS |= {"error_toxic", "guardrail_intervened", "sensitive", "tool_calls", "tool_call", "tool_use", "function_call"}


class NoAnswer(Exception):
    """The endpoint, or the model, declines this request for good; the exception's text is its words."""


@dataclass(frozen=True)
class Completion:
    """One answer of an endpoint. finish_reason: 'stop', or 'length' (cut at the token limit).

    text: may be empty. reasoning: thought that the server returned apart from the text; None where there is none.
    num_generated_tokens: with those of a thought, num_reasoning_tokens, also where the text of it is not shown.
    model, system_fingerprint: as the server names them, if it does.
    """

    text: str
    finish_reason: str
    num_prompt_tokens: int | None
    num_generated_tokens: int | None
    model: str | None
    system_fingerprint: str | None
    reasoning: str | None = None
    num_reasoning_tokens: int | None = None


def completion_of(reply: dict, api_key: str = NO_KEY) -> Completion:
    """What we keep of a reply: without the key, should the server, or the model, repeat it.

    BadReply: it holds no finished answer. StatusError: an error with an HTTP status of its own. NoAnswer: declined for good.
    """
    try:
        reply = without_key_inside(reply, api_key)
        _raise_error_of(reply)
        choice, usage = reply["choices"][0], reply.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        _raise_error_of(choice)
        said = choice if choice.get("message") is None else choice["message"]
        finish_reason = _finish_reason(choice.get("finish_reason"), said)
        prompt, generated, reasoning = _tokens(usage)
        if not said.keys() & {*CONTENT_KEYS, *THOUGHT_KEYS} and not (finish_reason == "length" and reasoning):
            raise KeyError
        text, thought = _text_and_thought(said.get("content", said.get("text")))
        thoughts = (*map(_words_of_thought, map(said.get, THOUGHT_KEYS)), thought)
        completion = Completion(
            text=text or "",
            finish_reason=finish_reason,
            num_prompt_tokens=prompt,
            num_generated_tokens=generated,
            model=_name(reply.get("model")),
            system_fingerprint=_name(reply.get("system_fingerprint")),
            reasoning=next(filter(None, thoughts), None),
            num_reasoning_tokens=reasoning,
        )
        apart = any(isinstance(said.get(name), list | dict) for name in THOUGHT_KEYS)
        if isinstance(said.get("content"), list) or apart:  # parts of a text, which are put together by now
            completion = Completion(**without_key_inside(vars(completion), api_key))
        return completion
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError):
        silent = not isinstance(reply, dict) or reply.get("choices")
        words = "" if silent else without_key(words_of(reply), api_key)[:SHOWN]
        raise BadReply(f"a reply without an answer in it: {words}".rstrip(": ")) from None


def _raise_error_of(part: dict) -> None:
    """An error inside a success: by its own status, if it names one, else a fault that may pass."""
    error = part if part.get("object") == "error" else part.get("error")
    if not error or (isinstance(error, dict) and not any(error.values())):
        return
    code = error.get("code") if isinstance(error, dict) else None
    status = int(code) if isinstance(code, int | str) and str(code).isdecimal() and len(str(code)) == 3 else 0
    words = StatusError(status, {}, {"error": error})
    if code == "content_filter":
        raise NoAnswer(words.words())
    if status >= 400:
        raise words
    raise BadReply(f"a success that holds an error: {words.words()}")


def _finish_reason(value: object, said: dict) -> str:
    """'stop' or 'length'. NoAnswer where the model, by its own words, or the server declines."""
    word = value.strip().lower().removeprefix("finish_reason_") if isinstance(value, str) else ""
    refusal = None if said.get("content") else _text(said.get("refusal"))
    if refusal or word in REFUSALS:
        raise NoAnswer(" ".join(f"finish_reason {word}: {refusal or 'no answer'}".split()))
    if word not in FINISH_REASONS:
        raise BadReply(f"a reply that is no finished answer: finish_reason {value!r}")
    return FINISH_REASONS[word]


def _text_and_thought(content: object) -> tuple[str | None, str | None]:
    """The text of a message, and the thought inside it: some servers return a list of parts of both."""
    if content is None or isinstance(content, str):
        return content, None
    if not isinstance(content, list):
        raise TypeError
    text, thought = "", ""
    for part in content:
        if part["type"] in TEXT_PARTS:
            text += part["text"]
        elif part["type"] in THOUGHT_PARTS:
            thought += _words_of_thought(part)
        elif part["type"] == "refusal" and len(content) == 1:
            raise NoAnswer(f"refusal: {part['refusal']}")
        elif part["type"] not in WITHOUT_TEXT:
            raise BadReply(f"a reply with a part that is no text: {part['type']!r:.40}")
    return text, thought


def _words_of_thought(part: object, level: int = 0) -> str:
    """The words of a thought: a text, or parts of it, each with a text or parts of its own."""
    if isinstance(part, str):
        return part
    if level > MOST_LEVELS:
        return ""
    if isinstance(part, list):
        return "".join(_words_of_thought(one, level + 1) for one in part)
    if isinstance(part, dict):
        return next(filter(None, (_words_of_thought(part.get(name), level + 1) for name in WORDS_OF_THOUGHT)), "")
    return ""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(value: object) -> str | None:
    """What a server calls itself, in one line of bounded length."""
    return printable(" ".join(value.split()))[:SHOWN_NAME] or None if isinstance(value, str) else None


def _tokens(usage: dict) -> tuple[int | None, int | None, int | None]:
    """(of the prompt, generated, of these in a thought). Gemini and xAI count a thought in the total only, SGLang by no detail."""
    prompt, generated, total = map(_count, map(usage.get, ("prompt_tokens", "completion_tokens", "total_tokens")))
    details = usage.get("completion_tokens_details")
    reasoning = _count((details if isinstance(details, dict) else usage).get("reasoning_tokens"))
    if prompt is not None and generated is not None and (hidden := (total or 0) - prompt - generated) > 0:
        generated, reasoning = generated + hidden, reasoning or hidden
    if generated is not None and (reasoning or 0) > generated:  # so it is not among those that are counted
        generated += reasoning or 0
    return prompt, generated, reasoning


def _count(value: object) -> int | None:
    """Tokens as the server counts them, 50.0 too; None for what is no count."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 2**31 or value % 1:
        return None
    return int(value)
