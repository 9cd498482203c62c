"""Draws loop.svg (from set to training to report), rules.svg (its rules) and rooms.svg (who imports whom in scripts/openmath).

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
DEMOS = ("demo", "dataset-demo", "training-demo")  # each extends the ones before
PARTS = {
    "decontamination": "dataset",
    "packing": "dataset",
    "summary": "tables",
    "provenance": "tables",
    "majority": "votes",
}
COLOURS = {
    "dataset": "#eaf5e6",
    "training": "#fbeedd",
    "the teacher": "white",
    "the base": "white",
}  # the rest is evaluation
EVERYBODYS = {"errors", "files"}  # nearly all import these: their arrows would hide the others


def rules() -> set[tuple[str, str]]:
    """(rule, rule that needs it); generated rules under one name, of a set under that of their stage.

    Rules serve teacher and student alike: the teacher's engine has a name of its own, so that no arrow leads back.
    """
    command = ["snakemake", "--rulegraph", "--configfile", *(f"config/{name}.yaml" for name in DEMOS)]
    graph = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {key: plain(name) for key, name in re.findall(r'(\d+)\[label = "([^"]+)"', graph)}
    arrows = {(names[a], names[b]) for a, b in re.findall(r"(\d+) -> (\d+)", graph) if names[b] != "all"}
    of_set = {b for b in names.values() if b.endswith(" of a set")} | {"pack_dataset"}
    return {("the teacher", b) if a == "describe_engine" and b in of_set else (a, b) for a, b in arrows}


def plain(name: str) -> str:
    """generate_m_greedy -> generate; generate_solutions_of_d_rs0_to_rs3 -> solutions of a set."""
    if stage := re.fullmatch(r"generate_(solutions|problems|new-solutions)_of_.*", name):
        return f"{stage[1].replace('-', ' ')} of a set"
    return re.sub(r"^(generate|judge|train_model|average_checkpoints|write_model_card)_(?!similar).*", r"\1", name)


def stages() -> dict[str, str]:
    """Rule -> the part of the loop that it belongs to: the file of rules, or what several of them make."""
    found = {}
    for path in (ROOT / "rules").glob("*.smk"):
        names = re.findall(r'^ *(?:f"(\w+?)_\{|rule (\w+):)', path.read_text(), re.MULTILINE)
        found |= {generated or named: PARTS.get(path.stem, path.stem) for generated, named in names}
    found |= {f"{stage} of a set": "dataset" for stage in ("solutions", "problems", "new solutions")}
    return found | {"generate": "generation", "write_model_card": "report", "the teacher": "the teacher"}


def rooms() -> set[tuple[str, str]]:
    """(importing room, imported room)."""
    arrows = set()
    for path in LIBRARY.rglob("*.py"):
        room = path.relative_to(LIBRARY).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("openmath."):
                arrows.add((room, node.module.split(".")[1]))
    return {(a, b) for a, b in arrows if a != b and b not in EVERYBODYS}


def draw(name: str, arrows: set[tuple[str, str]], direction: str, colours: dict[str, str]) -> None:
    lines = "\n".join(f'"{a}" -> "{b}";' for a, b in sorted(arrows))
    nodes = {node for arrow in arrows for node in arrow}
    lines += "\n".join(f'"{node}" [fillcolor="{colours[node]}"];' for node in sorted(nodes & colours.keys()))
    dot = f"digraph {name} {{ {STYLE.format(direction)}\n{lines}\n}}"
    reduced = subprocess.run(["tred"], input=dot, capture_output=True, text=True, check=True).stdout
    svg = subprocess.run(["dot", "-Tsvg"], input=reduced, capture_output=True, text=True, check=True).stdout
    (HERE / f"{name}.svg").write_text(svg)


arrows, stage_of = rules(), stages()
between = {(stage_of[a], stage_of[b]) for a, b in arrows}
between = {("the base", b) if (a, b) == ("models", "training") else (a, b) for a, b in between}  # likewise
draw("loop", {(a, b) for a, b in between if a != b}, "LR", COLOURS)
draw("rules", arrows, "TB", {rule: COLOURS[stage] for rule, stage in stage_of.items() if stage in COLOURS})
draw("rooms", rooms(), "TB", {})
