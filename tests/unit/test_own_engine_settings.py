"""How an engine of the configuration's own is described, and its mistakes."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from in_process import run_script

from openmath.engines import own, read_engine
from openmath.errors import InputError
from openmath.settings.command_lines import Options
from openmath.settings.config import checked_config
from openmath.settings.layout import Layout

SERVE = "my-server --model {checkpoint} --port {port}"
MISTAKES = [
    ({"serve": SERVE}, "engines: mine: an engine of your own needs serve and version; no version"),
    ({"version": "v"}, "no serve"),
    ({"serve": "my-server --port {port}", "version": "v"}, "engines: mine: serve: has no place for {checkpoint}"),
    ({"serve": "my-server {checkpoint}", "version": "v"}, "engines: mine: serve: has no place for {port}"),
    (
        {"serve": SERVE + " --tp {gpus}", "version": "v"},
        "engines: mine: serve: unknown {gpus}; known: checkpoint, port",
    ),
    ({"serve": SERVE + " 'x", "version": "v"}, "engines: mine: serve: no closing quotation"),
    ({"serve": SERVE, "version": '"v'}, "engines: mine: version: no closing quotation"),
    ({"serve": SERVE, "version": "v", "tokenizer": "hf"}, "engines: mine: tokenizer: 'hf' is not one of"),
    ({"serve": SERVE, "version": "v", "gpus": 1}, "engines: mine: unknown key 'gpus'; did you mean 'gpu'?"),
]


def configuration(engine: dict, **model: object) -> dict:
    model = {"path": "/checkpoints/m", "engine": "mine", **model}
    return {"benchmarks": ["gsm8k"], "models": {"m": model}, "generation": {}, "engines": {"mine": engine}}


@pytest.mark.parametrize("engine, message", MISTAKES)
def test_a_mistake_names_its_key(engine, message):
    with pytest.raises(InputError) as error:
        checked_config(configuration(engine))
    assert message in str(error.value)


DESCRIBED = {"mine": {"serve": SERVE, "version": "v"}}
HOSTED = {"base_url": "http://localhost/v1", "served_model": "m", "engine": "endpoint"}
NAMES = [
    ({"engine": "vllm"}, {"vllm": {"serve": SERVE}}, "engines: vllm: serve is for an engine of your own"),
    ({"engine": "vlm"}, DESCRIBED, "models: m: engine: no engine 'vlm'; did you mean 'vllm'?"),
    ({"engine": "vllm"}, {"vlm": {"args": "--x"}}, "no serve and no version; did you mean 'vllm'?"),
    (
        {"engine": "mine", "deterministic": True},
        DESCRIBED,
        "models: m: deterministic: has no effect on engine 'mine'",
    ),
    (HOSTED | {"deterministic": True}, {}, "models: m: deterministic: has no effect on engine 'endpoint'"),
    (
        {"engine": "trtllm", "deterministic": True},
        {"trtllm": {"backend": "pytorch"}},
        "models: m: deterministic: has no effect on engine 'trtllm'",
    ),
    ({}, {"vllm": {"backend": "pytorch"}}, "engines: vllm: backend: is for trtllm"),
    ({"engine": "llamacpp", "engines_per_gpu": 2}, {}, "engines_per_gpu: engine 'llamacpp' cannot be told its share"),
    (
        {"engines_per_gpu": 0},
        {},
        "1 mistake.\n  found:    \n    models: m: engines_per_gpu: 0 is neither a number of at",
    ),
    ({"engine": "trtllm", "adapter": "a/b"}, {}, "adapter: engine 'trtllm' cannot do that; vllm can"),
    ({"engine": "trtllm", "dtype": "q8_0"}, {}, "dtype: engine 'trtllm' cannot do that; llamacpp can"),
    ({"engine": "llamacpp", "nodes": 2}, {}, "nodes: engine 'llamacpp' cannot do that; vllm can"),
    (
        {"engine": "mine", "pipeline_parallel": 2},
        DESCRIBED,
        "pipeline_parallel: engine 'mine' cannot do that; vllm can",
    ),
    (
        {"nodes": 2, "tensor_parallel": 3},
        {},
        "nodes: 3 GPUs (tensor_parallel x pipeline_parallel) cannot be dealt evenly to 2",
    ),
    (
        {"nodes": 2, "tensor_parallel": 2, "engines_per_gpu": 2},
        {},
        "has 2 nodes; engines_per_gpu: 2 asks for more copies",
    ),
    (
        {"nodes": 2, "tensor_parallel": 2},
        {"vllm": {"command": "python -m vllm.entrypoints.openai.api_server"}},
        "models: m: nodes: a part on another node needs `vllm serve`; python -m starts a whole server there",
    ),
    ({"engines_per_gpu": True}, {}, "engines_per_gpu: True is neither a number of at least 1 nor 'auto'"),
]


@pytest.mark.parametrize("model, engines, message", NAMES)
def test_names_of_engines_and_what_each_can_do(model, engines, message):
    source = {} if "base_url" in model else {"path": "/checkpoints/m"}
    config = {"benchmarks": ["gsm8k"], "models": {"m": source | model}, "generation": {}, "engines": engines}
    with pytest.raises(InputError) as error:
        checked_config(config)
    assert message in str(error.value)


@pytest.mark.parametrize("gpu, gpus", [({}, 2), ({"gpu": True}, 2), ({"gpu": False}, 0)])
def test_gpus_are_those_of_the_model_unless_it_needs_none(gpu, gpus):
    config = checked_config(configuration({"serve": SERVE, "version": "v", **gpu}, tensor_parallel=2))
    assert Layout(config).gpus("m") == gpus


def build(folder: Path, *options: str) -> subprocess.CompletedProcess:
    (folder / "checkpoint").mkdir(exist_ok=True)
    (folder / "manifest.json").write_text('{"source": "path:/m", "revision": "", "files": {}}')
    files = ("--checkpoint", "checkpoint", "--manifest", "manifest.json", "--output", "engine")
    return run_script("build_engine.py", *files, *options, cwd=folder)


def test_the_rules_options_become_the_command_of_the_server(tmp_path):
    version = shlex.join([sys.executable, "-c", "print('welcome'); print('mine 1.0')"])
    serve = SERVE + """ --dtype {dtype} --tp {tensor_parallel} --len {context_length} --json '{"a": {"b": 1}}'"""
    engine = {"serve": serve, "version": version, "tokenizer": "none", "extra_body": {"top_k": -1}, "health": "/up"}
    config = checked_config(configuration(engine, tensor_parallel=4, dtype="float16"))
    wildcards = type("Wildcards", (), {"model": "m"})
    options = Options(config).build_engine(wildcards)
    options = [word for word in map(str, options) if not word.startswith("models/")]
    options = [word for word in options if word not in ("--checkpoint", "--manifest")]
    reply = build(tmp_path, *options)
    assert reply.returncode == 0, reply.stderr
    description = read_engine(tmp_path / "engine")
    assert description["version"] == "mine 1.0" and description["settings"]["extra_body"] == {"top_k": -1}
    server = own.server(description, command=None, args="--batch 8", log=tmp_path / "log")
    expected = 'my-server --model checkpoint --port 8000 --dtype float16 --tp 4 --len 8192 --json \'{"a": {"b": 1}}\' --batch 8'
    assert server.command(8000) == shlex.split(expected)
    assert (server._health, server.model) == ("/up", "checkpoint")


@pytest.mark.parametrize("version", ["true", "no-such-program", "false"])
def test_an_engine_without_a_version_is_refused(tmp_path, version):
    reply = build(tmp_path, "--engine", "mine", f"--serve={SERVE}", f"--version={version}", "--tokenizer=none")
    assert reply.returncode == 2 and "The engine's version cannot be read." in reply.stderr
    assert "Traceback" not in reply.stderr and "Hint:" in reply.stderr


def test_by_hand_an_unknown_engine_is_told_what_it_needs(tmp_path):
    reply = build(tmp_path, "--engine", "mine")
    assert reply.returncode == 2 and "--serve and --version, or one of vllm" in reply.stderr
    (tmp_path / "engine").mkdir(exist_ok=True)
    (tmp_path / "engine/engine.json").write_text(
        json.dumps({"engine": "mine", "version": "", "model": {}, "settings": {}})
    )
    with pytest.raises(InputError, match="not the description of an engine"):
        read_engine(tmp_path / "engine")
