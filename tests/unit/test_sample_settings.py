"""What makes a sample stale: the settings that a job writes, and what the plan makes of a changed configuration."""

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

import build_engine
import generate
from openmath.engines import endpoint, llamacpp, own, trtllm, vllm
from openmath.errors import InputError
from openmath.files.fingerprint import fingerprint
from openmath.files.rows import write_rows
from openmath.generation.job import Generation
from openmath.plan import make_plan
from openmath.plan.files import Inventory
from openmath.plan.judging import judge_attempts
from openmath.settings.command_lines import Options
from openmath.settings.config import checked_config
from openmath.settings.layout import prompt_file
from openmath.settings.sample_settings import requested_checkpoint

PROBLEMS = 3
COMMITS = ["a" * 40, "b" * 40]
PROMPT = r"""
system: ""
user: "Solve the following math problem. Make sure to put the answer (and only answer) inside \\boxed{}.\n\n{problem}"
"""
# As generation had them before there was `sample_settings`: one changed letter, and every sample of everybody is computed again.
GOLDEN = "30937decd658daa5"
GOLDEN_ENGINE = {
    "engine": "vllm",
    "checkpoint": "models/m/checkpoint",
    "version": "vllm 0.24.0",
    "model": {"source": "hf:a/b", "revision": "0" * 40, "files": "0123456789abcdef"},
    "settings": {"dtype": "bfloat16", "tensor_parallel": 1, "context_length": 8192, "deterministic": False},
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parsed(monkeypatch, script, *words: object) -> argparse.Namespace:
    """The options of a script's command line."""
    monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, words)])
    return script.parse_arguments()


@pytest.fixture
def options(folder, monkeypatch) -> argparse.Namespace:
    """Of a job whose fingerprint is known."""
    (folder / "engine").mkdir()
    (folder / "engine/engine.json").write_text(json.dumps(GOLDEN_ENGINE))
    (folder / "mini.jsonl").write_text('{"id": "mini-0", "problem": "1+1?", "expected_answer": "2"}\n')
    (folder / "prompt.yaml").write_text(PROMPT)
    words = "--engine engine --benchmarks mini.jsonl --sample-runs greedy --output-dir out --staging staging --prompt prompt.yaml"
    return parsed(monkeypatch, generate, *words.split(), "--prompt-template", "llama3-instruct")


def test_fingerprints_are_those_of_all_samples_ever_drawn(options):
    assert Generation(options).fingerprints == {"mini": GOLDEN}
    [written] = Path("staging").glob("*/*/settings.json")
    assert written.parts[1] == GOLDEN == fingerprint(json.loads(written.read_text()))


CHANGES_SAMPLES = {
    "temperature": 0.6,
    "top_p": 0.9,
    "max_new_tokens": 4095,
    "top_k": 20,
    "min_p": 0.1,
    "repetition_penalty": 1.1,
    "presence_penalty": 1.5,
    "chat_template_kwargs": {"enable_thinking": True},
    "system": "Be exact.",
    "limit": 1,
    "prompt_template": "chat",
    "prompt": "other.yaml",  # its content
    "engine": "other",
    "benchmarks": [Path("other/mini.jsonl")],
}
CHANGES_NO_SAMPLE = {
    "engine_command": "vllm2",
    "engine_args": "--max-num-seqs 1",
    "copies": 2,
    "engines_per_gpu": "auto",
    "nodes": 2,
    "sample_runs": ["rs0", "rs1"],
    "output_dir": Path("elsewhere"),
    "staging": Path("other-staging"),
    "concurrency": 7,
    "request_seconds": 9.0,
    "log": Path("other.log"),
    "extraction": "fallbacks",  # the samples are those kept; only where they are published their answers differ
    "thinking": "none",  # likewise
    "only": [Path("other/mini.jsonl")],  # fewer are drawn, as they would be
    "max_refused": 0.5,
    "ask_refused": True,
    "compress": True,
    "sampling_from_checkpoint": True,  # what it says counts, which here is nothing
    "chat_date": date(2024, 7, 26),  # this template prints none: test_chat_date.py
}


def test_every_option_of_a_job_is_known_to_change_samples_or_not(options):
    of_endpoints = {"reasoning_effort"}  # changes samples: test_sampling.py
    assert CHANGES_SAMPLES.keys() | CHANGES_NO_SAMPLE.keys() | of_endpoints == vars(options).keys()


@pytest.mark.parametrize("option", CHANGES_SAMPLES | CHANGES_NO_SAMPLE)
def test_an_option_changes_the_fingerprint_if_it_can_change_samples(options, option):
    Path("other.yaml").write_text(PROMPT.replace("Solve", "Answer"))
    Path("other").mkdir()
    Path("other/engine.json").write_text(json.dumps(GOLDEN_ENGINE | {"version": "vllm 0.24.1"}))
    Path("other/mini.jsonl").write_text('{"id": "mini-0", "problem": "1+2?", "expected_answer": "3"}\n')
    Path("models/m/checkpoint").mkdir(parents=True)
    Path("models/m/checkpoint/generation_config.json").write_text("{}")
    setattr(options, option, (CHANGES_SAMPLES | CHANGES_NO_SAMPLE)[option])
    assert (Generation(options).fingerprints["mini"] == GOLDEN) == (option in CHANGES_NO_SAMPLE)


def test_the_place_of_a_prompt_a_benchmark_or_a_checkpoint_changes_nothing(options):
    Path("elsewhere").mkdir()
    for name in ("prompt.yaml", "mini.jsonl"):
        Path(name).rename(f"elsewhere/{name}")
    options.prompt, options.benchmarks = "elsewhere/prompt.yaml", [Path("elsewhere/mini.jsonl")]
    Path("engine/engine.json").write_text(json.dumps(GOLDEN_ENGINE | {"checkpoint": "elsewhere"}))
    assert Generation(options).fingerprints["mini"] == GOLDEN


# The plan after a finished evaluation. Of each kind of model: how it is configured, and what of it changes answers.
MODELS = {
    "vllm": {"path": "checkpoint", "engine": "vllm"},
    "hub": {"hf": "a/b", "engine": "vllm"},
    "pinned": {"hf": f"a/b@{COMMITS[0]}", "engine": "vllm"},
    "trtllm": {"path": "checkpoint", "engine": "trtllm"},
    "llamacpp": {"pypi": "wheel==1.0", "engine": "llamacpp"},
    "endpoint": {"base_url": "https://a.example/v1", "engine": "endpoint", "served_model": "served"},
    "own": {"path": "checkpoint", "engine": "mine"},
}
MINE = {"serve": "my-server --model {checkpoint} --port {port}", "version": "my-server --version"}
STALE = {  # key of the model -> another value
    "vllm": {
        "path": "other",
        "engine": "llamacpp",
        "prompt": "math-few-shot",
        "prompt_template": "llama3-instruct",
        "dtype": "float16",
        "tensor_parallel": 2,
        "pipeline_parallel": 2,
        "adapter": "a/lora@v1",
        "context_length": 4096,
        "deterministic": True,
        "sampling": {"top_k": 20},
        "system": "Be exact.",
        "chat_template_kwargs": {"enable_thinking": True},
    },
    "hub": {"hf": "a/b@v2"},
    "pinned": {"hf": f"a/b@{COMMITS[1]}"},
    "trtllm": {
        "build": {"max_input_len": 1024, "max_num_tokens": 8192, "max_batch_size": 128},
        "deterministic": True,
        "context_length": 4096,
    },
    "llamacpp": {"pypi": "wheel==1.1", "dtype": "q8_0", "context_length": 4096, "deterministic": True},
    "endpoint": {
        "base_url": "https://b.example/v1",
        "served_model": "other",
        "api_key_env": "KEY",
        "prompt": "math-few-shot",
    },
    "own": {"dtype": "float16", "context_length": 4096, "tensor_parallel": 2},
}
FRESH = {
    "vllm": {
        "engines_per_gpu": 3,
        "nodes": 1,
        "pipeline_parallel": 1,
        "seeds": 1,
        "greedy": True,
        "published_as": "paper",
        "extraction": "fallbacks",
        "thinking": {"start": "[", "end": "]"},
        "build": {"max_batch_size": 1},
    },
    "hub": {"hf": f"a/b@{COMMITS[0]}"},  # what `main` was found to be
    "pinned": {"hf": f"a/b@{COMMITS[0]}"},
    "llamacpp": {"sampling": {"temperature": 0.7}, "system": ""},  # as in `generation`, and as in the prompt file
}
STALE_GENERATION = {"temperature": 0.6, "top_p": 0.9, "max_new_tokens": 100, "limit": 2}
FRESH_GENERATION = {
    "greedy": True,
    "seeds": 2,
    "seeds_per_job": 1,
    "num_jobs": 1,
    "benchmarks_per_job": 1,
    "engines_per_job": 2,
    "concurrency": 7,
    "runtime": 1,
    "gpu_model": "h100",
    "mem_mb": 1,
    "threads": 1,
    "tokens_per_second": 1,
    "tokens_per_sample": 1,
}
STALE_OWN_ENGINE = {
    "serve": "my-server --fast --model {checkpoint} --port {port}",
    "health": "/ready",
    "tokenizer": "none",
    "extra_body": {"top_k": 5},
    "gpu": False,
}
FRESH_OWN_ENGINE = {"args": "--fast", "command": "/opt/my-server", "image": "docker://mine", "health": "/health"}


def configuration(
    kind: str, *, model: dict | None = None, generation: dict | None = None, engine: dict | None = None
) -> dict:
    return checked_config(
        {
            "benchmarks": ["toy"],
            "models": {"m": MODELS[kind] | (model or {})},
            "generation": {"seeds": 1} | (generation or {}),
            "engines": {"mine": MINE | (engine or {})},
        }
    )


@pytest.fixture
def finished(monkeypatch):
    """Make the evaluation of a kind of model, all but the work: engine.json and samples as their own scripts write them."""
    for module in (vllm, trtllm, llamacpp, own, endpoint):
        monkeypatch.setattr(module, "engine_version", lambda command: "1.0")
    monkeypatch.setattr(trtllm, "build", lambda checkpoint, folder, description: Path("weights"))

    def finish(kind: str, advice: dict | None = None, **model) -> dict:
        """advice: generation_config.json of the checkpoint."""
        config = configuration(kind, model=model)
        model = config["models"]["m"]
        write_rows(
            Path("data/toy.jsonl"),
            [{"id": f"toy-{n}", "problem": "?", "expected_answer": "1"} for n in range(PROBLEMS)],
        )
        Path("models/m/checkpoint").mkdir(parents=True)
        Path("models/m/checkpoint/config.json").write_text("{}")
        if advice is not None:
            Path("models/m/checkpoint/generation_config.json").write_text(json.dumps(advice))
        identity = {
            "path": ("path", None),
            "pypi": ("pypi:wheel", "1.0"),
            "hf": ("hf:a/b", COMMITS[0]),
            "base_url": (None, None),
        }
        source, revision = identity[next(key for key in identity if key in model)]
        record = {
            "source": source,
            "revision": revision,
            "files": {"w": "sha256:1"},
            "requested": requested_checkpoint(model),
        }
        Path("models/m/manifest.json").write_text(json.dumps(record))
        command = Options(config).build_engine(SimpleNamespace(model="m"))
        parsed(monkeypatch, build_engine, *command, "--output", "models/m/engine")
        build_engine.main()

        runs = Inventory(config).layout.sample_runs("m")
        words = ["--engine", "models/m/engine", "--benchmarks", "data/toy.jsonl", "--sample-runs", *runs]
        words += ["--output-dir", "results/m/eval-results", "--staging", "results/m/.staging"]
        words += ["--prompt", prompt_file(model["prompt"]), "--prompt-template", model["prompt_template"]]
        job = Generation(parsed(monkeypatch, generate, *words, *Options(config).sampling("m")))
        for run in job.staged.values():
            for name in list(run.missing):
                run.append({"id": name, "generation": "", "num_generated_tokens": 1})
        job.publish()
        assert samples_left(config) == 0
        return config

    return finish


def samples_left(config: dict) -> int:
    return sum(cost["samples"] for cost in make_plan(config)["generation"])


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, changes in STALE.items() for key in changes])
def test_a_changed_model_makes_all_its_samples_stale(finished, kind, key):
    finished(kind)
    assert samples_left(configuration(kind, model={key: STALE[kind][key]})) == 2 * PROBLEMS


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, changes in FRESH.items() for key in changes])
def test_other_changes_of_a_model_cost_nothing(finished, kind, key):
    finished(kind)
    assert samples_left(configuration(kind, model={key: FRESH[kind][key]})) == 0


@pytest.mark.parametrize("key", STALE_GENERATION)
def test_changed_sampling_makes_all_samples_stale(finished, key):
    finished("vllm")
    left = 2 * min(PROBLEMS, STALE_GENERATION.get("limit") if key == "limit" else PROBLEMS)
    assert samples_left(configuration("vllm", generation={key: STALE_GENERATION[key]})) == left


def test_sampling_of_its_own_that_is_taken_back_leaves_other_samples(finished):
    finished("vllm", sampling={"top_k": 20}, chat_template_kwargs={"enable_thinking": True})
    assert samples_left(configuration("vllm", model={"sampling": {"top_k": 20}})) == 2 * PROBLEMS
    assert samples_left(configuration("vllm")) == 2 * PROBLEMS


def test_samples_as_the_checkpoint_says_are_those_of_its_values(finished):
    config = finished("vllm", {"temperature": 0.6, "top_k": 20, "do_sample": True}, sampling="from_checkpoint")
    assert samples_left(configuration("vllm", model={"sampling": {"temperature": 0.6, "top_k": 20}})) == 0
    advice = Path("models/m/checkpoint/generation_config.json")
    advice.write_text('{"temperature": 0.6}')
    assert samples_left(config) == 2 * PROBLEMS
    advice.rename("aside")
    with pytest.raises(InputError, match=r"generation_config\.json"):
        samples_left(config)
    Path("models/m/checkpoint").rename("gone")
    assert samples_left(config) == 0, "what a checkpoint says that is not here is not known"


@pytest.mark.parametrize("key", FRESH_GENERATION)
def test_changed_speed_costs_nothing_but_new_runs(finished, key):
    finished("vllm")
    new_runs = {"seeds": 1}.get(key, 0)
    assert samples_left(configuration("vllm", generation={key: FRESH_GENERATION[key]})) == new_runs * PROBLEMS


def test_another_backend_of_tensorrt_llm_makes_all_its_samples_stale(finished):
    config = finished("trtllm")
    config["engines"] = {"trtllm": {"backend": "tensorrt"}}
    assert samples_left(config) == 0, "what it is without a word"
    config["engines"] = {"trtllm": {"backend": "pytorch"}}
    assert samples_left(config) == 2 * PROBLEMS
    for path in Path("results/m/.staging").glob("*/toy/settings.json"):
        written = json.loads(path.read_text())
        written["engine"]["settings"]["backend"] = "pytorch"
        path.write_text(json.dumps(written))
    assert samples_left(config) == 0
    assert samples_left(configuration("trtllm")) == 2 * PROBLEMS


@pytest.mark.parametrize("key", STALE_OWN_ENGINE)
def test_another_description_of_an_own_engine_makes_all_samples_stale(finished, key):
    finished("own")
    assert samples_left(configuration("own", engine={key: STALE_OWN_ENGINE[key]})) == 2 * PROBLEMS


@pytest.mark.parametrize("key", FRESH_OWN_ENGINE)
def test_how_an_own_engine_is_run_costs_nothing(finished, key):
    finished("own")
    assert samples_left(configuration("own", engine={key: FRESH_OWN_ENGINE[key]})) == 0


def test_every_key_of_generation_and_of_a_model_is_in_these_tables():
    config = configuration("vllm")
    assert config["generation"].keys() == STALE_GENERATION.keys() | FRESH_GENERATION.keys()
    known = {key for changes in (*STALE.values(), *FRESH.values()) for key in changes}
    assert config["models"]["m"].keys() <= known


def test_settings_that_come_back_find_their_samples(finished):
    config = finished("hub")
    Path("models/m/manifest.json").write_text(
        json.dumps({"source": "hf:a/b", "revision": COMMITS[1], "files": {"w": "sha256:2"}, "requested": "v2"})
    )
    assert samples_left(configuration("pinned")) == 0, "the commit is known, though another one is here"
    assert samples_left(config) == 2 * PROBLEMS, "what `main` is now shows only when it is fetched"


def test_a_checkpoint_that_was_fetched_before_requests_were_noted_is_the_configured_one(finished):
    config = finished("hub")
    record = json.loads(Path("models/m/manifest.json").read_text())
    del record["requested"]
    Path("models/m/manifest.json").write_text(json.dumps(record))
    assert samples_left(config) == 0


def test_an_engine_that_was_never_made_is_compared_as_far_as_it_is_known(finished):
    config = finished("vllm")
    Path("models/m/engine/engine.json").unlink()
    Path("models/m/manifest.json").unlink()
    assert samples_left(config) == 0
    assert samples_left(configuration("vllm", model={"dtype": "float16"})) == 2 * PROBLEMS


def test_a_self_hosted_judge_whose_engine_is_to_be_made_anew_has_no_verdicts_yet(finished):
    config = finished("vllm")
    config["judges"] = {"own": {"self_hosted": "m", "prompt": "judge-math", "max_new_tokens": 9, "tries_unparsed": 1}}
    assert judge_attempts(config, "own").settings.identity["version"] == "1.0"
    config["models"]["m"]["context_length"] = 4096
    assert judge_attempts(config, "own") is None
