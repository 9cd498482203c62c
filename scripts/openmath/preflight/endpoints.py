"""Keys and addresses of hosted judges and models."""

import os
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from openmath.engines import read_engine
from openmath.errors import InputError
from openmath.plan.files import Inventory
from openmath.plan.judging import calls_left
from openmath.preflight.needs import Needs
from openmath.settings.engine_kinds import engine_kind

SECONDS = 10.0


class Endpoint(NamedTuple):
    where: str  # in the configuration
    base_url: str
    key_variable: str | None


def check_endpoints(needs: Needs, *, here: bool) -> list[InputError]:
    """Keys that are not set; and where the requests are sent from this machine, endpoints that do not answer or refuse the key."""
    asked = []
    for judge in needs.judging:
        settings = needs.config["judges"][judge]
        if "self_hosted" not in settings and not needs.replays(judge):
            asked.append((Endpoint(f"judges: {judge}", settings["base_url"], settings.get("api_key_env")), judge))
    for model in needs.running:
        settings = needs.config["models"][model]
        if engine_kind(settings["engine"]).hosted:
            asked.append((Endpoint(f"models: {model}", settings["base_url"], settings.get("api_key_env")), None))
    with ThreadPoolExecutor(max(1, len(asked))) as pool:
        found = list(pool.map(lambda item: check_endpoint(item[0], here=here), asked))
    found = [
        p for p, (_, judge) in zip(found, asked, strict=True) if p and not (judge and nothing_to_ask(needs, judge))
    ]
    return found + [problem for model in needs.running for problem in check_description(needs, model)]


def check_description(needs: Needs, model: str) -> list[InputError]:
    """Whether engine.json, which names programs, addresses and the key, says what the configuration does.

    A folder of models from somebody else could name a program, or another address and any variable of ours as its key.
    """
    path, settings = Path(f"models/{model}/engine/engine.json"), needs.config["models"][model]
    if str(path) in needs.due or not path.exists():
        return []
    try:
        description = read_engine(path.parent)
    except InputError as problem:
        return [problem]
    keys = ("engine", "base_url", "served_model", "api_key_env", "serve")
    places = needs.config["engines"].get(settings["engine"], {}) | settings, description | description["settings"]
    expected, found = ({key: values[key] for key in keys if values.get(key)} for values in places)
    if expected == found:
        return []
    hint = f"remove {path} to have it made again."
    return [
        InputError(
            "The engine is not the one in the configuration.", where=path, expected=expected, found=found, hint=hint
        )
    ]


def check_endpoint(endpoint: Endpoint, *, here: bool) -> InputError | None:
    key = os.environ.get(endpoint.key_variable) if endpoint.key_variable else "none"
    if not key:
        return InputError(
            "The API key is not set.",
            where=endpoint.where,
            expected=f"the environment variable {endpoint.key_variable}",
            hint=f"export {endpoint.key_variable}=...; or for a judge set `replay: true` where the store holds every verdict, or "
            "`judges: {}` for symbolic grading only.",
        )
    if not here:
        return None
    request = urllib.request.Request(f"{endpoint.base_url}/models")
    request.add_unredirected_header("Authorization", f"Bearer {key}")  # a redirect may name any host
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return None
    except urllib.error.HTTPError as error:  # it answers; not every endpoint lists its models
        if error.code not in (401, 403):
            return None
        found, hint = f"HTTP {error.code}", f"is {endpoint.key_variable} the key of this endpoint?"
        return InputError(
            "The endpoint refuses the key.", where=f"{endpoint.where}: {endpoint.base_url}", found=found, hint=hint
        )
    except (OSError, ValueError) as error:  # URLError is an OSError
        return InputError(
            "The endpoint does not answer.",
            where=f"{endpoint.where}: {endpoint.base_url}",
            found=getattr(error, "reason", error),
            hint="is the address right, the server up, and is there a network here (proxy variables)?",
        )


def nothing_to_ask(needs: Needs, judge: str) -> bool:
    """Whether every verdict is in the store: then neither key nor endpoint is used."""
    if not needs.answers_exist(judge):
        return False
    return calls_left(Inventory(needs.config, needs.due), judge) == 0
