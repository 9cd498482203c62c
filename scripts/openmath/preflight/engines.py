"""The server program of an engine: is it there, does it run?"""

import importlib.util
import shlex
import shutil
import subprocess
import sys

from openmath.engines import engine_module
from openmath.errors import InputError
from openmath.preflight.needs import Needs
from openmath.settings.engine_kinds import KINDS, engine_kind


def check_programs(needs: Needs, *, containers: bool, conda: bool) -> list[InputError]:
    """Programs that the jobs will start on this machine, but for those that their image or conda environment brings."""
    models, settings = needs.config["models"], needs.config["engines"]

    def installed(names) -> list[str]:
        """Engines of these models that have to be on this machine."""
        engines = {models[name]["engine"] for name in names}
        if conda:
            engines = {engine for engine in engines if engine not in KINDS or not KINDS[engine].environment}
        return sorted(engine for engine in engines if not (containers and settings.get(engine, {}).get("image")))

    found = [check_program(engine, settings.get(engine, {})) for engine in installed(needs.running)]
    for engine in installed(needs.engines):
        builder = engine_kind(engine, settings.get(engine, {}).get("backend")).builder
        if builder and not shutil.which(builder):
            found.append(_missing(engine, builder))
    return [problem for problem in found if problem]


def check_program(engine: str, settings: dict) -> InputError | None:
    """What is wrong with an engine's server program, found without starting it. settings: under `engines:`."""
    kind = engine_kind(engine)
    command = settings.get("command") or settings.get("serve") or kind.program
    if kind.hosted:
        return None
    if not command:
        return (
            None if importlib.util.find_spec(str(kind.package)) else _missing(engine, f"{kind.package} in {sys.prefix}")
        )
    words = shlex.split(command)
    if not shutil.which(words[0]):
        return _missing(engine, words[0])
    if "-m" in words[:-1]:
        package = words[words.index("-m") + 1].split(".")[0]
        code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
        if subprocess.run([words[0], "-c", code], capture_output=True).returncode:
            return _missing(engine, f"the package {package} in {words[0]}")
    return None


def start_program(engine: str, settings: dict) -> str:
    """Version of an engine, from the program itself: loads its libraries, so run it on a node of the kind that will serve.

    settings: under `engines:`. Raises InputError where the program does not run.
    """
    return engine_module(engine).engine_version(settings.get("version") or settings.get("command"))


def _missing(engine: str, program: str) -> InputError:
    return InputError(
        f"The program of engine {engine} was not found.",
        where=program,
        expected="an installed program",
        hint=engine_kind(engine).installing,
    )
