"""`make lint` fails for a vulnerability and never for want of a network: a stand-in for pip-audit says each."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[2] / "envs/audit.py"
SOUND = {"name": "sound", "version": "1", "vulns": []}
FAULTY = {"name": "faulty", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"], "aliases": []}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def packages(*found: dict) -> str:
    return json.dumps({"dependencies": found, "fixes": []})


@pytest.mark.parametrize(
    ("out", "err", "status", "expected", "words"),
    [
        (packages(SOUND, UNKNOWN), "", 0, 0, "1 of 2 packages looked up, 0 vulnerabilities"),
        (packages(SOUND, FAULTY), "", 1, 1, "faulty 2: PYSEC-1; fixed in 3"),
        (packages(UNKNOWN), "", 0, 0, "skipped, its database knows none of the 1 packages"),
        (
            "",
            "Traceback ...\nrequests.exceptions.ConnectionError: no route\n",
            1,
            0,
            "skipped, its database cannot be reached",
        ),
        ("", "ERROR:pip_audit: Could not connect to PyPI's vulnerability feed\n", 1, 0, "skipped, its database cannot"),
        ("", "ERROR:pip_audit: invalid requirements input\n", 1, 1, "invalid requirements input"),
    ],
)
def test_what_it_makes_of_pip_audit(tmp_path, out, err, status, expected, words):
    program = tmp_path / "pip-audit"
    (tmp_path / "out").write_text(out)
    (tmp_path / "err").write_text(err)
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/out\ncat {tmp_path}/err >&2\nexit {status}\n")
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    reply = subprocess.run([sys.executable, AUDIT, "a.lock"], capture_output=True, text=True, env=environment)
    assert reply.returncode == expected and words in reply.stdout + reply.stderr


def test_without_pip_audit_it_is_skipped(tmp_path):
    reply = subprocess.run([sys.executable, AUDIT], capture_output=True, text=True, env={"PATH": str(tmp_path)})
    assert (reply.returncode, reply.stdout) == (0, "pip-audit: skipped, it is not installed (make env-dev)\n")
