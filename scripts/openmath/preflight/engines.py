"""The server program of an engine: is it there, does it run?"""

import importlib.util
import shlex
import shutil
import subprocess
import sys

from openmath.engines import ENGINES
from openmath.errors import InputError
from openmath.preflight.needs import Needs

HINTS = {
    "vllm": "`make env-vllm` installs it; name its program under engines: vllm: command:.",
    "trtllm": "run with `--sdm apptainer` (engines: trtllm: image:), or choose `engine: vllm`, which needs no conversion.",
    "llamacpp": "`make env` installs it.",
}


def check_programs(needs: Needs, *, containers: bool, conda: bool) -> list[InputError]:
    """Programs that the jobs will start on this machine, but for those that their image or conda environment brings."""
    models = needs.config["models"]

    def kinds(names) -> list[str]:
        installed = {models[name]["engine"] for name in names}
        if conda:
            installed &= {"trtllm"}  # the only engine without a conda environment
        return sorted(
            kind for kind in installed if not (containers and needs.config["engines"].get(kind, {}).get("image"))
        )

    found = [check_program(kind, needs.config["engines"].get(kind, {}).get("command")) for kind in kinds(needs.running)]
    if "trtllm" in kinds(needs.engines) and not shutil.which("trtllm-build"):
        found.append(_missing("trtllm", "trtllm-build"))
    return [problem for problem in found if problem]


def check_program(engine: str, command: str | None) -> InputError | None:
    """What is wrong with an engine's server program, found without starting it."""
    if engine == "endpoint":
        return None
    if engine == "llamacpp" and not command:
        return None if importlib.util.find_spec("xllamacpp") else _missing(engine, f"xllamacpp in {sys.prefix}")
    words = shlex.split(command or ENGINES[engine].COMMAND)
    if not shutil.which(words[0]):
        return _missing(engine, words[0])
    if "-m" in words[:-1]:
        package = words[words.index("-m") + 1].split(".")[0]
        code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
        if subprocess.run([words[0], "-c", code], capture_output=True).returncode:
            return _missing(engine, f"the package {package} in {words[0]}")
    return None


def start_program(engine: str, command: str | None) -> str:
    """Version of an engine, from the program itself: loads its libraries, so run it on a node of the kind that will serve.

    Raises InputError where it does not run.
    """
    return ENGINES[engine].engine_version(command)


def _missing(engine: str, program: str) -> InputError:
    return InputError(
        f"The program of engine {engine} is not there.",
        where=program,
        expected="an installed program",
        hint=HINTS[engine],
    )
