"""Keys and addresses of hosted judges and models."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from openmath.api_keys import NO_KEY, read_key
from openmath.client.first_look import look_at_endpoint
from openmath.engines import read_engine
from openmath.errors import InputError
from openmath.plan.files import Inventory
from openmath.plan.judging import calls_left
from openmath.preflight.needs import Needs
from openmath.settings.engine_kinds import engine_kind


class Endpoint(NamedTuple):
    where: str  # in the configuration
    base_url: str
    key_variable: str | None
    model: str  # by the endpoint's name
    judge: str | None  # that it serves; None: a model to evaluate

    @property
    def key(self) -> str | None:
        """None where it is not set. Raises InputError where it is no key."""
        return read_key(self.key_variable)


def endpoints(needs: Needs) -> list[Endpoint]:
    """Endpoints of the judges to be asked and of the models to be run."""
    found = []
    for judge in needs.judging:
        settings = needs.config["judges"][judge]
        if "self_hosted" not in settings and not needs.replays(judge):
            place = f"judges: {judge}"
            found.append(Endpoint(place, settings["base_url"], settings.get("api_key_env"), settings["model"], judge))
    for model in needs.running:
        settings = needs.config["models"][model]
        if engine_kind(settings["engine"]).hosted:
            place, name = f"models: {model}", settings["served_model"]
            found.append(Endpoint(place, settings["base_url"], settings.get("api_key_env"), name, None))
    return found


def check_keys(needs: Needs) -> Iterator[InputError]:
    """Keys that are not set or are none; descriptions of engines that would send one to another address. No request."""
    for endpoint in endpoints(needs):
        problem = key_problem(endpoint)
        if problem and not nothing_to_ask(needs, endpoint):
            yield problem
    for model in needs.running:
        yield from check_description(needs, model)


def key_problem(endpoint: Endpoint) -> InputError | None:
    """A key that is not set, or cannot be one."""
    try:
        key = endpoint.key
    except InputError as problem:
        return problem
    if key is not None:
        return None
    return InputError(
        "The API key is not set.",
        where=endpoint.where,
        expected=f"the environment variable {endpoint.key_variable}",
        hint=f"export {endpoint.key_variable}=... (a plan or a dry run uses no key: any value will do); or for a judge set "
        "`replay: true` where the store holds every verdict, or `judges: {}` for symbolic grading only.",
    )


def check_answers(needs: Needs) -> list[InputError]:
    """Endpoints that do not answer this machine, refuse the key or have no such model. A request or two to each."""
    asked = [endpoint for endpoint in endpoints(needs) if not key_problem(endpoint)]
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
    where = f"{endpoint.where}: {endpoint.base_url}"
    try:
        key = endpoint.key or NO_KEY
        look_at_endpoint(endpoint.base_url, key, endpoint.model, where=where, key_variable=endpoint.key_variable)
    except InputError as problem:
        return problem
    return None


def nothing_to_ask(needs: Needs, endpoint: Endpoint) -> bool:
    """Whether every verdict is in the judge's store: then neither key nor endpoint is used."""
    if endpoint.judge is None or not needs.answers_exist(endpoint.judge):
        return False
    return calls_left(Inventory(needs.config, needs.due), endpoint.judge) == 0
