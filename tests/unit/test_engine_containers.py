"""Three scripts also run inside engine containers: what such a run imports is there, in vLLM's official image and in NVIDIA's
release of TensorRT-LLM. Which libraries both hold: docs/development.md.
"""

import os
import subprocess
import sys
from importlib.metadata import packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from unit.import_graph import MODULES, SCRIPTS, imports

# What runs there; the last is started by its path.
ROOTS = ["generate", "build_engine", "judge_answers", "openmath.engines.supervise"]
IMAGES_HOLD = ["openai", "transformers"]  # with whatever these require
# What of it we may import. HTTP comes with openai: httpx, from its version 3 on httpx2; YAML with transformers.
ALLOWED = {"backports", "compression", "openai", "httpx", "httpx2", "transformers", "yaml"}
# (importer, module): not reached there. A judge that asks only where the grader says no is refused in a container.
ELSEWHERE = {("openmath.judging.questions", "openmath.grading.pool")}

# Imports each module of sys.argv[2:], where the libraries of sys.argv[1] cannot be imported.
PROGRAM = """
import importlib, sys
missing, *modules = sys.argv[1:]
sys.modules.update(dict.fromkeys(missing.split()))
for module in modules:
    try:
        importlib.import_module(module)
    except ImportError as error:
        print(f"{module}: {error}")
"""


def reached() -> list[str]:
    """Names of all modules that a run can import, also inside functions: ours, and of other libraries."""
    found, left = dict.fromkeys(ROOTS), list(ROOTS)
    while left:
        importer = left.pop()
        for module in imports(importer) if importer in MODULES else ():
            if module not in found and (importer, module) not in ELSEWHERE:
                found[module] = None
                left.append(module)
    return list(found)


def missing_libraries() -> set[str]:
    """Import names of the libraries that are installed here and that the images may not hold."""
    held, left = set(), list(IMAGES_HOLD)
    while left:
        name = canonicalize_name(left.pop())
        if name not in held:
            held.add(name)
            needed = map(Requirement, requires(name) or ())
            left += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    installed = packages_distributions().items()
    return {name for name, of in installed if held.isdisjoint(map(canonicalize_name, of))} - {"openmath"}


def test_engine_containers_hold_what_is_imported_there():
    ours = [module for module in reached() if module in MODULES]
    others = {module.partition(".")[0] for module in reached() if module not in MODULES} - sys.stdlib_module_names
    assert others <= ALLOWED
    assert "openmath.generation.job" in ours and "transformers" in others  # imported inside functions
    command = [sys.executable, "-c", PROGRAM, " ".join(missing_libraries()), *ours]
    reply = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(SCRIPTS)})
    assert reply.returncode == 0, reply.stderr
    assert not reply.stdout, reply.stdout
