"""No text becomes code, no pickle is read and no shell gets a string: the syntax trees of all programs and rules are searched."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "scripts").rglob("*.py"))
RULES = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
NAMES = {"eval", "exec", "compile", "__import__", "sympify", "parse_expr"}
METHODS = {("os", "system"), ("os", "popen"), ("yaml", "load"), ("yaml", "unsafe_load"), ("yaml", "full_load")}
MODULES = {"pickle", "cPickle", "dill", "shelve", "marshal", "joblib"}


def dangers(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id in NAMES:
                found.append(f"line {node.lineno}: {function.id}()")
            if isinstance(function, ast.Attribute):
                owner = function.value.id if isinstance(function.value, ast.Name) else ""
                if function.attr in {"sympify", "parse_expr"} or (owner, function.attr) in METHODS:
                    found.append(f"line {node.lineno}: {owner}.{function.attr}()")
            for keyword in node.keywords:
                on = not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
                if keyword.arg in {"shell", "trust_remote_code"} and on:
                    found.append(f"line {node.lineno}: {keyword.arg}=")
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += [f"line {node.lineno}: import {n}" for n in names if n.split(".")[0] in MODULES]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_programs(path):
    assert dangers(ast.parse(path.read_text())) == []


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_rules(path):
    """Rules are no Python: their words are searched."""
    words = re.sub(r"#.*", "", path.read_text())
    assert not re.search(r"\b(eval|exec)\s*\(|\bpickle\b|yaml\.load|os\.system|popen|shell=True", words)
    assert not re.search(r"^\s*(run|script):", words, re.MULTILINE)


@pytest.mark.parametrize(
    "code",
    ["eval(x)", "import pickle", "yaml.load(x)", "run(x, shell=True)", "f(trust_remote_code=True)", "sympy.sympify(x)"],
)
def test_the_search_finds_what_it_looks_for(code):
    assert dangers(ast.parse(code))
