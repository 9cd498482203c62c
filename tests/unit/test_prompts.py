from pathlib import Path

import pytest
import yaml

from openmath.dataset.arithmetic import is_wrong
from openmath.errors import InputError
from openmath.files.fingerprint import sha256_text
from openmath.generation.prompts import completion, llama3_instruct, messages_of, read_prompt, token_ids

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


class PlainTokenizer(FakeTokenizer):
    """begins: what it puts before plain text by itself."""

    def __init__(self, begins: str):
        super().__init__()
        self.begins = begins

    def start(self) -> str:
        return self.begins


def test_a_completion_is_the_examples_and_the_problem_as_plain_text(tmp_path):
    examples = [{"problem": "1 + 1", "solution": "2"}, {"problem": "2 + 1", "solution": "3"}]
    (tmp_path / "p.yaml").write_text(
        yaml.safe_dump({"system": "Add.", "user": "Q: {problem}\nA:\n", "examples": examples})
    )
    messages = messages_of(read_prompt(tmp_path / "p.yaml"), "x")
    gap = "\n" * 6
    assert completion(messages) == f"Add.{gap}Q: 1 + 1\nA:\n2{gap}Q: 2 + 1\nA:\n3{gap}Q: x\nA:\n"
    assert completion(messages_of({"system": "", "user": "{problem}", "examples": []}, "x")) == "x"
    # BOS stands before it where the tokenizer puts one itself, and only there.
    assert token_ids(PlainTokenizer(FakeTokenizer.bos), "completion", messages)[:2] == [0, ord("A")]
    assert token_ids(PlainTokenizer(""), "completion", messages)[:2] == [ord("A"), ord("d")]


def test_phrases_that_end_a_completion_are_part_of_the_prompt_only_where_there_are_some(tmp_path):
    (tmp_path / "p.yaml").write_text(yaml.safe_dump({"user": "{problem}", "stop": "\n\nProblem:"}))
    assert read_prompt(tmp_path / "p.yaml")["stop"] == ["\n\nProblem:"]
    assert "stop" not in read_prompt(PROMPTS / "math.yaml")
    (tmp_path / "p.yaml").write_text(yaml.safe_dump({"user": "{problem}", "stop": [3]}))
    with pytest.raises(InputError, match="not text"):
        read_prompt(tmp_path / "p.yaml")


@pytest.mark.parametrize("kind", ["solutions", "problems"])
@pytest.mark.parametrize("name", ["arithmetic", "gsm8k", "math"])
def test_the_examples_of_training_sets_end_in_one_right_box(name, kind):
    prompt = read_prompt(PROMPTS / f"{name}-{kind}.yaml")
    assert len(prompt["examples"]) >= 3
    for example in prompt["examples"]:
        assert example["solution"].count("\\boxed{") == (kind == "solutions")
        assert not is_wrong(example["solution"])
        assert "\n\n\n" not in example["solution"]


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("{problem} {predicted_answer}", "This is the prompt of a judge."),
        ("Is {expected_answer} right? {problem}", "This is the prompt of a judge."),
        ("{problem}\n\nAgain: {problem}", "several places for the problem"),
    ],
)
def test_what_would_be_sent_as_it_stands_is_refused(tmp_path, user, said):
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump({"user": user}))
    with pytest.raises(InputError, match=said):
        read_prompt(path)
