"""What `--sdm conda` and `--sdm apptainer` would make for which engine, from dry runs.

The `conda` and `apptainer` on PATH are stand-ins, shell scripts that answer the questions Snakemake asks about their versions
and settings: no environment is created here, no image pulled, no container started.
"""

import os
import re
from pathlib import Path

import pytest
import yaml
from conftest import copy_workflow, snakemake

pytestmark = pytest.mark.slow

STAND_INS = {
    "conda": """
case "$*" in
  "info --json") echo '{"platform": "linux-64", "conda_prefix": "/opt/conda", "root_prefix": "/opt/conda"}' ;;
  --version) echo "conda 24.9.0" ;;
  "config --get channel_priority --json") echo '{"get": {"channel_priority": "strict"}}' ;;
  *) echo "not expected: conda $*" >&2; exit 3 ;;
esac""",
    "apptainer": """
case "$*" in
  --version) echo "apptainer version 1.3.4" ;;
  *) echo "not expected: apptainer $*" >&2; exit 3 ;;
esac""",
}
VLLM, TRTLLM = "docker://example.org/vllm:1", "docker://example.org/trtllm:1"
MODEL = {"hf": "owner/model", "prompt": "math", "prompt_template": "llama3-instruct"}


@pytest.fixture
def folder(tmp_path) -> Path:
    """The workflow, and a configuration with one model on each engine that has an environment of its own."""
    copy_workflow(tmp_path)
    (tmp_path / "bin").mkdir()
    for name, script in STAND_INS.items():
        (tmp_path / "bin" / name).write_text("#!/bin/sh" + script)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def planned(folder: Path, *methods: str, images: dict[str, str]) -> tuple[set[str], set[str]]:
    """(names of environment files, container images) that a dry run says it would make."""
    config = {
        "benchmarks": ["aime24"],
        "models": {"a": MODEL | {"engine": "vllm"}, "b": MODEL | {"engine": "trtllm"}},
        "generation": {"seeds": 2},
        "engines": {engine: {"image": image} for engine, image in images.items()},
        "judges": {},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    reply = snakemake(folder, "--dry-run", "--sdm", *methods, environment={"PATH": path})
    assert reply.returncode == 0, reply.stdout + reply.stderr
    said = reply.stdout + reply.stderr
    files = {Path(file).name for file in re.findall(r"^Conda environment (\S+) will be created", said, re.MULTILINE)}
    return files, set(re.findall(r"^Singularity image (\S+) will be pulled", said, re.MULTILINE))


def test_conda_brings_vllm_and_the_rest_of_the_workflow_but_not_tensorrt_llm(folder):
    assert planned(folder, "conda", images={"vllm": VLLM, "trtllm": TRTLLM}) == ({"vllm.yaml", "workflow.yaml"}, set())


def test_apptainer_brings_the_engines_that_have_an_image(folder):
    assert planned(folder, "apptainer", images={"vllm": VLLM, "trtllm": TRTLLM}) == (set(), {VLLM, TRTLLM})
    assert planned(folder, "apptainer", images={"trtllm": TRTLLM}) == (set(), {TRTLLM})


def test_both_serve_an_engine_each(folder):
    """An engine with an image and an environment file would get the environment inside the image: docs/cluster.md."""
    assert planned(folder, "conda", "apptainer", images={"trtllm": TRTLLM}) == (
        {"vllm.yaml", "workflow.yaml"},
        {TRTLLM},
    )
