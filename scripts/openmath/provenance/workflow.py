"""Which code this is."""

import os
import subprocess
from pathlib import Path

import yaml

from openmath.files.fingerprint import fingerprint, sha256_file

ROOT = Path(__file__).parents[3]
CODE = ("Snakefile", "rules/*.smk", "scripts/*.py", "scripts/openmath/**/*.py")
GIT_SECONDS = 60


def workflow_code() -> dict:
    """commit and modified (tracked files differ from it), None outside git; version of the release; code: a hash."""
    files = sorted(path for pattern in CODE for path in ROOT.glob(pattern))
    code = fingerprint({path.relative_to(ROOT).as_posix(): sha256_file(path) for path in files})
    citation = ROOT / "CITATION.cff"
    version = yaml.safe_load(citation.read_text()).get("version") if citation.exists() else None
    commit = modified = None
    if _git("ls-files", "--error-unmatch", "Snakefile"):  # a repository around the workflow is not the workflow's
        commit = _git("rev-parse", "HEAD")
        modified = bool(_git("status", "--porcelain", "--untracked-files=no"))
    return {"commit": commit, "modified": modified, "version": version, "code": code}


def _git(*arguments: str) -> str | None:
    """What git says about the workflow's folder; None where it says nothing, or is not there."""
    command = ["git", "-C", str(ROOT), *arguments]
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}  # nothing is written
    try:
        reply = subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, env=environment)
    except (OSError, subprocess.SubprocessError):
        return None
    return reply.stdout.strip() if reply.returncode == 0 else None
