"""The conda environments name the versions that the lock file pins."""

import re
from pathlib import Path

import pytest
import yaml

ENVIRONMENTS = Path(__file__).parents[2] / "envs"


def pip_packages(name: str) -> dict[str, str]:
    dependencies = yaml.safe_load((ENVIRONMENTS / name).read_text())["dependencies"]
    [pip] = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    return dict(package.split("==") for package in pip if "==" in package)


def conda_python(name: str) -> tuple[int, int]:
    [python] = [
        entry for entry in yaml.safe_load((ENVIRONMENTS / name).read_text())["dependencies"] if "python=" in entry
    ]
    return tuple(map(int, python.removeprefix("python=").split(".")))


def locked(python: tuple[int, int]) -> dict[str, str]:
    """Package -> version that the lock installs on this Python."""
    pins = {}
    pattern = r"^([\w.-]+)==(\S+)(?: ; python_full_version (<|>=) '(\d+)\.(\d+)')? \\$"
    for name, version, relation, major, minor in re.findall(
        pattern, (ENVIRONMENTS / "workflow.lock").read_text(), re.M
    ):
        if not relation or (python < (int(major), int(minor))) == (relation == "<"):
            pins[name] = version
    return pins


def test_the_conda_environment_of_the_workflow_has_the_versions_of_the_lock():
    pins = locked(conda_python("workflow.yaml"))
    packages = pip_packages("workflow.yaml")
    assert {name: pins[name.replace("_", "-")] for name in packages} == packages
    wanted = re.findall(r"^[\w-]+", (ENVIRONMENTS / "workflow.in").read_text(), re.M)
    assert set(packages) == set(wanted)


@pytest.mark.parametrize("package", ["vllm"])
def test_vllm_is_the_same_by_conda_and_by_pip(package):
    assert f"{package}=={pip_packages('vllm.yaml')[package]}" in (ENVIRONMENTS / "vllm.txt").read_text().split()
