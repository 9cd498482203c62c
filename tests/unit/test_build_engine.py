"""Engines: what is written down, what is refused before any GPU time; TensorRT-LLM's commands on stand-ins for its programs."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from in_process import run_script

from openmath.engines import read_engine, trtllm

CONFIG = {"num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 8192}

# Stand-ins: they log their arguments and write what the real programs write.
PYTHON3 = """#!/bin/sh
case "$1" in
-c) echo "$TRTLLM_VERSION" ;;
*) echo "convert $*" >> "$CALLS"; [ -z "$CONVERT_FAILS" ] || exit 1
   while [ "$1" != --output_dir ]; do shift; done; mkdir -p "$2"; echo '{}' > "$2/config.json" ;;
esac
"""
TRTLLM_BUILD = """#!/bin/sh
echo "build $*" >> "$CALLS"; [ -z "$BUILD_FAILS" ] || { echo "no kernel for this GPU" >&2; exit 1; }
while [ "$1" != --output_dir ]; do shift; done; mkdir -p "$2"; echo '{}' > "$2/config.json"; echo engine > "$2/rank0.engine"
"""
NVIDIA_SMI = '#!/bin/sh\n[ -n "$GPUS" ] || exit 9\nfor gpu in $GPUS; do echo $gpu; done\n'


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "model.safetensors").write_bytes(b"w" * 1000)
    manifest = {"source": "hf:a/b", "revision": "0" * 40, "files": {"model.safetensors": "sha256:1"}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("python3", PYTHON3), ("trtllm-build", TRTLLM_BUILD), ("nvidia-smi", NVIDIA_SMI)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return folder


def build(checkpoint: Path, engine: str, *options: object, **environment: str) -> subprocess.CompletedProcess:
    folder = checkpoint.parent
    files = ("--checkpoint", checkpoint, "--manifest", folder / "manifest.json", "--output", folder / "engine")
    settings = {"CALLS": str(folder / "calls"), "TRTLLM_VERSION": "1.2.1", "GPUS": "81559", **environment}
    settings["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return run_script("build_engine.py", "--engine", engine, *files, *options, environment=settings)


def calls(checkpoint: Path) -> list[str]:
    return (checkpoint.parent / "calls").read_text().splitlines()


def test_a_tensorrt_build_is_the_recipes_and_leaves_no_temporary_output(checkpoint):
    reply = build(checkpoint, "trtllm")
    assert reply.returncode == 0, reply.stderr
    convert, built = calls(checkpoint)
    engine = checkpoint.parent / "engine"
    assert convert.startswith(f"convert {trtllm.CONVERT} --model_dir {checkpoint}")
    assert "--dtype bfloat16 --tp_size 1 --workers 1" in convert
    assert f"--output_dir {engine}/weights" in built
    for flag in (
        "--gpt_attention_plugin bfloat16",
        "--use_paged_context_fmha enable",
        "--max_input_len 4096",
        "--max_seq_len 8192",
        "--max_num_tokens 8192",
        "--max_batch_size 128",
    ):
        assert flag in built
    assert sorted(path.name for path in engine.iterdir()) == ["engine.json", "weights"]
    description = json.loads((engine / "engine.json").read_text())
    assert description["version"] == "tensorrt_llm 1.2.1"
    assert description["model"]["revision"] == "0" * 40
    assert description["settings"]["build"] == {"max_input_len": 4096, "max_num_tokens": 8192, "max_batch_size": 128}
    flags = " ".join(trtllm.serve_flags(description))
    assert "--backend tensorrt" in flags and "--max_batch_size 128" in flags and "--max_seq_len 8192" in flags


def test_a_second_try_reuses_the_conversion_and_a_broken_one_is_made_again(checkpoint, capfd):
    assert build(checkpoint, "trtllm", CONVERT_FAILS="1").returncode == 2
    failed = build(checkpoint, "trtllm", BUILD_FAILS="1")
    assert failed.returncode == 2 and "The TensorRT-LLM build failed" in failed.stderr
    assert "no kernel for this GPU" in capfd.readouterr().err and "Traceback" not in failed.stderr
    assert not (checkpoint.parent / "engine/engine.json").exists()
    assert build(checkpoint, "trtllm").returncode == 0
    assert [call.split()[0] for call in calls(checkpoint)] == ["convert", "convert", "build", "build"]
    # Other settings must not take the old conversion.
    build(checkpoint, "trtllm", BUILD_FAILS="1")
    assert build(checkpoint, "trtllm", "--dtype", "float16").returncode == 0
    assert "--dtype float16" in calls(checkpoint)[-2]


@pytest.mark.parametrize(
    ("options", "environment", "says"),
    [
        (["--tensor-parallel", 3], {}, ["attention heads", "a divisor of 32"]),
        (["--tensor-parallel", 2], {}, ["too few GPUs"]),
        (["--context-length", 16384], {}, ["longer than the model", "at most 8192"]),
        ([], {"TRTLLM_VERSION": "1.3.0"}, ["expected: 1.2.x", "1.3.0", "release:1.2.1"]),
        ([], {"GPUS": ""}, ["there is no GPU here"]),
        ([], {"GPUS": "0"}, ["too small for its share"]),
    ],
)
def test_what_cannot_work_is_refused_before_the_conversion(checkpoint, options, environment, says):
    reply = build(checkpoint, "trtllm", *options, **environment)
    assert reply.returncode == 2 and "Traceback" not in reply.stderr
    assert all(words in reply.stderr for words in says), reply.stderr
    assert not (checkpoint.parent / "calls").exists()


def test_a_stretched_context_is_as_right_here_as_before_the_start(checkpoint):
    path = checkpoint / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}))
    reply = build(checkpoint, "trtllm", "--context-length", 16384)
    assert reply.returncode == 0, reply.stderr


def test_the_pytorch_backend_serves_the_checkpoint_without_a_build(checkpoint):
    reply = build(checkpoint, "trtllm", "--backend", "pytorch", TRTLLM_VERSION="1.3.0", GPUS="")
    assert reply.returncode == 0 and not (checkpoint.parent / "calls").exists(), reply.stderr
    description = json.loads((checkpoint.parent / "engine/engine.json").read_text())
    assert description["settings"]["backend"] == "pytorch" and "build" not in description["settings"]
    assert description["version"] == "tensorrt_llm 1.3.0" and "weights" not in description
    assert read_engine(checkpoint.parent / "engine") == description


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])  # transformers 5 and before
def test_the_pytorch_backend_computes_in_the_checkpoints_numbers_only(checkpoint, key):
    (checkpoint / "config.json").write_text(json.dumps(CONFIG | {key: "float16"}))
    reply = build(checkpoint, "trtllm", "--backend", "pytorch")
    assert reply.returncode == 2 and "own type of numbers" in reply.stderr and "Hint: dtype: float16" in reply.stderr
    assert build(checkpoint, "trtllm", "--backend", "pytorch", "--dtype", "float16").returncode == 0


def test_an_engine_without_conversion_is_only_described(checkpoint):
    (checkpoint.parent / "bin/vllm").write_text("#!/bin/sh\necho vllm 0.33.0\n")
    (checkpoint.parent / "bin/vllm").chmod(0o755)
    assert build(checkpoint, "vllm", "--tensor-parallel", 2).returncode == 0
    description = json.loads((checkpoint.parent / "engine/engine.json").read_text())
    assert description["settings"]["tensor_parallel"] == 2 and "build" not in description["settings"]
    assert description["version"] == "vllm 0.33.0"
