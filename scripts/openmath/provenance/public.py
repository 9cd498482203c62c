"""What may be published. A manifest goes into papers' supplements: no secret, no path, user or host of this machine."""

import os
import re
from typing import Any

from openmath.errors import InputError

FOLDERS = re.compile(r"(?<![\w:/.~])/(?:[^\s/,;:='\"]+/)+(?=[^\s/])")  # all of an absolute path but its last part
LOCAL_ADDRESS = re.compile(r"(https?://)(?:[^\s/:@.]+|\d+(?:\.\d+){3})(?=[:/]|$)")  # a bare host name, or an IP address
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL")
SECRET_SHAPE = re.compile(r"\b(?:sk-|hf_|nvapi-)[A-Za-z0-9_-]{16,}")
SHORTEST_SECRET = 8  # characters; shorter values of such variables are switches, as in TOKENIZERS_PARALLELISM=false


def public(value: Any) -> Any:
    """The same record with every absolute path cut to its last part, and local addresses made anonymous."""
    if isinstance(value, dict):
        return {public(key): public(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [public(entry) for entry in value]
    if isinstance(value, str):
        return LOCAL_ADDRESS.sub(r"\1local", FOLDERS.sub(".../", value))
    return value


def check_no_secret(text: str) -> None:
    """InputError if the text holds the value of an environment variable that is named like a secret, or looks like a key."""
    for name, value in os.environ.items():
        if SECRET_NAME.search(name) and len(value) >= SHORTEST_SECRET and value in text:
            raise _secret(f"the value of {name}")
    if SECRET_SHAPE.search(text):
        raise _secret("something that looks like a key")


def _secret(found: str) -> InputError:
    return InputError(
        "The manifest would contain a secret; it is not written.",
        expected="names of environment variables, never their values",
        found=found,
        hint="take it out of the configuration (`args` of an engine?), and revoke it: it is also in the logs.",
    )
