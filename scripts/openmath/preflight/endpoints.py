"""Keys and addresses of hosted judges and models."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
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
    judge: str | None  # that it serves; None: a model to evaluate

    @property
    def key(self) -> str | None:
        return os.environ.get(self.key_variable) if self.key_variable else "none"


def endpoints(needs: Needs) -> list[Endpoint]:
    """Endpoints of the judges to be asked and of the models to be run."""
    found = []
    for judge in needs.judging:
        settings = needs.config["judges"][judge]
        if "self_hosted" not in settings and not needs.replays(judge):
            found.append(Endpoint(f"judges: {judge}", settings["base_url"], settings.get("api_key_env"), judge))
    for model in needs.running:
        settings = needs.config["models"][model]
        if engine_kind(settings["engine"]).hosted:
            found.append(Endpoint(f"models: {model}", settings["base_url"], settings.get("api_key_env"), None))
    return found


def check_keys(needs: Needs) -> Iterator[InputError]:
    """Keys that are not set; descriptions of engines that would send one to another address. No request."""
    for endpoint in endpoints(needs):
        if not endpoint.key and not nothing_to_ask(needs, endpoint):
            yield InputError(
                "The API key is not set.",
                where=endpoint.where,
                expected=f"the environment variable {endpoint.key_variable}",
                hint=f"export {endpoint.key_variable}=... (a plan or a dry run uses no key: any value will do); or for a judge set "
                "`replay: true` where the store holds every verdict, or `judges: {}` for symbolic grading only.",
            )
    for model in needs.running:
        yield from check_description(needs, model)


def check_answers(needs: Needs) -> list[InputError]:
    """Endpoints that do not answer this machine or refuse the key. One request to each."""
    asked = [endpoint for endpoint in endpoints(needs) if endpoint.key]
    with ThreadPoolExecutor(max(1, len(asked))) as pool:
        found = list(pool.map(check_answer, asked))
    return [p for p, endpoint in zip(found, asked, strict=True) if p and not nothing_to_ask(needs, endpoint)]


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
    hint = f"move {path} away to have it made again."
    return [
        InputError(
            "The engine is not the one in the configuration.", where=path, expected=expected, found=found, hint=hint
        )
    ]


def check_answer(endpoint: Endpoint) -> InputError | None:
    request = urllib.request.Request(f"{endpoint.base_url}/models")
    request.add_unredirected_header("Authorization", f"Bearer {endpoint.key}")  # a redirect may name any host
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


def nothing_to_ask(needs: Needs, endpoint: Endpoint) -> bool:
    """Whether every verdict is in the judge's store: then neither key nor endpoint is used."""
    if endpoint.judge is None or not needs.answers_exist(endpoint.judge):
        return False
    return calls_left(Inventory(needs.config, needs.due), endpoint.judge) == 0
