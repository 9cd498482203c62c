"""An endpoint that somebody else runs: a hosted API, or a server that is already up. Takes chat messages."""

import os
from pathlib import Path

from openmath.client.completion import HostedEndpoint
from openmath.errors import InputError
from openmath.files.records import EngineRecord


def engine_version(command: str | None) -> str:
    return "endpoint"


def server(description: EngineRecord, *, command: str | None, args: str, log: Path) -> HostedEndpoint:
    variable = description["settings"].get("api_key_env")
    if variable and not os.environ.get(variable):
        raise InputError(
            "The API key of the endpoint is not set.",
            where=description["settings"]["base_url"],
            expected=f"the environment variable {variable}",
            hint=f"export {variable}=...",
        )
    return HostedEndpoint(
        base_url=description["settings"]["base_url"],
        api_key=os.environ[variable] if variable else "none",
        model=description["settings"]["served_model"],
    )
