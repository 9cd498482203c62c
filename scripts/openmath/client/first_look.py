"""Before the first question: does the endpoint answer, does it take the key, does it have the model? One or two requests."""

import difflib
import json
from urllib.parse import quote, urlsplit

from openmath.api_keys import SHOWN_PART, without_key, without_key_inside
from openmath.client.failures import status_hint, status_text, transport_hint, words_of
from openmath.client.http import SEARCHED, SHOWN, BadReply, Reply, TransportError, fetch
from openmath.errors import InputError

SECONDS = 10.0  # for each request
MOST_BYTES = 8 * 2**20  # of a list of models; the longest known, of a reseller, has 0.5 MB
SHOWN_NAMES = 10
LISTS_OTHERS = (".azure.com",)  # Azure lists the models that could be deployed; requests name deployments


class Unreachable(InputError):
    """No reply at all: it may come later, and whoever tries again need not stop."""


def look_at_endpoint(
    base_url: str, api_key: str, model: str | None, *, where: str, key_variable: str | None = None
) -> None:
    """Raise InputError where this endpoint refuses the key, leads elsewhere or has no such model; Unreachable where none answers.

    An endpoint that does not list its models passes. where: what names the endpoint for the user. model: None is not looked for.
    """
    base_url = base_url.rstrip("/")
    reply = _get(f"{base_url}/models", api_key, where)
    location = without_key(reply.headers.get("location", ""), api_key)
    found = status_text(reply.status, words_of(_content(reply, api_key))[:SHOWN], location)
    if reply.status in (401, 403) or (reply.status == 400 and "api key" in found.lower()):  # 400: Gemini
        hint = f"is {key_variable} the key of this endpoint?" if key_variable else status_hint(reply.status, base_url)
        raise InputError("The endpoint refuses the key.", where=where, found=found, hint=hint)
    if 300 <= reply.status < 400 and location:
        hint = status_hint(reply.status, base_url, location)
        raise InputError("The endpoint is elsewhere.", where=where, found=found, hint=hint)
    names = [_own(name) for name in _listed(_content(reply, api_key))] if reply.status == 200 else []
    model = _own(model) if model else model
    if model is None or not names or model in names or (urlsplit(base_url).hostname or "").endswith(LISTS_OTHERS):
        return
    one = _content(_get(f"{base_url}/models/{quote(model)}", api_key, where), api_key)
    meant = _own(name) if isinstance(one, dict) and isinstance(name := one.get("id"), str) else ""
    if meant == model or meant.startswith(f"{model}-"):  # an alias that the list leaves out, or what it stands for
        return
    near = difflib.get_close_matches(model, names, 1)
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    raise InputError(
        "The endpoint has no model of this name.",
        where=where,
        expected=", ".join(near + [name for name in names if name not in near][: SHOWN_NAMES - len(near)]) + more,
        found=model,
        hint=f"did you mean {near[0]!r}?"
        if near
        else "give the name as the endpoint lists it (served_model, or a judge's model).",
    )


def _own(name: str) -> str:
    """A model's name as requests have it: Gemini's list, and its users, may put models/ before it."""
    return name.removeprefix("models/")


def _get(url: str, api_key: str, where: str) -> Reply:
    try:
        return fetch(url, seconds=SECONDS, api_key=api_key, most_bytes=MOST_BYTES)
    except (TransportError, BadReply) as error:
        found = without_key(" ".join(f"{type(error).__name__} {error}".split()), api_key)[:SHOWN]
        raise Unreachable(
            "The endpoint does not answer.", where=where, found=found, hint=transport_hint(error)
        ) from None


def _content(reply: Reply, api_key: str) -> object:
    """The reply's JSON, or its beginning as text; without the key."""
    try:
        return without_key_inside(json.loads(reply.body), api_key, part=SHOWN_PART)
    except (ValueError, RecursionError):
        return without_key(reply.body[:SEARCHED].decode("utf-8", "replace"), api_key)


def _listed(content: object) -> list[str]:
    """Names in a list of models: OpenAI's {"data": [{"id"}]}, or the list alone."""
    models = content.get("data") if isinstance(content, dict) else content
    names = [model.get("id") for model in models if isinstance(model, dict)] if isinstance(models, list) else []
    return [name for name in names if isinstance(name, str)]
