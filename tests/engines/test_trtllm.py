"""Every flag that we give TensorRT-LLM, against the programs of the installed release. Runs in its image, skips elsewhere:

docker run --rm --gpus all -v "$PWD":/w -w /w nvcr.io/nvidia/tensorrt-llm/release:1.2.1 \\
    python3 -m pytest tests/engines/test_trtllm.py
"""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from openmath.engines import trtllm

SETTINGS = {"dtype": "bfloat16", "tensor_parallel": 1, "context_length": 8192}
SETTINGS["build"] = {"max_input_len": 4096, "max_num_tokens": 8192, "max_batch_size": 128}
PYTORCH = {"tensor_parallel": 1, "context_length": 8192, "backend": "pytorch"}
INSTALLED = importlib.util.find_spec("tensorrt_llm") is not None

pytestmark = pytest.mark.skipif(not INSTALLED, reason="tensorrt_llm is not installed")


def flags(command: list[str]) -> list[str]:
    return [word for word in command if word.startswith("--")]


@pytest.mark.parametrize(
    ("program", "given"),
    [
        (["python3", trtllm.CONVERT], trtllm.convert_command(Path("in"), Path("out"), SETTINGS)),
        (["trtllm-build"], trtllm.build_command(Path("in"), Path("out"), SETTINGS)),
        (["trtllm-serve", "serve"], trtllm.serve_flags({"checkpoint": "c", "settings": SETTINGS})),
        (["trtllm-serve", "serve"], trtllm.serve_flags({"checkpoint": "c", "settings": PYTORCH})),
    ],
    ids=["convert_checkpoint.py", "trtllm-build", "trtllm-serve", "trtllm-serve by pytorch"],
)
def test_every_flag_is_known(program, given):
    reply = subprocess.run([*program, "--help"], capture_output=True, text=True, timeout=600)
    assert reply.returncode == 0, reply.stderr
    assert not [flag for flag in flags(given) if flag not in reply.stdout]


def test_the_release_is_the_one_we_pin():
    assert trtllm.engine_version(None).startswith("tensorrt_llm 1.2.")
