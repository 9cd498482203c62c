"""CPU seconds of `--help` of every script, the best of three: none should take more than 0.4.

python perf/help_speed.py
"""

import os
import subprocess
import sys
from pathlib import Path

SCRIPTS = sorted((Path(__file__).parents[1] / "scripts").glob("*.py"))
TRIES = 3


def cpu_seconds(script: Path) -> float:
    """User and system time of one process."""
    before = os.times()
    subprocess.run([sys.executable, script, "--help"], stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


for script in SCRIPTS:
    print(f"{script.name:<25}{min(cpu_seconds(script) for _ in range(TRIES)):6.2f} s")
