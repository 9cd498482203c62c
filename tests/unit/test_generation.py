"""What a generation job sends, in which order, and what it refuses to publish."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from openmath.client.completion import RequestRefused
from openmath.errors import InputError
from openmath.files.rows import write_rows
from openmath.generation.decoding import refused_all
from openmath.generation.job import Generation
from openmath.generation.samples import Refusal
from openmath.generation.staging import check_runs_differ
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.sampling import ALWAYS


def generation(engine: str = "vllm", **options) -> Generation:
    """One without files."""
    made = Generation.__new__(Generation)
    defaults = {"temperature": 0.7, "top_p": 0.95, "max_new_tokens": 100, "prompt_template": "llama3-instruct"}
    made.options = SimpleNamespace(**(defaults | options))
    made.engine = {"engine": engine, "settings": {"context_length": 50}}
    made.kind = engine_kind(engine)
    made.prompt, made.mark_switches = {}, {}
    made.drawn = {key: getattr(made.options, key) for key in ALWAYS}
    return made


def test_a_sampled_run_sends_the_recipes_settings_and_its_number_as_seed():
    sampling = generation().sampling([1] * 10, "rs7")
    assert sampling == {"max_tokens": 40, "stop": ["<|eot_id|>"], "temperature": 0.7, "top_p": 0.95, "seed": 7}


def test_a_completion_ends_at_six_newlines_and_at_the_prompts_own_phrases():
    made = generation(prompt_template="completion")
    assert made.sampling([1], "rs0")["stop"] == ["\n" * 6]
    made.prompt = {"stop": ["\n\nProblem:"]}
    assert made.sampling([1], "rs0")["stop"] == ["\n" * 6, "\n\nProblem:"]


@pytest.mark.parametrize(
    ("engine", "greedy"),
    [
        ("vllm", {"temperature": 0.0, "top_p": 1.0}),
        ("trtllm", {"temperature": 1.0, "top_p": 1.0, "top_k": 1}),  # its runtime wants a positive temperature
    ],
)
def test_greedy_has_no_seed_and_is_greedy_in_the_engines_words(engine, greedy):
    sampling = generation(engine, prompt_template="chat").sampling([1] * 10, "greedy")
    assert sampling == {"max_tokens": 40, **greedy}


def test_a_prompt_that_fills_the_context_is_refused_before_it_is_sent():
    refusal = generation().sampling([1] * 50, "rs0")
    assert refusal == Refusal("the prompt has 50 tokens and the context 50, so that none is left for an answer", 50)


def test_all_runs_of_a_problem_follow_each_other():
    made = generation()
    made.problems = {"b": [{"id": "b-0"}, {"id": "b-1"}]}
    missing = {"greedy": ["b-0", "b-1"], "rs0": ["b-1"], "rs1": ["b-0", "b-1"]}
    made.staged = {("b", run): SimpleNamespace(missing=ids) for run, ids in missing.items()}
    order = [(run, row["id"]) for _, run, row in made.jobs()]
    assert order == [("greedy", "b-0"), ("rs1", "b-0"), ("greedy", "b-1"), ("rs0", "b-1"), ("rs1", "b-1")]


def test_two_runs_with_the_same_texts_are_not_published(tmp_path):
    ids = [f"b-{number}" for number in range(40)]

    def staged(run: str, differing: int, problems: int = 40) -> Path:
        texts = [f"{run if number < differing else 'rs'} {number} " * 20 for number in range(problems)]
        rows = [{"id": i, "generation": text} for i, text in zip(ids, texts, strict=False)]
        write_rows(tmp_path / f"output-{run}.jsonl", rows)
        return tmp_path / f"output-{run}.jsonl"

    check_runs_differ("b", staged("rs0", 0), staged("rs1", 3), ids)  # 37 of 40: below 95 %
    with pytest.raises(InputError, match=r"copies of each other[\s\S]*b: rs0 and rs2[\s\S]*38 of 40"):
        check_runs_differ("b", staged("rs0", 0), staged("rs2", 2), ids)
    check_runs_differ("b", staged("rs0", 0, 19), staged("rs2", 0, 19), ids)  # too few to tell


@pytest.mark.parametrize(
    ("hint", "said"),
    [("is it the key?", "key? Then run"), ("pay for it.", "it. Then run"), ("base_url: http://h/v1", "/v1. Then run")],
)
def test_a_hint_is_a_sentence_of_its_own(hint, said):
    error = RequestRefused("The endpoint refuses the request.", where="http://h/v1", found="HTTP 401", hint=hint)
    error.words = "HTTP 401"
    assert said in refused_all(error).hint
