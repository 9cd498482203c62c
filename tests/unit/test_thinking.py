"""Models that think, through generate.py: servers that answer as today's do, templates that open a thought, the setting."""

import asyncio
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer
from unit.judge_server import judge_server
from unit.judging_cases import write
from unit.test_generate_command import Evaluation, solve
from unit.test_tokenizers import checkpoint

from openmath.client.http import BadReply
from openmath.client.replies import Completion, completion_of
from openmath.errors import InputError
from openmath.files.sample_rows import is_sample
from openmath.generation.prompts import CheckpointTokenizer
from openmath.generation.samples import Refusal, sample_row
from openmath.generation.staging import StagedRun
from openmath.generation.thinking import ENOUGH, Thinking, asking_for_marks
from openmath.settings.config import checked_config
from openmath.thoughts import USUAL_MARKS, Marks, thought_and_answer


@pytest.fixture(name="server")
def server_fixture():
    with judge_server(solve) as server:
        yield server


@pytest.fixture(name="evaluation")
def evaluation_fixture(tmp_path, call, server) -> Evaluation:
    return Evaluation(tmp_path, call, server, problems=2)


ANSWER = "It is \\boxed{1}."
USAGE = {"prompt_tokens": 10, "completion_tokens": 50, "total_tokens": 60}
DETAILS = USAGE | {"completion_tokens_details": {"reasoning_tokens": 44}}
HIDDEN = {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 60}  # the thought is in the total only
# Server: the message of a finished sample, of one that was cut in its thought, the word for that, usage, reasoning tokens.
SERVERS = {
    "OpenAI": ({"content": ANSWER, "refusal": None}, {"content": ""}, "length", DETAILS, 44),
    "DeepSeek": (
        {"content": ANSWER, "reasoning_content": "Is it \\boxed{0}?"},
        {"content": "", "reasoning_content": "Is it \\boxed{1}?"},
        "length",
        DETAILS,
        44,
    ),
    "Anthropic": (
        {"content": [{"type": "thinking", "thinking": "Is it \\boxed{0}?", "signature": "EqQB"}, {"type": "text", "text": ANSWER}]},
        {"content": [{"type": "thinking", "thinking": "Is it \\boxed{1}?", "signature": "EqQB"}]},
        "max_tokens",
        USAGE,
        None,
    ),
    "Gemini": ({"content": ANSWER}, {"role": "assistant"}, "length", HIDDEN, 44),
    "Gemini with thoughts": (
        {"content": f"<thought>Is it \\boxed{{0}}?</thought>{ANSWER}"},
        {"content": "<thought>Is it \\boxed{1}?"},
        "length",
        HIDDEN,
        44,
    ),
    "vLLM": ({"content": f"Is it \\boxed{{0}}?</think>{ANSWER}"}, {"content": "Is it \\boxed{1}?"}, "length", USAGE, None),
    "vLLM with a reasoning parser": (
        {"content": ANSWER, "reasoning": "Is it \\boxed{0}?"},
        {"content": None, "reasoning": "Is it \\boxed{1}?"},
        "length",
        USAGE,
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SERVERS)
def test_a_thinking_model_behind_todays_servers(evaluation, server, name):
    finished, cut, word, server.usage, reasoning = SERVERS[name]
    server.faults = [{"message": {"role": "assistant"} | finished}, {"message": cut, "finish_reason": word}]
    evaluation.generate("--concurrency", 1)
    first, second = evaluation.output()
    assert (first["predicted_answer"], second["predicted_answer"]) == ("1", None)
    assert second["finish_reason"] == "length" and second["answer_start"] is None
    assert thought_and_answer(first)[1] == ANSWER
    assert first.get("num_reasoning_tokens") == reasoning and first["num_generated_tokens"] == 50
    assert is_sample(first) and is_sample(second)


def test_a_reply_without_a_word_and_without_a_thought_is_no_answer():
    choice = {"message": {"role": "assistant"}, "finish_reason": "length"}
    with pytest.raises(BadReply):
        completion_of({"choices": [choice], "usage": USAGE})
    assert completion_of({"choices": [choice], "usage": HIDDEN}).num_generated_tokens == 50


def test_another_setting_publishes_the_kept_samples_again(evaluation, server):
    """Also to and fro; what is staged stays as it is, and is what `auto` publishes."""
    texts = ["<think>\\boxed{9}</think>so", "<think>\\boxed{9}", "Now \\boxed{9} END so", "\\boxed{3}"]
    write(
        evaluation.benchmark,
        [{"id": f"b-{n}", "problem": "What is 1 + 0?", "expected_answer": str(n)} for n in range(4)],
    )
    server.faults = [{"message": {"content": text}} for text in texts]
    evaluation.generate("--concurrency", 1)
    kept, output = evaluation.staged().read_bytes(), evaluation.folder / "out/b/output-rs3.jsonl"
    assert output.samefile(evaluation.staged())
    assert [row.get("answer_start", "-") for row in evaluation.output()] == [24, None, "-", "-"]
    server.faults = [401] * 4  # nothing is asked again
    mine = json.dumps({"start": "Now", "end": "END"})
    for setting, answers in {"none": "9993", mine: "99-3", "auto": "--93"}.items():
        evaluation.generate("--thinking", setting)
        assert [row["predicted_answer"] or "-" for row in evaluation.output()] == list(answers)
        assert evaluation.staged().read_bytes() == kept
    assert output.samefile(evaluation.staged()) and len(server.bodies) == 4
    evaluation.generate("--thinking", mine)
    assert [row.get("answer_start", 0) for row in evaluation.output()] == [0, 0, len("Now \\boxed{9} END"), 0]


def test_samples_of_earlier_versions_are_read_anew_only_where_they_think(tmp_path):
    """Their answers were those of the whole text; an answer without a thought stays, by whichever rules it was found."""
    rows = [
        {"id": "a", "generation": "<think>4</think>none", "predicted_answer": "4", "finish_reason": "stop"},
        {"id": "b", "generation": "\\boxed{5}", "predicted_answer": "found otherwise", "finish_reason": "stop"},
        {"id": "c", "generation": "", "predicted_answer": None, "finish_reason": "refused"},
    ]
    run = StagedRun(tmp_path / "staged.jsonl", ["a", "b", "c"])
    for row in rows:
        run.append(row)
    read = Thinking().published
    assert read(rows[0]) == rows[0] | {"predicted_answer": None, "answer_start": len("<think>4</think>")}
    assert read(rows[1]) is rows[1] and read(rows[2]) is rows[2] and run.differs(read)
    assert Thinking("none").published(rows[0]) is rows[0] and not run.differs(Thinking("none").published)


@pytest.mark.parametrize("setting", ["auto", Marks("<think>", "</think>")])
def test_a_thought_that_a_template_opens_and_the_limit_cuts_is_unfinished(setting):
    """The text itself says nothing; that it was staged so is known when it is published by another job."""
    thinking = Thinking(setting)
    thinking.look_at_prompt("<user>1?<assistant><think>\n")
    job = ("b", "rs0", {"id": "p", "problem": "?", "expected_answer": "1"})
    answer = Completion("Is it \\boxed{1}?", "length", 9, 20, None, None)
    row = sample_row(job, answer, hosted=False, opened=thinking.opened)
    assert (row["predicted_answer"], row["answer_start"]) == (None, None)
    assert Thinking(setting).published(row) is row
    assert Thinking("none").published(row)["predicted_answer"] == "1"
    refused = sample_row(job, Refusal("no"), hosted=False, opened=True)
    assert "answer_start" not in refused and "answer_start" not in sample_row(job, answer, hosted=False)


def test_a_prompt_that_nobody_here_sees_opens_a_thought_where_most_samples_end_one():
    """A server without a reasoning parser, whose template opens the thought: what the limit cuts has no mark at all."""
    ended = {"id": "a", "generation": "x</think>4", "finish_reason": "stop"}
    plain, whole = ended | {"generation": "4"}, ended | {"generation": "<think>x</think>4"}
    cut = {"id": "b", "generation": "\\boxed{3}", "finish_reason": "length", "predicted_answer": "3"}
    for samples, unfinished in (
        ([ended, ended, plain, cut], True),
        ([ended, plain], False),
        ([whole], False),
        ([], False),
    ):
        thinking = Thinking()
        thinking.look_at_samples(samples)
        assert (thinking.published(cut)["predicted_answer"] is None) == unfinished
        assert thinking.published(plain | {"predicted_answer": "4"})["predicted_answer"] == "4"


TOKENS = {"x<think>3+1</think>four.": (12, 5), "no thought": (12, None), "<think>3+1": (12, 12)}


@pytest.mark.parametrize("text", TOKENS)
def test_thoughts_are_counted_by_the_tokenizer(text):
    """What the server counted stays; a tokenizer that is gone loses the count and no sample."""
    generated, expected = TOKENS[text]
    thinking = Thinking(count=lambda text: len(text.split("four")) + 5)
    answer = Completion(text, "stop", 3, generated, None, None)
    assert asyncio.run(thinking.counted(answer)).num_reasoning_tokens == expected
    assert asyncio.run(thinking.counted(replace(answer, num_reasoning_tokens=1))).num_reasoning_tokens == 1

    def gone(text: str) -> int:
        raise InputError("gone")

    counted = asyncio.run(Thinking(count=gone).counted(answer))
    assert counted.num_reasoning_tokens == (12 if text == "<think>3+1" else None)


def test_an_end_mark_that_no_sample_has_is_one_warning(evaluation, server):
    """Of many: of a few it may be chance."""
    write(
        evaluation.benchmark,
        [{"id": f"b-{n}", "problem": "What is 1 + 0?", "expected_answer": "1"} for n in range(ENOUGH)],
    )
    wrong = json.dumps({"start": "<think>", "end": "</thinks>"})
    assert evaluation.generate("--thinking", wrong, "--limit", 9).count("stands in none") == 0
    assert (
        evaluation.generate("--thinking", wrong).count(
            "'</thinks>', which is to end a thought, stands in none of 100 samples"
        )
        == 1
    )
    assert "stands in none" not in evaluation.generate("--thinking", json.dumps({"start": "a", "end": "boxed"}))


@pytest.mark.parametrize(
    "wrong",
    [
        "yes",
        "{}",
        '{"start": "a"}',
        '{"start": "a", "end": "a"}',
        '{"start": "a", "end": " "}',
        '{"start": 1, "end": "a"}',
        "[" * 9999,
    ],
)
def test_a_setting_that_is_none_is_one_message(evaluation, wrong):
    with pytest.raises(SystemExit):
        evaluation.generate("--thinking", wrong)


def test_a_mark_that_begins_a_thought_cannot_end_it():
    config = {"benchmarks": ["gsm8k"], "models": {"m": {"path": "m", "thinking": {"start": "##", "end": "##"}}}}
    with pytest.raises(InputError, match="models: m: thinking: start and end are the same mark"):
        checked_config(config)


def test_the_prompt_is_looked_at_where_it_is_made(evaluation, server, monkeypatch):
    """Whether a checkpoint's template opens a thought is seen in the text that it makes."""
    from openmath.generation import job

    class Opening:
        bos, count, is_special = None, len, "[THINK]".__eq__

        def __init__(self, *_):
            pass

        def render(self, messages):
            return messages[-1]["content"] + "<think>\n"

        def encode(self, text):
            return [1]

    monkeypatch.setattr(job, "CheckpointTokenizer", Opening)
    generation = object.__new__(job.Generation)
    generation.tokenizer, generation.thinking, generation.chat_date = "checkpoint", Thinking(), None
    generation.engine = {"engine": "vllm", "checkpoint": "x", "settings": {}}
    generation.prompt = {"system": "", "user": "{problem}", "examples": []}
    generation.problems = {"b": [{"id": "p", "problem": "?"}]}
    generation.options = SimpleNamespace(prompt_template="chat", chat_template_kwargs=None)
    assert generation._encode(None) == {("b", "p"): [1]} and generation.thinking.opened
    assert generation.mark_switches == {"skip_special_tokens": False}


class SpecialTokens:
    """A tokenizer of which only this is asked."""

    def __init__(self, *special: str):
        self.is_special = special.__contains__


@pytest.mark.parametrize(
    ("engine", "settings", "asked"),
    [
        ("vllm", {}, {"skip_special_tokens": False}),
        ("trtllm", {}, {"skip_special_tokens": False}),
        ("llamacpp", {}, {"preserved_tokens": ["[THINK]", "[/THINK]"]}),
        ("own", {"tokenizer": "server"}, {"preserved_tokens": ["[THINK]", "[/THINK]"]}),
        ("own", {"tokenizer": "checkpoint", "extra_body": {"skip_special_tokens": False}}, {}),
    ],
)
def test_marks_that_are_special_tokens_are_asked_for(engine, settings, asked, capsys):
    described = {"engine": engine, "settings": settings}
    assert asking_for_marks(USUAL_MARKS, SpecialTokens("[THINK]", "[/THINK]", "</s>"), described) == asked
    assert asking_for_marks(USUAL_MARKS, SpecialTokens("</s>"), described) == {}
    assert capsys.readouterr().out == ""


def test_an_engine_that_nobody_knows_how_to_ask_for_marks_is_a_warning(capsys):
    described = {"engine": "own", "settings": {"tokenizer": "checkpoint"}}
    assert asking_for_marks(Thinking().marks, SpecialTokens("<|channel|>"), described) == {}
    assert "special tokens (<|channel|>)" in capsys.readouterr().out
    assert Thinking("none").marks == ()


def test_special_tokens_of_a_checkpoint(tmp_path):
    folder = checkpoint(tmp_path)
    path = folder / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_special_tokens(["[THINK]"])
    tokenizer.add_tokens(["<think>"])
    tokenizer.save(str(path))
    known = CheckpointTokenizer(folder)
    assert {text: known.is_special(text) for text in ("[THINK]", "<think>", "two", "<s>", "no")} == {
        "[THINK]": True,
        "<think>": False,
        "two": False,
        "<s>": True,
        "no": False,
    }
