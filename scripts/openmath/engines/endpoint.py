"""An endpoint that somebody else runs: a hosted API, or a server that is already up. Takes chat messages."""

from pathlib import Path

from openmath.api_keys import read_key
from openmath.client.completion import HostedEndpoint
from openmath.errors import InputError
from openmath.files.records import EngineRecord


def engine_version(command: str | None) -> str:
    return "endpoint"


def server(description: EngineRecord, *, command: str | None, args: str, log: Path) -> HostedEndpoint:
    settings = description["settings"]
    variable = settings.get("api_key_env")
    key = read_key(variable)
    if key is None:
        raise InputError(
            "The API key of the endpoint is not set.",
            where=settings["base_url"],
            expected=f"the environment variable {variable}",
            hint=f"export {variable}=...",
        )
    return HostedEndpoint(base_url=settings["base_url"], api_key=key, model=settings["served_model"])
