"""Runs the Python of a page, block after block as one program, in the folder of an evaluation; its figures are those of the page.

python docs/run_python.py docs/results.md        where results/ lies; blocks whose libraries are not installed are left out
"""

import importlib.util
import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
IMPORT = re.compile(r"^(?:import|from) (\w+)", re.MULTILINE)
sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))


def run(page: Path) -> dict:
    """The names that the page's blocks leave behind."""
    names: dict = {}
    for found in BLOCK.finditer(page.read_text()):
        missing = [library for library in IMPORT.findall(found[1]) if not importlib.util.find_spec(library)]
        if missing:
            print(f"left out: a block needs {', '.join(missing)}")
            continue
        line = page.read_text().count("\n", 0, found.start(1))
        exec(compile("\n" * line + found[1], str(page), "exec"), names)
    return names


if __name__ == "__main__":
    run(Path(sys.argv[1]).absolute())
