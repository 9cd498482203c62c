"""Sampling of a model's own: what is read from its checkpoint, sent to its engine, and told."""

import copy
import json
from argparse import Namespace
from pathlib import Path

import pytest
from unit import test_methods as methods
from unit.test_generate_command import evaluation, server  # noqa: F401
from unit.test_generation import generation
from unit.test_preflight import configuration, folder, impossible, only  # noqa: F401

from openmath.errors import InputError
from openmath.generation.sampling import drawn_by
from openmath.plan.files import ModelFiles
from openmath.plan.speed import model_speed
from openmath.provenance.chain import Chain, Link
from openmath.settings.command_lines import Options
from openmath.settings.config import checked_config
from openmath.settings.config_models import Sampling
from openmath.settings.sampling import NUMBERS, TYPES, checkpoint_sampling

QWEN = {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": None, "do_sample": True, "eos_token_id": [1, 2]}
ALL = {
    "temperature": 0.6,
    "top_p": 0.9,
    "max_new_tokens": 70,
    "top_k": 20,
    "min_p": 0.1,
    "repetition_penalty": 1.1,
    "presence_penalty": 1.5,
}


def test_the_checkpoint_says_what_it_says_and_no_more(tmp_path):
    (tmp_path / "generation_config.json").write_text(json.dumps(QWEN))
    assert checkpoint_sampling(tmp_path) == {"temperature": 0.6, "top_p": 0.95, "top_k": 20}


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", ["0.6", True, [1], {}, -3, float("nan"), float("inf")])
def test_a_value_that_cannot_be_is_one_message(tmp_path, key, value):
    (tmp_path / "generation_config.json").write_text(json.dumps({"top_k": 20} | {key: value}))
    with pytest.raises(InputError, match=rf"sampling cannot be used[^@]*generation_config\.json[^@]*{key} must be"):
        checkpoint_sampling(tmp_path)


@pytest.mark.parametrize("content", [None, "", "[]", "7", "{", "[" * 10_000])
def test_no_words_of_the_checkpoint_are_one_message(tmp_path, content):
    if content is not None:
        (tmp_path / "generation_config.json").write_text(content)
    with pytest.raises(InputError, match=r"generation_config\.json[^@]*Hint:"):
        checkpoint_sampling(tmp_path)


def model(**settings) -> Options:
    config = {"benchmarks": ["gsm8k"], "models": {"m": {"path": "/c"} | settings}, "generation": {}}
    return Options(checked_config(config))


def test_every_key_of_a_model_is_told_to_its_job_and_no_other():
    assert Sampling.model_fields.keys() == TYPES.keys()
    assert model(sampling=ALL).sampling("m") == [
        *("--temperature", 0.6, "--top-p", 0.9, "--max-new-tokens", 70, "--top-k", 20, "--min-p", 0.1),
        *("--repetition-penalty", 1.1, "--presence-penalty", 1.5),
    ]
    recipe = ["--temperature", 0.7, "--top-p", 0.95, "--max-new-tokens", 4096]
    assert model().sampling("m") == recipe
    assert model(sampling="from_checkpoint").sampling("m") == [*recipe, "--sampling-from-checkpoint"]
    asked = model(system="- {x}", chat_template_kwargs={"a": True}).sampling("m")
    assert asked == [*recipe, "--system=- {x}", '--chat-template-kwargs={"a": true}']


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sampling": {"top_q": 1}}, "sampling: unknown key 'top_q'; did you mean 'top_p'?"),
        ({"sampling": "from_chekpoint"}, "sampling: 'from_chekpoint' is not one of 'from_checkpoint'"),
        ({"sampling": {"top_k": -1}}, "sampling: top_k: -1 is less than the minimum of 0"),
        ({"sampling": {"temperature": "1"}}, "sampling: temperature: '1' is not of type 'number'"),
        ({"chat_template_kwargs": {"a": 1}, "prompt_template": "llama3-instruct"}, "with prompt_template: chat only"),
        ({"sampling": ALL, "engine": "own"}, "stands in every request to engine 'own' already (extra_body: top_p)"),
        ({"sampling": "from_checkpoint", "engine": "endpoint"}, "an endpoint shows no checkpoint"),
        ({"thinking": {"start": "~~", "end": "~~"}}, "thinking: start and end are the same mark"),
        ({"sampling": {"reasoning_effort": "low"}}, "sampling: reasoning_effort: is for endpoints"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_message(settings, said):
    source = (
        {"base_url": "https://a.org/v1", "served_model": "s"} if "endpoint" in settings.values() else {"path": "/c"}
    )
    own = {"serve": "s {checkpoint} {port}", "version": "v", "extra_body": {"top_p": 1, "top_k": 0}}
    config = {"benchmarks": ["gsm8k"], "models": {"m": source | settings}, "generation": {}, "engines": {"own": own}}
    with pytest.raises(InputError, match="has 1 mistake") as error:
        checked_config(config)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("engine", "penalties"),
    [
        ("vllm", {"repetition_penalty": 1.1, "presence_penalty": 1.5}),
        ("trtllm", {"repetition_penalty": 1.1, "presence_penalty": 1.5}),
        ("endpoint", {"repetition_penalty": 1.1, "presence_penalty": 1.5}),
        ("llamacpp", {"repeat_penalty": 1.1, "presence_penalty": 1.5, "repeat_last_n": 2**18}),
    ],
)
def test_each_engine_gets_what_is_set_in_its_words(engine, penalties):
    made = generation(engine, chat_template_kwargs=None)
    made.drawn, made.tokenizer = ALL, "checkpoint"
    assert made.switches("greedy") == penalties, "greedy stays greedy; penalties change which token is the likeliest"
    assert made.switches("rs0") == {"top_k": 20, "min_p": 0.1, **penalties}
    assert made.sampling([1], "rs0")["temperature"] == 0.6
    made.drawn = {"temperature": 1, "top_p": 1, "max_new_tokens": 9}
    assert made.switches("rs0") == made.switches("greedy") == {}


def test_a_model_of_an_endpoint_gets_what_is_set_and_no_more(evaluation, server):  # noqa: F811
    evaluation.engine["settings"]["extra_body"] = {"top_k": 0, "x": 7}
    options = ("--temperature", 0.6, "--top-k", 20, "--presence-penalty", 1.5, "--system", "Be brief.")
    evaluation.generate(*options, "--chat-template-kwargs", '{"enable_thinking": true}', runs=("rs3", "greedy"))
    assert len(server.bodies) == 6
    always = {"presence_penalty": 1.5, "chat_template_kwargs": {"enable_thinking": True}, "x": 7}
    for body in server.bodies:
        assert body.pop("messages")[0] == {"role": "system", "content": "Be brief."}
        drawn = {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "seed": 3}
        chosen = drawn if "seed" in body else {"temperature": 0.0, "top_p": 1.0, "top_k": 0}
        assert body == {"model": "model-1", "max_tokens": 4096, **always, **chosen}


def test_an_endpoint_is_told_how_long_to_think_and_another_effort_is_another_sample(evaluation, server):  # noqa: F811
    for effort in ("low", "low", "high"):
        evaluation.generate("--reasoning-effort", effort, runs=("rs3", "greedy"))
    assert [body["reasoning_effort"] for body in server.bodies] == ["low"] * 6 + ["high"] * 6
    hosted = {"base_url": "https://a.org/v1", "served_model": "s", "sampling": {"reasoning_effort": "high"}}
    config = checked_config({"benchmarks": ["gsm8k"], "models": {"m": hosted}, "generation": {}})
    assert Options(config).sampling("m")[-2:] == ["--reasoning-effort", "high"]


def test_an_engine_of_ours_is_asked_for_no_effort():
    options = Namespace(**dict.fromkeys(TYPES) | {"reasoning_effort": "low", "engine": "models/m/engine"})
    with pytest.raises(InputError, match=r"reasoning-effort is for endpoints.*\n  where: +models/m/engine"):
        drawn_by(options, {"engine": "vllm"})


def test_what_the_checkpoint_leaves_open_is_told(evaluation):  # noqa: F811
    evaluation.engine["checkpoint"] = str(evaluation.folder)
    (evaluation.folder / "generation_config.json").write_text(json.dumps(QWEN))
    said = evaluation.generate("--sampling-from-checkpoint", runs=("rs3",))
    assert "says temperature 0.6, top_p 0.95, top_k 20\n" in said
    assert "leaves open max_new_tokens (4096), min_p (off), repetition_penalty (off), presence_penalty (off)" in said
    assert "not applied" not in said


def test_what_the_checkpoint_says_and_no_request_does_is_a_warning(evaluation):  # noqa: F811
    evaluation.engine["checkpoint"] = str(evaluation.folder)
    off = {"num_beams": 1, "typical_p": 1.0, "bad_words_ids": None, "guidance_scale": None, "suppress_tokens": []}
    more = {"no_repeat_ngram_size": 3, "suppress_tokens": [7], "eos_token_id": [1, 2]}
    (evaluation.folder / "generation_config.json").write_text(json.dumps(QWEN | off | more))
    said = evaluation.generate("--sampling-from-checkpoint", runs=("rs3",))
    assert "warning: generation_config.json also says no_repeat_ngram_size 3, suppress_tokens [7], which is not" in said


def test_an_engine_without_checkpoint_cannot_say_how_to_sample(evaluation):  # noqa: F811
    with pytest.raises(InputError, match="no checkpoint that could say how to sample"):
        evaluation.generate("--sampling-from-checkpoint")


def test_a_checkpoint_without_advice_is_found_before_the_start():
    only(impossible(configuration(sampling="from_checkpoint")), "how the checkpoint is to be sampled")
    Path("checkpoint/generation_config.json").write_text('{"max_new_tokens": 8000}')
    too_long = only(impossible(configuration(sampling="from_checkpoint")), "leaves no room for the prompt")
    assert "models: m: sampling: max_new_tokens (8000)" in str(too_long)


def test_the_plan_follows_the_longest_answer_of_a_model():
    config = configuration(sampling={"max_new_tokens": 4096 * 8})
    speed = model_speed(config, "m", ModelFiles())
    assert speed.tokens["own"] == 560 * 8
    assert (
        "assumed (generation: tokens_per_sample, for 32,768 new tokens at most in place of 4,096)" in speed.sources[-1]
    )


def test_methods_name_what_is_set_and_whose_advice_it_is():
    record = copy.deepcopy(methods.RECORD)
    assert "top-k" not in methods.methods_text(record) and "generation_config" not in methods.methods_text(record)
    settings = record["generation"]["settings"][0]["settings"]
    settings |= ALL | {"reasoning_effort": "high", "chat_template_kwargs": {"enable_thinking": True}}
    record["config"]["models"]["openmath2"]["sampling"] = "from_checkpoint"
    text = methods.methods_text(record)
    assert "(temperature 0.6, top-p 0.9, top-k 20, min-p 0.1, seeds 0 to 255)" in text
    assert "at most 70 new tokens each, repetition penalty 1.1, presence penalty 1.5, reasoning effort high." in text
    assert 'with {"enable_thinking": true}.' in text and "generation_config.json says of sampling was followed" in text


def test_a_trace_names_what_is_set(monkeypatch):
    for part in ("files", "sample_paths", "_engine", "_benchmark"):
        monkeypatch.setattr(Chain, part, lambda *arguments: Link("", []))
    record = copy.deepcopy(methods.RECORD)
    record["generation"]["settings"][0]["settings"]["top_k"] = 20
    record["config"]["benchmarks"] = []
    facts = Chain(record, Path())._generation("math").facts
    assert "top_k 20" in facts and not [fact for fact in facts if "min_p" in fact or "not sent" in fact]
    record["generation"]["asked_without"] = ["seed", "top_p"]
    assert "not sent, since the endpoint refuses it: seed, top_p" in Chain(record, Path())._generation("math").facts
