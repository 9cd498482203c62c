"""The scripts as commands, run in this process: to start Python and import what they need would take a second each time."""

import contextlib
import importlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

from openmath.errors import run_command


def run_script(
    script: str, *arguments: object, stdin: str | bytes = "", cwd: Path | None = None, environment: dict | None = None
) -> subprocess.CompletedProcess[str]:
    """What `python scripts/SCRIPT.py ARGUMENTS` does in `cwd`, with these variables added. Raises what would be a traceback.

    Not for several threads at once. What is read from the environment when a library is imported stays as it was.
    """
    name = script.removesuffix(".py")
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryFile() as given, contextlib.ExitStack() as stack:
        given.write(stdin.encode() if isinstance(stdin, str) else stdin)
        given.seek(0)
        stack.enter_context(mock.patch.dict(os.environ, environment or {}))
        stack.enter_context(mock.patch.object(sys, "argv", [f"{name}.py", *map(str, arguments)]))
        stack.enter_context(mock.patch.object(sys, "stdin", io.TextIOWrapper(given)))
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        if cwd:
            stack.enter_context(contextlib.chdir(cwd))
        try:
            run_command(importlib.import_module(name).main)
        except SystemExit as end:
            return subprocess.CompletedProcess(sys.argv, end.code or 0, out.getvalue(), err.getvalue())
    raise AssertionError("run_command always exits")
