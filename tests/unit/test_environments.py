"""The conda environments name the versions that the lock file pins; `make env` installs that file, by uv where it works."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "envs"

# Stands for python3: makes an environment whose pip and uv write down how they are called.
PYTHON = """#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 0
mkdir -p "$3/bin"
echo 'echo pip "$@" >> calls; [ "$1" != config ] || cat pip.conf' > "$3/bin/pip"
echo 'echo uv "$@" >> calls; exit UV_STATUS' > "$3/bin/uv"
chmod +x "$3/bin/pip" "$3/bin/uv"
"""


def pip_packages(name: str) -> dict[str, str]:
    dependencies = yaml.safe_load((ENVIRONMENTS / name).read_text())["dependencies"]
    [pip] = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    return dict(package.split("==") for package in pip if "==" in package)


def conda_python(name: str) -> tuple[int, int]:
    [python] = [
        entry for entry in yaml.safe_load((ENVIRONMENTS / name).read_text())["dependencies"] if "python=" in entry
    ]
    return tuple(map(int, python.removeprefix("python=").split(".")))


def locked(python: tuple[int, int], lock: str = "workflow.lock") -> dict[str, str]:
    """Package -> version that the lock installs on this Python."""
    pins = {}
    pattern = r"^([\w.-]+)==(\S+)(?: ; python_full_version (<|>=) '(\d+)\.(\d+)')? \\$"
    for name, version, relation, major, minor in re.findall(pattern, (ENVIRONMENTS / lock).read_text(), re.M):
        if not relation or (python < (int(major), int(minor))) == (relation == "<"):
            pins[name] = version
    return pins


def test_the_conda_environment_of_the_workflow_has_the_versions_of_the_lock():
    pins = locked(conda_python("workflow.yaml"))
    packages = pip_packages("workflow.yaml")
    assert {name: pins[re.sub("[_.]", "-", name)] for name in packages} == packages
    wanted = re.findall(r"^[\w.-]+", (ENVIRONMENTS / "workflow.in").read_text(), re.M)
    assert set(packages) == set(wanted)


@pytest.mark.parametrize("package", ["vllm"])
def test_vllm_is_the_same_by_conda_and_by_pip(package):
    assert f"{package}=={pip_packages('vllm.yaml')[package]}" in (ENVIRONMENTS / "vllm.txt").read_text().split()


def test_training_is_the_same_by_conda_and_by_pip():
    packages = pip_packages("train.yaml")
    torch = re.findall(r"^torch==(\S+)$", (ENVIRONMENTS / "torch.txt").read_text(), re.M)
    pins = locked(conda_python("train.yaml"), "train.lock") | {"torch": torch[0]}
    assert {name: pins[name] for name in packages} == packages
    assert set(packages) == set(re.findall(r"^[\w-]+", (ENVIRONMENTS / "train.in").read_text(), re.M))


@pytest.mark.parametrize(
    "pip_settings, uv_status, installers",
    [
        ("global.extra-index-url='https://more.example'", 0, ["pip uv.lock", "uv workflow.lock"]),
        ("", 1, ["pip uv.lock", "uv workflow.lock", "pip workflow.lock"]),
        (":env:.index-url='https://mirror.example'", 0, ["pip workflow.lock"]),
        ("global.no-index='true'", 0, ["pip workflow.lock"]),
    ],
)
def test_uv_installs_unless_only_pip_knows_the_index_or_uv_fails(tmp_path, pip_settings, uv_status, installers):
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ENVIRONMENTS, tmp_path / "envs")
    (tmp_path / "pip.conf").write_text(pip_settings + "\n")
    python = tmp_path / "python"
    python.write_text(PYTHON.replace("UV_STATUS", str(uv_status)))
    python.chmod(0o755)
    subprocess.run(["make", "-s", "env", f"PYTHON={python}"], cwd=tmp_path, check=True, capture_output=True)
    calls = [call.split() for call in (tmp_path / "calls").read_text().splitlines() if "install" in call]
    assert [f"{call[0]} {Path(call[-1]).name}" for call in calls] == installers
    assert all("--require-hashes" in call and "--no-deps" in call for call in calls)
