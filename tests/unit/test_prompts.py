from pathlib import Path

import pytest
import yaml

from openmath.errors import InputError
from openmath.files.fingerprint import sha256_text
from openmath.generation.prompts import llama3_instruct, messages_of, read_prompt, token_ids

PROMPTS = Path(__file__).parents[2] / "config" / "prompts"


class FakeTokenizer:
    """One token a character, but special tokens whole; `doubles` adds a BOS of its own, as vLLM does to text."""

    bos = "<|begin_of_text|>"

    def __init__(self, doubles: bool = False):
        self.doubles = doubles

    def encode(self, text: str) -> list[int]:
        ids = [0] * text.count(self.bos) + [ord(c) for c in text.replace(self.bos, "")]
        return [0, *ids] if self.doubles and len(ids) > 1 else ids


def test_the_recipe_prompt_is_the_recipes_to_the_byte():
    text = llama3_instruct(messages_of(read_prompt(PROMPTS / "math.yaml"), "2 + 2 = ?"))
    # Measured from the recipe's own tool; its empty system turn is part of it.
    assert sha256_text(text) == "979e9129f9d7d1d58bc3917c6300ee1e75fcbf46c9142802f84b5f356d8b5fb1"


def test_braces_in_a_problem_are_text():
    messages = messages_of(read_prompt(PROMPTS / "math.yaml"), "Let {problem} and $\\{1\\}$")
    assert messages[-1]["content"].endswith("Let {problem} and $\\{1\\}$")


def test_examples_are_earlier_turns(tmp_path):
    examples = [{"problem": "1 + 1", "solution": "So \\boxed{2}"}, {"problem": "2 + 1", "solution": "So \\boxed{3}"}]
    (tmp_path / "few-shot.yaml").write_text(yaml.safe_dump({"user": "Solve {problem}!", "examples": examples}))
    messages = messages_of(read_prompt(tmp_path / "few-shot.yaml"), "x")
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [m["content"] for m in messages[2:]] == ["So \\boxed{2}", "Solve 2 + 1!", "So \\boxed{3}", "Solve x!"]


def test_a_doubled_bos_is_refused():
    messages = messages_of(read_prompt(PROMPTS / "math.yaml"), "x")
    assert token_ids(FakeTokenizer(), "llama3-instruct", messages).count(0) == 1
    with pytest.raises(InputError, match="doubled"):
        token_ids(FakeTokenizer(doubles=True), "llama3-instruct", messages)
