"""Draws rules.svg (the demo's rule graph) and rooms.svg (who imports whom in scripts/openmath) beside this file.

    python docs/images/draw.py        # in an environment of `make env`; needs graphviz

Arrows that follow from others are left out.
"""

import ast
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LIBRARY = ROOT / "scripts/openmath"
STYLE = """rankdir={}; bgcolor=white; edge [color="#888888"];
node [shape=box style="rounded,filled" fillcolor="#eef3fa" color="#5577aa" fontname=sans];"""
EVERYBODYS = {"errors", "files"}  # nearly all import these: their arrows would hide the others


def rules() -> set[tuple[str, str]]:
    """(rule, rule that needs it); generated rules under one name."""
    command = ["snakemake", "--configfile", "config/demo.yaml", "--rulegraph"]
    graph = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = dict(re.findall(r'(\d+)\[label = "([^"]+)"', graph))
    names = {key: re.sub(r"^(generate|judge)_.*", r"\1", name) for key, name in names.items()}
    return {(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", graph) if names[b] != "all"}


def rooms() -> set[tuple[str, str]]:
    """(importing room, imported room)."""
    arrows = set()
    for path in LIBRARY.rglob("*.py"):
        room = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("openmath."):
                arrows.add((room, node.module.split(".")[1]))
    return {(a, b) for a, b in arrows if a != b and b not in EVERYBODYS}


def draw(name: str, arrows: set[tuple[str, str]], direction: str) -> None:
    lines = "\n".join(f'"{a}" -> "{b}";' for a, b in sorted(arrows))
    dot = f"digraph {name} {{ {STYLE.format(direction)}\n{lines}\n}}"
    reduced = subprocess.run(["tred"], input=dot, capture_output=True, text=True, check=True).stdout
    svg = subprocess.run(["dot", "-Tsvg"], input=reduced, capture_output=True, text=True, check=True).stdout
    (HERE / f"{name}.svg").write_text(svg)


draw("rules", rules(), "LR")
draw("rooms", rooms(), "TB")
