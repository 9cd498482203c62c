"""Every command of README and docs is run as it stands on the page, in a copy of a finished evaluation.

Commands are the lines of bash blocks, and what stands in backticks and begins with a program. What the pages leave to the reader is
in STANDS_FOR, what cannot run on a laptop in ELSEWHERE: a command that is in neither table and fails is a mistake of the page.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from test_environments_graph import STAND_INS

pytestmark = pytest.mark.slow

PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "config/README.md")] + sorted(ROOT.glob("docs/*.md"))
PROGRAMS = r"(?:\w+=\S+ )*(?:make|python3?|snakemake|pytest|srun|pip|docker|source|export) "

STANDS_FOR = {  # text of the pages -> the finished evaluation
    "MODEL": "tiny",
    "OTHER": "tiny",
    "JUDGE": "itself",
    "FOLDER": "results/tiny/eval-results",
    "math:majority@256": "own:majority@8",
    "math:": "own:",
    "math-17": "own-1",
    "--cluster-by type": "--cluster-by subject",
    "math": "arithmetic-mini",
}
# Run up to the first job: a GPU, Slurm or a network has the rest.
DRY_RUN = {
    "snakemake --sdm apptainer --apptainer-args=--nv --cores 8 --resources gpu=1",
    "snakemake --profile profiles/slurm --configfile my.yaml",
    "snakemake fetch --cores 1",
}
# What a command has to make: removed before it runs.
MAKES = {
    "make install-profiles": ".config/snakemake/slurm",
    "python scripts/compare_models.py results/MODEL/summary/JUDGE results/OTHER/summary/JUDGE --output-dir comparison": (
        "comparison/comparison.md"
    ),
    "python scripts/exchange_verdicts.py export judgements/JUDGE --output verdicts.jsonl": "verdicts.jsonl",
    "python scripts/prepare_benchmark.py own --source own.jsonl --output data/own.jsonl": "data/own.jsonl",
    "snakemake --cores 8 --resources gpu=1 --configfile my.yaml": "results/report.html",
    "snakemake --report snakemake.html --configfile my.yaml": "snakemake.html",
    "snakemake export --cores 1 --configfile my.yaml": "results/tiny/export/dataset/README.md",
    "snakemake fetch --cores 1 --configfile my.yaml": "data/own.jsonl",
}
CI = "run by .ci/run"
MEASUREMENT = "a measurement of minutes, by hand: its figures stand on the page"
IN_THE_IMAGE = "NVIDIA's image and a GPU; not run by us, as docs/engines.md says"
OUTSIDE = "data or a package that is not ours to bring; by hand"
ELSEWHERE = {  # how the commands begin -> why they do not run here, and what runs them
    "make test": CI,
    "make lint": CI,
    "make bench": MEASUREMENT,
    "make mutants": MEASUREMENT,
    "make env-vllm": "gigabytes; by hand, on a GPU node (docs/engines.md)",
    "generate-slurm-partition-config": "asks a Slurm controller",
    "srun ": "a Slurm cluster with GPUs; the same without srun: docs/planning.md",
    "python scripts/prepare_benchmark.py gsm8k --output": "network; tests/unit/test_benchmarks.py has the sources as files",
    "python perf/": MEASUREMENT,
    "JUDGEMENTS=2000": MEASUREMENT,
    "python ../shared/": OUTSIDE,
    "pip install snakemake-report-plugin-fairscape": OUTSIDE,
    "snakemake --configfile config/demo.yaml --cores 1 --reporter fairscape": OUTSIDE,
    "pip install .": "tests/unit/test_package.py installs a copy",
    "python docs/run_python.py": "its figures are written where it runs; tests/unit/test_results_page.py runs the page",
    "pip install sentence-transformers": OUTSIDE,
    "make training-demo": "minutes, and torch; tests/unit/test_training_config.py reads its configuration",
    "make env-train": "an environment of its own, with torch",
    "python scripts/draw_curve.py training": "no training was run here; tests/unit/test_training_curve.py draws one",
    "make dataset-demo": "minutes; tests/workflow/test_dataset_graph.py makes a smaller set",
    "snakemake dataset --cores 2 --configfile mine.yaml": "needs a teacher; tests/workflow/test_own_dataset.py has one",
    "python scripts/trace.py datasets/demo": "the demo's set; tests/unit/test_dataset.py traces another",
    "python docs/write_config_reference.py": "changes its own pages; tests/unit/test_config.py holds what it writes",
    "python docs/images/photograph.py": "Chromium; by hand, when the page looks another way",
    "python docs/images/record_terminal.py": "minutes; by hand, when a run says other things",
    "python docs/images/draw.py": "graphviz; by hand, when a rule or an import is new",
    "docker run": IN_THE_IMAGE,
    "python3 scripts/": IN_THE_IMAGE,
    "pytest tests/engines": "run by make test-all, against the CPU engine",
    "OPENMATH_TEST_ENGINE=": "the conformance suite; run by make test-all, against the CPU engine",
    "OPENMATH_TEST_BENCHMARK=": "a GPU; by hand (docs/engines.md)",
}


def logical_lines(block: str) -> list[str]:
    """Commands of a bash block: joined over line ends, without comments."""
    lines = block.replace("\\\n", " ").splitlines()
    return [text for line in lines if (text := " ".join(re.sub(r"(^|\s+)#.*", "", line).split()))]


def documented() -> dict[str, list[str]]:
    """`page:line` -> commands: of each bash block, and of each command in backticks that stands in no block."""
    blocks, single = {}, {}
    for page in PAGES:
        text = page.read_text()
        for found in re.finditer(r"^```(\w*)\n(.*?)^```|`([^`]+)`", text, re.DOTALL | re.MULTILINE):
            language, block, inline = found.groups()
            place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}"
            if language == "bash":
                blocks[place] = logical_lines(block)
            elif block is not None:
                assert not re.search(rf"^{PROGRAMS}(?!/)", block, re.MULTILINE), f"{place}: commands stand in ```bash"
            elif re.match(PROGRAMS, " ".join(inline.split())):
                single.setdefault(" ".join(inline.split()), place)
    known = {command for commands in blocks.values() for command in commands}
    return blocks | {f"{place} {text}": [text] for text, place in single.items() if text not in known}


def elsewhere(command: str) -> str | None:
    """Why a command does not run here."""
    return next((reason for start, reason in ELSEWHERE.items() if command.startswith(start)), None)


@cache
def help_of(*command: str) -> str:
    return subprocess.run([sys.executable, *command, "--help"], cwd=ROOT, capture_output=True, text=True).stdout


def scripts() -> dict[str, list[str]]:
    """`page:line` -> lines for the shell: what runs here, and ran on no earlier page; each removes first what it has to make."""
    found, seen = {}, set()
    for place, commands in DOCUMENTED.items():
        lines = []
        for command in commands:
            text = command + " --dry-run" * (command in DRY_RUN)
            for placeholder, here in STANDS_FOR.items():
                text = re.sub(rf"(?<![a-z]){re.escape(placeholder)}", here, text)  # openmath is a word of its own
            if elsewhere(command) or text in seen:
                continue
            seen.add(text)
            lines += [f"rm -rf {MAKES[command]}", text, f"test -e {MAKES[command]}"] if command in MAKES else [text]
        found |= {place: lines} if lines else {}
    return found


DOCUMENTED = documented()
COMMANDS = sorted({command for commands in DOCUMENTED.values() for command in commands})
SCRIPTS = scripts()


@pytest.fixture
def reader(evaluation, tmp_path) -> Path:
    """The folder of somebody who follows the pages: a finished evaluation by my.yaml, the environment, a home of its own."""
    shutil.copy(ROOT / "Makefile", evaluation)
    config = yaml.safe_load((evaluation / "config.yaml").read_text())
    (evaluation / "my.yaml").write_text(yaml.safe_dump(config | {"contamination": {"training_set": "own.jsonl"}}))
    (evaluation / ".venv").mkdir()
    for path in (ROOT / ".venv").iterdir():
        (evaluation / ".venv" / path.name).symlink_to(path)
    (evaluation / ".venv/.workflow").unlink()
    (evaluation / ".venv/.workflow").touch()  # newer than the lock: make has nothing to install
    demo = yaml.safe_load((evaluation / "config/demo.yaml").read_text())
    demo["models"]["smollm2-135m"] = config["models"]["tiny"]  # the same model, which is here already; and less of it
    demo["generation"] |= {"seeds": 1, "limit": 1, "max_new_tokens": 8}
    (evaluation / "config/demo.yaml").write_text(yaml.safe_dump(demo))
    embedder = (
        evaluation
        / yaml.safe_load((ROOT / "config/openmathinstruct2.yaml").read_text())["dataset"]["decontamination"]["embedder"]
    )
    embedder.mkdir(parents=True)
    (embedder / "modules.json").write_text("[]")
    (tmp_path / "bin").mkdir()
    for name, script in STAND_INS.items():
        (tmp_path / "bin" / name).write_text("#!/bin/sh" + script)
        (tmp_path / "bin" / name).chmod(0o755)
    return evaluation


@pytest.mark.parametrize("place", SCRIPTS)
def test_command_runs_as_written(place, reader, tmp_path):
    path = os.pathsep.join((str(tmp_path / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "HOME": str(reader), "XDG_CONFIG_HOME": "", "EDITOR": "true"}
    environment["OPENAI_API_KEY"] = "any"  # plans and dry runs of the paper's configuration
    command = ["bash", "-c", "\n".join(["set -exo pipefail", *SCRIPTS[place]])]
    reply = subprocess.run(command, cwd=reader, capture_output=True, text=True, env=environment)
    assert reply.returncode == 0, reply.stdout[-3000:] + reply.stderr[-3000:]


@pytest.mark.parametrize("command", [command for command in COMMANDS if elsewhere(command)])
def test_command_that_runs_elsewhere_exists(command):
    words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
    if words[0] == "srun":
        words = words[words.index("python") :]
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        run_by_ci = (ROOT / ".ci/run").read_text() + (ROOT / "Makefile").read_text().replace("$(MAKE)", "make")
        assert elsewhere(command) != CI or re.search(rf"\b{command}\b", run_by_ci)
    elif words[0] in ("python", "python3") and not words[1].startswith("../"):
        options = [word for word in words[2:] if word.startswith("-")]
        assert [option for option in options if not re.search(rf"(?<![\w-]){option}\b", help_of(words[1]))] == []
    elif words[0] == "pytest":
        assert all((ROOT / word).exists() for word in words[1:] if not word.startswith("-"))
    else:
        assert words[0] in {"docker", "pip", "snakemake"} or words[1].startswith("../") or shutil.which(words[0])


def test_the_tables_name_only_what_the_pages_have():
    here = [command for command in COMMANDS if not elsewhere(command)]
    assert len(here) > 25
    assert [start for start in ELSEWHERE if not any(command.startswith(start) for command in COMMANDS)] == []
    assert {*DRY_RUN, *MAKES} <= set(here)
    assert [text for text in STANDS_FOR if not any(text in command for command in here)] == []
