"""How each engine is started, and what every request to it says beside the sampling."""

from pathlib import Path

import pytest

from openmath.engines import engine_module
from openmath.settings.engine_kinds import engine_kind
from openmath.settings.sample_settings import checkpoint_identity, engine_settings

MODEL = {"dtype": "float16", "tensor_parallel": 2, "context_length": 777, "deterministic": True}


def server(engine: str, **settings):
    described = {"engine": engine, "checkpoint": "/c", "weights": "/w", "settings": MODEL | settings}
    return engine_module(engine).server(described, command=None, args="--fast 1", log=Path("engine.log"))


def flags(engine: str, **settings) -> str:
    return " ".join(server(engine, **settings).command(8123))


def test_vllm():
    command = flags("vllm")
    for wanted in ("--dtype float16", "--tensor-parallel-size 2", "--max-model-len 777", "--generation-config vllm"):
        assert wanted in command
    assert command.startswith("vllm serve /c ") and command.endswith("--port 8123 --fast 1")
    assert server("vllm").environment["VLLM_BATCH_INVARIANT"] == "1"
    assert "VLLM_BATCH_INVARIANT" not in server("vllm", deterministic=False).environment


def test_tensorrt_llm():
    command = flags("trtllm", build={"max_batch_size": 5, "max_num_tokens": 6, "max_input_len": 7})
    for wanted in ("--tp_size 2", "--max_batch_size 5", "--max_num_tokens 6", "--max_seq_len 777", "--tokenizer /c"):
        assert wanted in command
    assert command.startswith("trtllm-serve /w ") and command.endswith("--port 8123 --fast 1")


def test_tensorrt_llm_by_pytorch():
    described = {"engine": "trtllm", "checkpoint": "/c", "settings": MODEL | {"backend": "pytorch"}}
    served = engine_module("trtllm").server(described, command=None, args="--fast 1", log=Path("engine.log"))
    command = " ".join(served.command(8123))
    assert command.startswith("trtllm-serve /c --backend pytorch ") and command.endswith("--port 8123 --fast 1")
    assert "--tp_size 2" in command and "--max_seq_len 777" in command and "--max_batch_size" not in command
    assert served.model == "c"


@pytest.mark.parametrize("engine", ["vllm", "llamacpp"])
def test_only_temperature_and_top_p_shape_a_sample(engine):
    """Each has further samplers of its own, on by default or by the checkpoint."""
    assert engine_kind(engine).extra_body == {"top_k": 0, "min_p": 0.0}


def test_an_engine_is_what_it_was_asked_to_be():
    assert engine_settings("vllm", MODEL) == MODEL
    files = [{"a": "sha256:1"}, {"a": "sha256:2"}]
    one, two = (checkpoint_identity({"source": "hf:o/m", "revision": "r", "files": names}) for names in files)
    assert one != two, "other weights under the same name are another model"
