"""docs/files.md names every file that an evaluation leaves, and each rule that it names exists."""

import re
from pathlib import Path

from conftest import ROOT

ROWS = [line.split("|")[1:-1] for line in (ROOT / "docs/files.md").read_text().splitlines() if line.startswith("| `")]


def patterns() -> list[re.Pattern]:
    """One for each path of the first column; a bare second name lies in the folder of the first."""
    found = []
    for paths, _, _ in ROWS:
        names = re.findall(r"`([^`]+)`", paths)
        folder = names[0].rpartition("/")[0]
        for name in names:
            literal = re.escape(name if "/" in name else f"{folder}/{name}")
            literal = literal.replace(r"\{any\}", ".+")
            found.append(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", literal)))
    return found


def test_every_file_of_an_evaluation_is_documented(finished):
    files = [
        str(path.relative_to(finished))
        for folder in ("data", "models", "results", "judgements", "logs")
        for path in (finished / folder).rglob("*")
        if path.is_file()
    ]
    known = patterns()
    assert len(files) > 50 and [file for file in files if not any(p.fullmatch(file) for p in known)] == []


def test_every_documented_rule_exists():
    rules = set(re.findall(r"^ *rule (\w+):", "".join(p.read_text() for p in ROOT.glob("rules/*.smk")), re.MULTILINE))
    named = {name.strip() for *_, writers in ROWS for name in writers.split(",")}
    generated = {"generate", "judge_{model}_by_{judge}", "each rule"}  # one rule for each block, and for each judge
    assert named - generated <= rules, Path("docs/files.md")
