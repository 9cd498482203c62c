"""What the messages advise: nothing that was paid for or computed is ever to be deleted."""

import ast
import re
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"
DELETION = re.compile(r"\b(remove|delete|erase|rm)\b", re.IGNORECASE)


def hints() -> list[tuple[str, str]]:
    """(file:line, text) of each text given as a hint, or kept in a name that says so."""
    found = []
    for path in SCRIPTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                value = node.value
            elif isinstance(node, ast.Assign) and any("hint" in getattr(name, "id", "") for name in node.targets):
                value = node.value
            else:
                continue
            texts = [part.value for part in ast.walk(value) if isinstance(part, ast.Constant)]
            found.append((f"{path.relative_to(SCRIPTS)}:{value.lineno}", " ".join(map(str, texts))))
    return found


def test_no_hint_advises_to_delete_a_file():
    known = hints()
    assert len(known) > 60
    assert [(place, text) for place, text in known if DELETION.search(text)] == []
