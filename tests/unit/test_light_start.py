"""`--help`, and a mistyped option, are answered before anything is imported that takes long: scripts parse first."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"
# Each takes 0.1 s and more to import; the seconds of each script: perf/help_speed.py.
HEAVY = """flint httpx httpx2 huggingface_hub jinja2 jsonschema matplotlib numpy openai pandas pyarrow pydantic scipy snakemake
transformers"""
# One process for all scripts. None in sys.modules: an import of this name fails.
PROGRAM = """
import contextlib, io, runpy, sys
heavy, *scripts = sys.argv[1:]
sys.modules.update(dict.fromkeys(heavy.split()))
for script in scripts:
    sys.argv, output = [script, "--help"], io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            runpy.run_path(script, run_name="__main__")
    except SystemExit:
        assert output.getvalue().startswith("usage: "), script
    except ImportError as error:
        print(f"{script}: {error}")
"""


def test_help_imports_nothing_heavy():
    command = [sys.executable, "-c", PROGRAM, HEAVY, *map(str, sorted(SCRIPTS.glob("*.py")))]
    reply = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(SCRIPTS)})
    assert reply.returncode == 0, reply.stderr
    assert not reply.stdout, f"imported before the arguments are parsed:\n{reply.stdout}"
