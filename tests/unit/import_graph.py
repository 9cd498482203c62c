"""Who imports whom in scripts/, read from the sources: also what is imported inside functions and behind TYPE_CHECKING."""

import ast
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"
LIBRARY = SCRIPTS / "openmath"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SCRIPTS).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in [*SCRIPTS.glob("*.py"), *LIBRARY.rglob("*.py")]}


def imports(module: str) -> set[str]:
    """Modules that one of ours imports, anywhere in it: ours by their whole name, others as they are written."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names} & MODULES.keys() or {node.module}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found
