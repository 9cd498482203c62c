"""The library as a package: `pip install .` of pyproject.toml."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from unit.finished_results import write_results

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORTS = {"pyyaml": "yaml"}  # where they differ from the name
PROGRAM = """
import sys
before = set(sys.modules)
from openmath.results.load import load_results
print(len(load_results(sys.argv[1])), load_results.__code__.co_filename)
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
"""


def test_it_has_the_version_and_the_pins_of_the_workflow():
    assert PROJECT["version"] == str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"])
    assert set(PROJECT["dependencies"]) <= set((ROOT / "envs/workflow.in").read_text().split())


@pytest.mark.slow
def test_the_installed_library_reads_results_with_its_dependencies_alone(tmp_path):
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "scripts", copy / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path / "installed", copy]
    reply = subprocess.run(install, capture_output=True, text=True)
    if reply.returncode and "setuptools" in reply.stderr:
        pytest.skip(f"what builds it is not reached: {reply.stderr[-300:]}")
    assert reply.returncode == 0, reply.stderr
    write_results(tmp_path / "results")
    command = [sys.executable, "-c", PROGRAM, tmp_path / "results"]
    reply = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path / "installed")}
    )
    assert reply.returncode == 0, reply.stderr
    first, imported = reply.stdout.splitlines()
    assert str(tmp_path / "installed") in first
    wanted = {re.split("[=<>]", name)[0] for name in PROJECT["dependencies"]}
    names = {IMPORTS.get(name, name.replace("-", "_")) for name in wanted}
    libraries = set(imported.split()) & (
        {path.name for path in Path(sys.prefix).glob("lib/python3*/site-packages/*")} | names
    )
    assert names <= libraries and libraries - names <= {"dateutil", "charset_normalizer", "six.py"}, "brought by pandas"
