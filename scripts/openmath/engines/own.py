"""An engine that the configuration describes: any program that serves OpenAI's API. See docs/extending.md.

engines:
  my-engine:
    serve: my-server --model {checkpoint} --port {port}
    version: my-server --version
"""

import shlex
import subprocess
from pathlib import Path

from openmath.engines.launcher import LocalServer
from openmath.errors import InputError
from openmath.files.records import EngineRecord


def engine_version(command: str | None) -> str:
    """The last line that the version command prints: some servers greet first."""
    words = shlex.split(command or "")
    try:
        reply = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
        return reply.stdout.strip().splitlines()[-1].strip()
    except (OSError, subprocess.SubprocessError, IndexError) as error:
        raise InputError(
            "The engine's version cannot be read.",
            where=command or "engines: version",
            expected="a command that prints it on standard output",
            found=str(error)[:300],
            hint="the version is part of a sample's settings: samples of a new version are computed again.",
        ) from None


def server(description: EngineRecord, *, command: str | None, args: str, log: Path) -> LocalServer:
    """The server's key lies in OPENMATH_ENGINE_KEY; one that asks for none can be reached by other users of the machine."""
    settings = description["settings"]
    values = {key: settings[key] for key in ("dtype", "tensor_parallel", "context_length")}
    values["checkpoint"] = description["checkpoint"]
    program = shlex.split(command or settings["serve"])
    return LocalServer(
        name=description["engine"],
        command=lambda port: [filled(word, values | {"port": port}) for word in program] + shlex.split(args),
        model=description["checkpoint"],  # what a server calls its model unless told otherwise
        health=settings["health"],
        log=log,
    )


def filled(word: str, values: dict[str, object]) -> str:
    """A word of the command with its `{names}` replaced; any other brace, as in JSON, stays."""
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", str(value))
    return word
