"""What makes a judge, and with it the key of each of its verdicts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict

from openmath.client.parameters import LEAST_FIRST, LIMITS, Parameters
from openmath.errors import InputError
from openmath.files.fingerprint import fingerprint
from openmath.files.yaml_files import read_yaml
from openmath.judging.wording import NOTE, delimited

QUESTION_FIELDS = ("problem", "predicted_answer", "expected_answer")
FIELDS = re.compile(rf"\{{({'|'.join(QUESTION_FIELDS)})\}}")
# Sent after a reply without a verdict. A judgement has temperature 0: the same request again would give the same reply.
ASK_AGAIN = 'Write one line only: either "Judgement: Yes" or "Judgement: No".'


def read_judge_prompt(path: str | Path) -> dict[str, str]:
    """A judge prompt: system (str), user (str with the three fields), ask_again (str, for a reply without a verdict)."""
    prompt = read_yaml(path, "the judge prompt")
    if not isinstance(prompt, dict) or set(FIELDS.findall(str(prompt.get("user")))) != set(QUESTION_FIELDS):
        expected = " ".join(f"{{{name}}}" for name in QUESTION_FIELDS)
        raise InputError("A field is missing from the judge prompt.", where=path, expected=expected)
    parts = {
        "system": prompt.get("system") or "",
        "user": prompt["user"],
        "ask_again": prompt.get("ask_again") or ASK_AGAIN,
    }
    for name, text in parts.items():
        if not isinstance(text, str):
            raise InputError("A part of the judge prompt is not text.", where=f"{path}: {name}", found=f"{text!r:.80}")
    return parts


def judge_sampling(max_new_tokens: int, policy: str, by_hand: Mapping[str, Any] | None = None) -> dict:
    """Arguments of every request, as the recipe's tool sends them, but as set by hand: None leaves one out.

    The token limit is called max_tokens here, whatever its name in a request: verdicts have the same keys under both.
    """
    sampling = {"temperature": 0.0, "top_p": 0.95, "seed": 0, "max_tokens": max_new_tokens}
    if policy == "paper":
        sampling["presence_penalty"] = 1.0  # the reference sent its repetition penalty under this name
    by_hand = dict(by_hand or {})
    if "max_completion_tokens" in by_hand:
        by_hand["max_tokens"] = by_hand.pop("max_completion_tokens")
    return {name: value for name, value in (sampling | by_hand).items() if value is not None}


def judge_parameters(by_hand: Mapping[str, Any] | None = None) -> Parameters:
    """What the judge's endpoint is sent at first. What is set by hand is never left out."""
    by_hand = by_hand or {}
    limit_name = LIMITS["max_completion_tokens" in by_hand]
    return Parameters(optional=frozenset(LEAST_FIRST) - by_hand.keys(), limit_name=limit_name)


class Form(TypedDict, total=False):
    """How a question is asked where it is not asked plainly; part of its key. Empty for nearly all questions."""

    delimited: int  # the answer stands between tags: version of these (wording.DELIMITED)
    max_tokens: int  # another limit than the settings': the reply was cut at that one
    left_out: list[str]  # names of the settings' sampling that the endpoint does not take, sorted


class Described(TypedDict):
    """JudgeSettings as they are stored: what their fingerprint stands for."""

    identity: object
    prompt: dict[str, str]
    sampling: dict


@dataclass(frozen=True)
class JudgeSettings:
    """Everything about a judge that can change a verdict.

    identity: a hosted judge's model snapshot; engine, version, model and settings of a self-hosted one. The address is not
    part of it: the same snapshot behind a gateway is the same judge.
    """

    identity: object
    prompt: dict[str, str]
    sampling: dict

    def described(self) -> Described:
        return {"identity": self.identity, "prompt": self.prompt, "sampling": self.sampling}

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.described())

    @cached_property
    def prompt_fingerprint(self) -> str:
        return fingerprint(self.prompt)

    def key(self, question: dict, attempt: int = 1, form: Form | None = None) -> str:
        return verdict_key(self.fingerprint, question, attempt, form)

    def messages(self, question: dict, replies: list[str], form: Form | None = None) -> list[dict]:
        """Chat messages of one question, after the replies to it so far, none of which held a verdict.

        Values are inserted, never formatted: problems hold braces.
        """
        fenced = "delimited" in (form or {})
        values = question | {"predicted_answer": delimited(question["predicted_answer"])} if fenced else question
        user = FIELDS.sub(lambda match: str(values[match[1]]), self.prompt["user"]) + (NOTE if fenced else "")
        messages = [{"role": "system", "content": self.prompt["system"]}] if self.prompt["system"] else []
        messages.append({"role": "user", "content": user})
        for reply in replies:
            messages.append({"role": "assistant", "content": reply})
            messages.append({"role": "user", "content": self.prompt["ask_again"]})
        return messages


def verdict_key(settings_fingerprint: str, question: dict, attempt: int, form: Form | None = None) -> str:
    """Names a verdict by everything that can change it. attempt: 1, and more where a reply held no verdict."""
    fields = {name: question[name] for name in QUESTION_FIELDS}
    return fingerprint(
        {"settings": settings_fingerprint, "attempt": attempt, **fields} | ({"form": form} if form else {})
    )
