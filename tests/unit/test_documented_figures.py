"""Figures of README and docs/planning.md that the plan gives; examples of configuration; the version."""

import json
import re
from pathlib import Path

import pytest
import yaml
from in_process import run_script

from openmath.settings.config import checked_config

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "config/config.yaml"
EXAMPLES = [
    (str(page.relative_to(ROOT)), block)
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    if not block.startswith("user:")  # a prompt
]


def plan(folder: Path, config: Path, *options: str) -> str:
    reply = run_script(
        "plan_compute.py", "--configfile", config, *options, cwd=folder, environment={"OPENAI_API_KEY": "any"}
    )
    assert reply.returncode == 0, reply.stderr
    return reply.stdout


@pytest.mark.parametrize("seeds", [8, 256])
def test_the_readme_tells_what_the_plan_tells(tmp_path, seeds):
    config = tmp_path / "config.yaml"
    config.write_text(re.sub(r"seeds: \d+ ", f"seeds: {seeds} ", PAPER.read_text(), count=1))
    [row] = re.findall(rf"^\| .*greedy and {seeds} seeds \|(.*)\|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    told = json.loads(plan(tmp_path, config, "--json"))
    [model], [judge] = told["generation"], told["judging"]
    cells = (
        f"{model['samples']:,}",
        f"{model['gpu_hours']:.1f}",
        f"{judge['usd']:.0f} USD",
        f"{told['disk_bytes'] / 1e9:.1f} GB",
    )
    assert tuple(cell.strip() for cell in row.split("|")) == cells


def test_the_plan_shown_is_the_plan(tmp_path):
    text = (ROOT / "docs/planning.md").read_text()
    shown = re.search(r"^```\n( +jobs +samples .*?)^```", text, re.DOTALL | re.MULTILINE)[1].splitlines()
    lines = [line.partition("; ")[0] if line.startswith("Disk: ") else line for line in shown if line != "..."]
    told = plan(tmp_path, PAPER)
    assert [line for line in lines if line not in told] == [] and len(lines) > 12


@pytest.mark.parametrize("page, block", EXAMPLES)
def test_an_example_is_a_valid_configuration(page, block):
    example = yaml.safe_load(block)
    named = [judge["self_hosted"] for judge in example.get("judges", {}).values() if "self_hosted" in judge]
    models = {name: {"path": "a"} for name in ["some", *named]} | example.pop("models", {})
    checked_config({"benchmarks": ["math"], "models": models, "generation": {}} | example)


def test_the_changelog_ends_in_the_version_that_citation_names():
    version = str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"])
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    newest = next((heading for heading in headings if not heading.startswith("Unreleased")), None)
    expected = f"Unreleased, to become {version}" if newest is None else rf"{version} - 20\d\d-\d\d-\d\d"
    assert re.fullmatch(expected, newest or headings[0])
