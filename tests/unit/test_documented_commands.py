"""Each command in README and docs exists as it is written: programs, their options, targets, files of the repository.

What runs them: the demo and the workflow tests. This one keeps the pages from naming what is no longer there.
"""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "config/README.md", *sorted(ROOT.glob("docs/*.md"))]
RULES = "".join(path.read_text() for path in [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")])
TARGETS = set(re.findall(r"^ *rule (\w+):", RULES, re.MULTILINE))
# Programs of others, set-up of the shell, and --reporter's own options: nothing of ours to compare with.
FOREIGN = {"export", "source", "echo", "pip", "srun", "generate-slurm-partition-config", "$EDITOR"}
PLUGIN_OPTION = "--report-"


def commands() -> list[tuple[str, str]]:
    """(page, command) of every bash block; joined over line ends, parts of `&&` and pipes apart."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                parts = re.split(r" && | \| ", re.sub(r"\s+#.*| > \S+$", "", line))
                found += [(page.name, part.strip()) for part in parts if part.strip() and not part.startswith("{")]
    return found


@cache
def help_of(*command: str) -> str:
    return subprocess.run([sys.executable, *command, "--help"], cwd=ROOT, capture_output=True, text=True).stdout


def missing_options(words: list[str], known: str) -> list[str]:
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    return [o for o in options if not o.startswith(PLUGIN_OPTION) and not re.search(rf"(?<![\w-]){o}\b", known)]


def test_there_are_commands():
    assert len(commands()) > 40


@pytest.mark.parametrize("page, command", commands())
def test_command_exists_as_written(page, command):
    program, *words = shlex.split(command)
    if program == "srun":  # srun OPTIONS python ...
        program, *words = words[words.index("python") :]
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif program == "python":
        script, *words = words
        if script.startswith("../"):
            pytest.skip("a program beside the repository")
        assert (ROOT / script).exists()
        assert missing_options(words, help_of(script)) == []
    elif program == "snakemake":
        assert missing_options(words, help_of("-m", "snakemake")) == []
        assert not words or words[0].startswith("-") or words[0] in TARGETS
        for option in ("--configfile", "--profile"):
            path = words[words.index(option) + 1] if option in words else "my.yaml"
            assert path == "my.yaml" or (ROOT / path).exists()
    elif program == "pytest":
        assert all((ROOT / word).exists() for word in words if not word.startswith("-"))
    else:
        assert program in FOREIGN, f"{page}: {command}"
